/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where the lines of a script end: from V8's own table if it has made one (it does when an error is
 * thrown), otherwise by looking through the source once. Positions count UTF-16 units.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/util/array.h"
#include "agent/util/budget.h"
#include "agent/util/refusal.h"
#include "agent/v8/internal.h"
#include "agent/v8/strings.h"

#define SOURCE_BYTES_MAX (64u << 20)
#define LINES_MAX	 (2u << 20) /* of a script */
#define LOSS		 "its functions have no lines"
#define CHUNK_BYTES	 65536
#define ENDS_MIN	 256

struct ends {
	uint32_t *at;
	size_t n, capacity;
	uint32_t position; /* of the next unit */
	bool after_cr; /* the unit before was \r */
};

static int add(struct ends *ends, uint32_t position)
{
	uint32_t *at;

	if (ends->n == LINES_MAX)
		return -EFBIG;
	at = lt_array_room(ends->at, ends->n, &ends->capacity, ENDS_MIN, sizeof(*at));
	if (!at)
		return -ENOMEM;
	ends->at = at;
	ends->at[ends->n++] = position;
	return 0;
}

/* One unit that may end a line; \r\n ends it at the \n. */
static int see(struct ends *ends, uint32_t position, uint16_t unit)
{
	int err = 0;

	if (ends->after_cr && unit != '\n')
		err = add(ends, position - 1);
	ends->after_cr = unit == '\r';
	if (!err && (unit == '\n' || unit == 0x2028 || unit == 0x2029))
		err = add(ends, position);
	return err;
}

static int scan_bytes(struct ends *ends, const uint8_t *bytes, uint32_t n)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < n; i++)
		if (bytes[i] == '\n' || bytes[i] == '\r' || ends->after_cr)
			err = see(ends, ends->position + i, bytes[i]);
	return err;
}

static int scan_units(struct ends *ends, const uint8_t *bytes, uint32_t n)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < n; i++) {
		uint16_t unit;

		memcpy(&unit, bytes + 2 * (size_t)i, sizeof(unit));
		if (unit == '\n' || unit == '\r' || (unit & 0xfffe) == 0x2028 || ends->after_cr)
			err = see(ends, ends->position + i, unit);
	}
	return err;
}

static int scan_part(struct lt_v8 *v8, const struct lt_v8_part *part, struct ends *ends)
{
	uint32_t unit = part->one_byte ? 1 : 2;
	uint8_t *chunk = lt_v8__scratch(v8, CHUNK_BYTES);
	int err = chunk ? 0 : -ENOMEM;

	for (uint32_t done = 0, n; !err && done < part->length; done += n) {
		n = CHUNK_BYTES / unit;
		if (n > part->length - done)
			n = part->length - done;
		err = lt_v8_heap__read(&v8->heap, part->address + (uint64_t)done * unit, chunk,
				       (size_t)n * unit);
		if (!err)
			err = part->one_byte ? scan_bytes(ends, chunk, n)
					     : scan_units(ends, chunk, n);
		ends->position += n;
	}
	return err;
}

static int from_source(struct lt_v8 *v8, uint64_t source, struct ends *ends)
{
	struct lt_v8_string string;
	uint64_t bytes = 0;
	int err = lt_v8_string__open(&v8->heap, source, UINT32_MAX, &string);

	for (size_t i = 0; !err && i < string.n_parts; i++) {
		bytes += (uint64_t)string.parts[i].length * (string.parts[i].one_byte ? 1 : 2);
		err = bytes > SOURCE_BYTES_MAX ? -EFBIG : scan_part(v8, &string.parts[i], ends);
	}
	if (!err && ends->after_cr)
		err = add(ends, ends->position - 1);
	return err ? err : add(ends, ends->position);
}

/* V8's table: Smis that only grow. */
static int from_table(struct lt_v8 *v8, uint64_t word, struct ends *ends)
{
	int64_t n;
	uint64_t *words;

	if (!lt_v8_heap__is(&v8->heap, word, v8->layout->fixed_array_type))
		return -ENOENT;
	n = lt_v8_heap__array(&v8->heap, word, sizeof(*words), NULL, 0);
	if (n <= 0 || n > LINES_MAX)
		return -ENOENT;
	words = lt_v8__scratch(v8, (size_t)n * sizeof(*words));
	if (!words || lt_v8_heap__array(&v8->heap, word, sizeof(*words), words,
					(size_t)n * sizeof(*words)) != n)
		return -ENOENT;
	for (int64_t i = 0; i < n; i++) {
		int32_t end = lt_v8_smi(words[i]);

		if (!lt_v8_is_smi(words[i]) || end < 0 || (i && (uint32_t)end <= ends->at[i - 1]))
			return -EINVAL;
		if (add(ends, (uint32_t)end))
			return -ENOMEM;
	}
	return 0;
}

/* Drops the lines of all other scripts: they are read again when they are needed. */
static void make_room(struct lt_v8 *v8)
{
	for (size_t i = 0; i < LT_V8_SCRIPTS; i++) {
		struct lt_v8_script *script = &v8->scripts[i];

		free(script->ends);
		script->ends = NULL;
		script->n_ends = 0;
		if (script->lines_state == LT_V8_LINES_KNOWN)
			script->lines_state = LT_V8_LINES_NEW;
	}
	lt_budget__give_back(&v8->lines_share);
}

void lt_v8_lines__drop(struct lt_share *share)
{
	make_room((struct lt_v8 *)((char *)share - offsetof(struct lt_v8, lines_share)));
}

/* Room for the lines of one more script; if need be instead of those of all others. */
static bool take_room(struct lt_v8 *v8, size_t bytes)
{
	if (lt_budget__take(&v8->lines_share, v8->lines_share.bytes + bytes))
		return true;
	make_room(v8);
	return lt_budget__take(&v8->lines_share, bytes);
}

void lt_v8_lines__forget(struct lt_v8 *v8, struct lt_v8_script *script)
{
	size_t bytes = script->n_ends * sizeof(*script->ends);

	lt_budget__take(&v8->lines_share, v8->lines_share.bytes - bytes);
	free(script->ends);
	script->ends = NULL;
	script->n_ends = 0;
	script->lines_state = LT_V8_LINES_NEW;
}

void lt_v8_lines__read(struct lt_v8 *v8, struct lt_v8_script *script)
{
	struct ends ends = { 0 };
	uint32_t *fitting;
	int err = from_table(v8, script->line_ends, &ends);

	if (err) {
		ends.n = 0;
		err = from_source(v8, script->source, &ends);
	}
	lt_v8__trim_scratch(v8);
	if (!err && !take_room(v8, ends.n * sizeof(*ends.at)))
		err = -EFBIG;
	if (err == -EFBIG)
		lt_refuse_named(script->file ? script->file : "a script",
				"more lines or more text than are read", LOSS);
	/* What did not fit into this stack's budget is tried again with the next one. */
	script->lines_state = err == -EBUSY ? LT_V8_LINES_NEW
			      : err	    ? LT_V8_LINES_FAILED
					    : LT_V8_LINES_KNOWN;
	if (err) {
		free(ends.at);
		return;
	}
	fitting = realloc(ends.at, ends.n * sizeof(*ends.at)); /* there is one at least */
	script->ends = fitting ? fitting : ends.at;
	script->n_ends = ends.n;
	script->lines_state = LT_V8_LINES_KNOWN;
}
