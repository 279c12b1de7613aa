/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Tables of variable-length quantities, decoded within their bounds. */
#include "agent/v8/positions.h"

#include <errno.h>

#define FUNCTION_ENTRY	(-1)
#define VLQ_SHIFT_MAX	63
#define PC_MAX		(1ull << 40)
#define BYTECODE_WIDE	0 /* and 2 with a break point */
#define BYTECODE_PREFIX 4 /* the first that is no prefix */

struct cursor {
	const uint8_t *bytes;
	size_t length, at;
};

static bool unsigned_vlq(struct cursor *cursor, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift <= VLQ_SHIFT_MAX && cursor->at < cursor->length;
	     shift += 7) {
		uint8_t byte = cursor->bytes[cursor->at++];

		if (shift == VLQ_SHIFT_MAX && byte > 1)
			return false; /* more than 64 bits: what is left of it would be another number */
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static int64_t zigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ -(value & 1));
}

/* How far an entry's code offset is from the one before. */
static int64_t code_delta(uint64_t value, bool new_encoding)
{
	int64_t delta = zigzag(value);

	if (new_encoding)
		return (int64_t)(value >> 2); /* two flags below */
	return delta >= 0 ? delta : -(delta + 1); /* the sign tells statements from expressions */
}

struct lt_v8_position lt_v8_position__of(uint64_t value)
{
	return (struct lt_v8_position){
		.script_offset = (int32_t)(value >> 1 & 0x3fffffff) - 1,
		.inlining_id = (int32_t)(value >> 31 & 0xffff) - 1,
	};
}

int lt_v8_positions__find(const uint8_t *table, size_t length, bool new_encoding, int64_t offset,
			  uint64_t *ret_value)
{
	struct cursor cursor = { .bytes = table, .length = length };
	int64_t at = FUNCTION_ENTRY;
	uint64_t value = 0;
	bool found = false;

	while (cursor.at < cursor.length) {
		uint64_t code, source;
		int64_t delta;

		if (!unsigned_vlq(&cursor, &code) || !unsigned_vlq(&cursor, &source))
			return -EINVAL;
		delta = code_delta(code, new_encoding);
		if (delta > INT32_MAX || at > INT32_MAX)
			return -EINVAL;
		at += delta;
		if (at > offset)
			break;
		value += (uint64_t)zigzag(source);
		found = true;
	}
	if (!found)
		return -ENOENT;
	*ret_value = value;
	return 0;
}

/* The length of the bytecode at `at` with its prefix, 0: broken. */
static size_t bytecode_length(const uint8_t *bytecodes, size_t n, size_t at, const uint8_t *sizes,
			      size_t n_sizes)
{
	size_t row = 0, prefix = 0;

	if (bytecodes[at] < BYTECODE_PREFIX) {
		row = bytecodes[at] % 2 == BYTECODE_WIDE ? 1 : 2;
		prefix = 1;
	}
	if (at + prefix >= n || bytecodes[at + prefix] >= n_sizes)
		return 0;
	return prefix + sizes[row * n_sizes + bytecodes[at + prefix]];
}

int lt_v8_positions__baseline(const uint8_t *table, size_t length, const uint8_t *bytecodes,
			      size_t n_bytecodes, const uint8_t *sizes, size_t n_sizes,
			      uint64_t pc_offset, int64_t *ret_offset)
{
	struct cursor cursor = { .bytes = table, .length = length };
	int64_t offset = FUNCTION_ENTRY;
	uint64_t end, bytes;
	size_t next = 0;

	if (!unsigned_vlq(&cursor, &end))
		return -EINVAL;
	while (end <= pc_offset) {
		size_t step;

		if (next >= n_bytecodes || !unsigned_vlq(&cursor, &bytes) || bytes > PC_MAX)
			return -EINVAL;
		offset = (int64_t)next;
		step = bytecode_length(bytecodes, n_bytecodes, next, sizes, n_sizes);
		if (!step)
			return -EINVAL;
		next += step;
		end += bytes;
	}
	*ret_offset = offset;
	return 0;
}
