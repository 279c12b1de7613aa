/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Compiled code from an address in it. What the function says of its code is of no use, for a running frame
 * may be in older code than the function's; so the object is looked for in front of the address. It starts
 * with a map that only such objects have, and it tells where its instructions are.
 */
#include <errno.h>

#include "agent/v8/internal.h"

#define CODE_ALIGNMENT 32
#define PAGE	       4096
#define BLOCK_FIRST    4096 /* most code is small */
#define BLOCK	       65536
#define SCAN_BYTES_MAX (1u << 20)
#define CODE_BYTES     80
#define CODE_BYTES_MIN 64
#define MAPS_TRIED_MAX 64
#define KIND_MASK      0xf
#define SIZE_MAX_BYTES (1u << 27)

struct scan {
	uint64_t pc;
	int maps_left; /* words that may be looked up as a map */
};

static bool is_readable(const struct lt_v8_layout *layout)
{
	const int32_t offsets[] = { layout->code_deopt_data, layout->code_positions,
				    layout->code_instruction_size, layout->code_flags };

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		if (offsets[i] < 8 || offsets[i] + 8 > CODE_BYTES)
			return false;
	return layout->code_header >= 16 && layout->code_header <= 256 &&
	       layout->code_instruction_start + 8 <= CODE_BYTES &&
	       layout->instruction_stream_type >= 0;
}

/* Until V8 10 the instructions are in the Code object itself. */
static bool is_one_object(const struct lt_v8_layout *layout)
{
	return layout->code_instruction_start < 0;
}

/* Reads the code whose object with the instructions is at an address. */
static int load(struct lt_v8 *v8, uint64_t stream, struct lt_v8_code *ret_code)
{
	const struct lt_v8_layout *layout = v8->layout;
	struct lt_v8_code code = { .stream = stream,
				   .start = stream + (uint64_t)layout->code_header };
	unsigned char block[CODE_BYTES];
	uint64_t head[2];
	int type;

	type = lt_v8_heap__object(&v8->heap, stream + 1, head, sizeof(head), sizeof(head));
	if (type < 0 || type != layout->instruction_stream_type)
		return -EFAULT;
	code.code = is_one_object(layout) ? stream + 1 : head[1];
	type = lt_v8_heap__object(&v8->heap, code.code, block, CODE_BYTES_MIN, sizeof(block));
	if (type < 0 || type != layout->code_type)
		return -EFAULT;
	if (!is_one_object(layout) &&
	    lt_word(block, (size_t)layout->code_instruction_start) != code.start)
		return -EFAULT;
	code.size = lt_half(block, (size_t)layout->code_instruction_size);
	if (!code.size || code.size > SIZE_MAX_BYTES)
		return -EFAULT;
	code.deopt_data = lt_word(block, (size_t)layout->code_deopt_data);
	code.positions = lt_word(block, (size_t)layout->code_positions);
	code.kind = lt_half(block, (size_t)layout->code_flags) & KIND_MASK;
	v8->stream_map = head[0];
	*ret_code = code;
	return 0;
}

static bool is_in(const struct lt_v8_code *code, uint64_t pc)
{
	return pc >= code->start && pc - code->start < code->size;
}

/* Looks at the words of a block, the highest first. -EAGAIN: go on below. */
static int scan_block(struct lt_v8 *v8, struct scan *scan, const uint8_t *block, uint64_t low,
		      uint64_t *head, struct lt_v8_code *ret_code)
{
	for (; *head >= low; *head -= CODE_ALIGNMENT) {
		uint64_t word = lt_word(block, *head - low);

		if (!lt_v8_is_object(word))
			continue;
		if (word != v8->stream_map) {
			if (scan->maps_left <= 0)
				continue;
			scan->maps_left--;
			if (lt_v8_heap__map_type(&v8->heap, word) !=
			    v8->layout->instruction_stream_type)
				continue;
		}
		if (!load(v8, *head, ret_code))
			return is_in(ret_code, scan->pc) ? 0 : -ENOENT;
	}
	return -EAGAIN;
}

static int scan_down(struct lt_v8 *v8, uint64_t pc, struct lt_v8_code *ret_code)
{
	struct scan scan = { .pc = pc, .maps_left = MAPS_TRIED_MAX };
	uint64_t head = (pc & ~(uint64_t)(CODE_ALIGNMENT - 1)) - (uint64_t)v8->layout->code_header;
	uint64_t lowest = head > SCAN_BYTES_MAX ? head - SCAN_BYTES_MAX : 0;
	uint8_t *block = lt_v8__scratch(v8, BLOCK + PAGE);
	size_t size = BLOCK_FIRST;
	int err = block ? -EAGAIN : -ENOMEM;

	while (err == -EAGAIN && head > lowest) {
		uint64_t low = (head + 8 - size) & ~(uint64_t)(PAGE - 1);
		uint64_t page = head & ~(uint64_t)(PAGE - 1);

		if (head < PAGE + BLOCK)
			return -ENOENT;
		err = lt_v8_heap__read(&v8->heap, low, block, head + 8 - low);
		if (err && low < page) {
			/* an area that begins here, perhaps */
			low = page;
			err = lt_v8_heap__read(&v8->heap, low, block, head + 8 - low);
			size = BLOCK_FIRST;
		} else {
			size = BLOCK;
		}
		if (!err)
			err = scan_block(v8, &scan, block, low, &head, ret_code);
	}
	return err == -EAGAIN ? -ENOENT : err;
}

int lt_v8_code__find(struct lt_v8 *v8, uint64_t pc, struct lt_v8_code *ret_code)
{
	struct lt_v8_code *slot = &v8->codes[lt_v8_slot(pc, LT_V8_CODES)];
	struct lt_v8_code code;
	int err;

	if (v8->layout->level != LT_V8_LINES || !is_readable(v8->layout))
		return -ENOENT;
	if (is_in(slot, pc) && !load(v8, slot->stream, &code) && is_in(&code, pc)) {
		*ret_code = code;
		return 0;
	}
	err = scan_down(v8, pc, &code);
	if (err)
		return err;
	*slot = code;
	*ret_code = code;
	return 0;
}

bool lt_v8_code__is_current(struct lt_v8 *v8, const struct lt_v8_code *code)
{
	struct lt_v8_code now;

	return !load(v8, code->stream, &now) && now.code == code->code && now.size == code->size &&
	       now.positions == code->positions && now.deopt_data == code->deopt_data;
}

bool lt_v8_code__is_baseline(const struct lt_v8 *v8, const struct lt_v8_code *code)
{
	return code->kind == (uint32_t)v8->layout->code_kind_baseline;
}

bool lt_v8_code__is_optimised(const struct lt_v8 *v8, const struct lt_v8_code *code)
{
	return v8->layout->code_kind_baseline >= 0 &&
	       code->kind > (uint32_t)v8->layout->code_kind_baseline;
}
