/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Taking snapshots until the options say that it is enough: what stat, stalls and doctor share. */
#ifndef LOOPTOP_CMD_ROWS_H
#define LOOPTOP_CMD_ROWS_H

#include "agent/options.h"
#include "agent/pipeline.h"

struct lt_rows {
	/* Takes a snapshot; 0, or -errno, which ends it. */
	int (*take)(void *ctx, const struct lt_snapshot *snapshot);
	void *ctx;
	bool live; /* take the latest snapshot again when a stall in it begins, goes on or ends */
};

/* Writes one JSON line to stderr: the probes of all targets are live. A script that starts its load then
 * misses nothing of it. */
void lt_rows__announce(const struct lt_pipeline *pipeline);

/* 0, or -errno of take or of collecting. A signal is a normal end. */
int lt_rows__run(const struct lt_options *options, struct lt_pipeline *pipeline,
		 const struct lt_rows *rows);

#endif
