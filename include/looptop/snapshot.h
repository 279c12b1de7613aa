/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The snapshot: everything looptop knows about one collection interval, as the model built it.
 * Sinks and the dashboard read it and copy what they keep; what it points to is valid until the next one.
 * Between two, a pulse may bring the running stalls of the latest one up to date, nothing else. Durations are
 * seconds. Unknown is NAN for every number (never 0) and NULL for every string: ask lt_known().
 * Figures are for the interval; those in a `total` are since the process was first seen, and
 * only ever grow while it is there.
 */
#ifndef LOOPTOP_SNAPSHOT_H
#define LOOPTOP_SNAPSHOT_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "looptop/end.h"
#include "looptop/hist.h"

#define LT_SNAPSHOT_SCHEMA 1

/* The kinds, phases and tiers by index; their names are in metric.h's tables. */
#define LT_SNAP_PHASES 8
#define LT_SNAP_KINDS 6
#define LT_SNAP_GCS 4
#define LT_SNAP_CAUSES 6
#define LT_SNAP_LOST 4
#define LT_SNAP_TIER_REASONS 10
#define LT_SNAP_SPACES 10
#define LT_SNAP_HANDLES 14
#define LT_SNAP_COMPILERS 4

static inline bool lt_known(double x)
{
	return !isnan(x);
}

/* Counts and sums by bucket (hist.h has the bounds). NULL pointers to it mean unknown. */
struct lt_hist {
	double count; /* of all buckets */
	double sum; /* seconds, of all buckets */
	double max; /* seconds, exact; 0 when empty */
	double bucket_count[LT_HIST_BUCKETS];
	double bucket_sum[LT_HIST_BUCKETS]; /* seconds */
};

/* A distribution; count 0 has NAN quantiles and max; unknown has all NAN. */
struct lt_dist {
	double count;
	double sum;
	double p50, p90, p99, max;
};

/* How long an event that becomes ready at a random moment waits for the loop (contract, 4). */
struct lt_lag {
	double mean, p50, p90, p99, p999, max;
};

/* What busy time was spent on (contract, 1: "cause"); names in lt_cause_names (metric.h). */
enum lt_cause {
	LT_CAUSE_CPU,
	LT_CAUSE_GC,
	LT_CAUSE_SYNC_IO,
	LT_CAUSE_RUNQUEUE,
	LT_CAUSE_THROTTLED,
	LT_CAUSE_UNKNOWN,
};

enum lt_stack_frame_type { LT_FRAME_JS, LT_FRAME_BUILTIN, LT_FRAME_NATIVE };

/* Why a process is measured more or less than before; names in lt_tier_reason_names (metric.h). */
enum lt_tier_reason {
	LT_REASON_ASKED, /* the user wants this tier */
	LT_REASON_LOOKED_AT, /* selected or open on the screen */
	LT_REASON_LATE, /* a loop is late, or so busy that its events wait */
	LT_REASON_BUSY, /* one of the busiest */
	LT_REASON_QUIET, /* none of these any more */
	LT_REASON_BUDGET, /* its probes cost too much */
	LT_REASON_TOTAL_BUDGET, /* all probes together do */
	LT_REASON_RECOVERED, /* it is affordable again */
	LT_REASON_SAMPLE, /* a short look at one that is not affordable all the time */
	LT_REASON_SAMPLE_END,
};

/* One frame of a stack, a JavaScript function as V8 loaded it. Texts are UTF-8, printable. */
struct lt_stack_frame {
	enum lt_stack_frame_type type;
	const char *function; /* never NULL; "(anonymous)" where the function has no name */
	const char *file; /* "/app/server.js", "node:fs", a library's path; NULL: unknown */
	int line, column; /* from 1; 0: unknown */
	bool user; /* JavaScript of the application, not of the runtime */
	/* Where a source map says that it was written; NULL, 0, 0: there is none. */
	const char *original_file;
	int original_line, original_column;
	double share; /* of the stall's samples that have this frame, 0…1 */
};

/* How a turn went on and on, where the stack tells it. */
enum lt_starvation { LT_STARVED_NOT, LT_STARVED_BY_NEXT_TICK, LT_STARVED_BY_MICROTASKS };

struct lt_stall {
	double start_time; /* Unix time */
	double seconds; /* its length, or its length so far */
	bool ongoing;
	bool cut_short; /* its thread, or the process, ended in it */
	enum lt_cause cause; /* the largest of cause_seconds; LT_CAUSE_UNKNOWN if they are unknown */
	double cause_seconds[LT_SNAP_CAUSES]; /* NAN: unknown */
	enum lt_starvation starvation;
	double samples; /* stacks that were taken, 0: none */
	/* The function that blocked: the most frequent innermost user function, if starved the callback; NULL: unknown. Points into
	 * stack. Its share is that of the samples whose innermost user function it is. */
	const struct lt_stack_frame *where;
	/* What ran below it in most of those samples ("JSON.parse", "pbkdf2Sync"); NULL: itself. Points into
	 * stack. */
	const struct lt_stack_frame *below;
	const struct lt_stack_frame *stack; /* of the most frequent stack, innermost first; NULL: none */
	size_t n_stack;
};

/* One pool task, kept only where somebody asked for them (doctor). Seconds. */
struct lt_task_span {
	int kind; /* index as in lt_pool.kinds */
	double submit_time; /* on a clock of its own, the same for all tasks of a process */
	double wait, run, delivery;
};

/* The spaces of a V8 heap; names in lt_space_names (metric.h). */
enum lt_space {
	LT_SPACE_NEW,
	LT_SPACE_OLD,
	LT_SPACE_CODE,
	LT_SPACE_MAP,
	LT_SPACE_TRUSTED,
	LT_SPACE_NEW_LARGE,
	LT_SPACE_LARGE,
	LT_SPACE_CODE_LARGE,
	LT_SPACE_TRUSTED_LARGE,
	LT_SPACE_READ_ONLY, /* only where V8 counts it */
};

/* The V8 heap of a loop's isolate, as the process's own v8.getHeapStatistics() has it: at the interval's end, or, if
 * a collection ran then, all of it as it was at a moment at most 1.2 s before. */
struct lt_heap {
	bool present; /* the loop runs JavaScript; otherwise all is "not applicable" */
	double used_bytes, total_bytes, limit_bytes;
	double external_bytes; /* outside of the heap, held by its objects */
	double used_after_gc_bytes; /* used, as read right after the latest full collection */
	double space_used_bytes[LT_SNAP_SPACES]; /* NAN: unknown, or this V8 has no such space */
	double space_total_bytes[LT_SNAP_SPACES];
	/* What objects can still take: free pieces of the pages that it has; the new spaces up to their capacity, of
	 * which there may be no pages yet. */
	double space_available_bytes[LT_SNAP_SPACES];
};

/* No part of it known; present: is there a heap at all. */
static inline struct lt_heap lt_heap__unknown(bool present)
{
	struct lt_heap heap = { .present = present };

	heap.used_bytes = heap.total_bytes = heap.limit_bytes = NAN;
	heap.external_bytes = heap.used_after_gc_bytes = NAN;
	for (int i = 0; i < LT_SNAP_SPACES; i++)
		heap.space_used_bytes[i] = heap.space_total_bytes[i] =
			heap.space_available_bytes[i] = NAN;
	return heap;
}

/* What a loop holds open, of the last look at its memory. */
struct lt_handles {
	double active; /* handles that keep the loop alive: active and referenced, libuv's own count */
	double types[LT_SNAP_HANDLES]; /* open handles, as uv_walk() shows them, without those being closed */
	double held[LT_SNAP_HANDLES]; /* of these, active and referenced */
	double referenced[LT_SNAP_HANDLES]; /* of these, active or not */
	double listening; /* streams that take connections */
	double requests; /* that are under way */
	double next_timer_seconds; /* until the next timer is due, 0: it is; NAN also if there is none */
	double timer_overdue_seconds; /* how long the next timer has been due; 0: it is not, or there is none */
};

/* A stream is blocked while libuv has bytes for it that the kernel does not take: its reader is slow or gone. */
struct lt_streams {
	double blocked;
	double queued_bytes; /* in libuv's queues: Node keeps more behind them */
	double longest_blocked_seconds; /* at each look since then it was blocked; 0: none is */
	struct {
		int fd; /* -1: none is blocked, or not known */
		double queued_bytes;
		const char *peer; /* "10.0.0.7:5432"; hostile text; NULL: not known (yet) */
	} worst; /* the one that has been blocked for the longest time */
};

/* What JavaScript has in store for the loop. */
struct lt_js {
	double immediates; /* callbacks of setImmediate() that wait */
	double timers; /* of setTimeout() and setInterval() that keep the loop alive */
	double next_tick_pending; /* 1: the queue of process.nextTick() is not empty; 0 */
};

/* A function whose optimised code was left, as often as it was seen. */
struct lt_deopt {
	struct lt_stack_frame where; /* it begins there; share is not used */
	double count;
};

/* What the engine compiles on a loop's thread, and of what it made too much. */
struct lt_jit {
	double compiles[LT_SNAP_COMPILERS]; /* functions, by compiler: lt_compiler_names (metric.h) */
	double deopts; /* times that optimised code was left because what it was made for is no longer so */
	/* Whose code that was, the most frequent first. In a storm only some are looked at: their counts are the least
	 * that it was. They come from events, and may be told an interval after they were counted. */
	const struct lt_deopt *functions;
	size_t n_functions;
};

/* Functions that got code which rests on assumptions, the kind that is left again: the first two compilers assume
 * nothing. What is not known adds nothing. */
static inline double lt_jit__optimised(const struct lt_jit *jit)
{
	double n = 0;

	for (int i = 2; i < LT_SNAP_COMPILERS; i++)
		n += lt_known(jit->compiles[i]) ? jit->compiles[i] : 0;
	return n;
}

/* What a loop holds open, as Node's JavaScript counts it; without Node's own handles. */
struct lt_active {
	double handles, requests;
	double resources; /* both, and timers and immediates */
};

struct lt_loop_total {
	double observed_seconds; /* time of which the turns are known; the base of the lag histogram */
	double busy_seconds, idle_seconds;
	double iterations, turns;
	double phase_seconds[LT_SNAP_PHASES];
	double stalls, stall_seconds;
	double cause_seconds[LT_SNAP_CAUSES];
	double stalls_by_cause[LT_SNAP_CAUSES], stall_seconds_by_cause[LT_SNAP_CAUSES];
	double compiles[LT_SNAP_COMPILERS], deopts;
	const struct lt_hist *turn; /* ended turns since attach; NULL: unknown at this tier */
	const struct lt_hist *timer_lateness;
};

struct lt_loop {
	int tid;
	const char *name; /* "main", "worker-1", … */
	bool ended; /* its thread has ended: this is its last snapshot */
	double iterations, turns;
	double busy_seconds, idle_seconds, utilization;
	struct lt_dist turn;
	struct lt_lag lag;
	struct lt_dist timer_lateness;
	double phase_seconds[LT_SNAP_PHASES];
	double cause_seconds[LT_SNAP_CAUSES]; /* of busy_seconds; NAN: unknown */
	double stalled_seconds; /* of the stall that is running now, 0: none */
	struct lt_heap heap;
	const struct lt_stall *stalls; /* those that ended in this interval, and the running one */
	size_t n_stalls;
	const struct lt_hist *turn_hist; /* of this interval's turns, the running one included if it
					  * is a stall (as in lag); NULL: unknown */
	double lag_base_seconds; /* the window that lag and turn_hist are shares of (model/lag.h) */
	struct lt_handles handles;
	struct lt_streams streams;
	struct lt_js js;
	struct lt_jit jit;
	struct lt_loop_total total;
};

struct lt_pool_kind {
	double submitted, started, completed, cancelled;
	double queued, running; /* that wait and that run now */
	struct lt_dist wait, run, delivery; /* of those that ended in the interval */
	struct {
		double submitted, started, completed, cancelled;
		const struct lt_hist *wait, *run, *delivery; /* NULL: unknown or none yet */
	} total;
};

/* A thread of a pool that sleeps in the task that it runs. */
struct lt_pool_thread {
	int tid;
	int kind; /* index as in lt_pool.kinds */
	double seconds; /* for which it has slept so, at least */
	const char *call; /* the system call that it sleeps in: "openat"; NULL: none, or not known */
	const char *on; /* a file, the other end of a socket; hostile text; NULL: none, or not known (yet) */
};

struct lt_pool {
	bool present; /* the process has a libuv thread pool; otherwise all is "not applicable" */
	bool unused; /* no thread of it has been started yet: how many there will be is decided then */
	double size; /* threads */
	double busy, busy_max;
	double queue_depth, queue_depth_max, slow_queue_depth;
	/* For how long the oldest task that waits, or runs, has done so: at least, for it may have been there before us.
	 * 0: none does. */
	double oldest_queued_seconds, oldest_running_seconds;
	double saturated_seconds;
	bool kinds_known; /* the pool probes are on */
	struct lt_pool_kind kinds[LT_SNAP_KINDS];
	double total_saturated_seconds;
	const struct lt_task_span *tasks; /* that were delivered in this interval; NULL: not kept */
	size_t n_tasks;
	double tasks_left_out; /* tasks that were not kept although asked for */
	const struct lt_pool_thread *threads; /* some of those that sleep for long; NULL: none */
	size_t n_threads;
};

/*
 * How long tasks wait for a thread, seconds: the highest p99 of the kinds that were served, or, if that is longer, for how
 * long one has waited that was not (*ret_unfinished: it is longer than this). NAN: unknown, or none waited.
 */
static inline double lt_pool__wait(const struct lt_pool *pool, bool *ret_unfinished)
{
	double longest = NAN;

	for (int i = 0; i < LT_SNAP_KINDS; i++)
		longest = fmax(longest, pool->kinds[i].wait.p99);
	*ret_unfinished = pool->oldest_queued_seconds > 0 && !(pool->oldest_queued_seconds <= longest);
	return *ret_unfinished ? pool->oldest_queued_seconds : longest;
}

struct lt_gc_kind {
	double count, seconds, max_seconds;
	const struct lt_hist *total; /* NULL: unknown or none yet */
	struct lt_dist dist; /* of the interval */
};

/* Since the start of the process, by the kernel's account. */
struct lt_process_total {
	double cpu_seconds; /* exact; user and system are in ticks of 10 ms */
	double cpu_user_seconds, cpu_system_seconds;
};

struct lt_process {
	int pid;
	double start_time; /* Unix time; with pid it identifies the process */
	double seen_time; /* Unix time at which looptop saw it first; NAN: unknown */
	const char *name; /* display name: the script, or the command */
	const char *exe; /* path of the executable as the process sees it, or NULL */
	const char *runtime; /* "node", "libuv", …; NULL: not recognised */
	const char *runtime_version;
	const char *libuv_version;
	const char *container; /* container id (12 digits), NULL: none */
	const char *pod; /* uid of its Kubernetes pod, NULL: none */
	const char *hostname; /* of its container, NULL: the host's own, or unknown */
	int parent_pid; /* 0: unknown */
	uint64_t place; /* the same for processes in the same working directory; 0: unknown */
	int group_pid; /* the first of the processes that are one application with it, or itself */
	const char *cgroup;
	const char *tier; /* "memory", "wait", "phases", "full" */
	bool ended; /* this is its last snapshot */
	struct lt_end end; /* only if it ended */
	bool silent; /* it does not answer: nothing was read from its memory */
	const char *const *missing; /* sentences: why something is null */
	size_t n_missing;
	double cpu_seconds, rss_bytes;
	struct lt_process_total total;
	/* Kept only where somebody asked for them (agent --names prom-client). */
	double virtual_bytes, data_bytes; /* VmSize and VmData of the kernel */
	double open_fds, max_fds;
	/* The CPU limit of its cgroup (the strictest one above it); NAN: none, or unknown. */
	double cpu_limit; /* in CPUs: 0.5 = 50 ms in each 100 ms */
	double cpus_allowed; /* on how many CPUs it may run, by affinity and cpuset; NAN: unknown */
	double throttled_periods, periods; /* of the interval, in that cgroup */
	double throttled_seconds; /* of the interval, in that cgroup, all its threads */
	double memory_limit_bytes; /* of its cgroup; NAN: none, or unknown */
	double probe_hits; /* in this interval */
	double overhead_ratio; /* share of one core that these hits, its switches and samples cost the process */
	const struct lt_loop *loops;
	size_t n_loops;
	struct lt_pool pool;
	double sync_fs_calls, sync_fs_seconds;
	double total_sync_fs_calls, total_sync_fs_seconds;
	bool gc_known; /* the GC probes are on */
	struct lt_gc_kind gc[LT_SNAP_GCS];
	double gc_seconds; /* pauses and marking slices of the interval; NAN: unknown */
};

struct lt_self {
	double cpu_seconds, rss_bytes, peak_rss_bytes;
	double target_memory_bytes; /* of what is kept by the budget for what comes from targets */
	double refused_files, total_refused_files;
	double probe_hits;
	double probe_cost_ns; /* calibrated cost of one hit */
	double overhead_ratio; /* share of one core, all targets together */
	double lost[LT_SNAP_LOST]; /* in this interval, by cause */
	double targets;
	double left_to_scan; /* processes that began in a storm, of the interval; NAN: none are told of */
	double total_left_to_scan;
	double tier_changes[LT_SNAP_TIER_REASONS]; /* in this interval, by reason */
	double total_cpu_seconds, total_probe_hits, total_lost[LT_SNAP_LOST];
	double total_tier_changes[LT_SNAP_TIER_REASONS];
	double total_ends[LT_SNAP_END_HOWS][LT_SNAP_END_REASONS]; /* of processes that were measured */
};

struct lt_host {
	const char *name, *kernel;
	int cpus;
};

struct lt_snapshot {
	int schema;
	double time; /* Unix time of the interval's end */
	double interval_seconds; /* its true length */
	uint64_t sequence; /* 1, 2, … */
	struct lt_host host;
	struct lt_self self;
	const struct lt_process *processes;
	size_t n_processes;
};

/* Quantile q (0…1) of a histogram in seconds, NAN when empty; at most 3.2 % wrong. Never over max. */
double lt_hist__quantile(const struct lt_hist *hist, double q);

/* Σ max(0, bᵢ − x) over the histogram's values, in seconds; exact at bucket bounds (contract, 4). */
double lt_hist__excess(const struct lt_hist *hist, double x_seconds);

/*
 * What a timer inside the loop would see that is set anew each time it runs, as Node's monitorEventLoopDelay()
 * does it: the time from one run to the next, the timer's own 10 ms included. Seconds.
 */
struct lt_delay {
	double min, max, mean, stddev, p50, p90, p99;
	double lag; /* and the mean of what a random arrival waits */
};

/* How many values are ≤ x; exact at bucket bounds, interpolated between them. */
double lt_hist__count_below(const struct lt_hist *hist, double x_seconds);

#endif
