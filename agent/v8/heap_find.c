/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Finding an isolate and making sure of it: its Heap's spaces point back at the Heap, and the functions with which
 * the process reads their sizes, reached by the spaces' own vtables, read what the layout says.
 */
#include <errno.h>
#include <string.h>

#include "agent/target/memory.h"
#include "agent/util/word.h"
#include "agent/v8/heap_internal.h"

#define SCAN_BEFORE 1024 /* bytes around the address in which the pointer is looked for */
#define SCAN_AFTER  5120
#define SCAN_BLOCK  512
#define SPACES_MIN  4
#define CODE_BYTES  40
#define LOADS_MAX   2

/* What a getter reads of its object: one word, or two that it adds up. */
struct getter {
	int32_t loads[LOADS_MAX];
	int n;
	int32_t forwards; /* slot that it goes on to, 0: none */
};

/* mov disp(%rdi),%reg: its length, 0: it is another instruction. */
static size_t parse_load(const unsigned char *code, struct getter *getter)
{
	int32_t disp;
	bool wide = (code[2] & 0xc7) == 0x87;

	if (code[0] != 0x48 || code[1] != 0x8b || (!wide && (code[2] & 0xc7) != 0x47) ||
	    getter->n == LOADS_MAX)
		return 0;
	disp = wide ? (int32_t)lt_half(code, 3) : (int8_t)code[3];
	getter->loads[getter->n++] = disp;
	return wide ? 7 : 4;
}

/* The code of a getter, which is a handful of plain instructions in every build. */
static bool parse_getter(const unsigned char code[CODE_BYTES], struct getter *ret_getter)
{
	static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const unsigned char frame[] = { 0x55, 0x48, 0x89, 0xe5 };
	static const unsigned char vtable[] = { 0x48, 0x8b, 0x07 }; /* mov (%rdi),%rax */
	struct getter getter = { .n = 0 };
	size_t at = 0;

	if (!memcmp(code, endbr64, sizeof(endbr64)))
		at += sizeof(endbr64);
	if (!memcmp(code + at, frame, sizeof(frame)))
		at += sizeof(frame);
	if (!memcmp(code + at, vtable, sizeof(vtable))) {
		at += sizeof(vtable);
		at += code[at] == 0x5d; /* pop %rbp */
		if (code[at] != 0xff || code[at + 1] != 0x60) /* jmp *disp8(%rax) */
			return false;
		getter.forwards = (int8_t)code[at + 2];
		*ret_getter = getter;
		return getter.forwards > 0;
	}
	while (at < CODE_BYTES - 8 && code[at] != 0xc3) {
		size_t length = parse_load(code + at, &getter);

		if (code[at] == 0x5d)
			length = 1;
		else if (!length && code[at] == 0x48 && code[at + 1] == 0x01 &&
			 (code[at + 2] & 0xc7) == 0xc0 && getter.n == LOADS_MAX) /* add %reg,%rax */
			length = 3;
		if (!length)
			return false;
		at += length;
	}
	*ret_getter = getter;
	return getter.n > 0 && code[at] == 0xc3;
}

/* The getter in a slot of the space's vtable. */
static bool read_getter(const struct lt_heap_image *image, uint64_t space, int32_t slot,
			struct getter *ret_getter)
{
	unsigned char code[CODE_BYTES];
	uint64_t vtable, function;

	for (int i = 0; i < 2; i++) {
		if (lt_heap_image__memory(image, space, &vtable, sizeof(vtable)) ||
		    lt_heap_image__memory(image, vtable + (uint64_t)slot, &function,
					  sizeof(function)) ||
		    lt_heap_image__memory(image, function, code, sizeof(code)) ||
		    !parse_getter(code, ret_getter))
			return false;
		if (!ret_getter->forwards)
			return true;
		slot = ret_getter->forwards;
	}
	return false;
}

static bool reads_one(const struct getter *getter, size_t offset)
{
	return getter->n == 1 && getter->loads[0] == (int32_t)offset;
}

static bool reads_both(const struct getter *getter, int32_t a, int32_t b)
{
	return getter->n == 2 && ((getter->loads[0] == a && getter->loads[1] == b) ||
				  (getter->loads[0] == b && getter->loads[1] == a));
}

static bool check_space(const struct lt_heap_image *image, int32_t index)
{
	const struct lt_heap_layout *layout = image->source->layout;
	const struct lt_heap_known *known = image->known;
	enum lt_space kind = (enum lt_space)known->order[index];
	uint64_t space = lt_heap_image__space(image, index);
	struct getter getter;

	if (!read_getter(image, space, layout->slot_total, &getter))
		return false;
	if (kind == LT_SPACE_NEW)
		return reads_both(&getter, known->young_space.total, known->young_space.total_more);
	return reads_one(&getter, LT_SPACE_TOTAL) &&
	       read_getter(image, space, layout->slot_used, &getter) &&
	       reads_one(&getter, lt_heap_space_used(known, kind));
}

static bool points_back(const struct lt_heap_image *image, int32_t index)
{
	unsigned char head[LT_SPACE_HEAD];
	uint64_t space = lt_heap_image__space(image, index);

	return lt_is_pointer(space) && !lt_heap_image__memory(image, space, head, sizeof(head)) &&
	       lt_word(head, LT_SPACE_HEAP) == image->heap &&
	       lt_half(head, LT_SPACE_ID) == (uint32_t)index;
}

static const char *check(const struct lt_heap_image *image)
{
	uint64_t flag = image->source->layout->minor_flag;
	unsigned char minor = 0;

	if (flag && lt_heap_image__memory(image, flag + image->source->bias, &minor, 1))
		return "a flag of V8 cannot be read";
	if (minor)
		return "its new space is collected by minor mark-sweep";
	for (int32_t i = 0; i < image->known->n_spaces; i++) {
		if (!lt_heap_image__space(image, i))
			continue;
		if (image->known->order[i] == LT_HEAP_NONE)
			return "it shares spaces with other isolates";
		if (!check_space(image, i))
			return "its spaces do not read their sizes where this version does";
	}
	return NULL;
}

/* Is there an isolate? Its spaces point back at its heap. */
static bool is_isolate(const struct lt_heap_image *image)
{
	int n = 0;

	for (int32_t i = 0; i < image->known->n_spaces; i++) {
		if (!lt_heap_image__space(image, i))
			continue;
		if (!points_back(image, i))
			return false;
		n++;
	}
	return n >= SPACES_MIN;
}

/* Much cheaper than reading the whole Heap: most words that are looked at are no isolates. */
static bool may_be_isolate(const struct lt_heap_source *source, uint64_t word)
{
	uint64_t heap = word + (uint64_t)source->layout->heap, space, back;
	uint64_t slot =
		heap + (uint64_t)source->layout->spaces + 8 * 2; /* old or code: always there */

	if (!lt_is_pointer(word))
		return false;
	return !source->memory.read(source->memory.ctx, slot, &space, sizeof(space)) &&
	       lt_is_pointer(space) &&
	       !source->memory.read(source->memory.ctx, space + LT_SPACE_HEAP, &back,
				    sizeof(back)) &&
	       back == heap;
}

int lt_heap__find(const struct lt_heap_source *source, uint64_t address, uint64_t *ret_isolate,
		  const char **ret_why)
{
	uint64_t words[SCAN_BLOCK / 8], from = address - SCAN_BEFORE;
	struct lt_heap_image image;

	if (address < SCAN_BEFORE + 4096)
		return -ENOENT;
	for (size_t at = 0; at < SCAN_BEFORE + SCAN_AFTER; at += SCAN_BLOCK) {
		if (source->memory.read(source->memory.ctx, from + at, words, sizeof(words)))
			continue;
		for (size_t i = 0; i < SCAN_BLOCK / 8; i++) {
			if (!may_be_isolate(source, words[i]) ||
			    lt_heap_image__read(source, words[i], &image) || !is_isolate(&image))
				continue;
			*ret_why = check(&image);
			*ret_isolate = words[i];
			return *ret_why ? -EOPNOTSUPP : 0;
		}
	}
	return -ENOENT;
}
