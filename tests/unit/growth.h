/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * That work on what may be hostile takes as long as it is large, and not as long as its square: how fast the machine is
 * does not matter, for small and large work are of the same run. After cmocka.
 */
#ifndef LOOPTOP_TESTS_GROWTH_H
#define LOOPTOP_TESTS_GROWTH_H

#include <math.h>
#include <time.h>

#define GROWTH_TIMES  4 /* as large */
#define GROWTH_MOST   8 /* times as long: between 4 (by size) and 16 (by its square) as factors go */
#define GROWTH_ROUNDS 3 /* the fastest of each counts: caches are shared with whoever else runs */

/* Of this process: others' do not count. */
static inline double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* work() does work of a size and returns the CPU time that counts. */
static inline void assert_grows_with_size(double (*work)(size_t size), size_t size)
{
	double small = INFINITY, large = INFINITY;

	for (int i = 0; i < GROWTH_ROUNDS; i++) {
		small = fmin(small, work(size / GROWTH_TIMES));
		large = fmin(large, work(size));
	}
	print_message("%.4f s, and %.4f s for %d times the size\n", small, large, GROWTH_TIMES);
	if (large > GROWTH_MOST * small)
		fail_msg("%.4f s, but %.4f s for %d times the size", small, large, GROWTH_TIMES);
}

#endif
