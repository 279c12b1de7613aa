/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What /proc tells of a process in each interval, by descriptors that stay open: they are of this process for good,
 * whoever gets its pid, and reading them again costs a third of opening them.
 */
#ifndef LOOPTOP_TARGET_LIVE_H
#define LOOPTOP_TARGET_LIVE_H

#include <stdbool.h>

#include "agent/target/process.h"

struct lt_live {
	int pid;
	uint64_t start_ticks;
	int stat_fd, statm_fd, cgroup_fd, task_fd; /* -1: opened each time */
	double user_seconds, system_seconds; /* as of the latest reading */
	double told_cpu_seconds; /* then; NAN: there was none */
};

/* start_ticks tells which process it is. What cannot be opened, for lack of descriptors, is opened each time. */
void lt_live__open(struct lt_live *live, int pid, uint64_t start_ticks);
void lt_live__close(struct lt_live *live);

/* What it uses. 0; -ESRCH: it has ended; another -errno: not known. */
int lt_live__usage(struct lt_live *live, struct lt_usage *ret_usage);

/* How it ended, as wait(2) has it, while its parent has not asked for that. 0; -ENOENT: it is not told (any more). */
int lt_live__exit_status(const struct lt_live *live, int *ret_status);

/* The text of its cgroups. Its length, or -errno. */
int lt_live__cgroup(const struct lt_live *live, char *buf, size_t size);

/* How many threads it has, told quickly; 0: not known. */
unsigned lt_live__threads_told(const struct lt_live *live);

/* Is there a thread of that id still? Whose it is is not told: ids come again after thousands of others. Costs a tenth
 * of looking into /proc. */
bool lt_live__has_thread(int tid);

/* Its threads, at most max of them. How many were stored, or -errno. */
int lt_live__threads(const struct lt_live *live, int *tids, size_t max);

#endif
