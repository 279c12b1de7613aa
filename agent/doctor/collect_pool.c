/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Tasks of one process's pool, as they were recorded and as they add up. */
#include "agent/doctor/collect.h"

#include <errno.h>
#include <stdlib.h>

static int keep_task(struct lt_doctor *doctor, struct lt_dr_process *kept,
		     const struct lt_task_span *task)
{
	size_t capacity = kept->tasks_capacity ? 2 * kept->tasks_capacity : 256;
	struct lt_dr_task *tasks;

	if (task->kind < 0 || task->kind >= LT_SNAP_KINDS || !(task->wait >= 0) ||
	    !(task->run >= 0) || !isfinite(task->submit_time) ||
	    doctor->n_tasks >= LT_DR_TASKS_MAX) {
		kept->tasks_left_out++;
		return 0;
	}
	if (kept->n_tasks == kept->tasks_capacity) {
		tasks = reallocarray(kept->tasks, capacity, sizeof(*tasks));
		if (!tasks)
			return -ENOMEM;
		kept->tasks = tasks;
		kept->tasks_capacity = capacity;
	}
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

static float larger(float a, double b)
{
	return isnan(a) || (float)b > a ? (float)b : a;
}

static void halve(struct lt_pool_point *points, size_t *n)
{
	for (size_t i = 0; i + 1 < *n; i += 2) {
		struct lt_pool_point both = points[i];

		both.time = points[i + 1].time;
		both.width += points[i + 1].width;
		both.depth_max = larger(both.depth_max, points[i + 1].depth_max);
		both.busy_max = larger(both.busy_max, points[i + 1].busy_max);
		both.wait_p99 = larger(both.wait_p99, points[i + 1].wait_p99);
		points[i / 2] = both;
	}
	*n /= 2;
}

static int add_point(struct lt_dr_process *kept, const struct lt_pool *pool,
		     const struct lt_snapshot *snapshot)
{
	float wait = NAN;

	if (!kept->points) {
		kept->points = calloc(LT_DR_POINTS_MAX, sizeof(*kept->points));
		if (!kept->points)
			return -ENOMEM;
	}
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		wait = larger(wait, pool->kinds[i].wait.p99);
	if (kept->n_points == LT_DR_POINTS_MAX)
		halve(kept->points, &kept->n_points);
	kept->points[kept->n_points++] = (struct lt_pool_point){
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

	if (!pool->present)
		return 0;
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
	return err ? err : add_point(kept, pool, snapshot);
}
