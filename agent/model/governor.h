/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Holding the budget of one target: how much of it may be measured, by what its probes cost or would cost.
 * Pure: figures in, a decision out. Over the budget the tier drops; it comes back when the loop's own counters
 * say that it is affordable, each time later; meanwhile there is a look at it from time to time.
 */
#ifndef LOOPTOP_MODEL_GOVERNOR_H
#define LOOPTOP_MODEL_GOVERNOR_H

#include <stdbool.h>

#include "looptop/abi.h"
#include "looptop/snapshot.h"

/* Looks: one second (or one interval, if that is longer) in ten. */
#define LT_LOOK_PART 0.1

/* How much of a process is measured. */
struct lt_measuring {
	enum lt_tier tier;
	bool extras; /* the probes of pool and garbage collection */
};

struct lt_governor {
	double budget_ratio; /* share of one core */
	bool dropped; /* less than the wish is measured, because of what it would cost */
	double over_seconds,
		low_seconds; /* over the budget, affordable again: for so long, in a row */
	double hold_seconds; /* after the next drop, before it may come back */
	double left_seconds; /* of the hold */
	double calm_seconds; /* within the budget with all that is wished for */
	double dropped_ratio; /* what it cost when it was dropped */
	double predicted_ratios[2]; /* what the wish would cost, by this decision and the one before */
	bool looking; /* a look goes on */
	double look_seconds; /* left of the look, or until the next */
};

/* What has been found out since the decision before. Shares of one core. */
struct lt_load {
	double seconds; /* since then */
	double cost_ratio; /* of all probes */
	double extras_ratio; /* the part of it that the extras cost */
	double predicted_ratio; /* of the loop probes of the wish, from the loop's own counters; NAN: unknown */
	bool early; /* those were not read yet: the first interval goes on, and it may be a long one */
	double room_ratio; /* what the host's total leaves for more */
	double look_seconds; /* the length of a look */
	bool yield; /* the host is over its total, and this is the one to give in */
	enum lt_tier_reason why; /* the wish is what it is */
};

struct lt_governor lt_governor_of(double budget_ratio);

/*
 * What to measure from now on, given what is measured and what is wished for. *ret_reason is why, if the two
 * differ from now.
 */
struct lt_measuring lt_governor__decide(struct lt_governor *governor, struct lt_measuring now,
					struct lt_measuring wish, const struct lt_load *load,
					enum lt_tier_reason *ret_reason);

/* Are there looks at a target that is dropped, and would there be at this cost? */
bool lt_governor__looks(const struct lt_governor *governor, const struct lt_load *load);

#endif
