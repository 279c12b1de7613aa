/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Lag as it would be with other turns: pure arithmetic on histograms of turns. A cure shortens turns and
 * leaves the moments at which events become ready where they were, so the window stays as long as it was.
 */
#ifndef LOOPTOP_DOCTOR_TURNS_H
#define LOOPTOP_DOCTOR_TURNS_H

#include "looptop/snapshot.h"

/* The lag that the quantile q of events stays below, when these turns are all in this window (contract,
 * 4). NAN for a window of length 0. */
double lt_turns__lag(const struct lt_hist *turns, double window_seconds, double q);

/* How many are of this length or longer, to the width of a bucket. */
double lt_turns__longer(const struct lt_hist *turns, double seconds);

/* Adds n turns of this length. */
void lt_turns__add(struct lt_hist *turns, double seconds, double n);

/* Takes one turn of this length out. False: there is none like it. The maximum stays: lt_turns__set_max. */
bool lt_turns__take(struct lt_hist *turns, double seconds);

/* Every turn is factor (0…1) times as long; the maximum too. */
void lt_turns__scale(struct lt_hist *turns, double factor);

/* Every turn longer than this is cut into equal turns that are not. */
void lt_turns__chop(struct lt_hist *turns, double longest_seconds);

/* The maximum becomes the highest that the buckets allow, and no more than this. */
void lt_turns__set_max(struct lt_hist *turns, double at_most);

/* Adds the values of another histogram. */
void lt_turns__merge(struct lt_hist *into, const struct lt_hist *from);

#endif
