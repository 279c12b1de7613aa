/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What finding a heap (heap_find.c) and reading its sizes (heap_usage.c) share. */
#ifndef LOOPTOP_V8_HEAP_INTERNAL_H
#define LOOPTOP_V8_HEAP_INTERNAL_H

#include <stdbool.h>

#include "agent/v8/heap_known.h"
#include "agent/v8/heap_usage.h"

/* All that heap_known.c has offsets into. */
#define LT_HEAP_BLOCK_BYTES	0xac0
#define LT_HEAP_SPACE_BYTES	0x2a8
#define LT_HEAP_ALLOCATOR_BYTES 0x680

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
/* Where a space other than the new one keeps the size of its objects. */
size_t lt_heap_space_used(const struct lt_heap_known *known, enum lt_space space);

#endif
