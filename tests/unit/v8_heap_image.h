/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * For the tests of heaps: a piece of memory with an isolate in it, laid out as one of the verified versions, with the
 * spaces' vtables and the code of their getters. What is built here can be bent afterwards.
 */
#ifndef LOOPTOP_TESTS_V8_HEAP_IMAGE_H
#define LOOPTOP_TESTS_V8_HEAP_IMAGE_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "agent/v8/heap_internal.h"

#define HI_BASE	       0x200000000ull
#define HI_BYTES       0x10000
#define HI_ENVIRONMENT (HI_BASE + 0x800) /* the isolate's address stands a little behind it */
#define HI_ISOLATE     (HI_BASE + 0x2000)
#define HI_HEAP	       0x1000 /* in the isolate */
#define HI_SPACES      (HI_BASE + 0x5000)
#define HI_SPACE_BYTES 0x400
#define HI_CODE	       (HI_BASE + 0xa000)
#define HI_VTABLES     (HI_BASE + 0xb000)
#define HI_PAGE	       (HI_BASE + 0xc000)
#define HI_AREA	       (HI_BASE + 0x40000) /* that the new space's page belongs to; nothing reads it */
#define HI_ALLOCATOR   (HI_BASE + 0xd000)
#define HI_AREAS       (HI_BASE + 0xe000)
#define HI_MIB	       1048576ull
#define HI_SLOT_USED   0x50
#define HI_SLOT_FREE   0x58
#define HI_FREE_LISTS  (HI_BASE + 0xe800)
#define HI_FREE_BYTES  0x80000 /* that the free list of a paged space holds */
#define HI_LEFT_BYTES  7000 /* that the new large-object space has left */

struct heap_image {
	unsigned char bytes[HI_BYTES];
	struct lt_heap_layout layout;
	const struct lt_heap_known *known;
	uint64_t used, total, code;
	uint64_t reads, fail_at; /* number of the read that fails; 0: none */
	uint64_t refill_at; /* before the read with this number hi_refill() happens; 0: never */
	bool moves; /* the new space's page is another one at each read */
};

static inline void hi_put(struct heap_image *image, uint64_t address, uint64_t word)
{
	memcpy(image->bytes + (address - HI_BASE), &word, sizeof(word));
}

/* The first buffer that is always there; -1: there is none. */
static inline int32_t hi_first_lab(const struct lt_heap_known *known)
{
	for (int32_t i = 0; known->allocator != LT_HEAP_NONE && i < known->n_labs; i++)
		if (known->labs[i].present == LT_HEAP_NONE)
			return i;
	return -1;
}

/* Where the free list of the space with this index keeps what it holds. */
static inline uint64_t hi_free_list(const struct heap_image *image, int32_t i)
{
	return HI_FREE_LISTS + 0x40 * (uint64_t)i + (uint64_t)image->known->paged_free.inner;
}

/* That buffer is given back, and the process takes a new one: no more and no less is in use than before. */
static inline void hi_refill(struct heap_image *image)
{
	static const uint64_t taken = 0x40000;
	uint64_t area = HI_AREAS + (uint64_t)hi_first_lab(image->known) * 0x20;
	uint64_t used = HI_SPACES + 2 * HI_SPACE_BYTES +
			lt_heap_space_used(image->known, (enum lt_space)image->known->order[2]);

	hi_put(image, used, 3 * 500000 - 0x200 + taken);
	hi_put(image, hi_free_list(image, 2), HI_FREE_BYTES + 0x200 - taken);
	hi_put(image, area, HI_BASE + 0x1000);
	hi_put(image, area + 8, HI_BASE + 0x1000);
	hi_put(image, area + 16, HI_BASE + 0x1000 + taken);
}

static inline int hi_read(void *ctx, uint64_t address, void *buf, size_t length)
{
	struct heap_image *image = ctx;

	if (++image->reads == image->fail_at || address < HI_BASE || length > HI_BYTES ||
	    address - HI_BASE > HI_BYTES - length)
		return -EFAULT;
	if (image->reads == image->refill_at)
		hi_refill(image);
	for (int32_t i = 0; image->moves && i < image->known->n_spaces; i++)
		if (image->known->order[i] == LT_SPACE_NEW)
			hi_put(image,
			       HI_SPACES + (uint64_t)i * HI_SPACE_BYTES +
				       (uint64_t)image->known->young_space.page,
			       HI_PAGE + 8 * (image->reads % 8));
	memcpy(buf, image->bytes + (address - HI_BASE), length);
	return 0;
}

static inline struct lt_heap_source hi_source(struct heap_image *image)
{
	return (struct lt_heap_source){ .layout = &image->layout,
					.memory = { hi_read, image },
					.has_available = true };
}

/* A getter of one word, or of two that it adds up: its address. */
static inline uint64_t hi_getter(struct heap_image *image, int32_t a, int32_t b)
{
	unsigned char code[64] = { 0x48, 0x8b, 0x97 }; /* mov a(%rdi),%rdx */
	size_t n = 3;

	if (b) {
		memcpy(code + n, &a, 4);
		n += 4;
		memcpy(code + n, "\x48\x8b\x87", 3); /* mov b(%rdi),%rax */
		memcpy(code + n + 3, &b, 4);
		memcpy(code + n + 7, "\x48\x01\xd0\xc3", 4); /* add %rdx,%rax; ret */
	} else {
		code[2] = 0x87;
		memcpy(code + n, &a, 4);
		code[n + 4] = 0xc3;
	}
	memcpy(image->bytes + (HI_CODE + image->code - HI_BASE), code, sizeof(code));
	image->code += sizeof(code);
	return HI_CODE + image->code - sizeof(code);
}

/* The code of a function, instruction by instruction. */
struct hi_code {
	unsigned char bytes[64];
	size_t n;
};

/* What stands before disp32 in an instruction, and disp32. */
static inline void hi_emit(struct hi_code *code, const char *opcode, size_t length, int32_t disp)
{
	memcpy(code->bytes + code->n, opcode, length);
	memcpy(code->bytes + code->n + length, &disp, sizeof(disp));
	code->n += length + sizeof(disp);
}

static inline uint64_t hi_function(struct heap_image *image, struct hi_code *code)
{
	code->bytes[code->n] = 0xc3;
	memcpy(image->bytes + (HI_CODE + image->code - HI_BASE), code->bytes, sizeof(code->bytes));
	image->code += sizeof(code->bytes);
	return HI_CODE + image->code - sizeof(code->bytes);
}

/* mov at(%rdi),%rax, and behind the pointer there. */
static inline void hi_emit_word(struct hi_code *code, struct lt_heap_word word)
{
	hi_emit(code, "\x48\x8b\x87", 3, word.at);
	if (word.inner != LT_HEAP_NONE)
		hi_emit(code, "\x48\x8b\x80", 3, word.inner);
}

/* The getter of what a space has available: the loads that the real ones do, in their order. */
static inline uint64_t hi_available(struct heap_image *image, enum lt_space kind)
{
	const struct lt_heap_known *known = image->known;
	struct hi_code code = { .n = 0 };

	if (kind == LT_SPACE_NEW) {
		hi_emit(&code, "\x48\x8b\x8f", 3, known->young_space.capacity);
		hi_emit(&code, "\x48\x8b\x97", 3, known->young_space.pages_bytes);
		hi_emit_word(&code, known->young_space.top);
		hi_emit(&code, "\x48\x8b\xb7", 3, known->young_space.page);
		hi_emit(&code, "\x48\x2b\x86", 3, known->young_space.area_start);
	} else if (kind == LT_SPACE_NEW_LARGE) {
		hi_emit(&code, "\x48\x8b\x9f", 3, known->new_large_capacity);
		hi_emit(&code, "\x48\x8b\x87", 3, 0);
		hi_emit(&code, "\xff\x90", 2, HI_SLOT_USED);
	} else if (lt_heap_is_large(kind)) {
		memcpy(code.bytes, "\x31\xc0", 2);
		code.n = 2;
	} else {
		hi_emit_word(&code, known->paged_free);
	}
	return hi_function(image, &code);
}

static inline uint64_t hi_word(struct heap_image *image, uint64_t base, struct lt_heap_word word,
			       uint64_t value)
{
	static const uint64_t holder = HI_BASE + 0xf000;

	if (!word.at)
		return 0;
	if (word.inner == LT_HEAP_NONE) {
		hi_put(image, base + (uint64_t)word.at, value);
		return value;
	}
	hi_put(image, base + (uint64_t)word.at, holder + 0x80u * ((uint64_t)word.at / 8 % 16));
	hi_put(image, holder + 0x80u * ((uint64_t)word.at / 8 % 16) + (uint64_t)word.inner, value);
	return value;
}

/* Where the objects of the new space's page begin. */
static inline uint64_t hi_area_start(const struct lt_heap_known *known)
{
	return HI_AREA + 0x40000 - (uint64_t)known->young_space.area;
}

/* The new space: one full page and 0x1000 bytes of the next. */
static inline void hi_young(struct heap_image *image, uint64_t space)
{
	const struct lt_heap_known *known = image->known;

	hi_put(image, space + (uint64_t)known->young_space.total, HI_MIB);
	hi_put(image, space + (uint64_t)known->young_space.total_more, 2 * HI_MIB);
	hi_put(image, space + (uint64_t)known->young_space.pages_bytes, 2 * 0x40000);
	hi_put(image, space + (uint64_t)known->young_space.capacity, 4 * 0x40000);
	hi_put(image, space + (uint64_t)known->young_space.page, HI_PAGE);
	hi_put(image, HI_PAGE + (uint64_t)known->young_space.area_start, hi_area_start(known));
	hi_word(image, space, known->young_space.top, hi_area_start(known) + 0x1000);
	hi_word(image, space, known->young_space.top_more, 0);
	image->total += 3 * HI_MIB;
	image->used += (uint64_t)known->young_space.area + 0x1000;
}

static inline void hi_space(struct heap_image *image, int32_t i)
{
	const struct lt_heap_known *known = image->known;
	enum lt_space kind = (enum lt_space)known->order[i];
	uint64_t space = HI_SPACES + (uint64_t)i * HI_SPACE_BYTES;
	uint64_t vtable = HI_VTABLES + (uint64_t)i * 0x80;

	hi_put(image, HI_ISOLATE + HI_HEAP + (uint64_t)(known->spaces + 8 * i), space);
	hi_put(image, space, vtable);
	hi_put(image, space + LT_SPACE_HEAP, HI_ISOLATE + HI_HEAP);
	hi_put(image, space + LT_SPACE_ID, (uint64_t)i);
	hi_put(image, vtable + HI_SLOT_FREE, hi_available(image, kind));
	if (kind == LT_SPACE_NEW) {
		hi_young(image, space);
		hi_put(image, vtable,
		       hi_getter(image, known->young_space.total, known->young_space.total_more));
		return;
	}
	hi_put(image, space + LT_SPACE_TOTAL, (uint64_t)(i + 1) * HI_MIB);
	hi_put(image, space + lt_heap_space_used(known, kind), (uint64_t)(i + 1) * 500000);
	if (kind == LT_SPACE_NEW_LARGE) {
		hi_put(image, space + (uint64_t)known->new_large_capacity,
		       (uint64_t)(i + 1) * 500000 + HI_LEFT_BYTES);
	} else if (!lt_heap_is_large(kind)) {
		hi_put(image, space + (uint64_t)known->paged_free.at,
		       HI_FREE_LISTS + 0x40 * (uint64_t)i);
		hi_put(image, hi_free_list(image, i), HI_FREE_BYTES);
	}
	image->total += (uint64_t)(i + 1) * HI_MIB;
	image->used += (uint64_t)(i + 1) * 500000;
	hi_put(image, vtable, hi_getter(image, LT_SPACE_TOTAL, 0));
	hi_put(image, vtable + HI_SLOT_USED,
	       hi_getter(image, (int32_t)lt_heap_space_used(known, kind), 0));
}

/* The old, the trusted and the code space have a buffer each, with 0x200 bytes left. */
static inline void hi_labs(struct heap_image *image)
{
	static const uint64_t owners[] = { 1, 2, 5, 3 }; /* of the new space it is not there */
	const struct lt_heap_known *known = image->known;

	if (known->allocator == LT_HEAP_NONE)
		return;
	hi_put(image, HI_ISOLATE + HI_HEAP + (uint64_t)known->allocator, HI_ALLOCATOR);
	for (int32_t i = 0; i < known->n_labs; i++) {
		uint64_t lab = HI_ALLOCATOR + (uint64_t)known->labs[i].at;
		uint64_t area = HI_AREAS + (uint64_t)i * 0x20;

		if (known->labs[i].present != LT_HEAP_NONE)
			continue; /* as a byte of 0 says */
		hi_put(image, lab + LT_HEAP_LAB_AREA, area);
		hi_put(image, lab + LT_HEAP_LAB_SPACE, HI_SPACES + owners[i] * HI_SPACE_BYTES);
		hi_put(image, area, HI_BASE);
		hi_put(image, area + 8, HI_BASE + 0x100);
		hi_put(image, area + 16, HI_BASE + 0x300);
		image->used -= 0x200;
	}
}

/* version: index in lt_heap_known. */
static inline void hi_build(struct heap_image *image, int32_t version)
{
	const struct lt_heap_known *known = &lt_heap_known[version];
	uint64_t heap = HI_ISOLATE + HI_HEAP, shared = HI_SPACES + 15 * HI_SPACE_BYTES;

	*image = (struct heap_image){
		.known = known,
		.layout = { .version = version + 1,
			    .heap = HI_HEAP,
			    .spaces = known->spaces,
			    .slot_total = 0,
			    .slot_used = HI_SLOT_USED,
			    .slot_available = HI_SLOT_FREE },
	};
	hi_put(image, HI_ENVIRONMENT + 24, HI_ISOLATE);
	hi_word(image, heap, known->young, 16 * HI_MIB);
	hi_word(image, heap, known->old, 2048 * HI_MIB);
	hi_word(image, heap, known->external, 3000000);
	hi_word(image, heap, known->external_more, 1000000);
	for (int32_t i = 0; i < known->n_spaces; i++)
		if (known->order[i] != LT_HEAP_NONE)
			hi_space(image, i);
	hi_labs(image);
	if (known->read_only == LT_HEAP_NONE)
		return;
	hi_put(image, heap + (uint64_t)known->read_only, shared);
	hi_put(image, shared + LT_SPACE_TOTAL, 0x28000);
	hi_put(image, shared + (uint64_t)known->read_only_used, 0x20000);
	image->total += 0x28000;
	image->used += 0x20000;
}

#endif
