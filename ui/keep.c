/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The copy is made in two equal passes over the process: one measures, one writes. */
#include "ui/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/arena.h"

static void copy_jit(struct lt_arena *arena, struct lt_jit *jit, const struct lt_jit *src)
{
	struct lt_deopt *functions = lt_arena__take(arena, src->n_functions * sizeof(*functions));

	for (size_t i = 0; i < src->n_functions; i++) {
		struct lt_deopt deopt = src->functions[i];

		deopt.where.function = lt_arena__text(arena, src->functions[i].where.function);
		deopt.where.file = lt_arena__text(arena, src->functions[i].where.file);
		deopt.where.original_file =
			lt_arena__text(arena, src->functions[i].where.original_file);
		if (functions)
			functions[i] = deopt;
	}
	jit->functions = functions;
}

static struct lt_loop copy_loop(struct lt_arena *arena, const struct lt_loop *src)
{
	struct lt_loop loop = *src;

	loop.name = lt_arena__text(arena, src->name ? src->name : "-");
	loop.streams.worst.peer = lt_arena__text(arena, src->streams.worst.peer);
	copy_jit(arena, &loop.jit, &src->jit);
	/* Those are for the history, which keeps them longer. */
	loop.stalls = NULL;
	loop.n_stalls = 0;
	loop.turn_hist = lt_arena__bytes(arena, src->turn_hist, sizeof(*src->turn_hist));
	loop.total.turn = loop.total.timer_lateness = NULL;
	return loop;
}

static void copy_loops(struct lt_arena *arena, struct lt_process *process,
		       const struct lt_process *src)
{
	struct lt_loop *loops = lt_arena__take(arena, src->n_loops * sizeof(*loops));

	for (size_t i = 0; i < src->n_loops; i++) {
		struct lt_loop loop = copy_loop(arena, &src->loops[i]);

		if (loops)
			loops[i] = loop;
	}
	process->loops = loops;
}

static void copy_missing(struct lt_arena *arena, struct lt_process *process,
			 const struct lt_process *src)
{
	const char **missing = lt_arena__take(arena, src->n_missing * sizeof(*missing));

	for (size_t i = 0; i < src->n_missing; i++) {
		char *text = lt_arena__text(arena, src->missing[i]);

		if (missing)
			missing[i] = text;
	}
	process->missing = missing;
}

static void copy_threads(struct lt_arena *arena, struct lt_pool *pool, const struct lt_pool *src)
{
	struct lt_pool_thread *threads = lt_arena__take(arena, src->n_threads * sizeof(*threads));

	for (size_t i = 0; i < src->n_threads; i++) {
		struct lt_pool_thread thread = src->threads[i];

		thread.call = lt_arena__text(arena, src->threads[i].call);
		thread.on = lt_arena__text(arena, src->threads[i].on);
		if (threads)
			threads[i] = thread;
	}
	pool->threads = threads;
}

static void forget_totals(struct lt_process *process)
{
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		struct lt_pool_kind *kind = &process->pool.kinds[i];

		kind->total.wait = kind->total.run = kind->total.delivery = NULL;
	}
	for (int i = 0; i < LT_SNAP_GCS; i++)
		process->gc[i].total = NULL;
}

static struct lt_process *copy_process(struct lt_arena *arena, const struct lt_process *src)
{
	struct lt_process *room = lt_arena__take(arena, sizeof(*room));
	struct lt_process process = *src;

	process.name = lt_arena__text(arena, src->name ? src->name : "-");
	process.exe = lt_arena__text(arena, src->exe);
	process.runtime = lt_arena__text(arena, src->runtime);
	process.runtime_version = lt_arena__text(arena, src->runtime_version);
	process.libuv_version = lt_arena__text(arena, src->libuv_version);
	process.container = lt_arena__text(arena, src->container);
	process.pod = lt_arena__text(arena, src->pod);
	process.hostname = lt_arena__text(arena, src->hostname);
	process.cgroup = lt_arena__text(arena, src->cgroup);
	process.tier = lt_arena__text(arena, src->tier);
	copy_missing(arena, &process, src);
	copy_loops(arena, &process, src);
	copy_threads(arena, &process.pool, &src->pool);
	process.pool.tasks = NULL;
	forget_totals(&process);
	if (room)
		*room = process;
	return room;
}

struct lt_process *lt_process__copy(const struct lt_process *process)
{
	struct lt_arena arena = { 0 };

	copy_process(&arena, process);
	arena.base = malloc(arena.used);
	if (!arena.base)
		return NULL;
	arena.used = 0;
	return copy_process(&arena, process);
}

static struct lt_kept *find(const struct lt_keep *keep, int pid, double start_time)
{
	for (size_t i = 0; i < keep->n_kept; i++) {
		struct lt_kept *kept = &keep->kept[i];

		if (kept->process->pid == pid && kept->process->start_time == start_time)
			return kept;
	}
	return NULL;
}

const struct lt_kept *lt_keep__find(const struct lt_keep *keep, int pid, double start_time)
{
	return find(keep, pid, start_time);
}

static int reserve(struct lt_keep *keep, size_t room)
{
	struct lt_kept *kept;

	if (room <= keep->room)
		return 0;
	kept = realloc(keep->kept, room * sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	keep->kept = kept;
	keep->room = room;
	return 0;
}

static const struct lt_heap *heap_before(const struct lt_process *before, int tid)
{
	for (size_t i = 0; i < before->n_loops; i++)
		if (before->loops[i].tid == tid)
			return &before->loops[i].heap;
	return NULL;
}

/* Of what is read from its memory, a process that has ended shows what it had at the last look. */
static void take_last_figures(struct lt_process *process, const struct lt_process *before)
{
	struct lt_loop *loops = (struct lt_loop *)process->loops;

	if (!lt_known(process->rss_bytes))
		process->rss_bytes = before->rss_bytes;
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_heap *heap = heap_before(before, loops[i].tid);

		if (heap && !lt_known(loops[i].heap.used_bytes))
			loops[i].heap = *heap;
	}
}

static int take_process(struct lt_keep *keep, const struct lt_process *src, double time)
{
	struct lt_process *process = lt_process__copy(src);
	struct lt_kept *kept;

	if (!process)
		return -ENOMEM;
	kept = find(keep, src->pid, src->start_time);
	if (kept) {
		if (src->ended)
			take_last_figures(process, kept->process);
		free(kept->process);
	} else {
		kept = &keep->kept[keep->n_kept++];
	}
	*kept = (struct lt_kept){
		.process = process, .seen_time = time, .gone = src->ended, .stays = src->ended
	};
	return 0;
}

static struct lt_kept *oldest_ended(const struct lt_keep *keep, size_t *ret_n)
{
	struct lt_kept *oldest = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < keep->n_kept; i++) {
		struct lt_kept *kept = &keep->kept[i];

		*ret_n += kept->stays;
		if (kept->stays && (!oldest || kept->seen_time < oldest->seen_time))
			oldest = kept;
	}
	return oldest;
}

static void bound(struct lt_keep *keep)
{
	struct lt_kept *oldest;
	size_t n;

	while ((oldest = oldest_ended(keep, &n)) && n > LT_KEEP_ENDED_MAX)
		oldest->stays = false;
}

void lt_keep__dismiss(struct lt_keep *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < keep->n_kept; i++)
		if (keep->kept[i].gone)
			free(keep->kept[i].process);
		else
			keep->kept[n++] = keep->kept[i];
	keep->n_kept = n;
}

/* A process that no snapshot has any more rests for a moment, then goes; if it is known to have ended, it stays. */
static void sweep(struct lt_keep *keep, double time)
{
	size_t n = 0;

	for (size_t i = 0; i < keep->n_kept; i++) {
		struct lt_kept kept = keep->kept[i];
		/* A clock that was set back must not keep it for ever. */
		double age = fabs(time - kept.seen_time);

		kept.gone |= kept.seen_time != time;
		if (kept.gone && !kept.stays && age > 0 && age >= LT_KEEP_TOMB_SECONDS)
			free(kept.process);
		else
			keep->kept[n++] = kept;
	}
	keep->n_kept = n;
}

static void copy_name(char *buf, size_t size, const char *name)
{
	lt_fmt_text(buf, size, name ? name : "-");
}

int lt_keep__update(struct lt_keep *keep, const struct lt_snapshot *snapshot)
{
	int err = reserve(keep, keep->n_kept + snapshot->n_processes);

	if (err)
		return err;
	keep->any = true;
	keep->time = snapshot->time;
	/* Rates over no time at all are not known. */
	keep->interval_seconds = snapshot->interval_seconds > 0 ? snapshot->interval_seconds : NAN;
	keep->sequence = snapshot->sequence;
	keep->cpus = snapshot->host.cpus;
	keep->self = snapshot->self;
	copy_name(keep->host_name, sizeof(keep->host_name), snapshot->host.name);
	copy_name(keep->host_kernel, sizeof(keep->host_kernel), snapshot->host.kernel);
	for (size_t i = 0; i < snapshot->n_processes && !err; i++)
		err = take_process(keep, &snapshot->processes[i], snapshot->time);
	bound(keep);
	sweep(keep, snapshot->time);
	return err;
}

void lt_keep__free(struct lt_keep *keep)
{
	for (size_t i = 0; i < keep->n_kept; i++)
		free(keep->kept[i].process);
	free(keep->kept);
	*keep = (struct lt_keep){ 0 };
}
