/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Questions to a histogram with counts and sums by bucket: quantiles, excess, how many below.
 * Bucket i of the ABI's layout (looptop/hist.h); figures are seconds.
 */
#include "looptop/snapshot.h"

#include <math.h>

#include "agent/util/hist_cell.h"

static uint32_t bucket_of(double seconds)
{
	if (!(seconds > 0))
		return 0;
	if (seconds >= lt_hist_bound_seconds(LT_HIST_BUCKETS - 1))
		return LT_HIST_BUCKETS - 1;
	return lt_hist_index((uint64_t)(seconds * 1e9));
}

/*
 * The k-th smallest of the cell's values (k = 1 … count). The sum bounds it from both sides: the
 * values behind it are no smaller and those before it no smaller than low, and so on. The middle
 * of what is left is at most half a bucket wrong, whatever the values are.
 */
static double cell_value(const struct lt_hist_cell *cell, double k)
{
	double n = cell->count;
	double most = fmin(cell->high, (cell->sum - (k - 1) * cell->low) / (n - k + 1));
	double least = fmax(cell->low, (cell->sum - (n - k) * cell->high) / k);

	return (least + most) / 2;
}

double lt_hist__quantile(const struct lt_hist *hist, double q)
{
	double rank, before = 0;

	if (!(hist->count > 0) || isnan(q))
		return NAN;
	/* The nearest rank; 0.9 · 10 must not become 10 by a rounding error. */
	rank = fmin(fmax(ceil(q * hist->count * (1 - 1e-12)), 1), hist->count);
	if (rank == hist->count)
		return hist->max;
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		double count = hist->bucket_count[i];

		if (count > 0 && before + count >= rank) {
			struct lt_hist_cell cell = lt_hist__cell(hist, i);

			return fmin(cell_value(&cell, rank - before), hist->max);
		}
		before += count;
	}
	return hist->max;
}

double lt_hist__excess(const struct lt_hist *hist, double x_seconds)
{
	uint32_t first = bucket_of(x_seconds);
	double excess = 0;

	if (isnan(x_seconds))
		return NAN;
	for (uint32_t i = first + 1; i < LT_HIST_BUCKETS; i++)
		excess += hist->bucket_sum[i] - hist->bucket_count[i] * x_seconds;
	if (hist->bucket_count[first] > 0) {
		struct lt_hist_cell cell = lt_hist__cell(hist, first);

		excess += lt_hist_cell__excess(&cell, x_seconds);
	}
	return fmax(excess, 0);
}

double lt_hist__count_below(const struct lt_hist *hist, double x_seconds)
{
	uint32_t last = bucket_of(x_seconds);
	struct lt_hist_cell cell;
	double count = 0, from;

	if (isnan(x_seconds))
		return NAN;
	if (x_seconds < 0)
		return 0;
	for (uint32_t i = 0; i < last; i++)
		count += hist->bucket_count[i];
	if (!(hist->bucket_count[last] > 0))
		return count;
	cell = lt_hist__cell(hist, last);
	from = cell.mean - cell.spread;
	if (x_seconds >= cell.mean + cell.spread)
		return count + cell.count;
	if (x_seconds > from)
		count += cell.count * (x_seconds - from) / (2 * cell.spread);
	return count;
}
