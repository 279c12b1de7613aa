/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/governor.h"

#define HOLD_SECONDS 30.0
#define HOLD_MAX_SECONDS 3600.0
#define OVER_INTERVALS 2

/* So many times over the budget one step down would not do. */
#define FAR_OVER 4.0

struct lt_governor lt_governor_of(double budget_ratio)
{
	return (struct lt_governor){ .budget_ratio = budget_ratio, .hold_seconds = HOLD_SECONDS };
}

static enum lt_tier drop(struct lt_governor *governor, enum lt_tier tier, double overhead_ratio)
{
	governor->over = 0;
	governor->left_seconds = governor->hold_seconds;
	governor->hold_seconds *= 2;
	if (governor->hold_seconds > HOLD_MAX_SECONDS)
		governor->hold_seconds = HOLD_MAX_SECONDS;
	return overhead_ratio > FAR_OVER * governor->budget_ratio ? LT_TIER_MEMORY : tier - 1;
}

enum lt_tier lt_governor__decide(struct lt_governor *governor, enum lt_tier tier, enum lt_tier wish,
				 double overhead_ratio, double interval_seconds)
{
	governor->over = overhead_ratio > governor->budget_ratio ? governor->over + 1 : 0;
	if (governor->over >= OVER_INTERVALS && tier > LT_TIER_MEMORY)
		return drop(governor, tier, overhead_ratio);
	if (tier >= wish || overhead_ratio > governor->budget_ratio / 2)
		return tier;
	governor->left_seconds -= interval_seconds;
	return governor->left_seconds <= 0 ? wish : tier;
}
