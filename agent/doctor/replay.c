/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/turns.h"
#include "looptop/metric.h"

int lt_replay__slow_kind(void)
{
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		if (!strcmp(lt_kind_names[i], "dns"))
			return i;
	return -1;
}

/* Waits add up in a histogram: its quantiles are 3 % right, which an estimate never is. */
static struct lt_replay_waits waits_of(const struct lt_hist *hist)
{
	if (!(hist->count > 0))
		return (struct lt_replay_waits){ NAN, NAN };
	return (struct lt_replay_waits){ lt_hist__quantile(hist, 0.99), hist->sum / hist->count };
}

struct lt_replay_waits lt_replay__recorded(const struct lt_dr_process *process, int kind)
{
	struct lt_hist hist = { 0 };

	for (size_t i = 0; i < process->n_tasks; i++)
		if (kind < 0 || process->tasks[i].kind == kind)
			lt_turns__add(&hist, (double)process->tasks[i].wait, 1);
	return waits_of(&hist);
}

/* Tasks in the order of their submission, fast ones and slow ones in a queue each. */
struct queue {
	const struct lt_dr_task **tasks;
	size_t n, next;
};

static int compare_submission(const void *a, const void *b)
{
	const struct lt_dr_task *x = *(const struct lt_dr_task *const *)a;
	const struct lt_dr_task *y = *(const struct lt_dr_task *const *)b;

	return x->submit_time < y->submit_time ? -1 : x->submit_time > y->submit_time;
}

static int fill_queues(const struct lt_dr_process *process, int without_kind, struct queue *fast,
		       struct queue *slow)
{
	int slow_kind = lt_replay__slow_kind();

	fast->tasks = calloc(process->n_tasks + 1, sizeof(*fast->tasks));
	slow->tasks = calloc(process->n_tasks + 1, sizeof(*slow->tasks));
	if (!fast->tasks || !slow->tasks)
		return -ENOMEM;
	for (size_t i = 0; i < process->n_tasks; i++) {
		struct queue *queue = process->tasks[i].kind == slow_kind ? slow : fast;

		if (process->tasks[i].kind != without_kind)
			queue->tasks[queue->n++] = &process->tasks[i];
	}
	qsort(fast->tasks, fast->n, sizeof(*fast->tasks), compare_submission);
	qsort(slow->tasks, slow->n, sizeof(*slow->tasks), compare_submission);
	return 0;
}

/* When each thread, or each place for a slow task, is free again. */
struct places {
	double free_time[LT_REPLAY_THREADS_MAX];
	int n;
};

static double *first_free(struct places *places)
{
	double *first = &places->free_time[0];

	for (int i = 1; i < places->n; i++)
		if (places->free_time[i] < *first)
			first = &places->free_time[i];
	return first;
}

static double start_of(const struct queue *queue, double free_time)
{
	if (queue->next == queue->n)
		return INFINITY;
	return fmax(free_time, queue->tasks[queue->next]->submit_time);
}

/* Runs the task that can start first; of two at the same moment the one that came first. */
static void step(struct queue *fast, struct queue *slow, struct places *threads,
		 struct places *slow_places, int only_kind, struct lt_hist *waits)
{
	double *thread = first_free(threads), *place = first_free(slow_places);
	double fast_start = start_of(fast, *thread);
	double slow_start = start_of(slow, fmax(*thread, *place));
	bool is_slow =
		slow_start < fast_start ||
		(slow_start == fast_start && isfinite(slow_start) &&
		 slow->tasks[slow->next]->submit_time < fast->tasks[fast->next]->submit_time);
	struct queue *queue = is_slow ? slow : fast;
	const struct lt_dr_task *task = queue->tasks[queue->next++];
	double start = is_slow ? slow_start : fast_start;

	*thread = start + (double)task->run;
	if (is_slow)
		*place = *thread;
	if (only_kind < 0 || task->kind == only_kind)
		lt_turns__add(waits, start - task->submit_time, 1);
}

int lt_replay__run(const struct lt_dr_process *process, const struct lt_replay_opts *opts,
		   struct lt_replay_waits *ret_waits)
{
	struct queue fast = { 0 }, slow = { 0 };
	struct places threads = { .n = opts->threads },
		      slow_places = { .n = (opts->threads + 1) / 2 };
	struct lt_hist waits = { 0 };
	int err;

	if (opts->threads < 1 || opts->threads > LT_REPLAY_THREADS_MAX)
		return -EINVAL;
	for (int i = 0; i < LT_REPLAY_THREADS_MAX; i++)
		threads.free_time[i] = slow_places.free_time[i] = -INFINITY;
	err = fill_queues(process, opts->without_kind, &fast, &slow);
	while (!err && (fast.next < fast.n || slow.next < slow.n))
		step(&fast, &slow, &threads, &slow_places, opts->only_kind, &waits);
	free(fast.tasks);
	free(slow.tasks);
	if (!err)
		*ret_waits = waits_of(&waits);
	return err;
}
