/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where in its function a frame is, by how it is run: bytecode, baseline code, or optimised code, which
 * may stand for several functions that were inlined into one.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/v8/internal.h"
#include "agent/v8/positions.h"

#define TABLE_BYTES_MAX	   (8u << 20)
#define BYTECODE_BYTES_MAX (8u << 20)
#define ARRAY_BYTES	   96
#define ARRAY_BYTES_MIN	   64
#define INLINING_BYTES	   16
#define ARRAY_DATA	   16

/* The bytes of an array in the scratch memory, behind `behind` bytes that are left free. */
static int64_t read_bytes(struct lt_v8 *v8, uint64_t word, size_t behind, uint8_t **ret_bytes)
{
	int64_t n = lt_v8_heap__array(&v8->heap, word, 1, NULL, 0), read;
	uint8_t *scratch;

	if (n < 0 || n > TABLE_BYTES_MAX)
		return n < 0 ? n : -EFBIG;
	scratch = lt_v8__scratch(v8, behind + (size_t)n + 1);
	if (!scratch)
		return -ENOMEM;
	read = lt_v8_heap__array(&v8->heap, word, 1, scratch + behind, (size_t)n);
	*ret_bytes = scratch + behind;
	return read < 0 ? read : read == n ? n : -EAGAIN;
}

/* The 64-bit value that the table at word has for an offset. */
static int look_up(struct lt_v8 *v8, uint64_t word, int64_t offset, uint64_t *ret_value)
{
	uint8_t *table;
	int64_t n = read_bytes(v8, word, 0, &table);

	if (n < 0)
		return (int)n;
	return lt_v8_positions__find(table, (size_t)n, v8->layout->new_positions == 1, offset,
				     ret_value);
}

/* The length of a BytecodeArray and the word of its position table. */
static int64_t open_bytecodes(struct lt_v8 *v8, uint64_t word, uint64_t *ret_positions)
{
	const struct lt_v8_layout *layout = v8->layout;
	unsigned char block[ARRAY_BYTES];
	int type;

	if (layout->bytecode_array_positions < 8 ||
	    layout->bytecode_array_positions + 8 > ARRAY_BYTES)
		return -EINVAL;
	type = lt_v8_heap__object(&v8->heap, word, block, ARRAY_BYTES_MIN, sizeof(block));
	if (type < 0 || type != layout->bytecode_array_type || !lt_v8_is_smi(lt_word(block, 8)))
		return -EFAULT;
	*ret_positions = lt_word(block, (size_t)layout->bytecode_array_positions);
	return lt_v8_smi(lt_word(block, 8));
}

/* When the garbage collector moves a table, it changes the word that points at it: if that is what it was,
 * the table was this bytecode's. */
static bool is_current(struct lt_v8 *v8, uint64_t word, int64_t n, uint64_t positions)
{
	uint64_t now;

	return open_bytecodes(v8, word, &now) == n && now == positions;
}

int32_t lt_v8_place__bytecode(struct lt_v8 *v8, uint64_t bytecode_array, int64_t offset)
{
	uint64_t positions, value;
	int64_t n;

	if (v8->layout->level != LT_V8_LINES)
		return -1;
	n = open_bytecodes(v8, bytecode_array, &positions);
	if (n < 0 || offset < -1 || offset >= n || look_up(v8, positions, offset, &value) ||
	    !is_current(v8, bytecode_array, n, positions))
		return -1;
	return lt_v8_position__of(value).script_offset;
}

/* The table of bytecodes' lengths is constant data of the binary. */
static const uint8_t *bytecode_sizes(struct lt_v8 *v8)
{
	const struct lt_v8_layout *layout = v8->layout;
	size_t n = 3 * (size_t)layout->bytecode_count;

	if (v8->sizes || !layout->bytecode_sizes || n < 3 || n > 3 * 256)
		return v8->sizes;
	v8->sizes = malloc(n);
	if (v8->sizes &&
	    (lt_v8_heap__read(&v8->heap, layout->bytecode_sizes + v8->bias, v8->sizes, n) ||
	     memchr(v8->sizes, 0, n))) {
		free(v8->sizes);
		v8->sizes = NULL;
	}
	return v8->sizes;
}

int32_t lt_v8_place__baseline(struct lt_v8 *v8, const struct lt_v8_code *code,
			      uint64_t bytecode_array, uint64_t pc)
{
	const uint8_t *sizes = bytecode_sizes(v8);
	uint64_t positions, value;
	int64_t n_bytecodes = open_bytecodes(v8, bytecode_array, &positions), n, offset;
	uint8_t *table;

	if (!sizes || v8->layout->bytecode_array_data < 16 || n_bytecodes <= 0 ||
	    n_bytecodes > BYTECODE_BYTES_MAX)
		return -1;
	n = read_bytes(v8, code->positions, (size_t)n_bytecodes, &table);
	if (n <= 0 || lt_v8_heap__read(&v8->heap,
				       lt_v8_address(bytecode_array) +
					       (uint64_t)v8->layout->bytecode_array_data,
				       table - n_bytecodes, (size_t)n_bytecodes))
		return -1;
	if (lt_v8_positions__baseline(table, (size_t)n, table - n_bytecodes, (size_t)n_bytecodes,
				      sizes, (size_t)v8->layout->bytecode_count, pc - code->start,
				      &offset) ||
	    look_up(v8, positions, offset, &value) ||
	    !is_current(v8, bytecode_array, n_bytecodes, positions) ||
	    !lt_v8_code__is_current(v8, code))
		return -1;
	return lt_v8_position__of(value).script_offset;
}

/* What the deoptimizer would be told of the code. */
struct deopt {
	uint64_t literals, inlining_positions; /* words */
	int32_t n_inlined;
};

static int read_deopt(struct lt_v8 *v8, const struct lt_v8_code *code, uint64_t shared,
		      struct deopt *ret_deopt)
{
	const struct lt_v8_layout *layout = v8->layout;
	const int32_t indexes[] = { layout->deopt_inlined_count, layout->deopt_literals,
				    layout->deopt_shared, layout->deopt_inlining_positions };
	uint64_t words[16], found[4];
	int64_t n = lt_v8_heap__array(&v8->heap, code->deopt_data, sizeof(words[0]), NULL, 0);

	for (size_t i = 0; i < 4; i++)
		if (indexes[i] < 0 || indexes[i] >= 16 || indexes[i] >= n)
			return -EFAULT;
	n = n < 16 ? n : 16;
	if (lt_v8_heap__read(&v8->heap, lt_v8_address(code->deopt_data) + ARRAY_DATA, words,
			     (size_t)n * sizeof(words[0])))
		return -EFAULT;
	for (size_t i = 0; i < 4; i++)
		found[i] = words[indexes[i]];
	if (!lt_v8_is_smi(found[0]) || lt_v8_shared__of(&v8->heap, found[2]) != shared)
		return -EFAULT;
	ret_deopt->n_inlined = lt_v8_smi(found[0]);
	ret_deopt->literals = found[1];
	ret_deopt->inlining_positions = found[3];
	return 0;
}

/* The function with an inlining id, and the value of the position where it was called. */
static int read_inlined(struct lt_v8 *v8, const struct deopt *deopt, uint64_t own, int32_t id,
			uint64_t *ret_shared, uint64_t *ret_value)
{
	unsigned char entry[INLINING_BYTES];
	uint64_t literal;
	int64_t bytes = lt_v8_heap__array(&v8->heap, deopt->inlining_positions, 1, NULL, 0);
	int32_t function;

	if (bytes < ((int64_t)id + 1) * INLINING_BYTES)
		return -EFAULT;
	if (lt_v8_heap__read(&v8->heap,
			     lt_v8_address(deopt->inlining_positions) + ARRAY_DATA +
				     (uint64_t)id * INLINING_BYTES,
			     entry, sizeof(entry)))
		return -EFAULT;
	*ret_value = lt_word(entry, 0);
	function = (int32_t)lt_half(entry, 8);
	if (function == -1) {
		*ret_shared = own;
		return 0;
	}
	if (function < 0 || function >= deopt->n_inlined ||
	    lt_v8_heap__element(&v8->heap, deopt->literals, function, &literal))
		return -EFAULT;
	*ret_shared = lt_v8_shared__of(&v8->heap, literal);
	return *ret_shared ? 0 : -EFAULT;
}

int lt_v8_place__optimised(struct lt_v8 *v8, const struct lt_v8_code *code, uint64_t shared,
			   uint64_t pc, struct lt_v8_inlined *ret_inlined)
{
	struct lt_v8_inlined inlined = { .n = 0 };
	struct lt_v8_position position;
	struct deopt deopt, now;
	uint64_t value;
	int err = read_deopt(v8, code, shared, &deopt);

	if (!err)
		err = look_up(v8, code->positions, (int64_t)(pc - code->start), &value);
	if (err)
		return err;
	position = lt_v8_position__of(value);
	while (position.inlining_id >= 0) {
		uint64_t function;

		if (inlined.n + 1 == LT_V8_INLINED_MAX)
			return -E2BIG;
		err = read_inlined(v8, &deopt, shared, position.inlining_id, &function, &value);
		if (err)
			return err;
		inlined.frames[inlined.n].shared = function;
		inlined.frames[inlined.n++].position = position.script_offset;
		position = lt_v8_position__of(value);
	}
	err = read_deopt(v8, code, shared, &now);
	if (err || now.literals != deopt.literals || now.n_inlined != deopt.n_inlined ||
	    now.inlining_positions != deopt.inlining_positions || !lt_v8_code__is_current(v8, code))
		return -EAGAIN;
	inlined.frames[inlined.n].shared = shared;
	inlined.frames[inlined.n++].position = position.script_offset;
	*ret_inlined = inlined;
	return 0;
}
