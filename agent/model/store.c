/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LT_SNAP_LOST == LT_LOST_MAX, "causes of loss in the snapshot are those of the ABI");

#define LOOPS_MAX 4096

struct lt_store *lt_store__new(const struct lt_store_opts *opts)
{
	struct lt_store *store = calloc(1, sizeof(*store));

	if (store)
		store->opts = *opts;
	return store;
}

static void free_process(struct lt_store_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++)
		lt_loop_state__free(process->loops[i]);
	free(process->loops);
	free(process->built);
	lt_pool_state__free(process->pool);
	lt_gc_state__free(process->gc);
	free(process);
}

void lt_store__free(struct lt_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n_processes; i++)
		free_process(store->processes[i]);
	free(store->processes);
	free(store->built);
	free(store);
}

/* Removes loops that were not read since the last begin, or had ended then. */
static void sweep_loops(struct lt_store_process *process)
{
	size_t kept = 0;

	for (size_t i = 0; i < process->n_loops; i++) {
		bool ended = i < process->n_built && process->built[i].ended;

		if (!lt_loop_state__is_gone(process->loops[i]) && !ended) {
			process->loops[kept] = process->loops[i];
			lt_loop_state__begin(process->loops[kept++]);
		} else {
			lt_loop_state__free(process->loops[i]);
		}
	}
	process->n_loops = kept;
}

void lt_store__begin(struct lt_store *store, uint64_t now_ns, double wall_seconds,
		     uint32_t epoch_closed)
{
	size_t kept = 0;

	store->n_sorted = 0;
	for (size_t i = 0; i < store->n_processes; i++) {
		struct lt_store_process *process = store->processes[i];

		if (!process->seen || process->reading.identity.ended) {
			free_process(process);
			continue;
		}
		process->seen = false;
		sweep_loops(process);
		process->n_built = 0;
		store->processes[kept++] = process;
	}
	store->n_processes = store->n_sorted = kept;
	store->now_before_ns = store->moment.now_ns;
	store->moment = (struct lt_moment){ .now_ns = now_ns,
					    .wall_seconds = wall_seconds,
					    .epoch_closed = epoch_closed,
					    .stall_ns = store->opts.stall_ns };
}

/* The first place, in order, of this pid or a greater one; behind those, the ones that have just come. */
static size_t place_of(const struct lt_store *store, int pid)
{
	size_t low = 0, high = store->n_sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lt_store_process__pid(store->processes[middle]) < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < store->n_sorted && lt_store_process__pid(store->processes[low]) == pid
		       ? low
		       : store->n_sorted;
}

static struct lt_store_process *find_process(const struct lt_store *store, int pid,
					     double start_time)
{
	for (size_t i = place_of(store, pid); i < store->n_processes; i++) {
		struct lt_store_process *process = store->processes[i];

		if (lt_store_process__pid(process) == pid &&
		    process->reading.identity.start_time == start_time)
			return process;
		if (i < store->n_sorted && lt_store_process__pid(process) != pid)
			i = store->n_sorted - 1; /* on to those that have just come */
	}
	return NULL;
}

static struct lt_store_process *add_process(struct lt_store *store)
{
	struct lt_store_process **processes, *process = calloc(1, sizeof(*process));

	processes = reallocarray(store->processes, store->n_processes + 1, sizeof(*processes));
	if (processes)
		store->processes = processes;
	if (process) {
		process->periods_before = process->throttled_before = NAN;
		process->throttled_seconds_before = NAN;
		process->total.cpu_seconds = NAN;
		process->total.cpu_user_seconds = process->total.cpu_system_seconds = NAN;
		process->pool = lt_pool_state__new();
		process->gc = lt_gc_state__new();
	}
	if (!process || !processes || !process->pool || !process->gc) {
		if (process)
			free_process(process);
		errno = ENOMEM;
		return NULL;
	}
	processes[store->n_processes++] = process;
	return process;
}

struct lt_store_process *lt_store__process(struct lt_store *store,
					   const struct lt_process_reading *reading)
{
	const struct lt_process *identity = &reading->identity;
	struct lt_store_process *process = find_process(store, identity->pid, identity->start_time);

	if (!process)
		process = add_process(store);
	if (!process)
		return NULL;
	if (process->reading.attachment != reading->attachment) {
		lt_pool_state__restart(process->pool);
		lt_gc_state__restart(process->gc);
	}
	process->reading = *reading;
	process->seen = true;
	process->pool_reading = (struct lt_pool_reading){ 0 };
	process->gc_probed = false;
	memset(process->gc_kinds, 0, sizeof(process->gc_kinds));
	return process;
}

void lt_store__end(struct lt_store_process *process, const struct lt_end *end)
{
	process->reading.identity.end = *end;
}

static struct lt_loop_state *find_loop(const struct lt_store_process *process, int tid)
{
	for (size_t i = 0; i < process->n_loops; i++)
		if (lt_loop_state__tid(process->loops[i]) == tid)
			return process->loops[i];
	return NULL;
}

struct lt_loop_state *lt_store__loop(struct lt_store_process *process, int tid, const char *name)
{
	struct lt_loop_state **loops, *loop = find_loop(process, tid);

	if (loop)
		return loop;
	loops = process->n_loops < LOOPS_MAX
			? reallocarray(process->loops, process->n_loops + 1, sizeof(*loops))
			: NULL;
	if (loops)
		process->loops = loops;
	loop = loops ? lt_loop_state__new(tid, name) : NULL;
	if (!loop) {
		errno = ENOMEM;
		return NULL;
	}
	loops[process->n_loops++] = loop;
	return loop;
}

struct lt_loop_state *lt_store__find_loop(struct lt_store *store, int pid, int tid)
{
	for (size_t i = place_of(store, pid); i < store->n_processes; i++)
		if (lt_store_process__pid(store->processes[i]) == pid)
			return find_loop(store->processes[i], tid);
	return NULL;
}

static struct lt_loop *find_built(const struct lt_store_process *process, int tid)
{
	for (size_t i = 0; i < process->n_built; i++)
		if (process->built[i].tid == tid)
			return &process->built[i];
	return NULL;
}

bool lt_store__update(struct lt_store *store, const struct lt_moment *now, int pid,
		      const struct lt_loop_rec *rec, int tid, const struct lt_stall *answer)
{
	for (size_t i = place_of(store, pid); i < store->n_processes; i++) {
		struct lt_store_process *process = store->processes[i];
		struct lt_moment moment = *now;
		struct lt_loop_state *loop;
		struct lt_loop *built;

		if (lt_store_process__pid(process) != pid)
			continue;
		loop = find_loop(process, tid);
		built = find_built(process, tid);
		if (!loop || !built || built->ended)
			continue;
		moment.stall_ns = store->opts.stall_ns;
		moment.tier = process->reading.tier;
		moment.causes_known = process->reading.causes_known;
		moment.gc_probed = process->gc_probed;
		if (answer)
			lt_loop_state__answer(loop, answer);
		return lt_loop_state__update(loop, &moment, rec, built);
	}
	return false;
}

void lt_store__pool(struct lt_store_process *process, const struct lt_pool_reading *reading)
{
	process->pool_reading = *reading;
}

void lt_store__gc(struct lt_store_process *process, bool probed,
		  const struct lt_gc_rec *const kinds[LT_GC_MAX])
{
	process->gc_probed = probed;
	memcpy(process->gc_kinds, kinds, sizeof(process->gc_kinds));
}
