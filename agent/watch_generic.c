/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Targets in which no runtime was recognised: each thread that waits in epoll runs a loop. Nothing of it is
 * known but its system calls, what the scheduler does with it, and what /proc tells.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/target/process.h"
#include "agent/target/waits.h"
#include "agent/util/clock.h"
#include "agent/watch_internal.h"

static bool is_taken(const struct lt_watch *watch, const struct lt_thread_state *but,
		     const char *name)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		const struct lt_thread_state *thread = &watch->threads.items[i];

		if (thread != but && !strcmp(thread->name, name))
			return true;
	}
	return false;
}

/* The threads of one pool have the same name as a rule, and loops of one process are told apart by theirs. */
void lt_watch__name_thread(struct lt_watch *watch, struct lt_thread_state *thread)
{
	char comm[LT_COMM_SIZE] = "";

	if (thread->name[0])
		return;
	if (thread->tid == watch->target->pid) {
		snprintf(thread->name, sizeof(thread->name), "main");
		return;
	}
	lt_thread_name(watch->target->pid, thread->tid, comm);
	if (!comm[0])
		snprintf(comm, sizeof(comm), "thread");
	snprintf(thread->name, sizeof(thread->name), "%s", comm);
	for (int i = 2; is_taken(watch, thread, thread->name) && i <= LT_THREADS_MAX; i++)
		snprintf(thread->name, sizeof(thread->name), "%s-%d", comm, i);
}

/* A thread that sleeps in a wait gets its record now: its next event may be long in coming. */
void lt_watch__look_at_waiting(struct lt_watch *watch, struct lt_thread_state *thread)
{
	struct lt_loop_mem mem = { 0 };
	int pid = watch->target->pid;
	int64_t sleeps = lt_thread_sleeps(pid, thread->tid);
	uint64_t sp;

	if (sleeps < 0 || lt_thread_in_wait(pid, thread->tid, &sp) ||
	    lt_thread_sleeps(pid, thread->tid) != sleeps)
		return;
	thread->seed_sleeps = sleeps;
	mem.entry_ns = lt_now_ns();
	if (lt_attachment__seed_loop(watch->attachment, thread->tid, &mem) == 0)
		lt_watch__take_thread(watch, thread);
}

/*
 * Where the end of the wait that a record began with is not told, only the same sleep is surely still that wait:
 * afterwards nothing is known until the next wait begins.
 */
bool lt_watch__is_blind(const struct lt_watch *watch, const struct lt_thread_state *thread,
			const struct lt_loop_rec *rec)
{
	int pid = watch->target->pid;
	uint64_t sp;

	return rec->flags & LT_LOOP_END_UNSEEN &&
	       (lt_thread_in_wait(pid, thread->tid, &sp) ||
		lt_thread_sleeps(pid, thread->tid) != thread->seed_sleeps);
}

double lt_watch__hit_cost_ns(const struct lt_watch *watch)
{
	return watch->probe && watch->target->generic ? lt_probe__wait_cost_ns(watch->probe) : NAN;
}

size_t lt_watch__miss_generic(const struct lt_watch *watch, const char **missing)
{
	missing[0] =
		watch->tier == LT_TIER_MEMORY
			? "tier memory: nothing is known of an epoll loop without probes"
			: "an epoll loop that looptop knows only by its system calls: of the phases "
			  "poll_wait alone, no iterations, handles, thread pool, heap or garbage collection";
	return 1;
}
