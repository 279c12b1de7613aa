/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Texts that are kept once each until all are dropped: names and files of functions. */
#ifndef LOOPTOP_V8_ARENA_H
#define LOOPTOP_V8_ARENA_H

#include <stddef.h>

#include "agent/util/budget.h"

struct lt_arena_chunk;

struct lt_arena {
	struct lt_share share; /* others point at what is in it, so it cannot go */
	struct lt_arena_chunk *chunks; /* the newest first */
	const char **table; /* open addressing */
	size_t n, n_slots, bytes;
};

/* The one copy of a text, or NULL (no memory, or more than the arena may hold). */
const char *lt_arena__text(struct lt_arena *arena, const char *text);
/* Drops all texts. */
void lt_arena__clear(struct lt_arena *arena);

#endif
