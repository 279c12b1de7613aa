/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What stalls.c, stalls_text.c and stalls_json.c share: nothing else includes it. */
#ifndef LOOPTOP_SINK_STALLS_H
#define LOOPTOP_SINK_STALLS_H

#include "agent/sink/stall_seen.h"
#include "looptop/sink.h"

struct lt_stalls;

/* Tells that a process ended; 0 or -errno. */
typedef int (*lt_end_tell_fn)(struct lt_stalls *stalls, const struct lt_snapshot *snapshot,
			      const struct lt_process *process);

struct lt_stalls {
	FILE *out;
	bool colour, ascii; /* text: as in struct lt_sink_opts */
	bool any; /* text: a stall has been told */
	lt_stall_tell_fn tell; /* one of those below; its ctx is this */
	lt_end_tell_fn tell_end; /* likewise */
	uint64_t ends_told; /* up to this snapshot */
	struct lt_stall_seen *seen;
};

/* Write one to out; 0 or -errno, or what lt_out_end() will find. */
int lt_stalls_tell_text(void *ctx, const struct lt_stall_news *news);
int lt_stalls_tell_json(void *ctx, const struct lt_stall_news *news);
int lt_stalls_end_text(struct lt_stalls *stalls, const struct lt_snapshot *snapshot, const struct lt_process *process);
int lt_stalls_end_json(struct lt_stalls *stalls, const struct lt_snapshot *snapshot, const struct lt_process *process);

#endif
