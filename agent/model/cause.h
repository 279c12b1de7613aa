/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What busy time was spent on: from what a record says of the time that the thread did not run. */
#ifndef LOOPTOP_MODEL_CAUSE_H
#define LOOPTOP_MODEL_CAUSE_H

#include <stdbool.h>

#include "looptop/abi.h"
#include "looptop/snapshot.h"

/* Parts of some busy time, in seconds. */
struct lt_cause_parts {
	double off[LT_OFF_MAX]; /* by enum lt_off */
	double gc;
	double unseen; /* before it was watched */
};

/* Which of them are measured. */
struct lt_cause_known {
	bool scheduler, gc;
};

/* Of all busy time of a record, brought up to now. */
struct lt_cause_parts lt_cause__busy(const struct lt_loop_rec *rec, uint64_t now_ns);

/* Of the turn that is running, up to now. */
struct lt_cause_parts lt_cause__turn(const struct lt_loop_rec *rec, uint64_t now_ns);

/* Splits busy seconds; the causes add up to it. All NAN if the scheduler is not watched; without GC probes gc
 * is NAN and its time is in cpu. */
void lt_cause__split(const struct lt_cause_parts *parts, double busy_seconds,
		     struct lt_cause_known known, double ret_seconds[LT_SNAP_CAUSES]);

/* The largest, LT_CAUSE_UNKNOWN if none is known. */
enum lt_cause lt_cause__main(const double seconds[LT_SNAP_CAUSES]);

#endif
