/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Reading V8's heap in another process: tagged words, objects with the type that their map tells, strings.
 * Nothing that is read here was checked before: addresses, lengths and types are bounded, and what one
 * stack may cost is bounded too, so that garbage ends in an error and never in a hang.
 */
#ifndef LOOPTOP_V8_HEAP_H
#define LOOPTOP_V8_HEAP_H

#include <stdbool.h>
#include <string.h>

#include "agent/util/word.h"
#include "agent/v8/v8.h"

#define LT_V8_MAPS 64 /* a power of two */

struct lt_v8_heap {
	struct lt_v8_memory memory;
	const struct lt_v8_layout *layout;
	struct lt_v8_stats stats;
	uint64_t reads_left, bytes_left; /* of this stack */
	int gone; /* -ESRCH or -EPERM: nothing can be read any more; 0 */
	uint64_t maps_ns; /* when the cache of maps was emptied */
	struct {
		uint64_t map; /* tagged word, 0: free */
		uint16_t type;
	} maps[LT_V8_MAPS];
};

/* A pointer to an object, not weak. */
static inline bool lt_v8_is_object(uint64_t word)
{
	return (word & 7) == 1 && word > 0x10000 && word < 1ull << 47;
}

static inline bool lt_v8_is_smi(uint64_t word)
{
	return !(uint32_t)word;
}

static inline int32_t lt_v8_smi(uint64_t word)
{
	return (int32_t)(word >> 32);
}

/* The object's address. */
static inline uint64_t lt_v8_address(uint64_t word)
{
	return word - 1;
}

/* Sets what the next stack may cost; forgets types of maps that are older than a second. */
void lt_v8_heap__begin(struct lt_v8_heap *heap);

/* 0 or -errno; all or nothing. */
int lt_v8_heap__read(struct lt_v8_heap *heap, uint64_t address, void *buf, size_t length);

/* Reads max bytes, or only min if the rest is not there (filled with zeros). 0 or -errno. */
int lt_v8_heap__read_some(struct lt_v8_heap *heap, uint64_t address, void *buf, size_t min,
			  size_t max);

/* The instance type that a map (a tagged word) tells, or -errno. */
int lt_v8_heap__map_type(struct lt_v8_heap *heap, uint64_t map);

/* Reads an object as lt_v8_heap__read_some does; returns its type, or -errno. min ≥ 8. */
int lt_v8_heap__object(struct lt_v8_heap *heap, uint64_t word, void *buf, size_t min, size_t max);

/* True if word points at an object of this type (of the layout, may be LT_V8_UNKNOWN). */
bool lt_v8_heap__is(struct lt_v8_heap *heap, uint64_t word, int32_t type);

/* Reads the data of an array of bytes or words (length Smi at 8, data at 16): at most max bytes.
 * unit: bytes of an element. Returns the number of its elements (it may be more than fit), or -errno. */
int64_t lt_v8_heap__array(struct lt_v8_heap *heap, uint64_t word, size_t unit, void *buf,
			  size_t max);

/* Element index of an array of words. 0 or -errno. */
int lt_v8_heap__element(struct lt_v8_heap *heap, uint64_t word, int64_t index, uint64_t *ret_word);

#endif
