/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * One budget for the memory of all that comes from targets and may grow with what they hold: symbols, source maps,
 * lines of scripts, names. What was not used for the longest time goes when there is no room, and is read again when
 * it is needed.
 */
#ifndef LOOPTOP_UTIL_BUDGET_H
#define LOOPTOP_UTIL_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/* In whatever takes memory; zeros at first. */
struct lt_share {
	size_t bytes;
	void (*drop)(struct lt_share
			     *share); /* frees what it stands for; NULL: nobody can do without it */
	TAILQ_ENTRY(lt_share) entry; /* while bytes are not 0 */
};

/* The whole of it; 64 MB at the start. */
void lt_budget__set(size_t bytes);
size_t lt_budget__used(void);

/* From now on share takes so many bytes, used last. Others go for it, the share itself never does. False: there is
 * no room; then it has what it had. What cannot go has half of the budget at most. */
bool lt_budget__take(struct lt_share *share, size_t bytes);

/* It takes nothing any more. */
void lt_budget__give_back(struct lt_share *share);

/* It was used. */
void lt_budget__touch(struct lt_share *share);

#endif
