/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the files of a watch share, and nobody else sees. */
#ifndef LOOPTOP_WATCH_INTERNAL_H
#define LOOPTOP_WATCH_INTERNAL_H

#include "agent/blame.h"
#include "agent/governor.h"
#include "agent/task_log.h"
#include "agent/threads.h"
#include "agent/watch.h"

#define MISSING_MAX 40

struct lt_watch {
	struct lt_target *target;
	struct lt_probe *probe; /* NULL: memory only */
	struct lt_attachment *attachment; /* NULL: no probes at all */
	enum lt_tier wish; /* the highest tier that may be used */
	enum lt_tier tier;
	struct lt_governor governor;
	uint64_t opened_ns; /* CLOCK_MONOTONIC: what happened to its pid before is not of this process */
	double seen_time; /* Unix time */
	bool gone; /* the kernel has told of its end */
	bool ended;
	struct lt_threads threads;
	int workers; /* how many have been named */
	struct lt_store_process *process; /* of this interval */
	const char *missing[MISSING_MAX];
	size_t n_missing;
	char budget_text[120];
	struct lt_proc_rec proc_rec;
	struct lt_pool_mem pool_mem;
	struct lt_task_rec *kinds[LT_KIND_MAX];
	struct lt_gc_rec *gcs[LT_GC_MAX];
	struct lt_sampler *sampler; /* NULL: no stacks */
	struct lt_blame *blame; /* likewise */
	struct lt_task_log tasks[2]; /* one is filled, the other is in the latest snapshot */
	int filling;
	bool keep_tasks;
};

/* watch.c */
extern const char *const lt_tier_names[LT_TIER_MAX];
void lt_watch__collect_missing(struct lt_watch *watch);

/* watch_read.c: finds the loops of threads that have not shown one yet, and gives them their records. */
void lt_watch__look_for_loops(struct lt_watch *watch);

#endif
