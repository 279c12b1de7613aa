/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/estimate.h"

#include "agent/doctor/turns.h"

#define P99 0.99

static double mean_lag(const struct lt_hist *turns, double window_seconds)
{
	double squares = 0;

	if (!(window_seconds > 0))
		return NAN;
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++)
		if (turns->bucket_count[i] > 0)
			squares += turns->bucket_sum[i] * turns->bucket_sum[i] /
				   turns->bucket_count[i];
	return squares / (2 * fmax(window_seconds, turns->sum));
}

static struct lt_lag_figures figures(const struct lt_dr_loop *loop, const struct lt_hist *turns)
{
	if (!loop->turns_known || !(loop->base_seconds > 0))
		return (struct lt_lag_figures){ NAN, NAN, NAN };
	return (struct lt_lag_figures){
		.p99 = lt_turns__lag(turns, loop->base_seconds, P99),
		.max = turns->max,
		.mean = mean_lag(turns, loop->base_seconds),
	};
}

struct lt_lag_figures lt_estimate__now(const struct lt_dr_loop *loop)
{
	return figures(loop, &loop->turns);
}

static bool in_set(const struct lt_late *late, uint64_t blockers, bool unknown)
{
	if (late->blocker == LT_DR_NO_BLOCKER)
		return unknown;
	return late->blocker < LT_DR_BLOCKERS_MAX && blockers >> late->blocker & 1;
}

/* Takes what the blockers have out of their turns, and puts it back in such pieces; 0: not at all. */
static struct lt_lag_figures without(const struct lt_dr_loop *loop, uint64_t blockers, bool unknown,
				     double piece_seconds)
{
	struct lt_hist turns = loop->turns;

	for (size_t i = 0; i < loop->n_late; i++) {
		const struct lt_late *late = &loop->late[i];
		double own = (double)late->own_seconds;

		if (!in_set(late, blockers, unknown) || !lt_turns__take(&turns, late->seconds))
			continue;
		if (late->seconds - own > 0)
			lt_turns__add(&turns, late->seconds - own, 1);
		if (piece_seconds > 0)
			lt_turns__add(&turns, fmin(piece_seconds, own),
				      fmax(1, own / piece_seconds));
	}
	lt_turns__set_max(&turns, loop->turns.max);
	return figures(loop, &turns);
}

struct lt_lag_figures lt_estimate__without(const struct lt_dr_loop *loop, uint64_t blockers,
					   bool unknown)
{
	return without(loop, blockers, unknown, 0);
}

struct lt_lag_figures lt_estimate__cut(const struct lt_dr_loop *loop, uint64_t blockers,
				       double piece_seconds)
{
	return without(loop, blockers, false, piece_seconds);
}

struct lt_lag_figures lt_estimate__without_cause(const struct lt_dr_loop *loop, enum lt_cause cause,
						 double part)
{
	struct lt_hist turns = loop->turns, late_turns = { 0 };
	double busy = loop->cause_busy, all = loop->cause_seconds[cause] * part;

	if (!lt_known(all))
		return (struct lt_lag_figures){ NAN, NAN, NAN };
	for (size_t i = 0; i < loop->n_late; i++) {
		const struct lt_late *late = &loop->late[i];
		double own = (double)late->cause_seconds[cause] * part;

		if (!lt_known(own) || !lt_turns__take(&turns, late->seconds))
			continue;
		if (late->seconds - own > 0)
			lt_turns__add(&late_turns, late->seconds - own, 1);
		busy -= late->seconds;
		all -= own;
	}
	if (busy > 0 && all > 0)
		lt_turns__scale(&turns, fmax(0, 1 - all / busy));
	lt_turns__merge(&turns, &late_turns);
	lt_turns__set_max(&turns, loop->turns.max);
	return figures(loop, &turns);
}

struct lt_lag_figures lt_estimate__scaled(const struct lt_dr_loop *loop, double factor)
{
	struct lt_hist turns = loop->turns;

	lt_turns__scale(&turns, factor);
	return figures(loop, &turns);
}

struct lt_lag_figures lt_estimate__chopped(const struct lt_dr_loop *loop, double longest_seconds)
{
	struct lt_hist turns = loop->turns;

	lt_turns__chop(&turns, longest_seconds);
	return figures(loop, &turns);
}
