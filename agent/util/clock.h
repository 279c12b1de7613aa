/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_CLOCK_H
#define LOOPTOP_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in ns: the clock of the BPF programs (bpf_ktime_get_ns) and of libuv. */
static inline uint64_t lt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CPU time of this thread. */
static inline uint64_t lt_thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Unix time in seconds. */
static inline double lt_wall_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/*
 * When the interval that begins at now_ns ends: at a point of the grid that goes through origin_ns. Points that were
 * missed, by a process that was stopped or had no CPU, are skipped, and no interval is shorter than half of its length.
 */
static inline uint64_t lt_grid_next(uint64_t origin_ns, uint64_t interval_ns, uint64_t now_ns)
{
	uint64_t soonest_ns = now_ns + interval_ns / 2;

	if (soonest_ns <= origin_ns)
		return origin_ns;
	return origin_ns + (soonest_ns - origin_ns + interval_ns - 1) / interval_ns * interval_ns;
}

/* The two clocks at one moment: returns Unix time in seconds, and the CLOCK_MONOTONIC ns that belong to
 * it. Read again if the thread was held up between the two. */
static inline double lt_wall_now(uint64_t *ret_now_ns)
{
	uint64_t narrowest = UINT64_MAX;
	double wall = lt_wall_seconds();

	*ret_now_ns = lt_now_ns();
	for (int i = 0; i < 5 && narrowest > 20000; i++) {
		uint64_t before = lt_now_ns();
		double seconds = lt_wall_seconds();
		uint64_t width = lt_now_ns() - before;

		if (width >= narrowest)
			continue;
		narrowest = width;
		wall = seconds;
		*ret_now_ns = before + width / 2;
	}
	return wall;
}

#endif
