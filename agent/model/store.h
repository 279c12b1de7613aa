/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * All processes and loops that are being watched, over time. Once for each interval: begin, hand
 * in the readings, build. Times are arguments; nothing here asks a clock, a kernel or a terminal.
 */
#ifndef LOOPTOP_MODEL_STORE_H
#define LOOPTOP_MODEL_STORE_H

#include "agent/model/loop.h"
#include "agent/model/pool.h"

struct lt_store;
struct lt_store_process;

struct lt_store_opts {
	uint64_t stall_ns;
	const struct lt_host *host; /* borrowed for the store's life */
};

struct lt_store *lt_store__new(const struct lt_store_opts *opts);
void lt_store__free(struct lt_store *store);

void lt_store__begin(struct lt_store *store, uint64_t now_ns, double wall_seconds,
		     uint32_t epoch_closed);

/* The limits of a process and of its cgroup, and its counters since its start; NAN: none, or unknown. */
struct lt_limits_reading {
	double cpu_limit; /* in CPUs */
	double cpus_allowed; /* by affinity and cpuset */
	double periods, throttled_periods, throttled_seconds;
	double memory_limit_bytes;
};

/* Who a process is and how it is measured. Texts are borrowed until the next begin. */
struct lt_process_reading {
	struct lt_process
		identity; /* texts, pid, start_time, missing, ended, totals and details of usage are taken from it */
	enum lt_tier tier;
	double cpu_seconds; /* since its start; NAN unknown */
	double rss_bytes;
	bool causes_known; /* the scheduler is watched */
	bool sampled; /* probes are there for a part of the time only, again and again */
	unsigned attachment; /* number of the set of probes: another one counts from nothing */
	double hit_cost_ns; /* of its own kind of probes; 0 or NAN: as all */
	struct lt_limits_reading limits;
};

/* Creates or updates; NULL with errno. A process that is not named between begin and build is
 * forgotten. */
struct lt_store_process *lt_store__process(struct lt_store *store,
					   const struct lt_process_reading *reading);

/* How it ended, if it did. */
void lt_store__end(struct lt_store_process *process, const struct lt_end *end);

/* One loop of it; NULL with errno. Hand its readings to lt_loop_state__record and __memory. */
struct lt_loop_state *lt_store__loop(struct lt_store_process *process, int tid, const char *name);
/* The loop if it is known, else NULL. */
struct lt_loop_state *lt_store__find_loop(struct lt_store *store, int pid, int tid);

/* Between two builds: what a new record says of the running stall, put into the snapshot that was built last.
 * answer: what is known of it, or NULL. True if the snapshot has changed. */
bool lt_store__update(struct lt_store *store, const struct lt_moment *now, int pid,
		      const struct lt_loop_rec *rec, int tid, const struct lt_stall *answer);

/* Pool and GC readings, borrowed until build. */
void lt_store__pool(struct lt_store_process *process, const struct lt_pool_reading *reading);
void lt_store__gc(struct lt_store_process *process, bool probed,
		  const struct lt_gc_rec *const kinds[LT_GC_MAX]);

/* What looptop itself used, since its start. */
struct lt_self_reading {
	double cpu_seconds, rss_bytes, peak_rss_bytes;
	double target_memory_bytes, refused_files;
	double hit_cost_ns;
	double left_to_scan; /* NAN: not known */
	uint64_t lost[LT_LOST_MAX];
	uint64_t tier_changes[LT_SNAP_TIER_REASONS];
};

/* The snapshot of the interval; valid until the next begin. NULL with errno. */
const struct lt_snapshot *lt_store__build(struct lt_store *store,
					  const struct lt_self_reading *self);

#endif
