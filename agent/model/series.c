/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/series.h"

#include <errno.h>
#include <stdlib.h>

uint64_t lt_closed_max(const __u64 max[2], const __u32 max_epoch[2], uint32_t epoch_closed,
		       uint64_t fallback)
{
	uint32_t half = epoch_closed & 1;

	return max_epoch[half] == epoch_closed ? max[half] : fallback;
}

/*
 * The interval's maximum. The noted one is exact but may be missed by a moment:
 * an event between two intervals can be counted in one and noted in the other,
 * late or early. The highest bucket with a new value decides which of the notes
 * can be it, and stands in for it if none can.
 */
static double interval_max(const struct lt_series *series, const struct lt_hist_rec *rec,
			   uint32_t epoch_closed, uint32_t top)
{
	double low = (double)lt_hist_lower_ns(top) / 1e9;
	double high = (double)lt_hist_lower_ns(top + 1) / 1e9;
	double best = 0;

	for (uint32_t half = 0; half < 2; half++) {
		double noted = (double)rec->max_ns[half] / 1e9;
		bool changed = rec->max_ns[half] != series->previous.max_ns[half] ||
			       rec->max_epoch[half] != series->previous.max_epoch[half];

		if (rec->max_epoch[half] != epoch_closed && !changed)
			continue;
		if (noted >= low && (noted < high || top == LT_HIST_BUCKETS - 1) && noted > best)
			best = noted;
	}
	if (best > 0 || top == 0)
		return best;
	return series->interval.bucket_sum[top] / series->interval.bucket_count[top];
}

void lt_series__advance(struct lt_series *series, const struct lt_hist_rec *rec,
			uint32_t epoch_closed)
{
	struct lt_hist *now = &series->interval, *total = &series->total;
	uint32_t top = LT_HIST_BUCKETS;

	*now = (struct lt_hist){ 0 };
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		/* counts wrap, sums do not: 2^64 ns are 584 years */
		uint32_t count = rec->count[i] - series->previous.count[i];
		double sum = (double)(rec->sum_ns[i] - series->previous.sum_ns[i]) / 1e9;

		if (!count)
			continue;
		now->bucket_count[i] = count;
		now->bucket_sum[i] = sum;
		now->count += count;
		now->sum += sum;
		total->bucket_count[i] += count;
		total->bucket_sum[i] += sum;
		top = i;
	}
	if (top < LT_HIST_BUCKETS)
		now->max = interval_max(series, rec, epoch_closed, top);
	total->count += now->count;
	total->sum += now->sum;
	if (now->max > total->max)
		total->max = now->max;
	series->previous = *rec;
}

void lt_series__restart(struct lt_series *series)
{
	series->previous = (struct lt_hist_rec){ 0 };
}

int lt_hist__pack(const struct lt_hist *hist, struct lt_packed *packed)
{
	struct lt_packed new = { .count = hist->count, .sum = hist->sum, .max = hist->max };
	size_t n = 0;

	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++)
		n += hist->bucket_count[i] > 0;
	new.buckets = calloc(n + 1, sizeof(*new.buckets));
	if (!new.buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++)
		if (hist->bucket_count[i] > 0)
			new.buckets[new.n++] = (struct lt_packed_bucket){
				i, hist->bucket_count[i], hist->bucket_sum[i]
			};
	lt_packed__free(packed);
	*packed = new;
	return 0;
}

void lt_hist__unpack(const struct lt_packed *packed, struct lt_hist *ret_hist)
{
	*ret_hist = (struct lt_hist){ .count = packed->count,
				      .sum = packed->sum,
				      .max = packed->max };
	for (size_t i = 0; i < packed->n; i++) {
		const struct lt_packed_bucket *bucket = &packed->buckets[i];

		ret_hist->bucket_count[bucket->index] = bucket->count;
		ret_hist->bucket_sum[bucket->index] = bucket->sum;
	}
}

void lt_packed__free(struct lt_packed *packed)
{
	free(packed->buckets);
	*packed = (struct lt_packed){ 0 };
}

void lt_hist__add(struct lt_hist *hist, double seconds)
{
	uint32_t i = lt_hist_index((uint64_t)(seconds * 1e9));

	hist->bucket_count[i]++;
	hist->bucket_sum[i] += seconds;
	hist->count++;
	hist->sum += seconds;
	if (seconds > hist->max)
		hist->max = seconds;
}

struct lt_dist lt_dist_unknown(void)
{
	return (struct lt_dist){ NAN, NAN, NAN, NAN, NAN, NAN };
}

struct lt_dist lt_dist_of(const struct lt_hist *hist)
{
	if (!hist)
		return lt_dist_unknown();
	return (struct lt_dist){
		.count = hist->count,
		.sum = hist->sum,
		.p50 = lt_hist__quantile(hist, 0.5),
		.p90 = lt_hist__quantile(hist, 0.9),
		.p99 = lt_hist__quantile(hist, 0.99),
		.max = hist->count > 0 ? hist->max : NAN,
	};
}
