/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Memory of one snapshot: many pieces, freed all at once. Resetting keeps the memory for the next
 * snapshot, so that a steady state allocates nothing.
 */
#ifndef LOOPTOP_MODEL_ARENA_H
#define LOOPTOP_MODEL_ARENA_H

#include <stddef.h>

struct lt_arena_chunk;

struct lt_arena {
	struct lt_arena_chunk *first, *current;
};

/* count × size zeroed bytes, aligned for anything; NULL with errno ENOMEM. count may be 0. */
void *lt_arena__array(struct lt_arena *arena, size_t count, size_t size);
/* A copy of text; NULL if text is NULL, or with errno ENOMEM. */
const char *lt_arena__text(struct lt_arena *arena, const char *text);
/* Gives back all pieces at once. */
void lt_arena__reset(struct lt_arena *arena);
void lt_arena__free(struct lt_arena *arena);

#endif
