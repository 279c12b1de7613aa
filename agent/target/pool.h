/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What stands in the queues of a target's thread pool, and what its threads run, read from its memory. */
#ifndef LOOPTOP_TARGET_POOL_H
#define LOOPTOP_TARGET_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "looptop/abi.h"

struct lt_target;

struct lt_pool_task {
	uint64_t task; /* address of its struct uv__work: what the probes call it */
	enum lt_kind kind;
	bool slow; /* it waits in the queue of slow tasks */
};

/* At most so many are read: the oldest. */
#define LT_POOL_TASKS_MAX 4096

/* The tasks that wait for a thread, in their order; room for LT_POOL_TASKS_MAX. *ret_whole: these are all. How many, or
 * -errno: -ENOENT where the queues are is not known, -EAGAIN they change too fast. */
ssize_t lt_pool__queued(const struct lt_target *target, struct lt_pool_task *tasks, bool *ret_whole);

/* The task that a thread runs, found on its stack. 0; -EAGAIN: it is on a CPU now, and where its stack is is not known;
 * -ENOENT: it runs none; another -errno: that is not known. */
int lt_pool__running(const struct lt_target *target, int tid, struct lt_pool_task *ret_task);

/* The same, of a thread whose stack pointer is known. */
int lt_pool__on_stack(const struct lt_target *target, uint64_t sp, struct lt_pool_task *ret_task);

/* Is that task being run by some thread? 1, 0, or -errno: it cannot be read. */
int lt_pool__runs(const struct lt_target *target, uint64_t task);

#endif
