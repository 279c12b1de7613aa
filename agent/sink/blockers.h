/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which functions blocked longest, for the exporter: so many have a counter of their own, all others share
 * one. A second is counted where it belongs when it comes, so that no counter ever falls: a function that
 * rises into the first ones starts at 0, and one that is overtaken disappears.
 */
#ifndef LOOPTOP_SINK_BLOCKERS_H
#define LOOPTOP_SINK_BLOCKERS_H

#include "looptop/snapshot.h"

#define LT_BLOCKERS_KEPT 1000 /* functions beyond are only counted together */

struct lt_blockers;

struct lt_blocking {
	const char *process, *function, *file; /* file: NULL if unknown */
	double seconds; /* of ended stalls, since it has a counter */
};

/* shown: how many have a counter, at least 1. NULL with errno. */
struct lt_blockers *lt_blockers__new(size_t shown);
void lt_blockers__free(struct lt_blockers *blockers);

/* Counts the stalls that have ended, each once, however often a snapshot comes. 0 or -ENOMEM. */
int lt_blockers__look(struct lt_blockers *blockers, const struct lt_snapshot *snapshot);

/* The index-th of those that have a counter; false: there are no more. */
bool lt_blockers__get(const struct lt_blockers *blockers, size_t index, struct lt_blocking *ret);
/* Seconds of all others, those of an unknown function included. */
double lt_blockers__rest(const struct lt_blockers *blockers);

#endif
