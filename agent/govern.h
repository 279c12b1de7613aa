/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Holding the budgets: of each target and of the host, once in each interval and at least once a second. */
#ifndef LOOPTOP_GOVERN_H
#define LOOPTOP_GOVERN_H

#include "agent/model/tiers.h"
#include "agent/watch.h"

struct lt_govern {
	struct lt_tiers tiers;
	double hit_cost_ns;
	double interval_seconds; /* of the latest snapshot */
	uint64_t governed_ns; /* 0: not yet */
	int looked_at; /* pid of the process that somebody looks at, 0: none */
	uint64_t changes[LT_SNAP_TIER_REASONS]; /* of tiers, since the start */
};

/* snapshot: of the interval that ends now; NULL: in the middle of one, where it does nothing more often than
 * once a second. */
void lt_govern__run(struct lt_govern *govern, struct lt_watch **watches, size_t n,
		    const struct lt_snapshot *snapshot, uint64_t now_ns);

#endif
