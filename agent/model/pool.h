/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A process's thread pool and garbage collection over time. */
#ifndef LOOPTOP_MODEL_POOL_H
#define LOOPTOP_MODEL_POOL_H

#include "agent/model/loop.h"

struct lt_pool_state;

struct lt_pool_state *lt_pool_state__new(void);
/* The next records are of other probes, which count from nothing. */
void lt_pool_state__restart(struct lt_pool_state *pool);
void lt_pool_state__free(struct lt_pool_state *pool);

/* The readings of one interval; all borrowed, NULL: there is none. */
struct lt_pool_reading {
	bool probed; /* the pool's probes are attached */
	uint32_t hidden_kinds; /* bit each: its tasks cannot be told from others, and count there */
	const struct lt_proc_rec *rec;
	const struct lt_pool_mem *mem;
	const struct lt_pool_unfinished *unfinished;
	bool knows_unfinished; /* these are all: what was there before the probes was found */
	const struct lt_pool_thread *threads;
	size_t n_threads;
	const struct lt_task_rec *kinds[LT_KIND_MAX]; /* NULL: none of this kind yet */
	const struct lt_task_span *tasks; /* NULL: they are not kept */
	size_t n_tasks;
	double tasks_left_out;
};

/* Fills pool and the synchronous file system figures of the process. 0 or -ENOMEM. */
int lt_pool_state__build(struct lt_pool_state *pool, const struct lt_pool_reading *reading,
			 const struct lt_moment *moment, struct lt_process *ret_process);
/* Probe hits of pool and GC probes in the interval that was built last. */
double lt_pool_state__hits(const struct lt_pool_state *pool);

struct lt_gc_state;

struct lt_gc_state *lt_gc_state__new(void);
void lt_gc_state__restart(struct lt_gc_state *gc);
void lt_gc_state__free(struct lt_gc_state *gc);

/* Fills gc; kinds[i] NULL: no pause of this kind yet. probed: the GC probes are attached. */
int lt_gc_state__build(struct lt_gc_state *gc, bool probed,
		       const struct lt_gc_rec *const kinds[LT_GC_MAX],
		       const struct lt_moment *moment, struct lt_process *ret_process);

#endif
