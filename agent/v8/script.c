/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Scripts: which file a function is from, and from a position in it to line and column. A script is
 * compared with the memory once in each stack that has it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/util/text.h"
#include "agent/v8/internal.h"
#include "agent/v8/mapstore.h"
#include "agent/v8/strings.h"

#define SCRIPT_BYTES	 136
#define SCRIPT_BYTES_MIN 128
#define FILE_SCHEME	 "file://"

static uint64_t field(const unsigned char *block, int32_t offset)
{
	return offset >= 8 && offset + 8 <= SCRIPT_BYTES ? lt_word(block, (size_t)offset) : 0;
}

static int32_t small(uint64_t word)
{
	int32_t value = lt_v8_is_smi(word) ? lt_v8_smi(word) : 0;

	return value > 0 && value < 1 << 30 ? value : 0;
}

void lt_v8_script__clear(struct lt_v8_script *script)
{
	free(script->ends);
	lt_mapstore__put(script->map);
	memset(script, 0, sizeof(*script));
}

static bool is_same(const struct lt_v8_script *a, const struct lt_v8_script *b)
{
	return a->address == b->address && a->source == b->source && a->name == b->name &&
	       a->url == b->url && a->map_url == b->map_url && a->eval_shared == b->eval_shared &&
	       a->eval_position == b->eval_position && a->line_offset == b->line_offset &&
	       a->column_offset == b->column_offset;
}

/* Reads the object at an address. */
static int read_words(struct lt_v8 *v8, uint64_t address, struct lt_v8_script *ret_script)
{
	const struct lt_v8_layout *layout = v8->layout;
	unsigned char block[SCRIPT_BYTES];
	int type =
		lt_v8_heap__object(&v8->heap, address + 1, block, SCRIPT_BYTES_MIN, sizeof(block));

	if (type < 0)
		return type;
	if (type != layout->script_type)
		return -EFAULT;
	*ret_script = (struct lt_v8_script){
		.address = address,
		.source = field(block, layout->script_source),
		.name = field(block, layout->script_name),
		.url = field(block, layout->script_source_url),
		/* it stands behind source_url in all versions; what is no string is not used */
		.map_url = layout->script_source_url > 0
				   ? field(block, layout->script_source_url + 8)
				   : 0,
		.line_ends = field(block, layout->script_line_ends),
		.eval_shared = field(block, layout->script_eval_shared),
		.eval_position = field(block, layout->script_eval_position),
		.checked = v8->heap.stats.stacks,
		.line_offset = small(field(block, layout->script_line_offset)),
		.column_offset = small(field(block, layout->script_column_offset)),
	};
	return 0;
}

struct lt_v8_script *lt_v8_script__get(struct lt_v8 *v8, uint64_t address)
{
	struct lt_v8_script *slot = &v8->scripts[lt_v8_slot(address, LT_V8_SCRIPTS)];
	struct lt_v8_script script;

	if (slot->address == address && slot->checked == v8->heap.stats.stacks)
		return slot;
	if (read_words(v8, address, &script))
		return NULL;
	if (is_same(slot, &script)) {
		slot->checked = script.checked;
		slot->line_ends = script.line_ends;
		return slot;
	}
	lt_v8_lines__forget(v8, slot);
	lt_v8_script__clear(slot);
	*slot = script;
	return slot;
}

/* When the garbage collector moves what a script points at, it changes the script's words: if they are what
 * they were, all that was read meanwhile was this script's. Otherwise it is compared again when asked for. */
static bool is_current(struct lt_v8 *v8, struct lt_v8_script *script)
{
	struct lt_v8_script now;

	if (!read_words(v8, script->address, &now) && is_same(script, &now))
		return true;
	script->checked = 0;
	return false;
}

/* "file:///srv/a%20b.mjs" → "/srv/a b.mjs", in place. */
static void url_to_path(char *text)
{
	char *from = text + strlen(FILE_SCHEME), *to = text;
	unsigned value;

	if (!lt_starts_with(text, FILE_SCHEME) || *from != '/')
		return;
	while (*from) {
		if (from[0] == '%' && isxdigit((unsigned char)from[1]) &&
		    isxdigit((unsigned char)from[2]) && sscanf(from + 1, "%2x", &value) == 1 &&
		    value >= 0x20) {
			*to++ = (char)value;
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* The script's own name or URL. False: it has none. */
static bool own_name(struct lt_v8 *v8, const struct lt_v8_script *script, char *text, size_t size)
{
	if ((lt_v8_string__text(&v8->heap, script->name, text, size) || !*text) &&
	    (lt_v8_string__text(&v8->heap, script->url, text, size) || !*text))
		return false;
	url_to_path(text);
	return true;
}

/* The position at which the function called eval; V8 may still have it as an offset in its bytecode. */
static int32_t eval_position(struct lt_v8 *v8, uint64_t word, const struct lt_v8_shared *shared)
{
	int32_t position = lt_v8_is_smi(word) ? lt_v8_smi(word) : -1;

	if (position < 0 && position > INT32_MIN && lt_v8_is_smi(word))
		position = lt_v8_place__bytecode(v8, shared->data, -position);
	return position < shared->start || position > shared->end ? -1 : position;
}

/* "eval in run (/srv/a.js:12)": where the text was made a function. */
static bool eval_origin(struct lt_v8 *v8, const struct lt_v8_script *script, char *text,
			size_t size)
{
	uint64_t position_word = script->eval_position;
	uint64_t address = lt_v8_shared__of(&v8->heap, script->eval_shared);
	char outer_file[LT_V8_FILE_TEXT];
	struct lt_v8_script *outer;
	struct lt_v8_shared shared;
	int line, column;

	if (!address || lt_v8_shared__get(v8, address, &shared))
		return false;
	outer = shared.script && shared.script != script->address
			? lt_v8_script__get(v8, shared.script)
			: NULL;
	if (!outer || !own_name(v8, outer, outer_file, sizeof(outer_file))) {
		snprintf(text, size, "eval in %s", shared.name);
		return true;
	}
	if (lt_v8_script__place(v8, outer, eval_position(v8, position_word, &shared), &line,
				&column))
		snprintf(text, size, "eval in %s (%.900s:%d)", shared.name, outer_file, line);
	else
		snprintf(text, size, "eval in %s (%.900s)", shared.name, outer_file);
	return true;
}

const char *lt_v8_script__file(struct lt_v8 *v8, uint64_t address, bool *ret_user)
{
	struct lt_v8_script *script = lt_v8_script__get(v8, address);
	char text[LT_V8_FILE_TEXT + LT_V8_FUNCTION_TEXT];
	struct lt_v8_script copy;
	bool named;

	if (!script)
		return NULL;
	if (!script->file_known) {
		copy = *script;
		named = own_name(v8, &copy, text, LT_V8_FILE_TEXT) ||
			eval_origin(v8, &copy, text, sizeof(text));
		script = lt_v8_script__get(v8, address); /* its slot may have been taken */
		if (!script || !is_current(v8, script))
			return NULL;
		script->file = named ? lt_arena__text(&v8->arena, text) : NULL;
		script->user = !named || !lt_starts_with(text, "node:");
		script->file_known = true;
	}
	*ret_user = script->user;
	return script->file;
}

static void read_lines(struct lt_v8 *v8, struct lt_v8_script *script)
{
	lt_v8_lines__read(v8, script);
	if (script->lines_state != LT_V8_LINES_KNOWN || is_current(v8, script))
		return;
	lt_v8_lines__forget(v8, script);
}

bool lt_v8_script__place(struct lt_v8 *v8, struct lt_v8_script *script, int32_t position,
			 int *ret_line, int *ret_column)
{
	size_t low = 0, high;
	int64_t before, column;

	if (position < 0)
		return false;
	if (script->lines_state == LT_V8_LINES_NEW)
		read_lines(v8, script);
	high = script->n_ends;
	if (script->lines_state != LT_V8_LINES_KNOWN || !high ||
	    (uint32_t)position > script->ends[high - 1])
		return false;
	while (low < high) { /* the first line that ends at the position or later */
		size_t middle = low + (high - low) / 2;

		if (script->ends[middle] < (uint32_t)position)
			low = middle + 1;
		else
			high = middle;
	}
	before = low ? (int64_t)script->ends[low - 1] : -1;
	column = position - before + (low ? 0 : script->column_offset);
	if (column > INT32_MAX)
		return false;
	*ret_line = (int)low + 1 + script->line_offset;
	*ret_column = (int)column;
	return true;
}
