/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where the sizes of a V8 heap are, from the two functions with which a process reads them of itself; every build
 * exports them. What the code tells is taken from the code. What it only touches is in the table of verified
 * versions, and the code must touch it there: a binary that does otherwise is one that is not known.
 */
#include <stdio.h>
#include <string.h>

#include "agent/target/decode.h"
#include "agent/target/elf.h"
#include "agent/v8/heap_known.h"
#include "agent/v8/layout_internal.h"

#define ISOLATE_MIN  0x1000 /* offsets in an isolate are larger, those in its Heap smaller */
#define ISOLATE_MAX  0x100000
#define GETTER_BYTES 64
#define FREE_BYTES   256 /* of the function that gives back allocation buffers */
#define STORE_NEAR   3 /* instructions from a call to the store of its result */

/* v8::HeapStatistics, the same in all versions. */
enum {
	OUT_USED = 0x20,
	OUT_LIMIT = 0x28,
	OUT_EXTERNAL = 0x38,
};

struct decoding {
	struct lt_elf *elf;
	struct lt_function statistics, spaces;
	struct lt_heap_layout *sizes;
};

struct import {
	const char *name;
	uint64_t vaddr;
};

static int match_import(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct import *import = ctx;

	if (!symbol->is_function || strcmp(symbol->name, import->name))
		return 0;
	import->vaddr = symbol->vaddr;
	return 1;
}

/* What is called: a library calls its own exported functions through its PLT. */
static uint64_t callee(const struct decoding *decoding, const struct lt_insn *in)
{
	struct import import = { .name = lt_elf__import(decoding->elf, in->target) };

	if (!import.name)
		return in->target;
	lt_elf__each_symbol(decoding->elf, match_import, &import);
	return import.vaddr;
}

/* Decodes the first bytes of a function, up to its first return. False: it cannot be. */
static bool decode(const struct decoding *decoding, uint64_t vaddr, uint64_t size, bool to_return,
		   struct lt_function *ret_function)
{
	if (!vaddr || lt_function__decode(decoding->elf, vaddr, size, ret_function))
		return false;
	for (size_t i = 0; to_return && i < ret_function->n_insns; i++)
		if (ret_function->insns[i].flow == LT_FLOW_RETURN)
			ret_function->n_insns = i + 1;
	return true;
}

static bool touches(const struct lt_function *function, int32_t disp)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].base >= 0 && function->insns[i].disp == disp)
			return true;
	return false;
}

static bool touches_word(const struct lt_function *function, struct lt_heap_word word)
{
	return touches(function, word.at) &&
	       (word.inner == LT_HEAP_NONE || touches(function, word.inner));
}

static bool is_store(const struct lt_insn *in, int32_t disp)
{
	return in->flow == LT_FLOW_NEXT && in->base >= 0 && in->base != LT_REG_RBP &&
	       in->base != LT_REG_RSP && !in->writes && !in->makes_address && in->disp == disp;
}

/* Where the field of the statistics is filled, and by which call: index of the store, -1: nowhere; *ret_call is
 * the function that made the value, 0: no call. */
static int find_store(const struct decoding *decoding, int32_t disp, uint64_t *ret_call)
{
	const struct lt_function *function = &decoding->statistics;

	*ret_call = 0;
	for (size_t i = 0; i < function->n_insns; i++) {
		if (!is_store(&function->insns[i], disp))
			continue;
		for (size_t back = 1; back <= STORE_NEAR && back <= i; back++) {
			const struct lt_insn *in = &function->insns[i - back];

			if (in->flow == LT_FLOW_CALL) {
				*ret_call = callee(decoding, in);
				break;
			}
			if (in->flow != LT_FLOW_NEXT || in->writes & 1u << LT_REG_RAX)
				break;
		}
		return (int)i;
	}
	return -1;
}

/* The Heap's place: the first address that is made of the isolate's. */
static int32_t heap_offset(const struct lt_function *function)
{
	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];

		if (in->makes_address && in->base >= 0 && in->disp >= ISOLATE_MIN &&
		    in->disp < ISOLATE_MAX)
			return in->disp;
	}
	return 0;
}

/* The array of spaces, from the Heap on: it is indexed from the isolate or from the Heap. */
static int32_t spaces_offset(const struct lt_function *function, int32_t heap)
{
	for (size_t i = 0; i < function->n_insns; i++) {
		int32_t table = function->insns[i].table;

		if (table >= ISOLATE_MIN && table < ISOLATE_MAX && table > heap)
			return table - heap;
		if (table > 0 && table < ISOLATE_MIN && function->insns[i].base < 0)
			return table;
	}
	return 0;
}

/* The space's getters are called by its vtable, one after the other: total, used, available, physical. */
static bool find_slots(const struct lt_function *function, struct lt_heap_layout *sizes)
{
	int32_t slots[4] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];

		if (in->flow != LT_FLOW_CALL_INDIRECT || in->base != LT_REG_RAX)
			continue;
		memmove(slots, slots + 1, sizeof(slots) - sizeof(slots[0]));
		slots[3] = in->disp;
		n++;
	}
	if (n < 4 || slots[0] < 0 || slots[0] > 256 || slots[1] <= 0 || slots[1] > 256 ||
	    slots[2] <= 0 || slots[2] > 256)
		return false;
	sizes->slot_total = slots[0];
	sizes->slot_used = slots[1];
	sizes->slot_available = slots[2];
	return true;
}

/* The limit is made of the young and the old generation's, and of a flag since V8 12. */
static bool check_limit(struct decoding *decoding, const struct lt_heap_known *known)
{
	struct lt_function limit;
	uint64_t call;
	bool right;

	if (find_store(decoding, OUT_LIMIT, &call) < 0 ||
	    !decode(decoding, call, GETTER_BYTES, true, &limit))
		return false;
	right = touches_word(&limit, known->young) && touches_word(&limit, known->old);
	for (size_t i = 0; i < limit.n_insns; i++)
		if (limit.insns[i].data && limit.insns[i].data_read &&
		    limit.insns[i].data_size == 1)
			decoding->sizes->minor_flag = limit.insns[i].data;
	lt_function__free(&limit);
	return right;
}

/* External memory is a field of the Heap, read in place or by a function of its own. */
static bool check_external(const struct decoding *decoding, const struct lt_heap_known *known)
{
	const struct lt_function *statistics = &decoding->statistics;
	struct lt_function getter;
	uint64_t call;
	int store = find_store(decoding, OUT_EXTERNAL, &call);
	bool right = false;

	for (int i = store; i >= 0 && i > store - 5 && !call; i--)
		if (statistics->insns[i].base >= 0 &&
		    statistics->insns[i].disp == decoding->sizes->heap + known->external.at)
			return true;
	if (store < 0 || !decode(decoding, call, GETTER_BYTES, true, &getter))
		return false;
	right = touches_word(&getter, known->external);
	for (size_t i = 0; right && i < getter.n_insns; i++) {
		struct lt_function more;

		if (getter.insns[i].flow != LT_FLOW_CALL)
			continue;
		right = touches(&getter, known->external_more.at) &&
			decode(decoding, callee(decoding, &getter.insns[i]), GETTER_BYTES, true,
			       &more);
		if (!right)
			break;
		right = touches(&more, known->external_more.inner);
		lt_function__free(&more);
	}
	lt_function__free(&getter);
	return right;
}

/* The function that a getter of one field of the Heap jumps to with it, 0: it is no such thing. */
static uint64_t passes_on(const struct decoding *decoding, uint64_t vaddr, int32_t field)
{
	struct lt_function function;
	uint64_t target = 0;
	bool loaded = false;

	if (!decode(decoding, vaddr, GETTER_BYTES, true, &function))
		return 0;
	for (size_t i = 0; i < function.n_insns && i < 6; i++) {
		const struct lt_insn *in = &function.insns[i];

		loaded |= in->base == LT_REG_RDI && in->disp == field && in->writes;
		if (in->flow == LT_FLOW_JUMP && loaded)
			target = callee(decoding, in);
		if (in->flow != LT_FLOW_NEXT)
			break;
	}
	lt_function__free(&function);
	return target;
}

/* Does the function give back each of the buffers, and no other? */
static bool frees_all(const struct decoding *decoding, uint64_t vaddr,
		      const struct lt_heap_known *known)
{
	struct lt_function function;
	int32_t n = 0, found = 0;

	if (!decode(decoding, vaddr, FREE_BYTES, false, &function))
		return false;
	for (size_t i = 0; i < function.n_insns && n < known->n_labs; i++)
		n += function.insns[i].makes_address ||
		     function.insns[i].constant == (uint64_t)known->labs[known->n_labs - 1].at;
	for (int32_t l = 0; l < known->n_labs; l++) {
		bool at = touches(&function, known->labs[l].at);

		for (size_t i = 0; i < function.n_insns && !at; i++)
			at = function.insns[i].constant == (uint64_t)known->labs[l].at;
		found += at && (known->labs[l].present == LT_HEAP_NONE ||
				touches(&function, known->labs[l].present));
	}
	lt_function__free(&function);
	return n == known->n_labs && found == n;
}

/* Since V8 12 the process gives back what its allocation buffers have left before it looks. */
static bool check_labs(const struct decoding *decoding, const struct lt_heap_known *known)
{
	const struct lt_function *statistics = &decoding->statistics;

	if (known->allocator == LT_HEAP_NONE)
		return true;
	for (size_t i = 0; i < statistics->n_insns; i++) {
		uint64_t target;

		if (statistics->insns[i].flow != LT_FLOW_CALL)
			continue;
		target = passes_on(decoding, callee(decoding, &statistics->insns[i]),
				   known->allocator);
		if (target && frees_all(decoding, target, known))
			return true;
	}
	return false;
}

/* Where the symbol is there; in stripped files of newer versions it is not. */
static bool check_gc_state(const struct decoding *decoding, uint64_t set_gc_state,
			   const struct lt_heap_known *known)
{
	struct lt_function setter;
	bool right;

	if (!set_gc_state)
		return true;
	if (!decode(decoding, set_gc_state, GETTER_BYTES, true, &setter))
		return false;
	right = touches(&setter, known->gc_state);
	lt_function__free(&setter);
	return right;
}

static const char *derive(struct decoding *decoding, const struct lt_v8_marks *marks,
			  const struct lt_heap_known *known)
{
	struct lt_heap_layout *sizes = decoding->sizes;

	sizes->heap = heap_offset(&decoding->statistics);
	if (!sizes->heap)
		return "its code does not tell where the heap is";
	sizes->spaces = spaces_offset(&decoding->spaces, sizes->heap);
	if (sizes->spaces != known->spaces || !find_slots(&decoding->spaces, sizes))
		return "its spaces are not where this version has them";
	if (!check_limit(decoding, known))
		return "its limit is not where this version has it";
	if (!check_external(decoding, known))
		return "its external memory is not where this version has it";
	if (!check_gc_state(decoding, marks->set_gc_state, known))
		return "its collector's state is not where this version has it";
	if (!check_labs(decoding, known))
		return "its allocation buffers are not where this version has them";
	return NULL;
}

static int32_t find_known(const struct lt_v8_layout *layout)
{
	for (int32_t i = 0; i < lt_heap_n_known; i++)
		if (lt_heap_known[i].major == layout->major &&
		    lt_heap_known[i].minor == layout->minor)
			return i + 1;
	return 0;
}

void lt_heap_layout__read(struct lt_elf *elf, const struct lt_v8_marks *marks,
			  struct lt_v8_layout *layout)
{
	struct lt_heap_layout sizes = { 0 };
	struct decoding decoding = { .elf = elf, .sizes = &sizes };
	int32_t version = find_known(layout);
	const char *why = NULL;

	layout->sizes = sizes;
	if (layout->level == LT_V8_NONE)
		why = "this V8 cannot be read";
	else if (!version)
		why = "this version of V8 is unknown to looptop";
	else if (!decode(&decoding, marks->heap_statistics.vaddr, marks->heap_statistics.size,
			 false, &decoding.statistics) ||
		 !decode(&decoding, marks->space_statistics.vaddr, marks->space_statistics.size,
			 false, &decoding.spaces))
		why = "its own functions for that are not exported";
	else
		why = derive(&decoding, marks, &lt_heap_known[version - 1]);
	if (!why)
		sizes.version = version;
	else
		snprintf(sizes.why_not, sizeof(sizes.why_not),
			 "the heap of V8 %d.%d.%d is unknown: %s", layout->major, layout->minor,
			 layout->build, why);
	lt_function__free(&decoding.statistics);
	lt_function__free(&decoding.spaces);
	layout->sizes = sizes;
}
