/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A sequence of snapshots for the tests of the dashboard: a server with Workers whose main loop has
 * a bad minute and then blocks, an idle service, one at tier memory, one that ends. Each step
 * depends only on its number, so that golden files can hold what is drawn.
 */
#ifndef LOOPTOP_TESTS_UI_SEQUENCE_H
#define LOOPTOP_TESTS_UI_SEQUENCE_H

#include "fixture_snapshot.h"

#define SEQUENCE_ENDS_AT 100 /* the step at which the process with pid 655 ends */
#define SEQUENCE_TIME 1790000000.0

struct sequence {
	struct fixture *fx;
	struct lt_process processes[5];
	struct lt_loop server[3], api[1], ended[1];
	struct lt_hist turn[5];
	struct lt_stall stalls[2];
	struct lt_snapshot snapshot;
};

/* Lag from turns by the contract's definition: the x at which Σ max(0, b − x) / T is 1 − q. */
static inline double sequence_lag(const struct lt_hist *hist, double q)
{
	double low = 0, high = hist->max;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (lt_hist__excess(hist, middle) > 1 - q)
			low = middle;
		else
			high = middle;
	}
	return high < 1e-6 ? 0 : high;
}

static inline void sequence_loop(struct lt_loop *loop, struct lt_hist *hist, int tid,
				 const char *name)
{
	double squares = 0;

	for (size_t i = 0; i < LT_HIST_BUCKETS; i++)
		if (hist->bucket_count[i] > 0)
			squares += hist->bucket_sum[i] * hist->bucket_sum[i] / hist->bucket_count[i];
	*loop = fixture_unknown_loop(tid, name);
	loop->turns = hist->count;
	loop->iterations = hist->count;
	loop->busy_seconds = hist->sum;
	loop->idle_seconds = 1 - hist->sum;
	loop->utilization = hist->sum;
	loop->turn = fixture_dist(hist->count, hist->sum, lt_hist__quantile(hist, 0.5),
				  lt_hist__quantile(hist, 0.9), lt_hist__quantile(hist, 0.99),
				  hist->max);
	loop->lag = (struct lt_lag){ squares / 2,
				     sequence_lag(hist, 0.5),
				     sequence_lag(hist, 0.9),
				     sequence_lag(hist, 0.99),
				     sequence_lag(hist, 0.999),
				     hist->max };
	loop->timer_lateness = fixture_dist(90, 0.0063, 0.00007, 0.0001, 0.0031, 0.004);
	loop->phase_seconds[LT_PHASE_TIMERS] = hist->sum * 0.12;
	loop->phase_seconds[LT_PHASE_POLL_WAIT] = 1 - hist->sum;
	loop->phase_seconds[LT_PHASE_POLL_CALLBACKS] = hist->sum * 0.8;
	loop->phase_seconds[LT_PHASE_CHECK] = hist->sum * 0.08;
	for (int i = 0; i < LT_SNAP_CAUSES; i++) {
		static const double shares[LT_SNAP_CAUSES] = { 0.71, 0.12, 0.04, 0.09, 0, 0.04 };

		loop->cause_seconds[i] = hist->sum * shares[i];
	}
	loop->stalled_seconds = 0;
	fixture_handles(loop, "10.0.0.7:5432");
	fixture_jit(loop, false);
	if (strcmp(name, "main")) { /* its readers read */
		loop->streams = (struct lt_streams){ 0, 0, 0, { -1, NAN, NULL } };
		fixture_unknown_jit(loop);
	}
	loop->turn_hist = hist;
	loop->lag_base_seconds = 1;
}

/* A stall of this length in the shape of one of the fixture's. */
static inline struct lt_stall sequence_stall(const struct lt_stall *shape, double start_time,
					     double seconds)
{
	struct lt_stall stall = *shape;

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		stall.cause_seconds[i] *= seconds / shape->seconds;
	stall.start_time = start_time;
	stall.seconds = seconds;
	return stall;
}

/* What ended a moment ago: by turns code, a garbage collection, a read that nobody saw the stack of. */
static inline struct lt_stall sequence_past_stall(const struct sequence *s, int step, double seconds)
{
	static const enum lt_cause causes[] = { LT_CAUSE_CPU, LT_CAUSE_GC, LT_CAUSE_SYNC_IO };
	struct lt_stall shape = s->fx->stalls[0];

	shape.cause = causes[step % 3];
	if (shape.cause != LT_CAUSE_CPU) {
		memset(shape.cause_seconds, 0, sizeof(shape.cause_seconds));
		shape.cause_seconds[LT_CAUSE_CPU] = shape.seconds / 8;
		shape.cause_seconds[shape.cause] = shape.seconds * 7 / 8;
		shape.below = NULL;
	}
	if (shape.cause == LT_CAUSE_SYNC_IO) {
		shape.where = shape.stack = NULL;
		shape.n_stack = 0;
		shape.samples = 0;
	}
	return sequence_stall(&shape, SEQUENCE_TIME + step - 0.5, seconds);
}

/* How bad the main loop's minute is at this step, 0…1. */
static inline double sequence_trouble(int step)
{
	double at = step % 60 - 40;

	return at < -8 || at > 8 ? 0 : 1 - fabs(at) / 9;
}

static inline void sequence_server(struct sequence *s, int step)
{
	struct lt_process *process = &s->processes[0];
	double trouble = sequence_trouble(step);

	memset(&s->turn[0], 0, 3 * sizeof(s->turn[0]));
	hist_add(&s->turn[0], 180000, 700 + step * 37 % 90);
	hist_add(&s->turn[0], 4200000, 18 + step * 13 % 7);
	if (trouble > 0)
		hist_add(&s->turn[0], (uint64_t)(20e6 + 260e6 * trouble), 1 + 2 * trouble);
	hist_add(&s->turn[1], 24000000, 9 + step % 4);
	hist_add(&s->turn[2], 90000, 300);
	sequence_loop(&s->server[0], &s->turn[0], 4121, "main");
	sequence_loop(&s->server[1], &s->turn[1], 4130, "worker-1");
	sequence_loop(&s->server[2], &s->turn[2], 4131, "thumbnails");
	s->stalls[0] = sequence_past_stall(s, step, 0.02 + 0.26 * trouble);
	s->stalls[1] = sequence_stall(&s->fx->stalls[1], SEQUENCE_TIME + 100 - 0.3, 0.3 + step - 100);
	if (trouble > 0.4) {
		s->server[0].stalls = &s->stalls[0];
		s->server[0].n_stalls = 1;
	}
	if (step >= 100 && step < 104) {
		s->server[0].stalls = &s->stalls[1];
		s->server[0].n_stalls = 1;
		s->server[0].stalled_seconds = s->stalls[1].seconds;
	}
	*process = s->fx->processes[0];
	/* A saw-tooth that climbs: what each collection leaves is more than the one before left. */
	s->server[0].heap = fixture_heap();
	s->server[0].heap.used_after_gc_bytes = 1.2e9 + 4e6 * (step / 20 * 20);
	s->server[0].heap.used_bytes = s->server[0].heap.used_after_gc_bytes + 1.5e7 * (step % 20);
	s->server[0].heap.total_bytes = 1.9e9;
	s->server[1].heap = fixture_heap();
	s->server[2].heap = lt_heap__unknown(true);
	process->loops = s->server;
	process->n_loops = 3;
	process->gc[LT_GC_INCREMENTAL_STEP] = (struct lt_gc_kind){ .count = 3, .seconds = 0.004,
								   .max_seconds = 0.002 };
}

static inline void sequence_others(struct sequence *s, int step)
{
	s->processes[1] = s->fx->processes[1];
	s->processes[2] = s->fx->processes[2];
	memset(&s->turn[3], 0, 2 * sizeof(s->turn[3]));
	hist_add(&s->turn[3], 120000, 40 + step % 9);
	hist_add(&s->turn[4], 300000, 25);
	sequence_loop(&s->api[0], &s->turn[3], 4500, "main");
	sequence_loop(&s->ended[0], &s->turn[4], 655, "main");
	s->processes[3] = s->fx->processes[0];
	s->processes[3].pid = 4500;
	s->processes[3].name = "api.js";
	s->api[0].heap = fixture_heap();
	s->api[0].heap.used_bytes = 52428800;
	s->processes[3].container = NULL;
	s->processes[3].loops = s->api;
	s->processes[3].n_loops = 1;
	s->processes[3].gc_seconds = 0.008;
	s->processes[3].pool.busy = 0;
	s->processes[3].pool.queue_depth = 0;
	s->processes[3].pool.oldest_queued_seconds = s->processes[3].pool.oldest_running_seconds = 0;
	s->processes[3].pool.n_threads = 0;
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		struct lt_pool_kind *kind = &s->processes[3].pool.kinds[i];

		kind->wait = fixture_dist(0, 0, NAN, NAN, NAN, NAN);
		kind->queued = kind->running = 0;
	}
	s->processes[4] = s->processes[3];
	s->processes[4].pid = 655;
	s->processes[4].name = "migrate.js";
	s->processes[4].loops = s->ended;
	s->processes[4].ended = step == SEQUENCE_ENDS_AT;
	s->processes[4].end = (struct lt_end){ .time = SEQUENCE_TIME + SEQUENCE_ENDS_AT - 0.5,
					       .how = LT_END_EXIT,
					       .code = 3 };
}

/* The snapshot of this step, which borrows from s until the next call. */
static inline const struct lt_snapshot *sequence_step(struct sequence *s, int step)
{
	sequence_server(s, step);
	sequence_others(s, step);
	s->snapshot = s->fx->snapshot;
	s->snapshot.time = SEQUENCE_TIME + step;
	s->snapshot.sequence = (uint64_t)step + 1;
	s->snapshot.processes = s->processes;
	s->snapshot.n_processes = step <= SEQUENCE_ENDS_AT ? 5 : 4;
	if (step % 7)
		memset(s->snapshot.self.lost, 0, sizeof(s->snapshot.self.lost));
	return &s->snapshot;
}

static inline struct sequence *sequence_new(void)
{
	struct sequence *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->fx = fixture_new();
	return s;
}

static inline void sequence_free(struct sequence *s)
{
	free(s->fx);
	free(s);
}

#endif
