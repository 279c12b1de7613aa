/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/governor.h"

#include <math.h>

#define HOLD_SECONDS	 5.0
#define HOLD_MAX_SECONDS 3600.0

/* Within the budget for so many holds: the next hold is half as long. */
#define CALM_HOLDS 8.0

/* Two intervals of a second, or one that is longer: a drop within 3 s. */
#define OVER_SECONDS 1.5
#define LOW_SECONDS  2.5

/* Coming back must leave some of the budget, or it would be left again at once. */
#define RETURN_PART 0.7

/* So many times over the budget one step down would not do. */
#define FAR_OVER 4.0

struct lt_governor lt_governor_of(double budget_ratio)
{
	return (struct lt_governor){ .budget_ratio = budget_ratio,
				     .hold_seconds = HOLD_SECONDS,
				     .predicted_ratios = { NAN, NAN } };
}

static bool is_less(struct lt_measuring a, struct lt_measuring b)
{
	return a.tier < b.tier || (!a.extras && b.extras);
}

/*
 * What the wish would cost: by the loop's counters, and else what it did cost. Of two intervals the dearer
 * one: what begins or ends within an interval looks cheaper in it than it is.
 */
static double expected_ratio(const struct lt_governor *governor)
{
	double predicted = fmax(governor->predicted_ratios[0], governor->predicted_ratios[1]);

	return lt_known(predicted) ? predicted : governor->dropped_ratio;
}

bool lt_governor__looks(const struct lt_governor *governor, const struct lt_load *load)
{
	double average = expected_ratio(governor) * LT_LOOK_PART;

	return average <= governor->budget_ratio && average <= load->room_ratio;
}

static void hold(struct lt_governor *governor, double cost_ratio)
{
	governor->dropped = true;
	governor->dropped_ratio = cost_ratio;
	governor->looking = false;
	governor->over_seconds = governor->low_seconds = governor->calm_seconds = 0;
	governor->left_seconds = governor->hold_seconds;
	governor->hold_seconds = fmin(governor->hold_seconds * 2, HOLD_MAX_SECONDS);
}

/* One step down, or all the way; first what costs most. */
static struct lt_measuring lower(const struct lt_governor *governor, struct lt_measuring now,
				 const struct lt_load *load)
{
	double loops_ratio = load->cost_ratio - load->extras_ratio;

	if (now.tier == LT_TIER_MEMORY || (now.extras && load->extras_ratio > loops_ratio))
		now.extras = false;
	else if (load->cost_ratio > FAR_OVER * governor->budget_ratio)
		now.tier = LT_TIER_MEMORY;
	else
		now.tier--;
	return now;
}

static struct lt_measuring end_look(struct lt_governor *governor, struct lt_measuring now,
				    const struct lt_load *load)
{
	bool too_dear = load->yield || load->cost_ratio * LT_LOOK_PART > governor->budget_ratio;

	governor->look_seconds -= load->seconds;
	if (governor->look_seconds > 1e-3 && !too_dear)
		return now;
	governor->looking = false;
	governor->dropped_ratio = load->cost_ratio;
	/* One that was too dear pays for it with the time until the next. */
	governor->look_seconds = load->look_seconds / LT_LOOK_PART - load->look_seconds;
	if (too_dear)
		governor->look_seconds = governor->hold_seconds * 2;
	now.tier = LT_TIER_MEMORY;
	return now;
}

/* It was dropped: may it come back, or is it time for a look? */
static struct lt_measuring recover(struct lt_governor *governor, struct lt_measuring now,
				   struct lt_measuring wish, const struct lt_load *load,
				   enum lt_tier_reason *ret_reason)
{
	double limit =
		RETURN_PART * fmin(governor->budget_ratio, load->cost_ratio + load->room_ratio);
	/* Nothing tells what the extras would cost, or a loop without counters: they are tried. */
	bool blind = !lt_known(load->predicted_ratio);
	bool low = blind ? !load->early : load->predicted_ratio <= limit;

	governor->low_seconds = low ? governor->low_seconds + load->seconds : 0;
	governor->left_seconds = fmax(governor->left_seconds - load->seconds, 0);
	governor->look_seconds -= load->seconds;
	if (governor->left_seconds <= 0 && governor->low_seconds >= LOW_SECONDS) {
		governor->dropped = false;
		*ret_reason = LT_REASON_RECOVERED;
		return wish;
	}
	if (low && !blind && governor->left_seconds <= LOW_SECONDS) /* soon, and for good */
		return now;
	if (now.tier == LT_TIER_MEMORY && wish.tier > now.tier && governor->look_seconds <= 1e-3 &&
	    lt_governor__looks(governor, load)) {
		governor->looking = true;
		governor->look_seconds = load->look_seconds;
		*ret_reason = LT_REASON_SAMPLE;
		now.tier = wish.tier;
	}
	return now;
}

/* The wish has risen: is it affordable? */
static struct lt_measuring rise(struct lt_governor *governor, struct lt_measuring now,
				struct lt_measuring wish, const struct lt_load *load,
				enum lt_tier_reason *ret_reason)
{
	double limit =
		RETURN_PART * fmin(governor->budget_ratio, load->cost_ratio + load->room_ratio);

	if (!lt_known(load->predicted_ratio) || load->predicted_ratio <= limit) {
		*ret_reason = load->why;
		return wish;
	}
	hold(governor, load->predicted_ratio);
	governor->look_seconds = 0;
	return now;
}

static void stay(struct lt_governor *governor, const struct lt_load *load)
{
	governor->dropped = false;
	governor->calm_seconds += load->seconds;
	if (governor->calm_seconds < CALM_HOLDS * governor->hold_seconds)
		return;
	governor->calm_seconds = 0;
	governor->hold_seconds = fmax(governor->hold_seconds / 2, HOLD_SECONDS);
}

struct lt_measuring lt_governor__decide(struct lt_governor *governor, struct lt_measuring now,
					struct lt_measuring wish, const struct lt_load *load,
					enum lt_tier_reason *ret_reason)
{
	bool over = load->cost_ratio > governor->budget_ratio;

	governor->predicted_ratios[1] = governor->predicted_ratios[0];
	governor->predicted_ratios[0] = load->predicted_ratio;
	if (is_less(wish, now)) { /* no longer wished for: not a matter of cost */
		governor->dropped = governor->looking = false;
		governor->over_seconds = 0;
		*ret_reason = load->why;
		return wish;
	}
	if (governor->looking) {
		*ret_reason = LT_REASON_SAMPLE_END;
		return end_look(governor, now, load);
	}
	governor->over_seconds = over ? governor->over_seconds + load->seconds : 0;
	if ((load->yield || governor->over_seconds >= OVER_SECONDS) &&
	    (now.tier > LT_TIER_MEMORY || now.extras)) {
		struct lt_measuring less = lower(governor, now, load);

		*ret_reason = over ? LT_REASON_BUDGET : LT_REASON_TOTAL_BUDGET;
		hold(governor, load->cost_ratio);
		governor->look_seconds = load->look_seconds / LT_LOOK_PART - load->look_seconds;
		return less;
	}
	if (!is_less(now, wish)) {
		stay(governor, load);
		return now;
	}
	if (over)
		return now;
	return governor->dropped ? recover(governor, now, wish, load, ret_reason)
				 : rise(governor, now, wish, load, ret_reason);
}
