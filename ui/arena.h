/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Deep copies in one block: the same code runs twice over the source, first with no block, which
 * only counts, then with one of that size, which writes. Foreign text is made printable on the way.
 */
#ifndef LOOPTOP_UI_ARENA_H
#define LOOPTOP_UI_ARENA_H

#include <stddef.h>
#include <string.h>

#include "agent/util/fmt.h"

struct lt_arena {
	char *base; /* NULL: it counts */
	size_t used;
};

/* Room for size bytes, NULL while it counts. */
static inline void *lt_arena__take(struct lt_arena *arena, size_t size)
{
	void *room = arena->base ? arena->base + arena->used : NULL;

	arena->used += (size + 15) & ~(size_t)15;
	return room;
}

/* The first n bytes of src, which has so many, printable; NULL while it counts. */
static inline char *lt_arena__text_n(struct lt_arena *arena, const char *src, size_t n)
{
	char *room;
	size_t size = n + 1;

	room = lt_arena__take(arena, size);
	if (room)
		lt_fmt_text(room, size, src);
	return room;
}

static inline char *lt_arena__text(struct lt_arena *arena, const char *src)
{
	return src ? lt_arena__text_n(arena, src, strlen(src)) : NULL;
}

static inline void *lt_arena__bytes(struct lt_arena *arena, const void *src, size_t size)
{
	void *room;

	if (!src || !size)
		return NULL;
	room = lt_arena__take(arena, size);
	if (room)
		memcpy(room, src, size);
	return room;
}

#endif
