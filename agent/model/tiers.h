/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which processes of the host are worth probes, and who gives in when all together cost too much. Pure: it
 * ranks what it is told of them.
 */
#ifndef LOOPTOP_MODEL_TIERS_H
#define LOOPTOP_MODEL_TIERS_H

#include <stdbool.h>
#include <stddef.h>

#include "looptop/snapshot.h"

/* So many processes have probes by rule at the same time. */
#define LT_TIERS_PROBED_MAX 16

/* What is known of one process, and what follows from it. */
struct lt_candidate {
	bool named; /* by the user: it is wished for whatever it does */
	bool looked_at; /* selected or open on the screen */
	bool late; /* a turn of it is a stall by now */
	double utilization; /* of its busiest loop; NAN: unknown */
	double cost_ratio; /* of its probes, on average over looks */
	bool probed; /* it is wished for by now */
	double wanted_seconds; /* since the rule last asked for it; kept from time to time */
	/* answers */
	bool wanted;
	enum lt_tier_reason why; /* it is wanted, or not */
	bool yield; /* it must give in */
	double room_ratio; /* what the total leaves for more */
	double score;
};

struct lt_tiers {
	double total_ratio; /* share of one core, all together */
	double over_seconds; /* over it, in a row */
};

/* Fills in the answers for an interval of so many seconds. 0 or -ENOMEM. */
int lt_tiers__decide(struct lt_tiers *tiers, struct lt_candidate *candidates, size_t n,
		     double seconds);

#endif
