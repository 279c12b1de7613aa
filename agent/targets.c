/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/targets.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/signals.h"
#include "agent/target/cgroup.h"
#include "agent/target/images.h"
#include "agent/target/reader.h"
#include "agent/util/clock.h"
#include "agent/v8/symfiles.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define TRIM_NS 10000000000ull
#define DESCRIPTORS 16384
#define SOON_NS 300000000ull
#define READING_NS 150000000ull /* that attaching waits for a file to be read; it is tried again later */
#define READING_ALL_NS 5000000000ull /* the same at the start */
#define SLICE_NS \
	20000000ull /* for attaching, between two looks at what runs late and at the keyboard */

struct lt_watch *lt_targets__find(const struct lt_targets *targets, uint32_t tgid)
{
	for (size_t i = 0; i < targets->n; i++)
		if ((uint32_t)targets->pids[i] == tgid)
			return targets->watches[i];
	return NULL;
}

static int add_watch(struct lt_targets *targets, int pid)
{
	int err;

	if (targets->n == LT_TARGETS_MAX)
		return lt_err(-ENOSPC, "attach to pid %d: %d targets are the most", pid,
			      LT_TARGETS_MAX);
	err = lt_watch__new(pid, &targets->common, !targets->by_rule,
			    &targets->watches[targets->n]);
	if (!err)
		targets->pids[targets->n++] = pid;
	return err;
}

/* Is there room for another? That there is not is said once: they may be hundreds. */
static bool has_room(struct lt_targets *targets)
{
	if (targets->n < LT_TARGETS_MAX)
		return true;
	if (!targets->told_full)
		lt_err(-ENOSPC,
		       "look for processes: %d targets are the most; the others are left out (name those that "
		       "matter by pid, or with --name)",
		       LT_TARGETS_MAX);
	targets->told_full = true;
	return false;
}

/* It has ended since it was found; or it is about to, or runs another program, and has no loop any more. Or we end. */
static bool has_gone(int err)
{
	return err == -ESRCH || err == -ENOEXEC || err == -ECANCELED;
}

/* It cannot be looked at now: it is told of once, and tried again. */
static void wait_for_answer(struct lt_targets *targets, int pid)
{
	if (lt_arrivals__silent(targets->arrivals, pid))
		lt_warn_err(-ETIMEDOUT, "attach to pid %d: %s", pid, lt_reader__says());
}

/* Attaches to a process that was found. It may go meanwhile, which is no error then. What else goes wrong is
 * told, at the start in full: it is tried again for that. */
static void add_found(struct lt_targets *targets, const struct lt_found *found, bool at_start)
{
	uint64_t begin_ns = lt_now_ns();
	int err;

	if (!has_room(targets))
		return;
	lt_log_demote(true);
	err = add_watch(targets, found->pid);
	lt_log_demote(false);
	if (err == -EAGAIN) {
		lt_arrivals__later(targets->arrivals, found->pid);
		lt_arrivals__spent(targets->arrivals, lt_now_ns() - begin_ns);
		return;
	}
	if (err && !has_gone(err) && err != -ETIMEDOUT && at_start)
		err = add_watch(targets, found->pid);
	if (!err)
		lt_watch__set_seen(targets->watches[targets->n - 1], found->seen_time);
	else if (err == -ETIMEDOUT)
		wait_for_answer(targets, found->pid);
	else if (!has_gone(err) && !at_start)
		lt_err(err, "attach to pid %d: %s (looptop check %d says more)", found->pid,
		       strerror(-err), found->pid);
	lt_arrivals__spent(targets->arrivals, lt_now_ns() - begin_ns);
}

/* Attaches to what was found since; at the start to all of it. What is left is for the next time. */
static void add_arrivals(struct lt_targets *targets, bool all, uint64_t deadline_ns)
{
	struct lt_found found;

	while (!lt_signals__stopped() && lt_now_ns() < deadline_ns && lt_arrivals__next(targets->arrivals, all, &found)) {
		/* The one that had this pid before gets its last row first. */
		if (lt_targets__find(targets, (uint32_t)found.pid))
			lt_arrivals__later(targets->arrivals, found.pid);
		else
			add_found(targets, &found, all);
	}
}

void lt_targets__look(struct lt_targets *targets)
{
	struct lt_probe *probe = targets->common.probe;

	if (!targets->arrivals)
		return;
	lt_arrivals__look(targets->arrivals, probe && lt_probe__tells_begins(probe),
			  probe ? lt_probe__begins_left(probe) : 0);
	add_arrivals(targets, false, lt_now_ns() + SLICE_NS);
	lt_images__sweep(targets->common.images);
}

/* Those named must be there; one that is not is an error unless others are. */
static int add_named(struct lt_targets *targets)
{
	int first_error = 0;

	for (size_t i = 0; i < targets->common.options->n_pids; i++) {
		int err = lt_signals__stopped() ?
				  -ECANCELED :
				  add_watch(targets, targets->common.options->pids[i]);

		if (err == -ECANCELED)
			return err;
		if (err && !first_error)
			first_error = err;
	}
	return targets->n ? 0 : first_error;
}

/* Hundreds of targets, with some open files each. What the limit forbids is opened each time instead. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int lt_targets__open(struct lt_targets *targets, enum lt_start start)
{
	uint64_t deadline_ns = start == LT_START_SOON ? lt_now_ns() + SOON_NS : UINT64_MAX;
	int err;

	raise_descriptor_limit();
	targets->common.cgroups = lt_cgroups__new();
	targets->common.symfiles = lt_symfiles__new();
	if (!targets->common.symfiles || !targets->common.cgroups)
		return lt_err(-ENOMEM, "look for processes: out of memory");
	if (targets->common.options->n_pids)
		return add_named(targets);
	targets->arrivals =
		lt_arrivals__new(targets->common.options->name_glob,
				 targets->common.options->generic, targets->common.images);
	if (!targets->arrivals)
		return lt_err(-ENOMEM, "look for processes: out of memory");
	lt_images__set_patience(targets->common.images,
				start == LT_START_SOON ? READING_NS : READING_ALL_NS);
	err = lt_arrivals__look_at_all(targets->arrivals, deadline_ns);
	if (err)
		return lt_err(err, "look for processes: %s", strerror(-err));
	add_arrivals(targets, true, deadline_ns);
	lt_images__set_patience(targets->common.images, READING_NS);
	if (lt_signals__stopped())
		return -ECANCELED;
	if (targets->n || start != LT_START_WITH_TARGETS)
		return 0;
	if (targets->common.options->name_glob)
		return lt_err(
			-ESRCH,
			"look for processes: none with an event loop is named %s (see looptop "
			"list)",
			targets->common.options->name_glob);
	return lt_err(
		-ESRCH,
		"look for processes: none has an event loop that may be looked at (name one by "
		"its pid, or see looptop check)");
}

/* A target's records lie between those of others: when it has gone, the heap keeps its pages until it is asked. It
 * takes a millisecond or two, so not for each. */
static void give_back(struct lt_targets *targets)
{
	uint64_t now_ns = lt_now_ns();

	if (now_ns - targets->trimmed_ns < TRIM_NS)
		return;
	malloc_trim(0);
	targets->trimmed_ns = now_ns;
}

void lt_targets__drop_ended(struct lt_targets *targets)
{
	size_t kept = 0, before = targets->n;

	for (size_t i = 0; i < targets->n; i++) {
		if (lt_watch__ended(targets->watches[i])) {
			lt_watch__free(targets->watches[i]);
			continue;
		}
		targets->watches[kept] = targets->watches[i];
		targets->pids[kept++] = targets->pids[i];
	}
	targets->n = kept;
	if (kept < before)
		give_back(targets);
}

void lt_targets__close(struct lt_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		lt_watch__free(targets->watches[i]);
	targets->n = 0;
	lt_arrivals__free(targets->arrivals);
	targets->arrivals = NULL;
	lt_symfiles__free(targets->common.symfiles);
	targets->common.symfiles = NULL;
	lt_cgroups__free(targets->common.cgroups);
	targets->common.cgroups = NULL;
}
