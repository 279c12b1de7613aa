/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What has been told of the stalls of each loop, so that one is told when it is seen first, again whenever
 * it has become twice as long (a second at least), and once when it has ended; however often snapshots show it.
 */
#ifndef LOOPTOP_SINK_STALL_SEEN_H
#define LOOPTOP_SINK_STALL_SEEN_H

#include "looptop/snapshot.h"

struct lt_stall_seen;

/* A stall that is to be told, and whose it is. All borrowed from the snapshot. */
struct lt_stall_news {
	const struct lt_snapshot *snapshot;
	const struct lt_process *process;
	const struct lt_loop *loop;
	const struct lt_stall *stall;
};

/* Tells one; 0 or -errno. */
typedef int (*lt_stall_tell_fn)(void *ctx, const struct lt_stall_news *news);

struct lt_stall_seen *lt_stall_seen__new(void);
void lt_stall_seen__free(struct lt_stall_seen *seen);

/* Tells what is new in a snapshot; the first failure of tell, -ENOMEM or 0. */
int lt_stall_seen__look(struct lt_stall_seen *seen, const struct lt_snapshot *snapshot,
			lt_stall_tell_fn tell, void *ctx);

#endif
