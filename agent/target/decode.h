/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A function's instructions, decoded from its first byte so that every boundary is certain, with
 * just what choosing a probe site needs. Which machine it is, the file says, whatever this program runs on.
 */
#ifndef LOOPTOP_TARGET_DECODE_H
#define LOOPTOP_TARGET_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "looptop/runtime.h"

struct lt_elf;
struct lt_function;

enum lt_flow {
	LT_FLOW_NEXT, /* goes on to the next instruction */
	LT_FLOW_CALL, /* a direct call; target is known */
	LT_FLOW_CALL_INDIRECT,
	LT_FLOW_JUMP, /* direct and unconditional */
	LT_FLOW_JUMP_INDIRECT,
	LT_FLOW_BRANCH, /* conditional */
	LT_FLOW_RETURN,
};

struct lt_insn {
	uint64_t vaddr;
	uint64_t target; /* of a direct call, jump or branch */
	uint8_t length;
	uint8_t flow; /* enum lt_flow */
	bool emulated; /* the kernel emulates it at a uprobe; otherwise it is single-stepped */
	bool probeable; /* the kernel takes a uprobe there at all */
	bool is_endbr;
	uint32_t writes; /* general purpose registers that it changes: bit n is register n */
	/* arm64: it does nothing but copy this register to the only one that it writes; -1: it does not */
	int8_t copies;
	/* Of an operand in memory, or its address: disp(base), a register's number; -1: another form. Of an
	 * indirect call, where the function's address was read. */
	int8_t base;
	int32_t disp;
	bool makes_address; /* lea: disp(base) is computed, not read */
	int32_t table; /* of an element of 8 bytes, disp(base,index,8): disp; 0: another form */
	/* What it names of the file's own addresses, 0: nothing. */
	uint64_t constant; /* as a value: an immediate operand, or the address that lea makes */
	uint64_t data; /* as a place in memory that is read or written */
	uint8_t data_size, data_count; /* bytes, and how many of that size side by side */
	bool data_read, data_written;
};

/* What the machine's ABI says, with its own numbers of registers (looptop/abi.h). */
struct lt_machine {
	uint8_t argument[6], result, stack, frame;
	uint8_t mutex_bytes; /* a pthread_mutex_t of glibc */
	/* Appends the instructions of function->size bytes. 0 or -errno. */
	int (*decode)(const uint8_t *code, struct lt_function *function);
};

struct lt_function {
	const struct lt_machine *machine;
	uint64_t vaddr, size;
	struct lt_insn *insns;
	size_t n_insns;
};

/* The machine that the file is for. */
const struct lt_machine *lt_machine_of(const struct lt_elf *elf);

/* Decodes a function of an executable segment. 0, or -errno: -EFAULT not in one, -E2BIG larger than
 * 256 KiB, -EILSEQ undecodable bytes. The caller frees with lt_function__free(). */
int lt_function__decode(const struct lt_elf *elf, uint64_t vaddr, uint64_t size,
			struct lt_function *ret_function);
/* The same of code that was read from somewhere else, as at vaddr: up to the first bytes that are undecodable. */
int lt_function__decode_code(const struct lt_machine *machine, const void *code, uint64_t vaddr,
			     uint64_t size, struct lt_function *ret_function);
void lt_function__free(struct lt_function *function);

/* Does a jump or branch of the function lead into (from, to]? */
bool lt_function__joins(const struct lt_function *function, uint64_t from, uint64_t to);

#endif
