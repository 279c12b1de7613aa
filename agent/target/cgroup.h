/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the cgroups of a process (v1 and v2) allow it, and how often they held it. */
#ifndef LOOPTOP_TARGET_CGROUP_H
#define LOOPTOP_TARGET_CGROUP_H

#include <stddef.h>

/* NAN: no limit, or unknown. Counters are since the cgroup was made. */
struct lt_cgroup_limits {
	double cpu_limit; /* in CPUs; the strictest of the cgroup and those above it */
	double periods, throttled_periods; /* of the cgroup that has this limit */
	double throttled_seconds; /* likewise; all its threads added up */
	double memory_limit_bytes; /* the strictest */
};

/* Reads them. 0, or -errno when not even the cgroup is known; then all are NAN. */
int lt_cgroup_limits(int pid, struct lt_cgroup_limits *ret_limits);

/* The path in one hierarchy from the text of /proc/PID/cgroup: controller "cpu", or "" for v2. 0 or -ENOENT. */
int lt_cgroup_path(const char *text, const char *controller, char *buf, size_t size);

/* "max 100000" (v2 cpu.max) in CPUs; NAN: no limit. */
double lt_cgroup_cpu_max(const char *text);

/* The number behind `key ` at the beginning of a line; NAN: there is none. */
double lt_cgroup_stat(const char *text, const char *key);

#endif
