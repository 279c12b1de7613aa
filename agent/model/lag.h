/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Lag: how long an event that becomes ready at a random moment waits for the loop (contract,
 * section 4), from a histogram of turns and the window that they are shares of.
 *
 * The window of an interval begins with the turn that was running when the interval began and
 * ends before the turn that runs when it ends, so that each turn counts whole, once, where it
 * ends. A running turn that is longer than the stall threshold is too important to wait for: it
 * is put in with its length so far, and again with its whole length in the window in which it
 * ends. All time in waits, blocking or not, is in the window, with lag 0.
 */
#ifndef LOOPTOP_MODEL_LAG_H
#define LOOPTOP_MODEL_LAG_H

#include "looptop/snapshot.h"

/* The lag that these turns in a window of this length make. A window of length 0 has no arrival:
 * all NAN. Errors: mean under 0.2 %, quantiles half a bucket, max none. */
struct lt_lag lt_lag__of(const struct lt_hist *turns, double window_seconds);

/* All NAN. */
struct lt_lag lt_lag__unknown(void);

#endif
