/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Interned texts: chunks that never move, and a table of pointers into them. */
#include "agent/v8/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 16384
#define BYTES_MAX   (4u << 20)
#define SLOTS_MIN   256

struct lt_arena_chunk {
	struct lt_arena_chunk *next;
	size_t used;
	char bytes[CHUNK_BYTES];
};

static size_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return (size_t)(h ^ h >> 32);
}

/* The slot that has the text, or the free one where it belongs. */
static size_t find(const char **table, size_t n_slots, const char *text)
{
	size_t i = hash(text) & (n_slots - 1);

	while (table[i] && strcmp(table[i], text) != 0)
		i = (i + 1) & (n_slots - 1);
	return i;
}

static bool grow(struct lt_arena *arena)
{
	size_t n_slots = arena->n_slots ? 2 * arena->n_slots : SLOTS_MIN;
	const char **table;

	if (arena->n_slots && arena->n < arena->n_slots / 2)
		return true;
	table = calloc(n_slots, sizeof(*table));
	if (!table)
		return false;
	for (size_t i = 0; i < arena->n_slots; i++)
		if (arena->table[i])
			table[find(table, n_slots, arena->table[i])] = arena->table[i];
	free(arena->table);
	arena->table = table;
	arena->n_slots = n_slots;
	return true;
}

static char *allocate(struct lt_arena *arena, size_t size)
{
	struct lt_arena_chunk *chunk = arena->chunks;
	char *bytes;

	if (size > CHUNK_BYTES || size > BYTES_MAX - arena->bytes)
		return NULL;
	if (!chunk || size > CHUNK_BYTES - chunk->used) {
		if (!lt_budget__take(&arena->share, arena->share.bytes + sizeof(*chunk)))
			return NULL;
		chunk = malloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		chunk->used = 0;
		arena->chunks = chunk;
	}
	bytes = chunk->bytes + chunk->used;
	chunk->used += size;
	arena->bytes += size;
	return bytes;
}

const char *lt_arena__text(struct lt_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1, slot;
	char *copy;

	if (!grow(arena))
		return NULL;
	slot = find(arena->table, arena->n_slots, text);
	if (arena->table[slot])
		return arena->table[slot];
	copy = allocate(arena, size);
	if (!copy)
		return NULL;
	memcpy(copy, text, size);
	arena->table[slot] = copy;
	arena->n++;
	return copy;
}

void lt_arena__clear(struct lt_arena *arena)
{
	while (arena->chunks) {
		struct lt_arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	free(arena->table);
	lt_budget__give_back(&arena->share);
	memset(arena, 0, sizeof(*arena));
}
