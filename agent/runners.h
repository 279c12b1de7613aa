/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The threads of a pool that run a task for long, looked at without a probe. A thread that was asleep at two looks, and
 * has not gone to sleep in between, has slept all the time: its task is the same, and it has taken no other.
 */
#ifndef LOOPTOP_RUNNERS_H
#define LOOPTOP_RUNNERS_H

#include <stdbool.h>
#include <stdint.h>

#include "looptop/runtime.h"
#include "looptop/snapshot.h"

#define LT_RUNNERS_MAX	128 /* threads: of larger pools nothing is told without probes */
#define LT_RUNNERS_TOLD 16
#define LT_RUNNERS_IDLE 64

struct lt_runner;

/* A thread in one of its sleeps. */
struct lt_sleep {
	int tid;
	int64_t sleeps; /* how often it had gone to sleep then */
};

/* All zero: nobody has looked. */
struct lt_runners {
	struct lt_runner *items; /* owned; NULL: none */
	uint32_t n;
	struct lt_sleep idle[LT_RUNNERS_IDLE]; /* those that ran no task: their stacks need not be read again */
	uint32_t n_idle;
	uint32_t next; /* of the process' threads, the one that is looked at next */
	uint64_t full_ns; /* CLOCK_MONOTONIC since when none of them can have taken a task; 0: one may have */
	struct lt_pool_thread told[LT_RUNNERS_TOLD]; /* of the latest look; texts are the items' */
	uint32_t n_told;
};

/* One look, for as long as there may be something: at a pool whose threads all run while tasks wait, or where a task
 * has run for long. Fills the ages that are certain (0: not known); kinds are not counted. */
void lt_runners__look(struct lt_runners *runners, const struct lt_target *target,
		      const struct lt_pool_mem *mem, struct lt_pool_unfinished *ret_unfinished);
void lt_runners__clear(struct lt_runners *runners);

/* Do all threads run while tasks wait? */
static inline bool lt_pool_mem__is_full(const struct lt_pool_mem *mem)
{
	return mem->size && !mem->idle && mem->queue_depth != 0;
}

#endif
