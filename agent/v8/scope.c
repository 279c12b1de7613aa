/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * ScopeInfo: the description of a function's scope, which has its name and where it begins and ends. Its
 * fields follow each other with none at a fixed place, and differ between versions.
 */
#include <errno.h>

#include "agent/v8/internal.h"

#define WORDS		  64 /* read at once; most scopes are smaller */
#define WORDS_MIN	  4
#define INLINED_NAMES_MAX 75 /* from here on the names of locals are in a table of their own */
#define LOCALS_MAX	  (1 << 20)
#define SCOPE_MODULE	  5 /* … numbered so since then */
#define SCOPE_MODULE_OLD  3
#define V8_MODULE_FIRST	  12 /* from here on the number of a module's variables stands in front */
#define V8_ALL_NAMES	  10 /* before this version names of locals are always inline, … */
#define V8_RECEIVER_SLOT  10 /* … and the receiver's place is told */
#define FIRST_VARS_NEW	  5 /* scope_first_vars since the positions stand in front of the locals */

enum {
	FLAGS = 1,
	N_LOCALS = 3,
	START = 4
}; /* words from the object's beginning */

struct reader {
	struct lt_v8_heap *heap;
	uint64_t address;
	uint64_t words[WORDS];
	size_t at; /* the next word */
};

static int get(struct reader *reader, size_t index, uint64_t *ret_word)
{
	/* a zero may be a word that was not there to be read with the first ones */
	if (index < WORDS && reader->words[index]) {
		*ret_word = reader->words[index];
		return 0;
	}
	return lt_v8_heap__read(reader->heap, reader->address + 8 * index, ret_word,
				sizeof(*ret_word));
}

static int get_smi(struct reader *reader, size_t index, int32_t *ret_value)
{
	uint64_t word;
	int err = get(reader, index, &word);

	if (err)
		return err;
	if (!lt_v8_is_smi(word))
		return -EFAULT;
	*ret_value = lt_v8_smi(word);
	return 0;
}

/* A word if it is a string, 0 if it is a number; -EINVAL: it is another object; or another -errno. */
static int get_string(struct reader *reader, size_t index, uint64_t *ret_word)
{
	uint64_t word, map;
	int type, err = get(reader, index, &word);

	if (err)
		return err;
	*ret_word = 0;
	if (lt_v8_is_smi(word))
		return 0;
	type = lt_v8_heap__object(reader->heap, word, &map, sizeof(map), sizeof(map));
	if (type < 0)
		return type;
	if (type >= reader->heap->layout->first_nonstring_type)
		return -EINVAL;
	*ret_word = word;
	return 0;
}

/* The words between the number of locals and the function's name. */
static int skip_locals(struct reader *reader, uint32_t flags)
{
	const struct lt_v8_layout *layout = reader->heap->layout;
	bool new_layout = layout->scope_first_vars >= FIRST_VARS_NEW;
	uint32_t receiver = flags >> 7 & 3;
	int32_t n;
	int err = get_smi(reader, N_LOCALS, &n);

	if (err)
		return err;
	if (n < 0 || n > LOCALS_MAX)
		return -EFAULT;
	reader->at = (size_t)layout->scope_first_vars + 1;
	if ((flags & 0xf) == (new_layout ? SCOPE_MODULE : SCOPE_MODULE_OLD) &&
	    layout->major >= V8_MODULE_FIRST)
		reader->at++;
	reader->at += n < INLINED_NAMES_MAX || layout->major < V8_ALL_NAMES ? (size_t)n : 1;
	reader->at += (size_t)n;
	if (flags >> 10 & 1)
		reader->at++; /* the saved class variable */
	if (layout->major < V8_RECEIVER_SLOT && (receiver == 1 || receiver == 2))
		reader->at++;
	return 0;
}

static int read_name(struct reader *reader, uint32_t flags, uint64_t *ret_name)
{
	uint32_t length = 0;
	int err;

	*ret_name = 0;
	if (flags >> 12 & 3) {
		err = get_string(reader, reader->at, ret_name);
		if (err)
			return err;
		reader->at += 2;
	}
	if (flags >> 14 & 1) {
		/* an empty name counts as none */
		if (*ret_name && lt_v8_heap__read(reader->heap, lt_v8_address(*ret_name) + 12,
						  &length, sizeof(length)))
			return -EFAULT;
		err = length ? 0 : get_string(reader, reader->at, ret_name);
		if (err && err != -EINVAL) /* undefined, where nothing was inferred */
			return err;
		reader->at++;
	}
	return 0;
}

/* Start and end of the function, -1 if they do not make sense. */
static int read_range(struct reader *reader, size_t place, struct lt_v8_scope *scope)
{
	uint64_t start, end;
	int err = get(reader, place, &start);

	if (!err)
		err = get(reader, place + 1, &end);
	if (err)
		return err;
	scope->start = lt_v8_smi(start);
	scope->end = lt_v8_smi(end);
	if (!lt_v8_is_smi(start) || !lt_v8_is_smi(end) || scope->start < 0 ||
	    scope->end < scope->start)
		scope->start = scope->end = -1;
	return 0;
}

int lt_v8_scope__read(struct lt_v8_heap *heap, uint64_t word, struct lt_v8_scope *ret_scope)
{
	const struct lt_v8_layout *layout = heap->layout;
	bool new_layout = layout->scope_first_vars >= FIRST_VARS_NEW;
	struct reader reader = { .heap = heap, .address = lt_v8_address(word) };
	struct lt_v8_scope scope;
	uint32_t flags;
	int type =
		lt_v8_heap__object(heap, word, reader.words, WORDS_MIN * 8, sizeof(reader.words));
	int err;

	if (type < 0)
		return type;
	if (type != layout->scope_info_type || layout->scope_first_vars < 0 ||
	    layout->scope_first_vars > 16)
		return -EFAULT;
	flags = new_layout ? (uint32_t)reader.words[FLAGS]
			   : (uint32_t)lt_v8_smi(reader.words[FLAGS]);
	err = skip_locals(&reader, flags);
	if (!err)
		err = read_name(&reader, flags, &scope.name);
	if (!err)
		err = read_range(&reader, new_layout ? START : reader.at, &scope);
	if (err)
		return err;
	*ret_scope = scope;
	return 0;
}
