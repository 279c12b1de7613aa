/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the BPF programs and user space share of a thread pool: its state, its tasks. A part of abi.h. */
#ifndef LOOPTOP_ABI_POOL_H
#define LOOPTOP_ABI_POOL_H

#include <linux/types.h>

/* The pool's state in one word, so that one atomic addition changes it and tells the old one. */
#define LT_POOL_BUSY_SHIFT 0
#define LT_POOL_DEPTH_SHIFT 16
#define LT_POOL_SLOW_SHIFT 40
#define LT_POOL_ONE_BUSY (1ull << LT_POOL_BUSY_SHIFT)
#define LT_POOL_ONE_DEPTH (1ull << LT_POOL_DEPTH_SHIFT)
#define LT_POOL_ONE_SLOW (1ull << LT_POOL_SLOW_SHIFT)
#define LT_POOL_BUSY(state) ((__u32)((state) >> LT_POOL_BUSY_SHIFT) & 0xffff)
#define LT_POOL_DEPTH(state) ((__u32)((state) >> LT_POOL_DEPTH_SHIFT) & 0xffffff)
#define LT_POOL_SLOW(state) ((__u32)((state) >> LT_POOL_SLOW_SHIFT) & 0xffffff)

/* A pool task between its submission and its delivery. */
struct lt_task_key {
	__u64 tgid;
	__u64 task; /* address of its struct uv__work in the target */
};

#define LT_TASK_EARLY 1u /* flag: it was submitted unseen, before the probes came: how long it waited is not known */
#define LT_TASK_SLOW 2u /* flag: it waits in the slow-I/O queue */
#define LT_TASK_FOUND 4u /* flag: user space found it in the target's memory; its times are those of that moment */
#define LT_TASK_RAN 8u /* flag: it ran already then: how long it ran is not known */

/* In start_ns or end_ns: user space has taken the task back, and nobody else changes the state for it. */
#define LT_TAKEN_BACK 1

struct lt_task_life {
	__u64 submit_ns, start_ns, end_ns; /* 0: not yet */
	__u32 kind;
	__u32 flags;
};

/* What user space tells the programs of a task that it has found, or found to be gone. */
enum lt_task_found {
	LT_FOUND_QUEUED,
	LT_FOUND_RUNNING,
	LT_FOUND_NOT_QUEUED, /* and not seen to start: it had started before it was told of */
	LT_FOUND_NOT_RUNNING, /* and not seen to end, likewise */
};

/* The arguments of the program that is told. */
enum lt_task_found_arg {
	LT_FOUND_ARG_TGID,
	LT_FOUND_ARG_TASK, /* its address */
	LT_FOUND_ARG_WHAT, /* enum lt_task_found */
	LT_FOUND_ARG_KIND, /* enum lt_kind */
	LT_FOUND_ARG_FLAGS, /* LT_TASK_SLOW */
	LT_FOUND_ARG_POOL_SIZE,
	LT_FOUND_ARGS,
};

#endif
