/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Tasks of one process's pool, as they were recorded and as they add up. */
#include "agent/doctor/collect.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/util/array.h"

static int keep_task(struct lt_doctor *doctor, struct lt_dr_process *kept,
		     const struct lt_task_span *task)
{
	struct lt_dr_task *tasks;

	if (task->kind < 0 || task->kind >= LT_SNAP_KINDS || !(task->wait >= 0) ||
	    !(task->run >= 0) || !isfinite(task->submit_time) ||
	    doctor->n_tasks >= LT_DR_TASKS_MAX) {
		kept->tasks_left_out++;
		return 0;
	}
	tasks = lt_array_room(kept->tasks, kept->n_tasks, &kept->tasks_capacity, 256,
			      sizeof(*tasks));
	if (!tasks)
		return -ENOMEM;
	kept->tasks = tasks;
	kept->tasks[kept->n_tasks++] = (struct lt_dr_task){
		.submit_time = task->submit_time,
		.wait = (float)task->wait,
		.run = (float)task->run,
		.delivery = (float)task->delivery,
		.kind = (int8_t)task->kind,
	};
	doctor->n_tasks++;
	return 0;
}

static int keep_hist(struct lt_hist **kept, const struct lt_hist *hist)
{
	if (!hist)
		return 0;
	if (!*kept)
		*kept = malloc(sizeof(**kept));
	if (!*kept)
		return -ENOMEM;
	**kept = *hist;
	return 0;
}

static void join(void *point, const void *next)
{
	struct lt_pool_point *a = point;
	const struct lt_pool_point *b = next;

	a->time = b->time;
	a->width += b->width;
	a->depth_max = lt_larger(a->depth_max, b->depth_max);
	a->busy_max = lt_larger(a->busy_max, b->busy_max);
	a->wait_p99 = lt_larger(a->wait_p99, b->wait_p99);
}

static int add_point(struct lt_dr_process *kept, const struct lt_pool *pool,
		     const struct lt_snapshot *snapshot)
{
	struct lt_pool_point *points =
		lt_collect__room(kept->points, &kept->n_points, sizeof(*points), join);
	float wait = NAN;

	if (!points)
		return -ENOMEM;
	kept->points = points;
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		wait = lt_larger(wait, pool->kinds[i].wait.p99);
	points[kept->n_points++] = (struct lt_pool_point){
		.time = snapshot->time,
		.width = snapshot->interval_seconds,
		.depth_max = (float)pool->queue_depth_max,
		.busy_max = (float)pool->busy_max,
		.wait_p99 = wait,
	};
	return 0;
}

int lt_collect__pool(struct lt_doctor *doctor, struct lt_dr_process *kept,
		     const struct lt_pool *pool, const struct lt_snapshot *snapshot)
{
	int err = 0;

	if (!pool->present) {
		lt_collect__no_pool(&kept->unfinished);
		return 0;
	}
	kept->pool_present = true;
	kept->kinds_known |= pool->kinds_known;
	if (lt_known(pool->size))
		kept->pool_size = pool->size;
	kept->depth_max = fmax(kept->depth_max, pool->queue_depth_max);
	kept->saturated_seconds = lt_sum(kept->saturated_seconds, pool->saturated_seconds);
	for (int i = 0; i < LT_SNAP_KINDS && !err; i++) {
		err = keep_hist(&kept->kinds[i][0], pool->kinds[i].total.wait);
		if (!err)
			err = keep_hist(&kept->kinds[i][1], pool->kinds[i].total.run);
		if (!err)
			err = keep_hist(&kept->kinds[i][2], pool->kinds[i].total.delivery);
	}
	for (size_t i = 0; pool->tasks && i < pool->n_tasks && !err; i++)
		err = keep_task(doctor, kept, &pool->tasks[i]);
	if (lt_known(pool->tasks_left_out))
		kept->tasks_left_out += pool->tasks_left_out;
	if (!err)
		err = lt_collect__unfinished(kept, pool, snapshot);
	return err ? err : add_point(kept, pool, snapshot);
}
