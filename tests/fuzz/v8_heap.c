/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: finding and reading a heap in memory that was built as one of the verified versions has it, and then
 * bent. The input: the version (1 byte), then steps of 11 bytes: place (2), what (1), its operand (8).
 */
#include <assert.h>
#include <stdbool.h>

#include "tests/unit/v8_heap_image.h"

#define STEP_BYTES 11

static struct heap_image image;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void bend(const uint8_t *step)
{
	uint16_t place;
	uint64_t word;

	memcpy(&place, step, sizeof(place));
	memcpy(&word, step + 3, sizeof(word));
	if (step[2] % 2)
		word = HI_BASE + word % HI_BYTES;
	hi_put(&image, HI_BASE + (place & ~7u), word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lt_heap_source source = hi_source(&image);
	const char *why = NULL;
	struct lt_heap heap;
	uint64_t isolate;

	if (!size)
		return 0;
	hi_build(&image, data[0] % lt_heap_n_known);
	for (size_t at = 1; at + STEP_BYTES <= size; at += STEP_BYTES)
		bend(data + at);
	lt_heap__find(&source, HI_ENVIRONMENT, &isolate, &why);
	lt_heap__has_available(&source, HI_ISOLATE);
	assert(image.reads < 8000);
	/* A collection that never ends takes its time, each time. */
	hi_put(&image, HI_ISOLATE + HI_HEAP + ((uint64_t)image.known->gc_state & ~7ull), 0);
	image.reads = 0;
	if (lt_heap__read(&source, HI_ISOLATE, &heap))
		return 0;
	assert(image.reads < 64 * 8);
	assert(heap.used_bytes > 0 && heap.used_bytes <= heap.total_bytes);
	return 0;
}
