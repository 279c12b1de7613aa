/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where the lines of a script end: from V8's own table if it has made one (it does when an error is
 * thrown), otherwise by looking through the source once. Positions count UTF-16 units.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/util/array.h"
#include "agent/v8/internal.h"
#include "agent/v8/strings.h"

#define SOURCE_BYTES_MAX (64u << 20)
#define LINES_BYTES_MAX	 (64u << 20) /* of all scripts together */
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
	uint32_t *at = lt_array_room(ends->at, ends->n, &ends->capacity, ENDS_MIN, sizeof(*at));

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
	if (n <= 0 || n > (int64_t)(LINES_BYTES_MAX / sizeof(*words)))
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
	v8->lines_bytes = 0;
}

void lt_v8_lines__read(struct lt_v8 *v8, struct lt_v8_script *script)
{
	struct ends ends = { 0 };
	int err = from_table(v8, script->line_ends, &ends);

	if (err) {
		ends.n = 0;
		err = from_source(v8, script->source, &ends);
	}
	/* What did not fit into this stack's budget is tried again with the next one. */
	script->lines_state = err == -EBUSY ? LT_V8_LINES_NEW
			      : err	    ? LT_V8_LINES_FAILED
					    : LT_V8_LINES_KNOWN;
	if (err) {
		free(ends.at);
		return;
	}
	if (v8->lines_bytes + ends.n * sizeof(*ends.at) > LINES_BYTES_MAX)
		make_room(v8);
	v8->lines_bytes += ends.n * sizeof(*ends.at);
	script->ends = ends.at;
	script->n_ends = ends.n;
	script->lines_state = LT_V8_LINES_KNOWN;
}
