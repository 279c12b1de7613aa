/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * For the exporter: what a timer in each process's main loop would have seen in the last 30 to 60 seconds. Long
 * enough that every scrape sees a block, and the same for all who scrape.
 */
#ifndef LOOPTOP_SINK_DELAYS_H
#define LOOPTOP_SINK_DELAYS_H

#include "looptop/snapshot.h"

#define LT_DELAYS_SECONDS_MIN 30.0

struct lt_delays;

/* NULL with errno. */
struct lt_delays *lt_delays__new(void);
void lt_delays__free(struct lt_delays *delays);

/* Takes the totals of a snapshot, which may come again. 0 or -ENOMEM. */
int lt_delays__look(struct lt_delays *delays, const struct lt_snapshot *snapshot);

/* Of a process of the latest snapshot; false if it is not known. */
bool lt_delays__get(const struct lt_delays *delays, const struct lt_process *process,
		    struct lt_delay *ret_delay);

#endif
