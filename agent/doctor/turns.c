/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/turns.h"

#include <string.h>

#define NS	 1e9
#define HALVINGS 60 /* of a window: far below a nanosecond */

static uint32_t bucket_of(double seconds)
{
	if (!(seconds > 0))
		return 0;
	if (seconds * NS >= (double)lt_hist_lower_ns(LT_HIST_BUCKETS - 1))
		return LT_HIST_BUCKETS - 1;
	return lt_hist_index((uint64_t)llrint(seconds * NS));
}

static double upper_seconds(uint32_t bucket)
{
	return (double)lt_hist_lower_ns(bucket + 1) / NS;
}

double lt_turns__lag(const struct lt_hist *turns, double window_seconds, double q)
{
	double window = fmax(window_seconds, turns->sum);
	double low = 0, high = turns->max;

	if (!(window_seconds > 0))
		return NAN;
	if (lt_hist__excess(turns, 0) <= (1 - q) * window)
		return 0;
	for (int i = 0; i < HALVINGS; i++) {
		double x = (low + high) / 2;

		if (lt_hist__excess(turns, x) > (1 - q) * window)
			low = x;
		else
			high = x;
	}
	return (low + high) / 2;
}

double lt_turns__longer(const struct lt_hist *turns, double seconds)
{
	double n = 0;

	for (uint32_t i = bucket_of(seconds); i < LT_HIST_BUCKETS; i++)
		n += turns->bucket_count[i];
	return n;
}

void lt_turns__add(struct lt_hist *turns, double seconds, double n)
{
	uint32_t i = bucket_of(seconds);

	turns->count += n;
	turns->sum += n * seconds;
	turns->bucket_count[i] += n;
	turns->bucket_sum[i] += n * seconds;
	turns->max = fmax(turns->max, seconds);
}

bool lt_turns__take(struct lt_hist *turns, double seconds)
{
	uint32_t i = bucket_of(seconds);

	/* What was made a double and rounded may have crossed a bound. */
	if (turns->bucket_count[i] < 0.5 && i > 0 && turns->bucket_count[i - 1] >= 0.5 &&
	    fabs(seconds - upper_seconds(i - 1)) < 2 / NS)
		i--;
	else if (turns->bucket_count[i] < 0.5 && i + 1 < LT_HIST_BUCKETS &&
		 turns->bucket_count[i + 1] >= 0.5 && fabs(seconds - upper_seconds(i)) < 2 / NS)
		i++;
	if (turns->bucket_count[i] < 0.5)
		return false;
	turns->count -= 1;
	turns->bucket_count[i] -= 1;
	if (turns->bucket_count[i] < 0.5) { /* rounding must leave no time without a turn */
		turns->sum -= turns->bucket_sum[i];
		turns->bucket_sum[i] = 0;
		return true;
	}
	turns->sum -= seconds;
	turns->bucket_sum[i] -= seconds;
	return true;
}

void lt_turns__merge(struct lt_hist *into, const struct lt_hist *from)
{
	into->count += from->count;
	into->sum += from->sum;
	into->max = fmax(into->max, from->max);
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		into->bucket_count[i] += from->bucket_count[i];
		into->bucket_sum[i] += from->bucket_sum[i];
	}
}

/* Puts each bucket's turns, as of their mean length, where `parts` and `factor` say. */
static void rebuild(struct lt_hist *turns, double factor, double longest)
{
	struct lt_hist old = *turns;

	memset(turns, 0, sizeof(*turns));
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		double n = old.bucket_count[i], length, parts;

		if (!(n > 0))
			continue;
		length = old.bucket_sum[i] / n * factor;
		parts = length > longest ? ceil(length / longest) : 1;
		lt_turns__add(turns, length / parts, n * parts);
	}
}

void lt_turns__scale(struct lt_hist *turns, double factor)
{
	double max = turns->max * factor;

	rebuild(turns, factor, INFINITY);
	turns->max = turns->count > 0 ? fmax(max, turns->max) : 0;
}

void lt_turns__chop(struct lt_hist *turns, double longest_seconds)
{
	double max = turns->max;

	rebuild(turns, 1, longest_seconds);
	turns->max = fmax(turns->max, fmin(max, longest_seconds));
}

void lt_turns__set_max(struct lt_hist *turns, double at_most)
{
	for (uint32_t i = LT_HIST_BUCKETS; i-- > 0;) {
		if (!(turns->bucket_count[i] > 0))
			continue;
		turns->max = i == LT_HIST_BUCKETS - 1 ? at_most : fmin(at_most, upper_seconds(i));
		turns->max = fmax(turns->max, turns->bucket_sum[i] / turns->bucket_count[i]);
		return;
	}
	turns->max = 0;
}
