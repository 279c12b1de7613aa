/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A service for the doctor's tests: one process with one loop, well in every respect, snapshot by snapshot.
 * Each test makes it ill in one.
 */
#ifndef LOOPTOP_TEST_DOCTOR_CASE_H
#define LOOPTOP_TEST_DOCTOR_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/doctor.h"
#include "agent/doctor/turns.h"
#include "looptop/metric.h"

#define CASE_LOOPS	   4
#define CASE_STALLS	   16
#define CASE_TASKS	   4000
#define CASE_INTERVALS	   10 /* of a second each */
#define CASE_STALL_SECONDS 0.1

struct doctor_case {
	struct lt_snapshot snapshot;
	struct lt_process process;
	struct lt_loop loops[CASE_LOOPS];
	struct lt_hist turns[CASE_LOOPS]; /* of the interval */
	struct lt_hist lateness; /* since the beginning */
	struct lt_hist wait[LT_SNAP_KINDS], run[LT_SNAP_KINDS], delivery[LT_SNAP_KINDS];
	struct lt_stall stalls[CASE_STALLS]; /* of the first loop, in this interval */
	struct lt_stack_frame frames[CASE_STALLS][2];
	struct lt_task_span tasks[CASE_TASKS];
	struct lt_doctor *doctor;
};

static inline int case_kind(const char *name)
{
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		if (!strcmp(lt_kind_names[i], name))
			return i;
	abort();
}

static inline int case_gc(const char *name)
{
	for (int i = 0; i < LT_SNAP_GCS; i++)
		if (!strcmp(lt_gc_names[i], name))
			return i;
	abort();
}

/* Turns of this length in the interval of a loop; what they take is taken from its idle time, and is CPU. */
static inline void case_turns(struct doctor_case *c, int loop, double n, double seconds)
{
	lt_turns__add(&c->turns[loop], seconds, n);
	c->loops[loop].busy_seconds += n * seconds;
	c->loops[loop].idle_seconds = 1 - c->loops[loop].busy_seconds;
	c->loops[loop].cause_seconds[LT_CAUSE_CPU] += n * seconds;
}

/* One late turn of the first loop, in which a function of the application was seen, and what it called. */
static inline struct lt_stall *case_stall(struct doctor_case *c, double seconds,
					  const char *function, const struct lt_stack_frame *below)
{
	struct lt_loop *loop = &c->loops[0];
	size_t i = loop->n_stalls++;
	struct lt_stall *stall = &c->stalls[i];

	case_turns(c, 0, 1, seconds);
	c->frames[i][1] = (struct lt_stack_frame){ .type = LT_FRAME_JS,
						   .function = function,
						   .file = "/app/server.js",
						   .line = 42,
						   .column = 11,
						   .user = true,
						   .share = 1 };
	if (below)
		c->frames[i][0] = *below;
	*stall = (struct lt_stall){ .start_time = c->snapshot.time - 0.5,
				    .seconds = seconds,
				    .cause = LT_CAUSE_CPU,
				    .samples = 20,
				    .where = &c->frames[i][1],
				    .below = below ? &c->frames[i][0] : NULL,
				    .stack = below ? &c->frames[i][0] : &c->frames[i][1],
				    .n_stack = below ? 2 : 1 };
	stall->cause_seconds[LT_CAUSE_CPU] = seconds;
	loop->stalls = c->stalls;
	return stall;
}

/* A part of the first loop's busy time has this cause instead of CPU. */
static inline void case_cause(struct doctor_case *c, enum lt_cause cause, double seconds)
{
	c->loops[0].cause_seconds[LT_CAUSE_CPU] -= seconds;
	c->loops[0].cause_seconds[cause] += seconds;
}

/* Tasks that come one every so many seconds, each with this wait, run and delivery. */
static inline void case_tasks(struct doctor_case *c, const char *kind, int n, double every,
			      double wait, double run, double delivery)
{
	struct lt_pool *pool = &c->process.pool;
	int k = case_kind(kind);

	for (int i = 0; i < n && pool->n_tasks < CASE_TASKS; i++)
		c->tasks[pool->n_tasks++] = (struct lt_task_span){
			.kind = k,
			.submit_time = c->snapshot.time + i * every,
			.wait = wait,
			.run = run,
			.delivery = delivery,
		};
	lt_turns__add(&c->wait[k], wait, n);
	lt_turns__add(&c->run[k], run, n);
	lt_turns__add(&c->delivery[k], delivery, n);
	pool->kinds[k].total.wait = &c->wait[k];
	pool->kinds[k].total.run = &c->run[k];
	pool->kinds[k].total.delivery = &c->delivery[k];
	pool->tasks = c->tasks;
}

static inline void case_collect(struct doctor_case *c, const char *kind, double n, double seconds,
				double longest)
{
	struct lt_gc_kind *gc = &c->process.gc[case_gc(kind)];

	gc->count += n;
	gc->seconds += seconds;
	gc->max_seconds = fmax(gc->max_seconds, longest);
	c->process.gc_seconds += seconds;
	case_cause(c, LT_CAUSE_GC, seconds);
}

/* A heap with a limit of two gigabytes. */
static inline struct lt_heap case_heap(double used, double after_gc)
{
	struct lt_heap heap = lt_heap__unknown(true);

	heap.used_bytes = used;
	heap.total_bytes = used + 8e6;
	heap.limit_bytes = 2.1e9;
	heap.used_after_gc_bytes = after_gc;
	return heap;
}

/* The next interval, in which all is well: a service that does a little of everything. */
static inline void case_next(struct doctor_case *c)
{
	struct lt_process *process = &c->process;

	c->snapshot.time += 1;
	c->snapshot.sequence++;
	for (size_t i = 0; i < process->n_loops; i++) {
		struct lt_loop *loop = &c->loops[i];

		memset(&c->turns[i], 0, sizeof(c->turns[i]));
		loop->busy_seconds = 0;
		memset(loop->cause_seconds, 0, sizeof(loop->cause_seconds));
		loop->n_stalls = 0;
		case_turns(c, (int)i, 100, 0.002);
		loop->turn_hist = &c->turns[i];
		loop->lag_base_seconds = 1;
	}
	lt_turns__add(&c->lateness, 0.0004, 50);
	c->loops[0].total.timer_lateness = &c->lateness;
	memset(process->gc, 0, sizeof(process->gc));
	process->gc_seconds = 0;
	process->pool.n_tasks = 0;
	process->pool.saturated_seconds = 0;
	process->pool.queue_depth_max = 0;
	for (int k = 0; k < LT_SNAP_KINDS; k++)
		process->pool.kinds[k].started = process->pool.kinds[k].run.count = 0;
	process->cpu_seconds = 0.25;
	process->sync_fs_calls = process->sync_fs_seconds = 0;
	case_tasks(c, "fs", 20, 0.05, 0.00002, 0.0001, 0.0005);
	case_collect(c, "scavenge", 2, 0.002, 0.001);
}

static inline struct doctor_case *case_new(void)
{
	static const struct lt_doctor_opts opts = { .stall_seconds = CASE_STALL_SECONDS,
						    .cpus = 4 };
	struct doctor_case *c = calloc(1, sizeof(*c));

	c->snapshot = (struct lt_snapshot){ .schema = 1,
					    .time = 1790000000,
					    .interval_seconds = 1,
					    .host = { "host", "6.18", 4 },
					    .processes = &c->process,
					    .n_processes = 1 };
	c->process =
		(struct lt_process){ .pid = 4121,
				     .start_time = 1789990000,
				     .name = "server.js",
				     .runtime = "node",
				     .runtime_version = "22.1.0",
				     .tier = "phases",
				     .rss_bytes = 100e6,
				     .cpu_limit = NAN,
				     .cpus_allowed = NAN,
				     .throttled_periods = NAN,
				     .periods = NAN,
				     .throttled_seconds = NAN,
				     .memory_limit_bytes = NAN,
				     .loops = c->loops,
				     .n_loops = 1,
				     .pool = { .present = true, .size = 4, .kinds_known = true },
				     .gc_known = true };
	for (int i = 0; i < CASE_LOOPS; i++)
		c->loops[i] = (struct lt_loop){ .tid = 4121 + i, .name = i ? "worker" : "main" };
	c->doctor = lt_doctor__new(&opts);
	case_next(c);
	return c;
}

static inline void case_free(struct doctor_case *c)
{
	lt_doctor__free(c->doctor);
	free(c);
}

/* The interval is over. */
static inline void case_tell(struct doctor_case *c)
{
	if (lt_doctor__add(c->doctor, &c->snapshot))
		abort();
	case_next(c);
}

/* The whole time: in each interval `illness` does its worst. */
static inline void case_watch(struct doctor_case *c,
			      void (*illness)(struct doctor_case *c, int interval))
{
	for (int i = 0; i < CASE_INTERVALS; i++) {
		if (illness)
			illness(c, i);
		case_tell(c);
	}
}

#endif
