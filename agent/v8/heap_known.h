/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What a Heap of V8 looks like inside, by version (facts, memory-reads 1): bytes from the Heap unless said otherwise.
 * Read by heap_layout.c, which compares it with the code of the binary, and by heap_usage.c.
 */
#ifndef LOOPTOP_V8_HEAP_KNOWN_H
#define LOOPTOP_V8_HEAP_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "looptop/snapshot.h"

#define LT_HEAP_SPACES_MAX 13
#define LT_HEAP_LABS_MAX   6
#define LT_HEAP_NONE	   (-1)

/* In every Space, of every version. */
enum {
	LT_SPACE_HEAP = 8, /* back pointer */
	LT_SPACE_ID = 16, /* int32_t, its index */
	LT_SPACE_TOTAL = 24,
	LT_SPACE_HEAD = 32,
};

/* A word that stands at [at], or at [at] + inner if inner is not LT_HEAP_NONE. */
struct lt_heap_word {
	int16_t at, inner;
};

/* An allocation buffer of the main thread in the HeapAllocator, and the byte that tells whether it is there. */
struct lt_heap_lab {
	int16_t at, present; /* present LT_HEAP_NONE: always */
};

struct lt_heap_known {
	int32_t major, minor; /* of V8 */
	int32_t spaces; /* of the array */
	int32_t n_spaces;
	int8_t order
		[LT_HEAP_SPACES_MAX]; /* enum lt_space of each; LT_HEAP_NONE: shared by isolates */
	int32_t gc_state; /* int32_t, 0: no collection runs */
	struct lt_heap_word young, old; /* of the limit: it is 3 · young + old */
	struct lt_heap_word external,
		external_more; /* added up; inner LT_HEAP_NONE and at 0: nothing */
	int32_t read_only; /* pointer to the read-only space where that is counted, or LT_HEAP_NONE */
	int32_t read_only_used; /* in it */
	/* In a space: */
	int32_t paged_used, large_used;
	struct lt_heap_word paged_free; /* bytes in the free list */
	int32_t new_large_capacity; /* bytes that the objects of the new large-object space may have */
	struct {
		int32_t total, total_more; /* two semispaces */
		int32_t pages_bytes; /* of the pages in use so far */
		int32_t capacity; /* bytes of the pages that there may be */
		struct lt_heap_word top, top_more; /* added up */
		int32_t page; /* pointer to the current page */
		int32_t area_start; /* in the page */
		int32_t area; /* usable bytes of a page */
		bool top_may_be_0; /* then there is no page, and top_more is all of it */
	} young_space;
	int32_t allocator; /* pointer to the HeapAllocator; LT_HEAP_NONE: its buffers are counted right */
	struct lt_heap_lab labs[LT_HEAP_LABS_MAX];
	int32_t n_labs;
};

/* Where a MainAllocator has the pointers to its {start, top, limit}, and to its space. */
#define LT_HEAP_LAB_AREA  0xa0
#define LT_HEAP_LAB_SPACE 0x10

extern const struct lt_heap_known lt_heap_known[];
extern const int32_t lt_heap_n_known;

#endif
