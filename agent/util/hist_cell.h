/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What one bucket of a struct lt_hist tells of the values in it: their number, their sum and the
 * bounds. Where more is needed they are taken as spread evenly around their mean, as widely as
 * the bounds allow: exact for one value, and exact at both bounds for any number.
 */
#ifndef LOOPTOP_UTIL_HIST_CELL_H
#define LOOPTOP_UTIL_HIST_CELL_H

#include <math.h>

#include "looptop/snapshot.h"

struct lt_hist_cell {
	double count, sum; /* sum in seconds */
	double low, high; /* bounds of the values, in seconds; high ≥ low */
	double mean, spread; /* values lie in mean ± spread */
};

static inline double lt_hist_bound_seconds(uint32_t bucket)
{
	return (double)lt_hist_lower_ns(bucket) / 1e9;
}

/* Bucket i, which must not be empty. */
static inline struct lt_hist_cell lt_hist__cell(const struct lt_hist *hist, uint32_t i)
{
	struct lt_hist_cell cell = {
		.count = hist->bucket_count[i],
		.sum = hist->bucket_sum[i],
		.low = lt_hist_bound_seconds(i),
		.high = lt_hist_bound_seconds(i + 1),
	};

	cell.mean = cell.sum / cell.count;
	/* The last bucket has no upper bound of its own, but no value is above the maximum. */
	if (i == LT_HIST_BUCKETS - 1 || (hist->max >= cell.mean && hist->max < cell.high))
		cell.high = fmax(hist->max, cell.mean);
	if (cell.count > 1)
		cell.spread = fmax(0, fmin(cell.mean - cell.low, cell.high - cell.mean));
	return cell;
}

/* Σ max(0, b − x) over the cell's values. */
static inline double lt_hist_cell__excess(const struct lt_hist_cell *cell, double x)
{
	double end = cell->mean + cell->spread;

	if (x <= cell->mean - cell->spread)
		return cell->sum - cell->count * x;
	if (x >= end)
		return 0;
	return cell->count * (end - x) * (end - x) / (4 * cell->spread);
}

#endif
