/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The processes that are watched: those that were named, or all that are found, as they come and go. */
#ifndef LOOPTOP_TARGETS_H
#define LOOPTOP_TARGETS_H

#include "agent/arrivals.h"
#include "agent/watch.h"

#define LT_TARGETS_MAX 512

struct lt_targets {
	struct lt_common common; /* cgroups and symfiles are owned */
	struct lt_arrivals *arrivals; /* NULL: targets are named */
	struct lt_watch *watches[LT_TARGETS_MAX];
	int pids[LT_TARGETS_MAX]; /* theirs */
	size_t n;
	uint64_t trimmed_ns; /* when the heap was last given back */
	bool told_full; /* that there are more than LT_TARGETS_MAX */
	bool by_rule; /* who was not named has probes only while the rule wants it */
};

/* How to begin when no target is named. */
enum lt_start {
	LT_START_WITH_TARGETS, /* that none is there is an error */
	LT_START_ANYWAY, /* those that are there first */
	LT_START_SOON, /* somebody looks at a screen: those that are not found at once come while it runs */
};

/* Opens the targets that the options name, or all that can be found if none is. 0, or -errno with the error
 * logged. */
int lt_targets__open(struct lt_targets *targets, enum lt_start start);
void lt_targets__close(struct lt_targets *targets);

/* The target with this pid; NULL: none. */
struct lt_watch *lt_targets__find(const struct lt_targets *targets, uint32_t tgid);

/* Looks for processes that have come, where nobody was named, and attaches to them. */
void lt_targets__look(struct lt_targets *targets);

/* Those that have ended go; they have had their last row. */
void lt_targets__drop_ended(struct lt_targets *targets);

#endif
