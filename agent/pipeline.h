/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The composition root: targets, probes and model put together. One tick reads everything once
 * and gives the snapshot of the interval.
 */
#ifndef LOOPTOP_PIPELINE_H
#define LOOPTOP_PIPELINE_H

#include "agent/options.h"
#include "agent/targets.h"
#include "looptop/snapshot.h"

struct lt_pipeline;

/*
 * Opens the targets that the options name (all that can be found if none is) and attaches. 0, or
 * -errno with the error logged. They are looked for again as time goes by.
 */
int lt_pipeline__new(const struct lt_options *options, enum lt_start start,
		     struct lt_pipeline **ret_pipeline);
void lt_pipeline__free(struct lt_pipeline *pipeline);

/* The snapshot of the interval that ends now; valid until the next tick. NULL with errno. */
const struct lt_snapshot *lt_pipeline__tick(struct lt_pipeline *pipeline);

/* When the latest tick was, which is when the running interval began. CLOCK_MONOTONIC. */
uint64_t lt_pipeline__tick_ns(const struct lt_pipeline *pipeline);

/*
 * Waits until the deadline, as lt_sleep_until() does; stacks are collected and late turns looked at meanwhile. True
 * at the deadline; false when fd can be read or a signal came, or, with *ret_changed true, when the latest
 * snapshot has been changed by what was seen: a stall that has begun, goes on, or has ended.
 */
bool lt_pipeline__wait(struct lt_pipeline *pipeline, uint64_t deadline_ns, int fd, bool *ret_changed);

/* Called before and after each sleep of lt_pipeline__wait(): only in between does the latest snapshot not change. */
struct lt_rest {
	void (*begin)(void *ctx);
	void (*end)(void *ctx);
	void *ctx;
};
void lt_pipeline__set_rest(struct lt_pipeline *pipeline, const struct lt_rest *rest);

/* The snapshot of the latest tick, with what was changed in it since; NULL before the first. */
const struct lt_snapshot *lt_pipeline__latest(const struct lt_pipeline *pipeline);

/* Targets that are still there. */
size_t lt_pipeline__targets(const struct lt_pipeline *pipeline);

/* The highest tier from now on, for all targets; is_auto: for those that nobody named, by the rule. */
void lt_pipeline__set_tier(struct lt_pipeline *pipeline, enum lt_tier tier, bool is_auto);

/* Which process somebody looks at: the rule wants it. 0: none. */
void lt_pipeline__look_at(struct lt_pipeline *pipeline, int pid);

/* Which process somebody has open: what it compiles is counted from now on, unless that was forbidden. 0: none. To be
 * called behind a tick, so that intervals are counted whole. */
void lt_pipeline__open(struct lt_pipeline *pipeline, int pid);

#endif
