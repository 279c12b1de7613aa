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

/*
 * What was read of the cgroups of a host: hundreds of processes are in the same ones, or below the same. In one
 * round, an interval, each is read once at most. With more than LT_CGROUPS_A_ROUND of them they take turns: a change of
 * a limit is then seen some rounds later. What a limit did is always of this round.
 */
#define LT_CGROUPS_A_ROUND 128

struct lt_cgroups;

/* NULL with errno. */
struct lt_cgroups *lt_cgroups__new(void);
void lt_cgroups__free(struct lt_cgroups *cgroups);
void lt_cgroups__begin_round(struct lt_cgroups *cgroups);

/* The limits of a process, by the text of its /proc/PID/cgroup; NULL: not known. */
struct lt_cgroup_limits lt_cgroups__limits(struct lt_cgroups *cgroups, const char *text);

/* The path in one hierarchy from the text of /proc/PID/cgroup: controller "cpu", or "" for v2. 0 or -ENOENT. */
int lt_cgroup_path(const char *text, const char *controller, char *buf, size_t size);

/* "max 100000" (v2 cpu.max) in CPUs; NAN: no limit. */
double lt_cgroup_cpu_max(const char *text);

/* The number behind `key ` at the beginning of a line; NAN: there is none. */
double lt_cgroup_stat(const char *text, const char *key);

#endif
