/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What lag would be without something: recorded turns, shortened, in the same window. Turns that were late
 * are known one by one; of the others only how many there were of which length.
 */
#ifndef LOOPTOP_DOCTOR_ESTIMATE_H
#define LOOPTOP_DOCTOR_ESTIMATE_H

#include "agent/doctor/collect.h"

struct lt_lag_figures {
	double p99, max, mean; /* seconds; NAN: unknown */
};

/* As it was. */
struct lt_lag_figures lt_estimate__now(const struct lt_dr_loop *loop);

/* Without the own time of these blockers (a set of bits by index), and of unknown ones if asked for, in
 * the turns that they made late. */
struct lt_lag_figures lt_estimate__without(const struct lt_dr_loop *loop, uint64_t blockers,
					   bool unknown);

/* The same, with that time cut into turns of this length rather than taken away. */
struct lt_lag_figures lt_estimate__cut(const struct lt_dr_loop *loop, uint64_t blockers,
				       double piece_seconds);

/* Without a cause: out of the late turns as it was in each, out of the others in equal shares. Of the whole
 * cause only this part (0 … 1). */
struct lt_lag_figures lt_estimate__without_cause(const struct lt_dr_loop *loop, enum lt_cause cause,
						 double part);

/* With every turn so many times as long, and with no turn longer than this. */
struct lt_lag_figures lt_estimate__scaled(const struct lt_dr_loop *loop, double factor);
struct lt_lag_figures lt_estimate__chopped(const struct lt_dr_loop *loop, double longest_seconds);

_Static_assert(LT_DR_BLOCKERS_MAX <= 64, "a set of blockers is a word");

#endif
