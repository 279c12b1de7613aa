/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Who blocks the loops of one process: the stacks of its late turns are resolved as they come, and folded
 * into one answer a turn.
 */
#ifndef LOOPTOP_BLAME_H
#define LOOPTOP_BLAME_H

#include "looptop/abi.h"
#include "looptop/runtime.h"
#include "looptop/snapshot.h"

struct lt_blame;
struct lt_symfiles;

/* The way to walk the target's stacks, for the programs. */
struct lt_walk_cfg lt_blame__walk_cfg(const struct lt_target *target);

/* NULL with errno. The target is borrowed, and so are the symbols of files, which it adds to. */
struct lt_blame *lt_blame__new(const struct lt_target *target, struct lt_symfiles *symfiles);
void lt_blame__free(struct lt_blame *blame);

/* Forgets turns that ended before the interval that begins, and the answers given for them. */
void lt_blame__begin(struct lt_blame *blame);

/* A stack that was sampled. */
void lt_blame__sample(struct lt_blame *blame, const struct lt_raw_stack *raw);

/* The thread sleeps in the middle of a turn, since then: its stack is read from memory. isolate: 0 if
 * unknown. */
void lt_blame__sleeper(struct lt_blame *blame, int tid, uint64_t turn_start_ns, uint64_t isolate,
		       uint64_t since_ns);

/* Fills where, below, stack, samples, starvation of a stall; they live until the begin after the next one.
 * The turn is over: ended true. */
void lt_blame__answer(struct lt_blame *blame, int tid, uint64_t turn_start_ns, bool ended,
		      struct lt_stall *stall);

/* The function with this SharedFunctionInfo (v8.h). 0 or -errno. Its texts live as long as the blame. */
int lt_blame__function(struct lt_blame *blame, uint64_t shared, struct lt_stack_frame *ret_frame);

/* What it says about V8, for `check` and `missing`: "" if all stacks can be told. */
const char *lt_blame__why_not(const struct lt_target *target);

/* The test of that on the stacks that have come: "" as long as V8's objects are what they should be. Each is
 * checked before it is used, so that what is not told is missing, never wrong. */
const char *lt_blame__doubt(struct lt_blame *blame);

#endif
