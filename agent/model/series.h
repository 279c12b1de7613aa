/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* From cumulative records to the figures of one interval, and into totals that never wrap. */
#ifndef LOOPTOP_MODEL_SERIES_H
#define LOOPTOP_MODEL_SERIES_H

#include "looptop/abi.h"
#include "looptop/snapshot.h"

/* A histogram over time: the latest reading, the interval before it, and all since attach. */
struct lt_series {
	struct lt_hist_rec previous;
	struct lt_hist interval;
	struct lt_hist total;
};

/* Takes a new reading; epoch_closed is the interval that user space has just ended (abi.h). */
void lt_series__advance(struct lt_series *series, const struct lt_hist_rec *rec,
			uint32_t epoch_closed);

/* The next record counts from nothing; the total goes on. */
void lt_series__restart(struct lt_series *series);

/* A total that rests while nobody counts: its buckets that are not empty, and no others. */
struct lt_packed_bucket {
	uint32_t index;
	double count, sum;
};
struct lt_packed {
	double count, sum, max;
	struct lt_packed_bucket *buckets; /* owned */
	size_t n;
};

/* 0 or -ENOMEM; what was packed before is freed. */
int lt_hist__pack(const struct lt_hist *hist, struct lt_packed *packed);
void lt_hist__unpack(const struct lt_packed *packed, struct lt_hist *ret_hist);
void lt_packed__free(struct lt_packed *packed);

/* Adds one value to an interval's histogram. */
void lt_hist__add(struct lt_hist *hist, double seconds);

/* The distribution of a histogram; all unknown for NULL. */
struct lt_dist lt_dist_of(const struct lt_hist *hist);
struct lt_dist lt_dist_unknown(void);

/* The maximum of the closed interval by the rule of abi.h, or fallback if nothing was noted. */
uint64_t lt_closed_max(const __u64 max[2], const __u32 max_epoch[2], uint32_t epoch_closed,
		       uint64_t fallback);

#endif
