/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What has not ended of a pool: how its queues went, what its threads do. A task that waits for ever is in no
 * distribution of those that were served. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/collect.h"
#include "agent/doctor/replay.h"
#include "agent/util/fmt.h"

static void join(void *point, const void *next)
{
	struct lt_dr_depth_point *a = point;
	const struct lt_dr_depth_point *b = next;

	a->time = b->time;
	a->width += b->width;
	a->depth = b->depth;
}

/* One interval of a queue; depth, or ended, NAN: not known. */
static int add_look(struct lt_dr_queue *queue, const struct lt_snapshot *snapshot, bool full,
		    double depth, double ended, double started)
{
	struct lt_dr_depth_point *points;

	queue->looks++;
	queue->full += full;
	queue->full_now = full;
	queue->ended = queue->looks == 1 ? ended : queue->ended + ended;
	/* Where endings are not counted, only what has been full all the time can have been quiet: the caller knows. */
	queue->quiet_seconds =
		full && ended + started == 0 ? queue->quiet_seconds + snapshot->interval_seconds : 0;
	if (!lt_known(depth))
		return 0;
	points = lt_collect__room(queue->depth, &queue->n_depth, sizeof(*points), join);
	if (!points)
		return -ENOMEM;
	queue->depth = points;
	points[queue->n_depth++] = (struct lt_dr_depth_point){ .time = snapshot->time,
							       .width = snapshot->interval_seconds,
							       .depth = depth };
	return 0;
}

/* That gave up their thread, or their place: a loop that is blocked takes delivery of none of them. */
static double ended_of(const struct lt_pool_kind *kind)
{
	return kind->run.count + kind->cancelled;
}

static void keep_threads(struct lt_dr_unfinished *unfinished, const struct lt_pool *pool)
{
	unfinished->n_threads = 0;
	for (size_t i = 0; i < pool->n_threads && i < LT_DR_THREADS_MAX; i++) {
		const struct lt_pool_thread *thread = &pool->threads[i];
		struct lt_dr_thread *kept = &unfinished->threads[unfinished->n_threads++];

		*kept = (struct lt_dr_thread){ .kind = thread->kind, .seconds = thread->seconds };
		lt_fmt_text(kept->call, sizeof(kept->call), thread->call ? thread->call : "");
		lt_fmt_text(kept->on, sizeof(kept->on), thread->on ? thread->on : "");
	}
}

int lt_collect__unfinished(struct lt_dr_process *kept, const struct lt_pool *pool,
			   const struct lt_snapshot *snapshot)
{
	struct lt_dr_unfinished *unfinished = &kept->unfinished;
	int slow = lt_replay__slow_kind(), err;
	const struct lt_pool_kind *slow_kind = slow >= 0 ? &pool->kinds[slow] : NULL;
	double ended = 0, started = 0;
	bool full = pool->size > 0 && pool->busy >= pool->size && pool->queue_depth > 0;

	unfinished->oldest_queued = pool->oldest_queued_seconds;
	unfinished->oldest_running = pool->oldest_running_seconds;
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		unfinished->queued[i] = pool->kinds[i].queued;
		unfinished->running[i] = pool->kinds[i].running;
		ended = lt_sum(ended, ended_of(&pool->kinds[i]));
		started = lt_sum(started, pool->kinds[i].started);
	}
	keep_threads(unfinished, pool);
	if (!pool->kinds_known) {
		err = add_look(&unfinished->all, snapshot, full, pool->queue_depth, NAN, NAN);
		/* Without probes the age of the oldest is known only while no thread can have taken a task. */
		if (full && lt_known(pool->oldest_queued_seconds))
			unfinished->all.quiet_seconds = pool->oldest_queued_seconds;
		return err;
	}
	err = add_look(&unfinished->all, snapshot, full, pool->queue_depth, ended, started);
	if (err || !slow_kind || !(pool->size > 0))
		return err;
	full = slow_kind->queued > 0 && slow_kind->running >= (int)(pool->size + 1) / 2;
	return add_look(&unfinished->slow, snapshot, full, slow_kind->queued, ended_of(slow_kind),
			slow_kind->started);
}

void lt_collect__no_pool(struct lt_dr_unfinished *unfinished)
{
	unfinished->all.full_now = unfinished->slow.full_now = false;
	unfinished->all.quiet_seconds = unfinished->slow.quiet_seconds = 0;
	unfinished->oldest_queued = unfinished->oldest_running = NAN;
	unfinished->n_threads = 0;
}

void lt_collect__free_unfinished(struct lt_dr_unfinished *unfinished)
{
	free(unfinished->all.depth);
	free(unfinished->slow.depth);
}
