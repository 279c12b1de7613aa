/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop check: what this host and one process allow, and what each gap costs. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/cmd/cmd.h"
#include "agent/probe/guard.h"
#include "agent/probe/probe.h"
#include "agent/target/handles.h"
#include "agent/target/identity.h"
#include "agent/util/privilege.h"

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

static void check_privileges(const struct lt_features *features, bool perf_only)
{
	bool multi = lt_features__multi_expected(features, perf_only);
	char names[LT_CAPABILITIES_SIZE];

	lt_capabilities(multi, false, names, sizeof(names));
	printf("  smallest set         %s\n", names);
	if (!lt_capabilities(multi, true, names, sizeof(names)))
		printf("  privileges           all that are needed\n");
	else
		printf("  privileges           missing: %s\n", names);
}

/* What a run as this one has left once its programs are loaded. */
static void check_giving_up(const struct lt_features *features)
{
	uint64_t attaching = features->error ? 0 : lt_capabilities__attaching(features);
	char kept[LT_CAPABILITY_NAMES_SIZE];

	lt_capability_names(lt_privilege__kept(LT_DUTY_MAIN, attaching), kept, sizeof(kept));
	printf("  after start          keeps %s, and %zu system calls\n", kept,
	       lt_privilege__n_calls(LT_DUTY_MAIN, attaching));
}

static const char *no_stacks(const struct lt_features *features)
{
	const char *why = lt_features__no_stacks(features);

	if (!why && !lt_may_sample())
		why = "kernel.perf_event_paranoid is 3 or more, which takes CAP_SYS_ADMIN, or 2 there";
	return why;
}

static void check_feature(const char *what, const char *how, const char *why_not)
{
	printf("  %-20s %s%s\n", what, why_not ? "no: " : how, why_not ? why_not : "");
}

/* How programs would be measured that are neither Node.js nor libuv. */
static const char *waits(void)
{
	switch (lt_wait_way__find(LT_WAITS_NONE)) {
	case LT_WAITS_FUNCTIONS:
		return "yes, by fentry: it costs nobody else";
	case LT_WAITS_TRACEPOINTS:
		return "by tracepoints: while one is measured, each system call of the host takes about 0.1 "
		       "us longer (fentry is not allowed here)";
	default:
		return "by raw tracepoints: while one is measured, each system call of the host takes about "
		       "0.2 us longer (fentry is not allowed here, and tracefs is not mounted)";
	}
}

static void check_host(const struct lt_features *features, bool perf_only)
{
	struct utsname uts;

	uname(&uts);
	printf("host\n");
	printf("  kernel               %s %s\n", uts.release, uts.machine);
	printf("  BTF of the kernel    %s\n", yes(features->kernel_btf));
	check_feature("causes of busy time", "yes, by scheduler events",
		      lt_features__no_causes(features));
	check_feature("stacks of stalls", "yes, sampled while a turn is late",
		      no_stacks(features));
	if (features->error) {
		printf("  uprobes              no: %s\n", features->why_not);
	} else {
		printf("  uprobes              yes, by %s\n",
		       features->uprobe_multi ? "uprobe_multi links" :
						"perf events");
		printf("  probes are told      %s\n",
		       features->attach_cookie ? "apart by their links"
					       : "apart by their addresses (before Linux 5.15)");
		printf("  shared counters      %s\n", features->atomic_fetch
							      ? "by atomic operations"
							      : "under a lock (before Linux 5.12)");
		printf("  cost of one hit      %.0f ns, calibrated now\n", features->hit_cost_ns);
	}
	if (!features->error)
		printf("  any epoll loop       %s\n", waits());
	check_privileges(features, perf_only);
	check_giving_up(features);
}

static const char *const group_names[LT_GROUP_MAX] = {
	[LT_GROUP_WAIT] = "wait, phases, full",
	[LT_GROUP_PHASES] = "phases, full",
	[LT_GROUP_FULL] = "full",
	[LT_GROUP_POOL] = "thread pool",
	[LT_GROUP_GC] = "garbage collection",
	[LT_GROUP_JIT] = "compilation",
};

static void check_v8(const struct lt_v8_layout *v8)
{
	static const char *const levels[] = {
		[LT_V8_NONE] = "native symbols only",
		[LT_V8_NAMES] = "functions and files",
		[LT_V8_LINES] = "functions, files, exact lines, inlined calls",
	};

	if (!v8->major)
		return;
	printf("  V8 %d.%d.%-11d stacks: %s%s%s\n", v8->major, v8->minor, v8->build, levels[v8->level],
	       v8->why_not[0] ? "; " : "", v8->why_not);
	if (v8->level > LT_V8_NONE && v8->c_entry_fp == LT_V8_UNKNOWN)
		printf("  missing              c_entry_fp: JavaScript below native code without frame pointers is "
		       "not seen\n");
}

static void check_heap(const struct lt_v8_layout *v8)
{
	const struct lt_heap_layout *sizes = &v8->sizes;

	if (!v8->major)
		return;
	if (!sizes->version)
		printf("  V8 heap              no: %s\n", sizes->why_not);
	else
		printf("  V8 heap              isolate+%#x, spaces at heap+%#x: decoded from "
		       "GetHeapStatistics(), GetHeapSpaceStatistics();\n"
		       "                       the rest by the table of V8 %d.%d, as their code reads it\n",
		       (unsigned)sizes->heap, (unsigned)sizes->spaces, v8->major, v8->minor);
}

static void check_image(const struct lt_module *module)
{
	const struct lt_image *image = module->image;
	struct lt_identity identity;
	const char *why_not;
	size_t stepped = 0;

	printf("  file                 %s\n", module->path);
	check_v8(&image->v8);
	check_heap(&image->v8);
	printf("  build-id             %s\n", image->build_id[0] ? image->build_id : "none");
	if (lt_identify(module->fd, &identity, &why_not))
		printf("  site cache           not kept: %s\n", why_not);
	if (image->stripped)
		printf("  symbols              stripped: internal functions were found by structure\n");
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];

		stepped += site->cost == LT_SITE_STEPPED;
		printf("  %-20s %-64s %s\n", group_names[site->group], site->symbol,
		       site->cost == LT_SITE_STEPPED ? "single-stepped, about 5 times the cost" : "cheap");
	}
	printf("  %zu probe points, %zu of them single-stepped\n", image->n_sites, stepped);
	for (size_t i = 0; i < image->n_missing; i++)
		printf("  missing              %s\n", image->missing[i]);
}

/* What libuv says of the last seconds gives the estimate: traps for each turn of the loop. */
static void estimate(const struct lt_target *target, double hit_cost_ns)
{
	static const struct {
		const char *tier;
		double traps;
	} tiers[] = { { "wait", 2 }, { "phases", 4 }, { "full", 9 } };
	struct lt_loop_mem before, after;

	if (lt_read_loop(target, 0, &before) || before.iterations == UINT64_MAX)
		return;
	usleep(500000);
	if (lt_read_loop(target, 0, &after))
		return;
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		double turns = (double)(after.iterations - before.iterations) * 1e9 /
			       (double)(after.read_ns - before.read_ns);

		printf("  estimate for %-7s %.2f %% of a core (%.0f turns/s now, %.0f traps each)\n",
		       tiers[i].tier, turns * tiers[i].traps * hit_cost_ns / 1e7, turns, tiers[i].traps);
	}
}

/* Whether the loop that can be read without a probe gives its handles away, as it does at every tier. */
static void check_handles(const struct lt_target *target)
{
	const char *why_not = lt_handles__why_not(target);
	struct lt_handles *handles = why_not ? NULL : lt_handles__new(target);
	struct lt_handles_mem mem = { 0 };
	struct lt_loop_mem loop;
	unsigned open = 0;

	if (why_not || !handles) {
		printf("  handles              no: %s\n", why_not ? why_not : "out of memory");
		return;
	}
	if (lt_read_loop(target, 0, &loop) || lt_handles__read(handles, loop.loop_ptr, &mem)) {
		printf("  handles              known with probes only: the default loop is not in use\n");
	} else {
		for (int i = 0; i < LT_UV_KINDS; i++)
			open += mem.kinds[i].open;
		if (mem.walked)
			printf("  handles              yes, %u open in the main loop\n", open);
		else
			printf("  handles              not now: the list changes too fast, or makes no sense\n");
	}
	lt_handles__free(handles);
}

static int check_pid(int pid, const struct lt_features *features)
{
	struct lt_target *target;
	int err = lt_target__open(pid, &target);

	if (err)
		return err;
	printf("\nprocess %d (%s)\n", pid, target->name);
	if (target->generic)
		printf("  runtime              generic: each thread that waits in epoll is a loop\n"
		       "  best tier            wait, by its system calls (see above); no sites are probed\n");
	else
		printf("  runtime              %s%s%s, libuv %s\n", target->runtime,
		       target->runtime_version[0] ? " " : "", target->runtime_version,
		       target->uv_version[0] ? target->uv_version : "of unknown version");
	if (!target->generic)
		check_handles(target);
	for (size_t i = 0; i < target->n_modules; i++)
		check_image(&target->modules[i]);
	if (!features->error && !target->generic)
		estimate(target, features->hit_cost_ns);
	lt_target__close(target);
	return 0;
}

static enum lt_exit run(const struct lt_options *options)
{
	struct lt_features features;
	struct lt_guard *guard;
	int err = lt_guard__new(&guard);

	if (err)
		return lt_exit_of(err);
	lt_features__probe(guard, &features, options->perf_only);
	lt_guard__free(guard);
	if (options->oldest_way)
		lt_features__forgo(&features);
	check_host(&features, options->perf_only);
	lt_privilege__enter(LT_DUTY_MAIN, 0);
	for (size_t i = 0; i < options->n_pids; i++) {
		int one = check_pid(options->pids[i], &features);

		if (one && !err)
			err = one;
	}
	return lt_exit_of(features.error ? features.error : err);
}

const struct lt_cmd lt_cmd_check = { "check", run };
