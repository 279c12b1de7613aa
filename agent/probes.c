/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probes.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/probe/guard.h"
#include "agent/target/files.h"
#include "looptop/err.h"

#define TARGETS_NAMED_MIN 16 /* tables for so many, when targets are named */

/* May there be targets that are neither Node.js nor programs with libuv inside? */
static bool names_generic(const struct lt_options *options)
{
	struct lt_files *files = options->n_pids ? lt_files__new() : NULL;
	bool found = !options->n_pids && options->generic;

	for (size_t i = 0; files && !found && i < options->n_pids; i++)
		found = !lt_files__any_has_loop(files, options->pids[i]);
	lt_files__free(files);
	return found;
}

/* The programs that see system calls are loaded only where somebody needs them. */
static int choose_waits(const struct lt_options *options, struct lt_probe_opts *opts)
{
	if (!names_generic(options))
		return 0;
	opts->waits = lt_wait_way__find(options->waits);
	if (opts->waits != LT_WAITS_NONE)
		return 0;
	return lt_err(-EOPNOTSUPP,
		      "--waits %s: this kernel, or this process's view of it, does not have that "
		      "(see looptop check)",
		      lt_wait_way__name(options->waits));
}

int lt_probes__load(const struct lt_options *options, struct lt_probes *ret_probes)
{
	unsigned targets = options->n_pids ? (unsigned)options->n_pids : 64;
	struct lt_probe_opts opts = {
		.stall_ns = (uint64_t)(options->stall_seconds * 1e9),
		.max_targets = targets < TARGETS_NAMED_MIN ? TARGETS_NAMED_MIN : targets,
		.tell_begins = !options->n_pids,
		/* "auto" is with the view of a process, which only the dashboard has */
		.no_jit = options->jit == LT_JIT_OFF ||
			  (options->jit == LT_JIT_AUTO && strcmp(options->command, "top") != 0),
	};
	int err;

	ret_probes->features.hit_cost_ns = NAN;
	if (options->tier == LT_TIER_MEMORY)
		return 0;
	err = lt_guard__new(&ret_probes->guard);
	if (err)
		return err;
	opts.guard = ret_probes->guard;
	lt_features__probe(ret_probes->guard, &ret_probes->features, options->perf_only);
	if (ret_probes->features.error == -ECANCELED)
		return -ECANCELED;
	if (options->oldest_way)
		lt_features__forgo(&ret_probes->features);
	err = choose_waits(options, &opts);
	if (err)
		return err;
	return lt_probe__new(&opts, &ret_probes->features, &ret_probes->probe);
}

void lt_probes__free(struct lt_probes *probes)
{
	lt_probe__free(probes->probe);
	lt_guard__free(probes->guard);
}
