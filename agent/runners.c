/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/runners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/doing.h"
#include "agent/target/pool.h"
#include "agent/target/process.h"
#include "agent/target/waits.h"
#include "agent/util/clock.h"

#define THREADS_MAX 1024
#define NAME_NS	    2000000u /* for the other end of a socket, each time */
#define LOOK_NS	    20000000u /* for stacks, each time */

struct lt_runner {
	int tid;
	int64_t sleeps; /* how often it had gone to sleep */
	uint64_t since_ns; /* of the first look at that sleep */
	uint64_t task;
	enum lt_kind kind;
	struct lt_doing doing;
	struct lt_peer peer;
};

/* Asleep, and how often it has gone to sleep until then; negative: it runs, or is gone. */
static int64_t asleep(int pid, int tid)
{
	struct lt_syscall call;

	return lt_thread_call(pid, tid, &call) ? -1 : lt_thread_sleeps(pid, tid);
}

void lt_runners__clear(struct lt_runners *runners)
{
	for (uint32_t i = 0; i < runners->n; i++)
		lt_peer__close(&runners->items[i].peer);
	free(runners->items);
	*runners = (struct lt_runners){ 0 };
}

/* Those that have slept since the look before stay as they are. */
static void keep_sleeping(struct lt_runners *runners, int pid)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < runners->n; i++) {
		struct lt_runner *runner = &runners->items[i];

		if (asleep(pid, runner->tid) == runner->sleeps)
			runners->items[kept++] = *runner;
		else
			lt_peer__close(&runner->peer);
	}
	runners->n = kept;
}

static bool has(const struct lt_runners *runners, int tid)
{
	for (uint32_t i = 0; i < runners->n; i++)
		if (runners->items[i].tid == tid)
			return true;
	return false;
}

/* By another thread: what this one has of it on its stack is an old word. */
static bool is_run(const struct lt_runners *runners, uint64_t task)
{
	for (uint32_t i = 0; i < runners->n; i++)
		if (runners->items[i].task == task)
			return true;
	return false;
}

static bool is_idle(const struct lt_runners *runners, int tid, int64_t sleeps)
{
	for (uint32_t i = 0; i < runners->n_idle; i++)
		if (runners->idle[i].tid == tid && runners->idle[i].sleeps == sleeps)
			return true;
	return false;
}

/* With too many of them, those that were met first are looked at again. */
static void note_idle(struct lt_runners *runners, int tid, int64_t sleeps)
{
	uint32_t at = 0;

	while (at < runners->n_idle && runners->idle[at].tid != tid)
		at++;
	if (at == LT_RUNNERS_IDLE)
		at = (uint32_t)tid % LT_RUNNERS_IDLE;
	if (at == runners->n_idle)
		runners->n_idle++;
	runners->idle[at] = (struct lt_sleep){ tid, sleeps };
}

/* A thread that sleeps in a task: it is asleep before and after its stack is read, in one sleep. */
static void add(struct lt_runners *runners, const struct lt_target *target, int tid)
{
	struct lt_runner *runner = &runners->items[runners->n];
	int64_t sleeps = asleep(target->pid, tid);
	uint64_t now_ns = lt_now_ns();
	struct lt_pool_task task;
	int err;

	if (sleeps < 0 || is_idle(runners, tid, sleeps))
		return;
	err = lt_pool__running(target, tid, &task);
	if (asleep(target->pid, tid) != sleeps)
		return;
	if (err == -ENOENT)
		note_idle(runners, tid, sleeps);
	if (err || is_run(runners, task.task))
		return;
	*runner = (struct lt_runner){
		.tid = tid, .sleeps = sleeps, .since_ns = now_ns, .task = task.task,
		.kind = task.kind
	};
	lt_peer__init(&runner->peer, target->pid);
	runners->n++;
}

static void find_more(struct lt_runners *runners, const struct lt_target *target, uint32_t busy)
{
	int tids[THREADS_MAX];
	int n = runners->n < busy ? lt_process_threads(target->pid, tids, THREADS_MAX) : 0;
	uint64_t end_ns = lt_now_ns() + LOOK_NS;

	/* With many threads each look goes on where the one before stopped. */
	for (int i = 0; i < n && runners->n < busy && runners->n < LT_RUNNERS_MAX && lt_now_ns() < end_ns; i++) {
		int tid = tids[runners->next++ % (uint32_t)n];

		if (tid != target->pid && !has(runners, tid))
			add(runners, target, tid);
	}
}

/* What they do now: the same as at the look before, for they have slept. */
static void tell(struct lt_runners *runners, const struct lt_target *target, uint64_t now_ns)
{
	runners->n_told = 0;
	for (uint32_t i = 0; i < runners->n && i < LT_RUNNERS_TOLD; i++) {
		struct lt_runner *runner = &runners->items[i];

		lt_doing__read(target, runner->tid, &runner->peer, NAME_NS, &runner->doing);
		runners->told[runners->n_told++] = (struct lt_pool_thread){
			.tid = runner->tid,
			.kind = runner->kind,
			.seconds = (double)(now_ns - runner->since_ns) / 1e9,
			.call = runner->doing.call[0] ? runner->doing.call : NULL,
			.on = runner->doing.on[0] ? runner->doing.on : NULL,
		};
	}
}

void lt_runners__look(struct lt_runners *runners, const struct lt_target *target,
		      const struct lt_pool_mem *mem, struct lt_pool_unfinished *ret_unfinished)
{
	uint64_t now_ns = lt_now_ns();
	uint32_t busy = mem->size - mem->idle, before = runners->n;
	bool full = lt_pool_mem__is_full(mem);

	*ret_unfinished = (struct lt_pool_unfinished){ 0 };
	if (!runners->items)
		runners->items = calloc(LT_RUNNERS_MAX, sizeof(*runners->items));
	if (!runners->items)
		return;
	keep_sleeping(runners, target->pid);
	if (!full || runners->n < busy || before < busy)
		runners->full_ns = 0;
	find_more(runners, target, busy);
	/* All sleep in their tasks from now on: what waits now waits until one of them comes back. */
	if (full && !runners->full_ns && runners->n == busy)
		runners->full_ns = now_ns;
	ret_unfinished->oldest_queued_ns = runners->full_ns;
	for (uint32_t i = 0; i < runners->n; i++)
		if (!ret_unfinished->oldest_running_ns ||
		    runners->items[i].since_ns < ret_unfinished->oldest_running_ns)
			ret_unfinished->oldest_running_ns = runners->items[i].since_ns;
	tell(runners, target, now_ns);
}
