/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Chunks in a list, filled one after the other: see arena.h. */
#include "agent/model/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)256 << 10)

struct lt_arena_chunk {
	struct lt_arena_chunk *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

static struct lt_arena_chunk *chunk_new(size_t size)
{
	struct lt_arena_chunk *chunk;

	if (size < CHUNK_BYTES)
		size = CHUNK_BYTES;
	if (size > SIZE_MAX - sizeof(*chunk)) {
		errno = ENOMEM;
		return NULL;
	}
	chunk = malloc(sizeof(*chunk) + size);
	if (chunk)
		*chunk = (struct lt_arena_chunk){ .size = size };
	return chunk;
}

/* A chunk with room for size bytes: the current one, one kept from before, or a new one. */
static struct lt_arena_chunk *chunk_for(struct lt_arena *arena, size_t size)
{
	struct lt_arena_chunk *chunk = arena->current ? arena->current : arena->first;

	for (; chunk; chunk = chunk->next) {
		if (chunk->size - chunk->used >= size)
			return arena->current = chunk;
		if (!chunk->next)
			break;
	}
	if (chunk) {
		chunk->next = chunk_new(size);
		return chunk->next ? arena->current = chunk->next : NULL;
	}
	arena->first = chunk_new(size);
	return arena->current = arena->first;
}

void *lt_arena__array(struct lt_arena *arena, size_t count, size_t size)
{
	struct lt_arena_chunk *chunk;
	size_t bytes;
	void *piece;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    bytes > SIZE_MAX - alignof(max_align_t)) {
		errno = ENOMEM;
		return NULL;
	}
	bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	chunk = chunk_for(arena, bytes);
	if (!chunk)
		return NULL;
	piece = chunk->data + chunk->used;
	chunk->used += bytes;
	return memset(piece, 0, bytes);
}

const char *lt_arena__text(struct lt_arena *arena, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *copy = text ? lt_arena__array(arena, size, 1) : NULL;

	return copy ? memcpy(copy, text, size) : NULL;
}

void lt_arena__reset(struct lt_arena *arena)
{
	for (struct lt_arena_chunk *chunk = arena->first; chunk; chunk = chunk->next)
		chunk->used = 0;
	arena->current = arena->first;
}

void lt_arena__free(struct lt_arena *arena)
{
	while (arena->first) {
		struct lt_arena_chunk *next = arena->first->next;

		free(arena->first);
		arena->first = next;
	}
	arena->current = NULL;
}
