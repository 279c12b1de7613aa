/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the dashboard keeps of a snapshot, which is valid only until the next one: a deep copy of
 * the host, of looptop's own figures and of each process, one allocation each. A process that has
 * ended is kept with its last figures until it is dismissed, one that is not told of any more for a
 * moment. Foreign text is made printable here, once.
 */
#ifndef LOOPTOP_UI_KEEP_H
#define LOOPTOP_UI_KEEP_H

#include "looptop/snapshot.h"

#define LT_KEEP_TOMB_SECONDS 3.0
#define LT_KEEP_ENDED_MAX 32 /* that stay until they are dismissed: the latest */

struct lt_kept {
	struct lt_process *process; /* owns the block that holds all of it */
	double seen_time; /* of the latest snapshot that had it */
	bool gone; /* it ended, or the latest snapshot no longer had it */
	bool stays; /* it ended: until it is dismissed */
};

struct lt_keep {
	bool any; /* a snapshot has come */
	double time, interval_seconds;
	uint64_t sequence;
	char host_name[64], host_kernel[64];
	int cpus;
	struct lt_self self;
	struct lt_kept *kept;
	size_t n_kept, room;
};

/* Takes over a snapshot. 0 or -ENOMEM, with what was kept before. */
int lt_keep__update(struct lt_keep *keep, const struct lt_snapshot *snapshot);
void lt_keep__free(struct lt_keep *keep);

/* What has ended goes. */
void lt_keep__dismiss(struct lt_keep *keep);

/* The kept process, or NULL. */
const struct lt_kept *lt_keep__find(const struct lt_keep *keep, int pid, double start_time);

/* A deep copy in one block, to be freed with free(); NULL with errno. Totals and stalls are left
 * out. */
struct lt_process *lt_process__copy(const struct lt_process *process);

#endif
