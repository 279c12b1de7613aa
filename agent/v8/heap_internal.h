/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What finding a heap (heap_find.c) and reading its sizes (heap_usage.c, heap_available.c) share. */
#ifndef LOOPTOP_V8_HEAP_INTERNAL_H
#define LOOPTOP_V8_HEAP_INTERNAL_H

#include <stdbool.h>

#include "agent/v8/heap_known.h"
#include "agent/v8/heap_usage.h"

/* All that heap_known.c has offsets into. */
#define LT_HEAP_BLOCK_BYTES	0xac0
#define LT_HEAP_SPACE_BYTES	0x2a8
#define LT_HEAP_ALLOCATOR_BYTES 0x680

#define LT_HEAP_PAGE_BYTES	0x40000 /* of V8 */
#define LT_HEAP_FREE_MIN	24 /* a smaller piece is in no free list: it is lost until it is swept */

/* A copy of the Heap's beginning. */
struct lt_heap_image {
	const struct lt_heap_source *source;
	const struct lt_heap_known *known;
	uint64_t heap; /* its address */
	unsigned char block[LT_HEAP_BLOCK_BYTES];
};

int lt_heap_image__read(const struct lt_heap_source *source, uint64_t isolate,
			struct lt_heap_image *ret_image);
/* 0 or -errno: of an address that may be anything. */
int lt_heap_image__memory(const struct lt_heap_image *image, uint64_t address, void *buf,
			  size_t length);
/* Address of the space with this index, 0: there is none. */
uint64_t lt_heap_image__space(const struct lt_heap_image *image, int32_t index);
/* A word at an offset of an object's copy, or behind the pointer there. 0 or -errno. */
int lt_heap_image__follow(const struct lt_heap_image *image, const unsigned char *object,
			  struct lt_heap_word word, uint64_t *ret_value);
/* A space for objects that have pages of their own. */
bool lt_heap_is_large(enum lt_space space);
/* Where a space other than the new one keeps the size of its objects. */
size_t lt_heap_space_used(const struct lt_heap_known *known, enum lt_space space);

/* What the space with this copy has available; NAN: not known. used: bytes of its objects. 0 or -errno. */
int lt_heap_space_available(const struct lt_heap_image *image, enum lt_space kind,
			    const unsigned char *space, uint64_t used, double *ret_available);
/* What becomes available in it when an allocation buffer gives back its rest. */
double lt_heap_given_back(enum lt_space kind, uint64_t bytes);
/* What is in use and what is available are read one after the other: where they are more than the space has, what is
 * available is of another moment, and unknown. */
void lt_heap__doubt_available(struct lt_heap *heap);

#endif
