/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The functions of one process that were deoptimised in an interval, by thread. */
#ifndef LOOPTOP_MODEL_DEOPTS_H
#define LOOPTOP_MODEL_DEOPTS_H

#include "looptop/snapshot.h"

/* Of all threads, in one interval; a storm has few of them. */
#define LT_DEOPTS_MAX 64

struct lt_deopts {
	struct lt_deopt items[LT_DEOPTS_MAX];
	int tids[LT_DEOPTS_MAX];
	size_t n;
};

/* One more; what has no room is left out. Texts are borrowed, and compared by what they say. */
void lt_deopts__add(struct lt_deopts *deopts, int tid, const struct lt_stack_frame *where);

/* Puts the threads' functions together, the most frequent first. */
void lt_deopts__sort(struct lt_deopts *deopts);

/* Those of a thread, once they are sorted, and how many; NULL: none. */
const struct lt_deopt *lt_deopts__of(const struct lt_deopts *deopts, int tid, size_t *ret_n);

#endif
