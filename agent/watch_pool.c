/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The thread pool of one target: what its probes have counted, what they could not see, and what its memory says. */
#include <stdlib.h>
#include <string.h>

#include "agent/target/pool.h"
#include "agent/target/process.h"
#include "agent/util/clock.h"
#include "agent/watch_internal.h"
#include "looptop/log.h"

#define FIND_TRIES  5 /* a task that computes is met when its thread has lost its CPU, or never */
#define FIND_AGREES 2 /* looks in a row: one may agree by chance */
#define FIND_NS	    50000000u /* for the stacks of its threads */
#define UV_WORKS    5 /* functions that libuv gives its threads: files, queued work, two look-ups, random bytes */
#define THREADS_MAX 1024
#define LONG_NS	    1000000000u

void *lt_watch__room(void **place, size_t size)
{
	if (!*place)
		*place = malloc(size);
	return *place;
}

/* --- tasks that were there before the probes ----------------------------------------------------------------------- */

/* What was found of them. */
struct found {
	struct lt_pool_task *queued, *again; /* at two looks */
	ssize_t n_queued;
	struct lt_pool_task running[LT_RUNNERS_MAX];
	uint32_t n_running;
	bool whole;
};

/* False: the programs do not know it. */
static bool tell(const struct lt_watch *watch, enum lt_task_found what, const struct lt_pool_task *task)
{
	struct lt_task_key key = { (uint64_t)watch->target->pid, task->task };
	int err = lt_attachment__found(watch->attachment, what, &key, task->kind,
				       task->slow ? LT_TASK_SLOW : 0, watch->pool_mem.size);

	if (err)
		lt_debug("tell of a task of pid %d: %s", watch->target->pid, strerror(-err));
	return !err;
}

static void find_queued(struct lt_watch *watch, struct found *found)
{
	found->n_queued = lt_pool__queued(watch->target, found->queued, &found->whole);
	for (ssize_t i = 0; i < found->n_queued; i++)
		found->whole &= tell(watch, LT_FOUND_QUEUED, &found->queued[i]);
}

static bool is_found(const struct found *found, uint64_t task)
{
	for (uint32_t i = 0; i < found->n_running; i++)
		if (found->running[i].task == task)
			return true;
	return false;
}

static void find_running(struct lt_watch *watch, struct found *found)
{
	uint32_t busy = watch->pool_mem.size - watch->pool_mem.idle;
	int tids[THREADS_MAX], n = busy ? lt_process_threads(watch->target->pid, tids, THREADS_MAX) : 0;
	uint64_t end_ns = lt_now_ns() + FIND_NS;

	for (int i = 0; i < n && found->n_running < busy && found->n_running < LT_RUNNERS_MAX &&
			lt_now_ns() < end_ns; i++) {
		struct lt_pool_task task;

		if (tids[i] == watch->target->pid || lt_pool__running(watch->target, tids[i], &task) ||
		    is_found(found, task.task))
			continue;
		found->running[found->n_running++] = task;
		found->whole &= tell(watch, LT_FOUND_RUNNING, &task);
	}
	found->whole &= found->n_running >= busy;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct lt_pool_task *x = a, *y = b;

	return x->task < y->task ? -1 : x->task > y->task;
}

/* A task that was told of after its start, or its end, had passed unseen: it is not there at a second look, and the
 * programs have not seen it go. One that is there now will be seen by them. */
static void drop_gone(struct lt_watch *watch, struct found *found)
{
	bool whole = true;
	ssize_t n = 0;

	if (found->n_queued > 0)
		n = lt_pool__queued(watch->target, found->again, &whole);
	if (n >= 0)
		qsort(found->again, (size_t)n, sizeof(*found->again), compare_tasks);
	for (ssize_t i = 0; i < found->n_queued; i++)
		if (n < 0 || !bsearch(&found->queued[i], found->again, (size_t)n,
				      sizeof(*found->again), compare_tasks))
			tell(watch, LT_FOUND_NOT_QUEUED, &found->queued[i]);
	for (uint32_t i = 0; i < found->n_running; i++)
		if (lt_pool__runs(watch->target, found->running[i].task) == 0)
			tell(watch, LT_FOUND_NOT_RUNNING, &found->running[i]);
	found->whole &= n >= 0 && whole;
}

void lt_watch__find_tasks(struct lt_watch *watch)
{
	struct found *found;

	watch->knows_unfinished = false;
	if (watch->silent || !lt_attachment__has(watch->attachment, LT_GROUP_POOL) ||
	    lt_read_pool(watch->target, &watch->pool_mem))
		return;
	if (!watch->pool_mem.size) {
		watch->knows_unfinished = true;
		return;
	}
	watch->find_tries++;
	found = calloc(1, sizeof(*found));
	if (found) {
		found->queued = calloc(LT_POOL_TASKS_MAX, sizeof(*found->queued));
		found->again = calloc(LT_POOL_TASKS_MAX, sizeof(*found->again));
	}
	if (found && found->queued && found->again) {
		find_queued(watch, found);
		find_running(watch, found);
		drop_gone(watch, found);
		watch->knows_unfinished = found->whole;
	}
	if (found) {
		free(found->queued);
		free(found->again);
	}
	free(found);
}

/* Do the programs have as many as memory says, look after look? What they have not may be found at another time, or ends. */
static void find_the_rest(struct lt_watch *watch)
{
	const struct lt_pool_mem *mem = &watch->pool_mem;
	uint64_t state = watch->proc_rec.pool_state;
	bool agrees = LT_POOL_BUSY(state) == mem->size - mem->idle && mem->queue_depth >= 0 &&
		      LT_POOL_DEPTH(state) == (uint32_t)mem->queue_depth;

	if (watch->knows_unfinished || !watch->has_pool)
		return;
	watch->find_agrees = agrees ? watch->find_agrees + 1 : 0;
	if (watch->find_agrees >= FIND_AGREES)
		watch->knows_unfinished = true;
	else if (!agrees && watch->find_tries < FIND_TRIES)
		lt_watch__find_tasks(watch);
}

/* Is each task told of when it is submitted, when it starts, when it ends and when it is delivered? Else one that has left
 * would seem to wait. */
static bool tells_all(const struct lt_watch *watch)
{
	const struct lt_module *uv = lt_target__uv_module(watch->target);
	unsigned sites[LT_ROLE_MAX] = { 0 };

	for (size_t i = 0; uv && i < uv->image->n_sites; i++)
		sites[uv->image->sites[i].role]++;
	return sites[LT_ROLE_TASK_SUBMIT] && sites[LT_ROLE_TASK_END] &&
	       sites[LT_ROLE_TASK_START] >= UV_WORKS && sites[LT_ROLE_TASK_DELIVER] >= UV_WORKS;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* Hands over the tasks that came since the reading before, and fills the other log from now on. */
static void read_tasks(struct lt_watch *watch, struct lt_pool_reading *reading)
{
	static const struct lt_task_span none;
	const struct lt_task_log *log = &watch->tasks[watch->filling];

	reading->tasks = log->items ? log->items : &none;
	reading->n_tasks = log->n;
	reading->tasks_left_out = log->left_out;
	watch->filling = !watch->filling;
	lt_task_log__clear(&watch->tasks[watch->filling]);
}

static void read_records(struct lt_watch *watch, struct lt_pool_reading *reading)
{
	for (int i = 0; i < LT_KIND_MAX; i++) {
		void *rec = lt_watch__room((void **)&watch->kinds[i], sizeof(*watch->kinds[i]));

		if (rec && lt_attachment__read_kind(watch->attachment, (enum lt_kind)i, rec) == 0)
			reading->kinds[i] = rec;
	}
}

/* Where the programs tell of each task, the threads are looked at only when one runs for long. */
static bool runs_long(const struct lt_pool_unfinished *unfinished)
{
	uint64_t now_ns = lt_now_ns();

	return unfinished->oldest_running_ns && now_ns > unfinished->oldest_running_ns + LONG_NS;
}

static void look_at_runners(struct lt_watch *watch, bool worth, struct lt_pool_unfinished *ret_unfinished,
			    struct lt_pool_reading *reading)
{
	*ret_unfinished = (struct lt_pool_unfinished){ 0 };
	if (!worth || watch->silent) {
		lt_runners__clear(&watch->runners);
		return;
	}
	lt_runners__look(&watch->runners, watch->target, &watch->pool_mem, ret_unfinished);
	reading->threads = watch->runners.told;
	reading->n_threads = watch->runners.n_told;
}

/* Is there nothing in it, says who counts? Then the kernel's table need not be walked. */
static bool is_empty(const struct lt_pool_reading *reading)
{
	const struct lt_pool_mem *mem = reading->mem;

	return !reading->rec->pool_state &&
	       (!mem || (mem->idle == mem->size && mem->queue_depth == 0));
}

/* The tasks that have not ended: by the programs where they are told of each, else by what the threads do. */
static void read_unfinished(struct lt_watch *watch, struct lt_pool_reading *reading)
{
	struct lt_pool_unfinished by_threads;

	if (reading->probed && reading->rec && tells_all(watch)) {
		find_the_rest(watch);
		watch->unfinished = (struct lt_pool_unfinished){ 0 };
		if (!is_empty(reading) &&
		    lt_attachment__read_unfinished(watch->attachment, &watch->unfinished))
			return;
		reading->unfinished = &watch->unfinished;
		reading->knows_unfinished = watch->knows_unfinished;
		look_at_runners(watch, reading->mem && runs_long(&watch->unfinished), &by_threads, reading);
	} else if (reading->mem) {
		look_at_runners(watch, lt_pool_mem__is_full(reading->mem), &watch->unfinished, reading);
		reading->unfinished = &watch->unfinished;
	}
}

void lt_watch__read_pool_memory(struct lt_watch *watch)
{
	if (!watch->ended && (!watch->has_pool || !watch->has_slept || watch->details_now))
		watch->has_pool = lt_read_pool(watch->target, &watch->pool_mem) == 0;
}

void lt_watch__read_pool(struct lt_watch *watch)
{
	struct lt_pool_reading reading = { 0 };

	if (!watch->ended && watch->has_pool)
		reading.mem = &watch->pool_mem;
	if (watch->attachment && lt_attachment__read_proc(watch->attachment, &watch->proc_rec) == 0)
		reading.rec = &watch->proc_rec;
	if (watch->keep_tasks)
		read_tasks(watch, &reading);
	reading.probed = watch->attachment && lt_attachment__has(watch->attachment, LT_GROUP_POOL);
	if (reading.probed)
		read_records(watch, &reading);
	for (size_t m = 0; m < watch->target->n_modules; m++)
		reading.hidden_kinds |= watch->target->modules[m].image->hidden_kinds;
	if (!watch->ended)
		read_unfinished(watch, &reading);
	lt_store__pool(watch->process, &reading);
}
