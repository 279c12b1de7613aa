/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the doctor keeps of the snapshots it has seen, one record a process and one a loop. All of it is
 * bounded, and what did not fit is counted, so that a report can say so. Texts are copied, cut and made
 * printable here: whoever writes them need not trust the target any more. Unknown is NAN.
 */
#ifndef LOOPTOP_DOCTOR_COLLECT_H
#define LOOPTOP_DOCTOR_COLLECT_H

#include <stdint.h>

#include "agent/doctor/doctor.h"
#include "agent/doctor/work.h"

#define LT_DR_PROCESSES_MAX 256
#define LT_DR_LOOPS_MAX	    1024 /* all together */
#define LT_DR_LATE_MAX	    200000 /* all together */
#define LT_DR_TASKS_MAX	    200000 /* all together */
#define LT_DR_BLOCKERS_MAX  64 /* of one loop */
#define LT_DR_POINTS_MAX    256 /* of one chart */
#define LT_DR_MISSING_MAX   16 /* sentences of one process */
#define LT_DR_PEER_SIZE	     80
#define LT_DR_DEOPTS_MAX    64 /* functions of one loop */
#define LT_DR_LATE_TIMER_SECONDS 0.01
#define LT_DR_NO_BLOCKER    UINT16_MAX
#define LT_DR_OTHER_BLOCKER (UINT16_MAX - 1) /* known, but there are too many */

/* Code that kept a loop from its events: a function, and what ran below it. */
struct lt_blocker {
	enum lt_work work;
	char *function; /* NULL: unknown */
	char *file; /* where it was written, if a source map tells, or where it was loaded from; or NULL */
	char *below; /* or NULL */
	int line, column; /* 0: unknown */
	double turns, samples;
	double seconds; /* its own, of those turns */
};

/* A turn that was late. */
struct lt_late {
	double seconds;
	float cause_seconds[LT_SNAP_CAUSES]; /* NAN: unknown */
	float own_seconds; /* of its blocker; or, without one, of all code in it */
	float samples;
	uint16_t blocker; /* index, or LT_DR_NO_BLOCKER: no stack, or no room for it */
	bool running; /* at the latest snapshot: it will be seen again, longer */
	bool cut_short; /* its loop ended in it */
};

struct lt_loop_point {
	double time, width; /* Unix time of its end; seconds */
	float lag_p99, lag_max, busy; /* the largest; of busy the seconds */
	float cause_seconds[LT_SNAP_CAUSES];
};

struct lt_pool_point {
	double time, width;
	float depth_max, busy_max, wait_p99; /* the largest */
};

/* RSS after an interval with a major collection, or what a heap had in use after one. */
struct lt_dr_memory_point {
	double time, bytes;
};

/* How many tasks waited at the end of an interval. */
struct lt_dr_depth_point {
	double time, width, depth;
};

/* Streams that do not drain. */
struct lt_dr_streams {
	bool known;
	double most_blocked, most_bytes; /* at one time */
	/* Of the one that was blocked for the longest time, when it was last seen so: */
	double longest_seconds;
	int fd;
	double queued_bytes;
	char peer[LT_DR_PEER_SIZE]; /* "": unknown */
};

/* Code that was left because what it was made for was no longer so. */
struct lt_dr_jit {
	double seconds; /* in which it was counted; 0: never */
	double deopts;
	double optimised; /* functions that got optimised code, by any compiler that makes it */
	/* Whose code, as far as that was told: turns is how often, at least. */
	struct lt_blocker functions[LT_DR_DEOPTS_MAX];
	size_t n_functions;
};

struct lt_dr_loop {
	int tid;
	char *name;
	double first_time; /* Unix time from which on it was watched */
	bool turns_known;
	struct lt_hist turns; /* every turn once */
	double base_seconds; /* the window of the lag that they make */
	double busy, idle; /* seconds */
	double cause_busy; /* the busy seconds of which the causes are known */
	double cause_seconds[LT_SNAP_CAUSES];
	struct lt_hist lateness; /* of timers; count 0: none or unknown */
	bool lateness_known;
	double late_timers; /* by LT_DR_LATE_TIMER_SECONDS or more */
	unsigned int late_intervals; /* of snapshots, in which there were some */
	struct lt_blocker blockers[LT_DR_BLOCKERS_MAX];
	size_t n_blockers;
	struct lt_late *late;
	size_t n_late, late_capacity;
	double late_left_out, late_left_out_seconds;
	struct lt_loop_point *points;
	size_t n_points;
	/* Its V8 heap; NAN: unknown. */
	double heap_used, heap_total; /* the largest */
	double heap_limit, heap_after; /* the latest */
	struct lt_dr_memory_point heap[LT_DR_POINTS_MAX];
	size_t n_heap;
	struct lt_dr_streams streams;
	struct lt_dr_jit jit;
};

struct lt_dr_task {
	double submit_time;
	float wait, run, delivery;
	int8_t kind;
};

/* A place where tasks wait: for a thread of the pool, or, those of one kind, for one of the threads that they may use. */
struct lt_dr_queue {
	unsigned looks, full; /* intervals; at whose end all threads ran while tasks waited */
	bool full_now; /* at the last one */
	double quiet_seconds; /* up to the last one, in which none ended that it had waited for */
	double ended; /* in all; NAN: not known */
	struct lt_dr_depth_point *depth; /* NULL: none */
	size_t n_depth;
};

/* A thread of the pool that sleeps in its task. */
struct lt_dr_thread {
	int kind;
	double seconds;
	char call[24], on[LT_DR_PEER_SIZE]; /* "": unknown */
};

#define LT_DR_THREADS_MAX 16

/* Tasks of a pool that had not ended at the last look. */
struct lt_dr_unfinished {
	struct lt_dr_queue all, slow; /* slow: of the kind that may use only a part of the threads */
	double oldest_queued, oldest_running; /* seconds; NAN: unknown */
	double queued[LT_SNAP_KINDS], running[LT_SNAP_KINDS]; /* likewise */
	struct lt_dr_thread threads[LT_DR_THREADS_MAX];
	size_t n_threads;
};

struct lt_dr_gc {
	double count, seconds, max_seconds;
};

/* The distributions of a kind's tasks. */
enum { LT_DR_WAIT, LT_DR_RUN, LT_DR_DELIVERY, LT_DR_DISTS };

struct lt_dr_process {
	int pid;
	double start_time;
	char *name, *runtime, *runtime_version, *tier;
	char *exe, *cgroup; /* or NULL */
	char *missing[LT_DR_MISSING_MAX];
	size_t n_missing;
	double seconds; /* that it was watched */
	double first_time,
		last_time; /* Unix time of the first interval's begin and the last one's end */
	double cpu_seconds;
	bool ended;
	struct lt_end end;
	struct lt_dr_loop **loops;
	size_t n_loops;
	/* pool */
	bool pool_present, kinds_known;
	double pool_size, depth_max, saturated_seconds;
	struct lt_hist
		*kinds[LT_SNAP_KINDS][LT_DR_DISTS]; /* since the beginning; NULL: none */
	struct lt_dr_task *tasks;
	size_t n_tasks, tasks_capacity;
	double tasks_left_out;
	struct lt_dr_unfinished unfinished;
	struct lt_pool_point *points;
	size_t n_points;
	/* garbage collection, memory, the rest */
	bool gc_known;
	struct lt_dr_gc gc[LT_SNAP_GCS];
	double gc_seconds;
	double rss_bytes, memory_limit_bytes;
	struct lt_dr_memory_point memory[LT_DR_POINTS_MAX];
	size_t n_memory;
	double cpus_allowed; /* by affinity and cpuset */
	double cpu_limit, throttled_periods, periods, throttled_seconds;
	double sync_fs_calls, sync_fs_seconds;
};

struct lt_diagnosis;

struct lt_doctor {
	struct lt_doctor_opts opts;
	int cpus; /* of the host */
	double first_time, last_time;
	double seconds; /* watched */
	double lost; /* events that the probes could not deliver */
	struct lt_dr_process **processes;
	size_t n_processes;
	size_t n_loops, n_late, n_tasks; /* all together */
	double processes_left_out, loops_left_out; /* snapshots of those that had no room */
	struct lt_diagnosis *diagnosis; /* of lt_doctor__findings, or NULL */
};

/* Takes a snapshot into the records. 0 or -ENOMEM. */
int lt_collect__add(struct lt_doctor *doctor, const struct lt_snapshot *snapshot);
void lt_collect__free(struct lt_doctor *doctor);

/* The parts of it that have files of their own: turns and stalls of a loop, tasks of a pool. */
struct lt_dr_loop *lt_collect__new_loop(int tid, const char *name);
int lt_collect__loop(struct lt_doctor *doctor, struct lt_dr_loop *kept, const struct lt_loop *loop,
		     const struct lt_snapshot *snapshot);
/* Adds a point; when there are too many, every second one stays. */
void lt_collect__memory(struct lt_dr_memory_point points[LT_DR_POINTS_MAX], size_t *n, double time,
			double bytes);
void lt_collect__free_loop(struct lt_dr_loop *loop);
/* Deoptimisations (collect_jit.c). 0 or -ENOMEM. */
int lt_collect__jit(struct lt_dr_jit *kept, const struct lt_jit *jit, double seconds);
void lt_collect__free_jit(struct lt_dr_jit *jit);
/* Pool: collect_pool.c; what has not ended of it: collect_queue.c. 0 or -ENOMEM. */
int lt_collect__unfinished(struct lt_dr_process *kept, const struct lt_pool *pool,
			   const struct lt_snapshot *snapshot);
/* It could not be read, or is gone: nothing is known of it now. */
void lt_collect__no_pool(struct lt_dr_unfinished *unfinished);
void lt_collect__free_unfinished(struct lt_dr_unfinished *unfinished);
int lt_collect__pool(struct lt_doctor *doctor, struct lt_dr_process *kept,
		     const struct lt_pool *pool, const struct lt_snapshot *snapshot);

/* How many waited at the last look; NAN: unknown. */
static inline double lt_queue__depth(const struct lt_dr_queue *queue)
{
	return queue->n_depth ? queue->depth[queue->n_depth - 1].depth : NAN;
}

/* Whatever it did below. A function without a name is told by its place. */
bool lt_blocker__same_function(const struct lt_blocker *a, const struct lt_blocker *b);

/* sum + x, where x and sum may be unknown: what is known of the two. */
static inline double lt_sum(double sum, double x)
{
	return !lt_known(x) ? sum : lt_known(sum) ? sum + x : x;
}

/* The larger of what is known. */
static inline float lt_larger(float a, double b)
{
	return isnan(a) || (float)b > a ? (float)b : a;
}

/* Room for one more behind the n points of a chart, each of `size` bytes: the array, made if it is NULL.
 * When it is full, neighbours are joined: `next` is added to `point`. NULL when memory ran out. */
void *lt_collect__room(void *points, size_t *n, size_t size,
		       void (*join)(void *point, const void *next));

/* A printable copy, cut; NULL for NULL, and with errno when memory ran out. */
char *lt_collect__text(const char *text);

#endif
