/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What store.c, which takes readings, and store_build.c, which makes a snapshot of them, share: nothing else includes
 * it. */
#ifndef LOOPTOP_MODEL_STORE_INTERNAL_H
#define LOOPTOP_MODEL_STORE_INTERNAL_H

#include "agent/model/store.h"

struct lt_store_process {
	struct lt_process_reading reading;
	bool seen; /* in this interval */
	bool has_cpu;
	double cpu_before;
	struct lt_process_total total; /* the latest that was known */
	double periods_before, throttled_before, throttled_seconds_before;
	struct lt_loop_state **loops;
	size_t n_loops;
	struct lt_loop *built; /* the loops' places in the snapshot */
	size_t n_built, built_room; /* 0: they are not in it (yet) */
	struct lt_pool_state *pool;
	struct lt_gc_state *gc;
	struct lt_pool_reading pool_reading;
	bool gc_probed;
	const struct lt_gc_rec *gc_kinds[LT_GC_MAX];
};

struct lt_store {
	struct lt_store_opts opts;
	struct lt_moment moment;
	uint64_t now_before_ns;
	struct lt_store_process **processes;
	size_t n_processes;
	size_t n_sorted; /* the first of them, by pid: all but those that have come since */
	struct lt_process *built;
	size_t built_room;
	struct lt_self_reading self_before;
	bool has_self;
	double hits_total;
	double ends[LT_SNAP_END_HOWS][LT_SNAP_END_REASONS];
	struct lt_snapshot snapshot;
};

static inline int lt_store_process__pid(const struct lt_store_process *process)
{
	return process->reading.identity.pid;
}

#endif
