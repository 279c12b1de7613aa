/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/tiers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* A loop that is busy for so much of the time makes its events wait; of those below, the busiest few. */
#define LATE_UTILIZATION 0.5
#define BUSY_UTILIZATION 0.05
#define BUSIEST		 4

/* What was worth its probes keeps them for a while, and must not fall back at once for one that is as busy. */
#define LINGER_SECONDS 30.0
#define PROBED_BONUS   0.1

#define OVER_SECONDS   1.5
#define YIELD_PART     0.7

static double score_of(const struct lt_candidate *c)
{
	double score = isnan(c->utilization) ? 0 : c->utilization;

	return score + (c->named || c->looked_at ? 4 : 0) + (c->late ? 2 : 0) +
	       (c->probed ? PROBED_BONUS : 0);
}

/* The highest first; those that are equal in the order in which they came. */
static int compare(const void *a, const void *b)
{
	const struct lt_candidate *const *x = a, *const *y = b;

	if ((*x)->score != (*y)->score)
		return ((*x)->score < (*y)->score) - ((*x)->score > (*y)->score);
	return (*x > *y) - (*x < *y);
}

/* Does the rule ask for it, by its place among the busiest? */
static bool asks_for(struct lt_candidate *c, size_t place)
{
	if (c->named)
		c->why = LT_REASON_ASKED;
	else if (c->looked_at)
		c->why = LT_REASON_LOOKED_AT;
	else if (c->late || c->utilization >= LATE_UTILIZATION)
		c->why = LT_REASON_LATE;
	else if (place < BUSIEST && c->utilization >= BUSY_UTILIZATION)
		c->why = LT_REASON_BUSY;
	else
		return false;
	return true;
}

static void want(struct lt_candidate **ranked, size_t n, double seconds)
{
	size_t given = 0;

	for (size_t i = 0; i < n; i++) {
		struct lt_candidate *c = ranked[i];
		bool asks = asks_for(c, i);

		c->wanted_seconds = asks ? 0 : c->wanted_seconds + seconds;
		c->wanted = asks || (c->probed && c->wanted_seconds < LINGER_SECONDS);
		if (!c->named && c->wanted && ++given > LT_TIERS_PROBED_MAX)
			c->wanted = false;
		if (!c->wanted)
			c->why = LT_REASON_QUIET;
	}
}

/* The least interesting first, until the others are well within the total. */
static void make_yield(const struct lt_tiers *tiers, struct lt_candidate **ranked, size_t n,
		       double sum)
{
	for (size_t i = n; i-- > 0 && sum > YIELD_PART * tiers->total_ratio;) {
		if (!(ranked[i]->cost_ratio > 0))
			continue;
		ranked[i]->yield = true;
		sum -= ranked[i]->cost_ratio;
	}
}

int lt_tiers__decide(struct lt_tiers *tiers, struct lt_candidate *candidates, size_t n,
		     double seconds)
{
	struct lt_candidate **ranked = calloc(n + 1, sizeof(struct lt_candidate *));
	double sum = 0;

	if (!ranked)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		candidates[i].score = score_of(&candidates[i]);
		candidates[i].yield = false;
		sum += candidates[i].cost_ratio;
		ranked[i] = &candidates[i];
	}
	qsort(ranked, n, sizeof(struct lt_candidate *), compare);
	want(ranked, n, seconds);
	for (size_t i = 0; i < n; i++)
		candidates[i].room_ratio = fmax(tiers->total_ratio - sum, 0);
	tiers->over_seconds = sum > tiers->total_ratio ? tiers->over_seconds + seconds : 0;
	if (tiers->over_seconds >= OVER_SECONDS) {
		make_yield(tiers, ranked, n, sum);
		tiers->over_seconds = 0;
	}
	free(ranked);
	return 0;
}
