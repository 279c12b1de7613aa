/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Lag from turns: see lag.h for the window, hist_cell.h for what a bucket
 * tells. */
#include "agent/model/lag.h"

#include <math.h>

#include "agent/util/hist_cell.h"

struct lt_lag lt_lag__unknown(void)
{
	return (struct lt_lag){ NAN, NAN, NAN, NAN, NAN, NAN };
}

/* Σ b². Within a bucket the mean's square plus the variance of values spread
 * around it. */
static double sum_of_squares(const struct lt_hist *turns)
{
	double squares = 0;

	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		struct lt_hist_cell cell;

		if (!(turns->bucket_count[i] > 0))
			continue;
		cell = lt_hist__cell(turns, i);
		squares += cell.count * (cell.mean * cell.mean + cell.spread * cell.spread / 3);
	}
	return squares;
}

/* The x in a cell at which its excess and that of the `above` longer turns
 * (with this sum) is `share`. The excess falls steadily, so halving finds it;
 * 40 halvings of a bucket are under 1 ps. */
static double solve_in_cell(const struct lt_hist_cell *cell, double above, double above_sum,
			    double share)
{
	double low = cell->low, high = cell->high;

	for (int i = 0; i < 40; i++) {
		double x = (low + high) / 2;

		if (above_sum - above * x + lt_hist_cell__excess(cell, x) > share)
			low = x;
		else
			high = x;
	}
	return (low + high) / 2;
}

/* The x with Σ max(0, b − x) = share, in seconds: 0 if even all turns together
 * are no more. */
static double quantile(const struct lt_hist *turns, double share)
{
	double count = 0, sum = 0;

	for (uint32_t i = LT_HIST_BUCKETS; i-- > 0;) {
		double n = turns->bucket_count[i], low = lt_hist_bound_seconds(i);
		struct lt_hist_cell cell = { .low = low, .high = lt_hist_bound_seconds(i + 1) };

		if (sum + turns->bucket_sum[i] - (count + n) * low > share) {
			if (n > 0)
				cell = lt_hist__cell(turns, i);
			return fmin(solve_in_cell(&cell, count, sum, share), turns->max);
		}
		count += n;
		sum += turns->bucket_sum[i];
	}
	return 0;
}

struct lt_lag lt_lag__of(const struct lt_hist *turns, double window_seconds)
{
	double window = fmax(window_seconds, turns->sum);

	if (!(window_seconds > 0))
		return lt_lag__unknown();
	return (struct lt_lag){
		.mean = sum_of_squares(turns) / (2 * window),
		.p50 = quantile(turns, 0.5 * window),
		.p90 = quantile(turns, 0.1 * window),
		.p99 = quantile(turns, 0.01 * window),
		.p999 = quantile(turns, 0.001 * window),
		.max = turns->max,
	};
}
