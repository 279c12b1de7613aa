/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What a heap's spaces have available, as V8's Space::Available() says: of a paged space what its free list holds, of
 * the new spaces what their capacity has left, of the others nothing. And whether the getters of this process, which
 * the spaces' own vtables have, read it there: they are more than a load or two, so they are decoded.
 */
#include <errno.h>
#include <string.h>

#include "agent/target/decode.h"
#include "agent/target/machine.h"
#include "agent/util/word.h"
#include "agent/v8/heap_internal.h"

#define CAPACITY_MAX (1ull << 40)
#define CODE_BYTES   160 /* the longest of the getters has 103 */
#define USE_NEAR     3 /* instructions from the load of a pointer to its use */

/* --- what is available ------------------------------------------------------------------------- */

static double left(uint64_t capacity, uint64_t used)
{
	return capacity <= CAPACITY_MAX && used <= capacity ? (double)(capacity - used) : NAN;
}

/* Since V8 13 the pages in use may be more than the capacity for a while, and then they are the capacity; before,
 * they never are. */
static double left_in_new_space(const struct lt_heap_known *known, const unsigned char *space,
				uint64_t used)
{
	uint64_t capacity = lt_word(space, (size_t)known->young_space.capacity);
	uint64_t pages = lt_word(space, (size_t)known->young_space.pages_bytes);
	uint64_t more = 0;

	if (known->young_space.top_more.at)
		more = lt_word(space, (size_t)known->young_space.top_more.at);
	if (capacity < pages)
		capacity = pages;
	if (capacity > CAPACITY_MAX || more > CAPACITY_MAX)
		return NAN;
	return left(capacity / LT_HEAP_PAGE_BYTES * (uint64_t)known->young_space.area + more, used);
}

int lt_heap_space_available(const struct lt_heap_image *image, enum lt_space kind,
			    const unsigned char *space, uint64_t used, double *ret_available)
{
	const struct lt_heap_known *known = image->known;
	uint64_t capacity, free_bytes;

	if (!image->source->has_available) {
		*ret_available = NAN;
	} else if (kind == LT_SPACE_NEW) {
		*ret_available = left_in_new_space(known, space, used);
	} else if (kind == LT_SPACE_NEW_LARGE) {
		/* It grows with an object that is larger, but after taking it. */
		capacity = lt_word(space, (size_t)known->new_large_capacity);
		*ret_available = left(capacity > used ? capacity : used, used);
	} else if (lt_heap_is_large(kind)) {
		*ret_available = 0;
	} else {
		if (lt_heap_image__follow(image, space, known->paged_free, &free_bytes))
			return -EAGAIN;
		*ret_available = left(free_bytes, 0);
	}
	return 0;
}

static bool is_paged(enum lt_space kind)
{
	return kind != LT_SPACE_NEW && !lt_heap_is_large(kind);
}

double lt_heap_given_back(enum lt_space kind, uint64_t bytes)
{
	return is_paged(kind) && bytes < LT_HEAP_FREE_MIN ? 0 : (double)bytes;
}

void lt_heap__doubt_available(struct lt_heap *heap)
{
	for (int i = 0; i < LT_SNAP_SPACES; i++)
		if (is_paged((enum lt_space)i) &&
		    heap->space_used_bytes[i] + heap->space_available_bytes[i] >
			    heap->space_total_bytes[i])
			heap->space_available_bytes[i] = NAN;
}

/* --- where the process reads it ---------------------------------------------------------------- */

static bool is_load(const struct lt_insn *in, int32_t disp)
{
	return in->base >= 0 && in->disp == disp && !in->makes_address;
}

/* Does the function load the word, and if it stands behind a pointer, through that? */
static bool loads(const struct lt_function *function, struct lt_heap_word word)
{
	for (size_t i = 0; i < function->n_insns; i++) {
		uint32_t pointer = function->insns[i].writes;

		if (!is_load(&function->insns[i], word.at))
			continue;
		if (word.inner == LT_HEAP_NONE)
			return true;
		for (size_t j = i + 1; j < function->n_insns && j <= i + USE_NEAR; j++) {
			const struct lt_insn *in = &function->insns[j];

			if (is_load(in, word.inner) && pointer & 1u << in->base)
				return true;
			if (in->writes & pointer)
				break;
		}
	}
	return false;
}

static bool loads_at(const struct lt_function *function, int32_t at)
{
	return loads(function, (struct lt_heap_word){ (int16_t)at, LT_HEAP_NONE });
}

/* All of the function, and nothing of the next: it ends with the return that no branch of it leads beyond. */
static bool end_function(struct lt_function *function)
{
	uint64_t farthest = 0;

	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];
		bool jumps = in->flow == LT_FLOW_BRANCH || in->flow == LT_FLOW_JUMP;

		if (jumps && in->target > farthest && in->target < function->vaddr + CODE_BYTES)
			farthest = in->target;
		if (in->flow == LT_FLOW_RETURN && in->vaddr >= farthest) {
			function->n_insns = i + 1;
			return true;
		}
	}
	return false;
}

/* xor %eax,%eax; ret */
static bool returns_0(const unsigned char code[CODE_BYTES])
{
	static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const unsigned char plain[] = { 0x31, 0xc0, 0xc3 };
	static const unsigned char framed[] = { 0x55, 0x48, 0x89, 0xe5, 0x31, 0xc0, 0x5d, 0xc3 };

	if (!memcmp(code, endbr64, sizeof(endbr64)))
		code += sizeof(endbr64);
	return !memcmp(code, plain, sizeof(plain)) || !memcmp(code, framed, sizeof(framed));
}

static bool reads_new_space(const struct lt_function *function, const struct lt_heap_known *known)
{
	struct lt_heap_word start = { (int16_t)known->young_space.page,
				      (int16_t)known->young_space.area_start };

	return loads_at(function, known->young_space.capacity) &&
	       loads_at(function, known->young_space.pages_bytes) &&
	       loads(function, known->young_space.top) && loads(function, start);
}

static bool reads_it_there(const struct lt_heap_image *image, enum lt_space kind,
			   const struct lt_function *function)
{
	struct lt_heap_word used = { 0, (int16_t)image->source->layout->slot_used };

	if (kind == LT_SPACE_NEW)
		return reads_new_space(function, image->known);
	if (kind == LT_SPACE_NEW_LARGE)
		return loads_at(function, image->known->new_large_capacity) &&
		       loads(function, used);
	return loads(function, image->known->paged_free);
}

static bool check_space(const struct lt_heap_image *image, int32_t index)
{
	enum lt_space kind = (enum lt_space)image->known->order[index];
	uint64_t slot = (uint64_t)image->source->layout->slot_available, vtable, address;
	unsigned char code[CODE_BYTES];
	struct lt_function function;
	bool right;

	if (lt_heap_image__memory(image, lt_heap_image__space(image, index), &vtable,
				  sizeof(vtable)) ||
	    lt_heap_image__memory(image, vtable + slot, &address, sizeof(address)) ||
	    lt_heap_image__memory(image, address, code, sizeof(code)))
		return false;
	if (lt_heap_is_large(kind) && kind != LT_SPACE_NEW_LARGE)
		return returns_0(code);
	if (lt_function__decode_code(&lt_machine_x86, code, address, sizeof(code), &function))
		return false;
	right = end_function(&function) && reads_it_there(image, kind, &function);
	lt_function__free(&function);
	return right;
}

bool lt_heap__has_available(const struct lt_heap_source *source, uint64_t isolate)
{
	struct lt_heap_image image;

	if (lt_heap_image__read(source, isolate, &image))
		return false;
	for (int32_t i = 0; i < image.known->n_spaces; i++)
		if (lt_heap_image__space(&image, i) &&
		    (image.known->order[i] == LT_HEAP_NONE || !check_space(&image, i)))
			return false;
	return true;
}
