/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* V8's position tables: from an offset in code to a position in the source. Pure functions of bytes. */
#ifndef LOOPTOP_V8_POSITIONS_H
#define LOOPTOP_V8_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a table tells of an offset. */
struct lt_v8_position {
	int32_t script_offset; /* in UTF-16 units; -1: unknown */
	int32_t inlining_id; /* -1: not inlined */
};

/* Takes a table's 64-bit value apart. */
struct lt_v8_position lt_v8_position__of(uint64_t value);

/* The value of the last entry at or before offset. 0; -ENOENT: there is none; -EINVAL: broken.
 * new_encoding: the code offsets are as V8 14 writes them. */
int lt_v8_positions__find(const uint8_t *table, size_t length, bool new_encoding, int64_t offset,
			  uint64_t *ret_value);

/*
 * The offset of the bytecode that the machine code at pc_offset of a baseline function belongs to. table:
 * bytes of machine code, for the prologue and for each bytecode. sizes: 3 rows of n_sizes lengths. 0 and
 * the offset, -1 for the prologue; -EINVAL: broken.
 */
int lt_v8_positions__baseline(const uint8_t *table, size_t length, const uint8_t *bytecodes,
			      size_t n_bytecodes, const uint8_t *sizes, size_t n_sizes,
			      uint64_t pc_offset, int64_t *ret_offset);

#endif
