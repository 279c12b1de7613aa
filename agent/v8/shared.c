/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * SharedFunctionInfo: the function behind all its closures. Its name, its script and where it stands there
 * are kept; one read of the object tells whether what is kept still holds.
 */
#include <errno.h>

#include "agent/v8/internal.h"
#include "agent/v8/strings.h"

#define SHARED_BYTES	 64
#define SHARED_BYTES_MIN 56
#define DEBUG_INFO_WORDS 7
#define NO_TOKEN	 0xffff /* the offset did not fit */
#define ANONYMOUS	 "(anonymous)"

static bool fits(int32_t offset, size_t size)
{
	return offset >= 8 && (size_t)offset + size <= SHARED_BYTES;
}

/* Where the script stands: in the object itself, or until V8 11 in its DebugInfo. */
static uint64_t find_script(struct lt_v8_heap *heap, uint64_t word)
{
	uint64_t words[DEBUG_INFO_WORDS];
	int type = lt_v8_heap__object(heap, word, words, 8, 8);

	if (type == heap->layout->script_type && type >= 0)
		return lt_v8_address(word);
	if (type < 0 || type != heap->layout->debug_info_type ||
	    lt_v8_heap__read(heap, lt_v8_address(word), words, sizeof(words)))
		return 0;
	for (size_t i = 1; i < DEBUG_INFO_WORDS; i++)
		if (lt_v8_heap__is(heap, words[i], heap->layout->script_type))
			return lt_v8_address(words[i]);
	return 0;
}

/* When the garbage collector moves a name, it changes the word that points at it: if the scope is still what
 * it was, the text was this function's. */
static int check_scope(struct lt_v8_heap *heap, uint64_t word, const struct lt_v8_scope *scope)
{
	struct lt_v8_scope now;
	int err = lt_v8_scope__read(heap, word, &now);

	if (err)
		return err;
	return now.name == scope->name && now.start == scope->start && now.end == scope->end
		       ? 0
		       : -EAGAIN;
}

/* Name and positions, by what name_or_scope_info is. */
static int read_scope(struct lt_v8 *v8, struct lt_v8_shared *shared, uint16_t token_offset)
{
	struct lt_v8_heap *heap = &v8->heap;
	char text[LT_V8_FUNCTION_TEXT] = "";
	struct lt_v8_scope scope = { 0, -1, -1 };
	uint64_t map;
	int err = 0;
	int type = lt_v8_heap__object(heap, shared->name_word, &map, sizeof(map), sizeof(map));

	if (lt_v8_is_smi(shared->name_word))
		type = -EINVAL; /* it has no name */
	else if (type < 0)
		return type;
	else if (type < v8->layout->first_nonstring_type)
		scope.name = shared->name_word;
	else if (type == v8->layout->scope_info_type)
		err = lt_v8_scope__read(heap, shared->name_word, &scope);
	if (!err && scope.name)
		err = lt_v8_string__text(heap, scope.name, text, sizeof(text));
	if (!err && type == v8->layout->scope_info_type)
		err = check_scope(heap, shared->name_word, &scope);
	if (err)
		return err;
	shared->name = lt_arena__text(&v8->arena, *text ? text : ANONYMOUS);
	if (!shared->name)
		return -ENOMEM;
	shared->start = scope.start;
	shared->end = scope.end;
	shared->definition = scope.start;
	if (scope.start >= 0 && token_offset != NO_TOKEN && token_offset <= scope.start)
		shared->definition = scope.start - token_offset;
	return 0;
}

static int read_shared(struct lt_v8 *v8, const unsigned char *block, struct lt_v8_shared *shared)
{
	const struct lt_v8_layout *layout = v8->layout;
	uint16_t token_offset = NO_TOKEN;
	int err;

	if (fits(layout->shared_token_offset, sizeof(token_offset)))
		memcpy(&token_offset, block + layout->shared_token_offset, sizeof(token_offset));
	err = read_scope(v8, shared, token_offset);
	if (err)
		return err;
	shared->script = find_script(&v8->heap, shared->script_word);
	/* a builtin's data is the number of the builtin; its name is always a string */
	shared->builtin = !shared->script && lt_v8_is_smi(shared->data) && shared->start < 0;
	return 0;
}

/* Reads the object at shared->address and its words. Its block has SHARED_BYTES. */
static int read_words(struct lt_v8 *v8, unsigned char *block, struct lt_v8_shared *shared)
{
	const struct lt_v8_layout *layout = v8->layout;
	int type = lt_v8_heap__object(&v8->heap, shared->address + 1, block, SHARED_BYTES_MIN,
				      SHARED_BYTES);

	if (type < 0)
		return type;
	if (type != layout->shared_type)
		return -EFAULT;
	shared->name_word = lt_word(block, (size_t)layout->shared_name_or_scope);
	shared->script_word = lt_word(block, (size_t)layout->shared_script);
	if (fits(layout->shared_function_data, 8))
		shared->data = lt_word(block, (size_t)layout->shared_function_data);
	return 0;
}

static bool is_same(const struct lt_v8_shared *a, const struct lt_v8_shared *b)
{
	return a->address == b->address && a->name_word == b->name_word &&
	       a->script_word == b->script_word;
}

int lt_v8_shared__get(struct lt_v8 *v8, uint64_t address, struct lt_v8_shared *ret_shared)
{
	const struct lt_v8_layout *layout = v8->layout;
	struct lt_v8_shared *slot = &v8->shareds[lt_v8_slot(address, LT_V8_SHAREDS)];
	struct lt_v8_shared shared = { .address = address }, now = shared;
	unsigned char block[SHARED_BYTES];
	int err;

	if (!fits(layout->shared_name_or_scope, 8) || !fits(layout->shared_script, 8))
		return -EINVAL;
	err = read_words(v8, block, &shared);
	if (err)
		return err;
	if (!is_same(slot, &shared)) {
		err = read_shared(v8, block, &shared);
		if (!err)
			err = read_words(v8, block, &now);
		if (err)
			return err;
		if (!is_same(&now, &shared))
			return -EAGAIN; /* it was moved, and so was its scope */
		*slot = shared;
	}
	slot->data = shared.data;
	*ret_shared = *slot;
	return 0;
}

uint64_t lt_v8_shared__of(struct lt_v8_heap *heap, uint64_t word)
{
	const struct lt_v8_layout *layout = heap->layout;
	uint64_t block[2];
	int type;

	if ((word & 3) == 3)
		word &= ~2ull; /* weak */
	type = lt_v8_heap__object(heap, word, block, 8, sizeof(block));
	if (type >= 0 && type == layout->shared_wrapper_type) {
		word = block[1];
		type = lt_v8_heap__object(heap, word, block, 8, 8);
	}
	return type >= 0 && type == layout->shared_type ? lt_v8_address(word) : 0;
}

uint64_t lt_v8_shared__of_function(struct lt_v8_heap *heap, uint64_t word)
{
	const struct lt_v8_layout *layout = heap->layout;
	unsigned char block[64];
	int type;

	if (layout->function_shared < 8 || layout->function_shared + 8 > (int)sizeof(block))
		return 0;
	type = lt_v8_heap__object(heap, word, block, (size_t)layout->function_shared + 8,
				  (size_t)layout->function_shared + 8);
	if (type < 0 || type < layout->function_type_first || type > layout->function_type_last)
		return 0;
	word = lt_word(block, (size_t)layout->function_shared);
	return lt_v8_heap__is(heap, word, layout->shared_type) ? lt_v8_address(word) : 0;
}
