/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Holding the budget: which tier a target may have, by what its probes cost. Two intervals over it
 * drop the tier; after a time it is tried again, each time twice as late.
 */
#ifndef LOOPTOP_GOVERNOR_H
#define LOOPTOP_GOVERNOR_H

#include "looptop/abi.h"

struct lt_governor {
	double budget_ratio; /* share of one core */
	unsigned over; /* intervals over the budget in a row */
	double hold_seconds; /* after the next drop */
	double left_seconds; /* until the wish is tried again */
};

struct lt_governor lt_governor_of(double budget_ratio);

/* The tier from now on, given the one in force and the highest that is wished for. */
enum lt_tier lt_governor__decide(struct lt_governor *governor, enum lt_tier tier, enum lt_tier wish,
				 double overhead_ratio, double interval_seconds);

#endif
