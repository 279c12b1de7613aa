/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_DELAY_H
#define LOOPTOP_UTIL_DELAY_H

#include "looptop/snapshot.h"

#define LT_DELAY_STEP_SECONDS 0.01 /* of Node's monitorEventLoopDelay(), as everybody leaves it */

/*
 * What the timer of struct lt_delay would have seen in a time of which these are all turns. False if that was too
 * short for one run of it.
 */
bool lt_delay_of(const struct lt_hist *turns, double observed_seconds, struct lt_delay *ret_delay);

#endif
