/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The recorded tasks of a pool once more, through a pool of another size: first come, first served, with
 * libuv's rule that slow tasks (kind dns) may hold no more than half of the threads (threadpool.c,
 * slow_work_thread_threshold: (n + 1) / 2).
 */
#ifndef LOOPTOP_DOCTOR_REPLAY_H
#define LOOPTOP_DOCTOR_REPLAY_H

#include "agent/doctor/collect.h"

#define LT_REPLAY_THREADS_MAX 128

struct lt_replay_waits {
	double p99, mean; /* of how long tasks wait for a thread, seconds; NAN: no task */
};

struct lt_replay_opts {
	int threads; /* 1 … LT_REPLAY_THREADS_MAX */
	int without_kind; /* tasks of this kind are not in it; -1: all are */
	int only_kind; /* waits are of this kind; -1: of all */
};

/* As they were recorded; kind -1: of all. */
struct lt_replay_waits lt_replay__recorded(const struct lt_dr_process *process, int kind);

/* 0, -ENOMEM or -EINVAL. */
int lt_replay__run(const struct lt_dr_process *process, const struct lt_replay_opts *opts,
		   struct lt_replay_waits *ret_waits);

/* The index of the kind whose tasks libuv runs on half of the threads only. */
int lt_replay__slow_kind(void);

#endif
