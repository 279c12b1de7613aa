/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The stalls of one loop in one interval, and what they add up to by cause. */
#ifndef LOOPTOP_MODEL_STALL_H
#define LOOPTOP_MODEL_STALL_H

#include "looptop/snapshot.h"

struct lt_stall_list {
	struct lt_stall *items;
	size_t n, capacity;
	/* Since the process was first seen. */
	double by_cause[LT_SNAP_CAUSES], seconds_by_cause[LT_SNAP_CAUSES];
};

/* A stall with nothing known of it but when it was. */
struct lt_stall lt_stall_of(double start_time, double seconds);

/* 0 or -ENOMEM. An ended one counts in the sums. */
int lt_stall_list__add(struct lt_stall_list *list, const struct lt_stall *stall);
void lt_stall_list__clear(struct lt_stall_list *list);
void lt_stall_list__free(struct lt_stall_list *list);

/* Puts the running stall in the place of the one that was in the list as running, or adds it; NULL: none
 * runs any more. */
int lt_stall_list__set_running(struct lt_stall_list *list, const struct lt_stall *stall);

#endif
