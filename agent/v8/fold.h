/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Many stacks of one turn, folded into one answer: the function that was found most often, and the stack
 * that was. Texts are not copied: they are the resolver's.
 */
#ifndef LOOPTOP_V8_FOLD_H
#define LOOPTOP_V8_FOLD_H

#include "agent/v8/v8.h"

#define LT_FOLD_STACKS_MAX 64

struct lt_fold; /* of one turn */

/* NULL with errno. */
struct lt_fold *lt_fold__new(void);
void lt_fold__free(struct lt_fold *fold);

/* Adds a stack that stands for so many seconds of the turn: shares are of time. One that is unlike all that
 * are kept, when there is no room, counts as a sample only. */
void lt_fold__add(struct lt_fold *fold, const struct lt_v8_stack *stack, double seconds);

/* How many were added. */
size_t lt_fold__samples(const struct lt_fold *fold);

/* Fills samples, starvation, where, below, stack of a stall; they live until the next add or free. */
void lt_fold__answer(struct lt_fold *fold, struct lt_stall *stall);

#endif
