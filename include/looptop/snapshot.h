/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The snapshot: everything looptop knows about one collection interval, as the model built it.
 * It is immutable; sinks and the dashboard read it and copy what they keep. Durations are
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

#include "looptop/hist.h"

#define LT_SNAPSHOT_SCHEMA 1

/* The kinds, phases and tiers by index; their names are in metric.h's tables. */
#define LT_SNAP_PHASES 8
#define LT_SNAP_KINDS 6
#define LT_SNAP_GCS 4
#define LT_SNAP_LOST 4

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

struct lt_stall {
	double start_time; /* Unix time */
	double seconds; /* its length, or its length so far */
	bool ongoing;
};

struct lt_loop_total {
	double observed_seconds; /* time of which the turns are known; the base of the lag histogram */
	double busy_seconds, idle_seconds;
	double iterations, turns;
	double phase_seconds[LT_SNAP_PHASES];
	double stalls, stall_seconds;
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
	double stalled_seconds; /* of the stall that is running now, 0: none */
	const struct lt_stall *stalls; /* those that ended in this interval, and the running one */
	size_t n_stalls;
	const struct lt_hist *turn_hist; /* of this interval's turns, the running one included if it
					  * is a stall (as in lag); NULL: unknown */
	double lag_base_seconds; /* the window that lag and turn_hist are shares of (model/lag.h) */
	struct lt_loop_total total;
};

struct lt_pool_kind {
	double submitted, started, completed, cancelled;
	struct lt_dist wait, run, delivery;
	struct {
		double submitted, started, completed, cancelled;
		const struct lt_hist *wait, *run, *delivery; /* NULL: unknown or none yet */
	} total;
};

struct lt_pool {
	bool present; /* the process has a libuv thread pool; otherwise all is "not applicable" */
	double size; /* threads; 0 before the first use */
	double busy, busy_max;
	double queue_depth, queue_depth_max, slow_queue_depth;
	double saturated_seconds;
	bool kinds_known; /* the pool probes are on */
	struct lt_pool_kind kinds[LT_SNAP_KINDS];
	double total_saturated_seconds;
};

struct lt_gc_kind {
	double count, seconds, max_seconds;
	const struct lt_hist *total; /* NULL: unknown or none yet */
	struct lt_dist dist; /* of the interval */
};

struct lt_process {
	int pid;
	double start_time; /* Unix time; with pid it identifies the process */
	const char *name; /* display name: the script, or the command */
	const char *exe; /* path of the executable as the process sees it, or NULL */
	const char *runtime; /* "node", "libuv", …; NULL: not recognised */
	const char *runtime_version;
	const char *libuv_version;
	const char *container; /* container id (12 digits), NULL: none */
	const char *cgroup;
	const char *tier; /* "memory", "wait", "phases", "full" */
	bool ended; /* this is its last snapshot */
	const char *const *missing; /* sentences: why something is null */
	size_t n_missing;
	double cpu_seconds, rss_bytes;
	double probe_hits; /* in this interval */
	double overhead_ratio; /* share of one core that these hits cost the process */
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
	double cpu_seconds, rss_bytes;
	double probe_hits;
	double probe_cost_ns; /* calibrated cost of one hit */
	double overhead_ratio; /* share of one core, all targets together */
	double lost[LT_SNAP_LOST]; /* in this interval, by cause */
	double targets;
	double total_cpu_seconds, total_probe_hits, total_lost[LT_SNAP_LOST];
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

/* How many values are ≤ x; exact at bucket bounds, interpolated between them. */
double lt_hist__count_below(const struct lt_hist *hist, double x_seconds);

#endif
