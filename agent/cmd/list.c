/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop list: which processes have event loops, what they run, and the best tier for each. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd/cmd.h"
#include "agent/target/discover.h"
#include "agent/target/process.h"
#include "agent/target/reader.h"
#include "agent/target/waits.h"
#include "agent/util/clock.h"
#include "agent/util/fmt.h"
#include "agent/util/group.h"
#include "agent/util/privilege.h"
#include "looptop/runtime.h"

#define PIDS_MAX    4096
#define THREADS_MAX 1024

/* Loops that can be seen without a probe: the main one, and those of sleeping threads. */
static int count_loops(const struct lt_target *target)
{
	bool node = target->runtime && !strcmp(target->runtime, "node");
	int tids[THREADS_MAX], loops = 0;
	int n = lt_process_threads(target->pid, tids, THREADS_MAX);

	for (int i = 0; i < n; i++) {
		struct lt_loop_mem mem;
		uint64_t loop_ptr = 0, sp;

		if (target->generic) {
			loops += lt_thread_in_wait(target->pid, tids[i], &sp) == 0;
			continue;
		}
		if (tids[i] != target->pid && lt_find_thread_loop(target, tids[i], &loop_ptr))
			continue;
		if (lt_read_loop(target, loop_ptr, &mem) == 0 &&
		    (tids[i] == target->pid || mem.has_check || !node))
			loops++;
	}
	return loops;
}

static const char *best_tier(const struct lt_target *target)
{
	const struct lt_module *uv = lt_target__uv_module(target);

	if (target->generic)
		return "wait";
	for (size_t i = 0; uv && i < uv->image->n_sites; i++)
		if (uv->image->sites[i].group == LT_GROUP_FULL)
			return "full";
	return "memory";
}

static void print_target(const struct lt_target *target, bool grouped)
{
	char how[64], name[sizeof(target->name) + 4];

	if (target->generic)
		snprintf(how, sizeof(how), "an epoll descriptor");
	else
		snprintf(how, sizeof(how), "symbols in %s",
			 target->n_modules && !strcmp(target->modules[0].path, target->exe)
				 ? "the executable"
				 : "a library");
	snprintf(name, sizeof(name), "%s%s", grouped ? "+- " : "", target->name);
	printf("%7d  %-20.20s  %-8s %-10s %-8s %5d  %-6s  %-24s %s", target->pid, name,
	       target->runtime ? target->runtime : "-",
	       target->runtime_version && target->runtime_version[0] ? target->runtime_version
								     : "-",
	       target->uv_version && target->uv_version[0] ? target->uv_version : "-",
	       count_loops(target), best_tier(target), how, target->exe);
	if (target->container[0])
		printf("  container %s", target->container);
	if (target->hostname[0])
		printf("  host %s", target->hostname);
	if (target->pod[0])
		printf("  pod %s", target->pod);
	if (lt_reader__is_silent(target->pid))
		printf("  does not answer");
	putchar('\n');
}

/* grouped: it stands under the first of its group. */
static int print_pid(const struct lt_options *options, int pid, bool grouped)
{
	struct lt_target *target;
	int err = lt_target__open(pid, &target);

	if (err)
		return err;
	if (!options->name_glob || fnmatch(options->name_glob, target->name, 0) == 0)
		print_target(target, grouped);
	lt_target__close(target);
	return 0;
}

/* What is found, with what tells its groups. */
struct found {
	struct lt_proc_info *infos;
	struct lt_group_member *members;
	size_t n;
};

static void find_all(struct lt_discovery *discovery, struct found *found)
{
	struct lt_found process;

	while (found->n < PIDS_MAX && lt_discovery__next(discovery, UINT64_MAX, &process)) {
		struct lt_proc_info *info = &found->infos[found->n];

		if (lt_process_info(process.pid, info))
			continue;
		found->members[found->n++] = (struct lt_group_member){
			.pid = info->pid,
			.parent_pid = info->parent_pid,
			.name = info->name,
			.exe = info->exe,
			.place = info->place,
		};
	}
}

/* Groups by their first process, that one before the others. */
static int compare_members(const void *left, const void *right)
{
	const struct lt_group_member *a = left, *b = right;

	if (a->group_pid != b->group_pid)
		return (a->group_pid > b->group_pid) - (a->group_pid < b->group_pid);
	if ((a->pid == a->group_pid) != (b->pid == b->group_pid))
		return a->pid == a->group_pid ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int print_all(const struct lt_options *options)
{
	struct lt_discovery *discovery = lt_discovery__new(true);
	struct found found = { .infos = calloc(PIDS_MAX, sizeof(*found.infos)),
			       .members = calloc(PIDS_MAX, sizeof(*found.members)) };
	int err = -ENOMEM;

	if (discovery && found.infos && found.members)
		err = lt_discovery__scan(discovery, lt_now_ns());
	if (!err) {
		lt_discovery__look_through(discovery, UINT64_MAX);
		find_all(discovery, &found);
		lt_group(found.members, found.n);
		qsort(found.members, found.n, sizeof(*found.members), compare_members);
	}
	for (size_t i = 0; i < found.n; i++)
		print_pid(options, found.members[i].pid,
			  found.members[i].pid != found.members[i].group_pid);
	free(found.infos);
	free(found.members);
	lt_discovery__free(discovery);
	return err ? lt_err(err, "look for processes: %s", strerror(-err)) : 0;
}

static enum lt_exit run(const struct lt_options *options)
{
	int err = 0;

	lt_privilege__enter(LT_DUTY_MAIN, 0);
	printf("%7s  %-20s  %-8s %-10s %-8s %5s  %-6s  %-24s %s\n", "PID", "PROCESS", "RUNTIME",
	       "VERSION", "LIBUV", "LOOPS", "TIER", "RECOGNISED BY", "EXECUTABLE");
	if (!options->n_pids)
		return lt_exit_of(print_all(options));
	for (size_t i = 0; i < options->n_pids; i++) {
		int one = print_pid(options, options->pids[i], false);

		if (one && !err)
			err = one;
	}
	return lt_exit_of(err);
}

const struct lt_cmd lt_cmd_list = { "list", run };
