/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: V8's tables of positions. The input: flags (1 byte), how long the table is (1), an offset (8), the
 * table, then the sizes of bytecodes (192 bytes, as far as there are so many), then bytecodes.
 */
#include <errno.h>

#include "agent/v8/positions.h"
#include "tests/fuzz/fuzz.h"

#define N_SIZES 64

static uint64_t input_word(struct input *input)
{
	uint64_t word = 0;

	for (int i = 0; i < 8; i++)
		word |= (uint64_t)input_byte(input) << (8 * i);
	return word;
}

/* Whatever the table holds, what it tells is a position or that there is none. */
static void find(const uint8_t *table, size_t n, bool new_encoding, int64_t offset)
{
	struct lt_v8_position position;
	uint64_t value;
	int err = lt_v8_positions__find(table, n, new_encoding, offset, &value);

	CHECK(err == 0 || err == -ENOENT || err == -EINVAL);
	if (err)
		return;
	position = lt_v8_position__of(value);
	CHECK(position.script_offset >= -1 && position.script_offset < 0x3fffffff);
	CHECK(position.inlining_id >= -1 && position.inlining_id < 0xffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t flags = input_byte(&input);
	size_t n = input_byte(&input), n_sizes = 3 * N_SIZES, n_bytecodes;
	uint64_t offset = input_word(&input);
	uint8_t *table = input_copy(&input, &n), *read = input_copy(&input, &n_sizes), *bytecodes;
	uint8_t sizes[3 * N_SIZES] = { 0 };
	int64_t found;

	memcpy(sizes, read, n_sizes);
	n_bytecodes = input.left;
	bytecodes = input_copy(&input, &n_bytecodes);
	/* as the callers give it: what code has room for, or anything */
	find(table, n, flags & 1, flags & 2 ? (int64_t)(offset & 0xffffff) : (int64_t)offset);
	if (!lt_v8_positions__baseline(table, n, bytecodes, n_bytecodes, sizes, N_SIZES, offset,
				       &found))
		CHECK(found >= -1 && found < (int64_t)(n_bytecodes ? n_bytecodes : 1));
	free(bytecodes);
	free(read);
	free(table);
	return 0;
}
