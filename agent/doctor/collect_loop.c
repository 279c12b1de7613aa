/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Turns, stalls and causes of one loop. A stall that still runs is in a snapshot with its length so far and
 * in later ones again: what the snapshot before said of it is taken back first.
 */
#include "agent/doctor/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/turns.h"
#include "agent/util/array.h"
#include "agent/util/fmt.h"
#include "agent/util/text.h"

struct lt_dr_loop *lt_collect__new_loop(int tid, const char *name)
{
	struct lt_dr_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->tid = tid;
	loop->name = lt_collect__text(name ? name : "?");
	loop->busy = loop->idle = NAN;
	loop->heap_used = loop->heap_total = loop->heap_limit = loop->heap_after = NAN;
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		loop->cause_seconds[i] = NAN;
	if (!loop->name) {
		free(loop);
		return NULL;
	}
	return loop;
}

static void free_blocker(struct lt_blocker *blocker)
{
	free(blocker->function);
	free(blocker->file);
	free(blocker->below);
}

void lt_collect__free_loop(struct lt_dr_loop *loop)
{
	if (!loop)
		return;
	for (size_t i = 0; i < loop->n_blockers; i++)
		free_blocker(&loop->blockers[i]);
	lt_collect__free_jit(&loop->jit);
	free(loop->late);
	free(loop->points);
	free(loop->name);
	free(loop);
}

static int make_blocker(struct lt_blocker *out, const struct lt_stall *stall)
{
	const struct lt_stack_frame *where = stall->where, *below = lt_work_frame(stall);
	bool mapped = where && where->original_file;

	*out = (struct lt_blocker){ .work = lt_work_of_stall(stall) };
	if (where) {
		out->function = lt_collect__text(where->function);
		out->file = lt_collect__text(mapped ? where->original_file : where->file);
		out->line = mapped ? where->original_line : where->line;
		out->column = mapped ? where->original_column : where->column;
	}
	out->below = lt_collect__text(below ? below->function : NULL);
	if ((where && !out->function) || (below && !out->below)) {
		free_blocker(out);
		return -ENOMEM;
	}
	return 0;
}

bool lt_blocker__same_function(const struct lt_blocker *a, const struct lt_blocker *b)
{
	return lt_same_text(a->function, b->function) && lt_same_text(a->file, b->file) &&
	       (!a->function || a->function[0] != '(' || a->line == b->line);
}

/* One function that blocks at several lines is one blocker. */
static bool same_blocker(const struct lt_blocker *a, const struct lt_blocker *b)
{
	return a->work == b->work && lt_blocker__same_function(a, b);
}

/* The index of who blocked in this stall; LT_DR_NO_BLOCKER: nobody can tell; LT_DR_OTHER_BLOCKER: there is no
 * room. */
static int blocker_of(struct lt_dr_loop *loop, const struct lt_stall *stall, uint16_t *ret_index)
{
	struct lt_blocker blocker;
	size_t i;

	*ret_index = LT_DR_NO_BLOCKER;
	if (!stall->where && !stall->n_stack && !stall->below)
		return 0;
	if (make_blocker(&blocker, stall))
		return -ENOMEM;
	for (i = 0; i < loop->n_blockers; i++)
		if (same_blocker(&loop->blockers[i], &blocker))
			break;
	if (i < loop->n_blockers || loop->n_blockers == LT_DR_BLOCKERS_MAX)
		free_blocker(&blocker);
	else
		loop->blockers[loop->n_blockers++] = blocker;
	*ret_index = i < LT_DR_BLOCKERS_MAX ? (uint16_t)i : LT_DR_OTHER_BLOCKER;
	return 0;
}

static double known_or_0(double x)
{
	return lt_known(x) ? x : 0;
}

/* Collections belong to the code that brings them about, unless they are nearly all of a turn. */
#define COLLECTS_PART 0.8

/* What code, running or asleep in a call of its own, took of a late turn. */
static double code_seconds(const struct lt_stall *stall)
{
	const double *cause = stall->cause_seconds;
	double own, gc = known_or_0(cause[LT_CAUSE_GC]);

	if (!lt_known(cause[LT_CAUSE_CPU]))
		return stall->seconds;
	own = cause[LT_CAUSE_CPU] + known_or_0(cause[LT_CAUSE_SYNC_IO]);
	return gc < COLLECTS_PART * (own + gc) ? own + gc : own;
}

static double own_share(const struct lt_stall *stall)
{
	if (stall->starvation != LT_STARVED_NOT || !stall->where || !lt_known(stall->where->share))
		return 1;
	return fmin(fmax(stall->where->share, 0), 1);
}

static void count_blocker(struct lt_dr_loop *loop, const struct lt_late *late, double sign)
{
	struct lt_blocker *blocker;

	if (late->blocker >= LT_DR_BLOCKERS_MAX)
		return;
	blocker = &loop->blockers[late->blocker];
	blocker->turns += sign;
	blocker->seconds += sign * (double)late->own_seconds;
	blocker->samples += sign * (double)late->samples;
}

/* The one that runs always has a place: it is taken back at the next snapshot. */
static int reserve(struct lt_doctor *doctor, struct lt_dr_loop *loop, bool running)
{
	struct lt_late *late;

	if (doctor->n_late >= LT_DR_LATE_MAX && !running)
		return -ENOSPC;
	late = lt_array_room(loop->late, loop->n_late, &loop->late_capacity, 64, sizeof(*late));
	if (!late)
		return -ENOMEM;
	loop->late = late;
	return 0;
}

static int add_late(struct lt_doctor *doctor, struct lt_dr_loop *loop, const struct lt_stall *stall)
{
	struct lt_late *late;
	uint16_t blocker;
	int err = reserve(doctor, loop, stall->ongoing);

	if (err == -ENOSPC && !stall->ongoing) {
		loop->late_left_out++;
		loop->late_left_out_seconds += stall->seconds;
	}
	if (err)
		return err == -ENOSPC ? 0 : err;
	err = blocker_of(loop, stall, &blocker);
	if (err)
		return err;
	late = &loop->late[loop->n_late++];
	doctor->n_late++;
	*late = (struct lt_late){ .seconds = stall->seconds,
				  .samples = (float)stall->samples,
				  .blocker = blocker,
				  .running = stall->ongoing,
				  .cut_short = stall->cut_short };
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		late->cause_seconds[i] = (float)stall->cause_seconds[i];
	late->own_seconds = (float)fmin(stall->seconds, code_seconds(stall));
	if (blocker != LT_DR_NO_BLOCKER)
		late->own_seconds *= (float)own_share(stall);
	else if (stall->start_time < loop->first_time)
		late->own_seconds = 0; /* it ran already: nobody could see its stack */
	count_blocker(loop, late, 1);
	return 0;
}

/* The running stall is the last one, if there is any. */
static void take_back_running(struct lt_doctor *doctor, struct lt_dr_loop *loop)
{
	struct lt_late *late = loop->n_late ? &loop->late[loop->n_late - 1] : NULL;

	if (!late || !late->running)
		return;
	count_blocker(loop, late, -1);
	if (lt_turns__take(&loop->turns, late->seconds))
		loop->base_seconds -= late->seconds;
	loop->n_late--;
	doctor->n_late--;
}

static int add_stalls(struct lt_doctor *doctor, struct lt_dr_loop *kept, const struct lt_loop *loop)
{
	/* The running one last, wherever it is in the snapshot. */
	for (int running = 0; running < 2; running++) {
		for (size_t i = 0; i < loop->n_stalls; i++) {
			const struct lt_stall *stall = &loop->stalls[i];
			int err;

			if (stall->ongoing != (running == 1) || !(stall->seconds > 0))
				continue;
			err = add_late(doctor, kept, stall);
			if (err)
				return err;
		}
	}
	return 0;
}

static void add_causes(struct lt_dr_loop *kept, const struct lt_loop *loop)
{
	bool known = lt_known(loop->cause_seconds[LT_CAUSE_CPU]);

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		kept->cause_seconds[i] = lt_sum(kept->cause_seconds[i], loop->cause_seconds[i]);
	if (known && lt_known(loop->busy_seconds))
		kept->cause_busy += loop->busy_seconds;
}

static void join(void *point, const void *next)
{
	struct lt_loop_point *a = point;
	const struct lt_loop_point *b = next;

	a->time = b->time;
	a->width += b->width;
	a->lag_p99 = lt_larger(a->lag_p99, b->lag_p99);
	a->lag_max = lt_larger(a->lag_max, b->lag_max);
	a->busy = (float)lt_sum(a->busy, b->busy);
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		a->cause_seconds[i] = (float)lt_sum(a->cause_seconds[i], b->cause_seconds[i]);
}

static int add_point(struct lt_dr_loop *kept, const struct lt_loop *loop,
		     const struct lt_snapshot *snapshot)
{
	struct lt_loop_point *point =
		lt_collect__room(kept->points, &kept->n_points, sizeof(*point), join);

	if (!point)
		return -ENOMEM;
	kept->points = point;
	point += kept->n_points++;
	*point = (struct lt_loop_point){
		.time = snapshot->time,
		.width = snapshot->interval_seconds,
		.lag_p99 = (float)loop->lag.p99,
		.lag_max = (float)loop->lag.max,
		.busy = (float)loop->busy_seconds,
	};
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		point->cause_seconds[i] = (float)loop->cause_seconds[i];
	return 0;
}

static void keep_lateness(struct lt_dr_loop *kept, const struct lt_hist *lateness)
{
	double late = lt_turns__longer(lateness, LT_DR_LATE_TIMER_SECONDS);

	if (late > kept->late_timers)
		kept->late_intervals++;
	kept->late_timers = late;
	kept->lateness = *lateness;
	kept->lateness_known = true;
}

static void add_heap(struct lt_dr_loop *kept, const struct lt_heap *heap, double time)
{
	if (!heap->present)
		return;
	kept->heap_used = fmax(kept->heap_used, heap->used_bytes);
	kept->heap_total = fmax(kept->heap_total, heap->total_bytes);
	if (lt_known(heap->limit_bytes))
		kept->heap_limit = heap->limit_bytes;
	/* It is told until the next collection: only another figure is another collection. */
	if (!lt_known(heap->used_after_gc_bytes) || heap->used_after_gc_bytes == kept->heap_after)
		return;
	kept->heap_after = heap->used_after_gc_bytes;
	lt_collect__memory(kept->heap, &kept->n_heap, time, kept->heap_after);
}

static void keep_streams(struct lt_dr_streams *kept, const struct lt_streams *streams)
{
	if (!lt_known(streams->blocked))
		return;
	kept->known = true;
	kept->most_blocked = fmax(kept->most_blocked, streams->blocked);
	kept->most_bytes = fmax(kept->most_bytes, streams->queued_bytes);
	if (!(streams->blocked > 0) || streams->longest_blocked_seconds < kept->longest_seconds)
		return;
	kept->longest_seconds = streams->longest_blocked_seconds;
	kept->fd = streams->worst.fd;
	kept->queued_bytes = streams->worst.queued_bytes;
	lt_fmt_text(kept->peer, sizeof(kept->peer), streams->worst.peer ? streams->worst.peer : "");
}

int lt_collect__loop(struct lt_doctor *doctor, struct lt_dr_loop *kept, const struct lt_loop *loop,
		     const struct lt_snapshot *snapshot)
{
	int err;

	if (!kept->first_time)
		kept->first_time = snapshot->time - snapshot->interval_seconds;
	take_back_running(doctor, kept);
	kept->busy = lt_sum(kept->busy, loop->busy_seconds);
	kept->idle = lt_sum(kept->idle, loop->idle_seconds);
	add_causes(kept, loop);
	add_heap(kept, &loop->heap, snapshot->time);
	keep_streams(&kept->streams, &loop->streams);
	if (loop->turn_hist && lt_known(loop->lag_base_seconds)) {
		kept->turns_known = true;
		lt_turns__merge(&kept->turns, loop->turn_hist);
		kept->base_seconds += loop->lag_base_seconds;
	}
	if (loop->total.timer_lateness)
		keep_lateness(kept, loop->total.timer_lateness);
	err = lt_collect__jit(&kept->jit, &loop->jit, snapshot->interval_seconds);
	if (!err)
		err = add_stalls(doctor, kept, loop);
	return err ? err : add_point(kept, loop, snapshot);
}
