/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * arm64 makes an address by two instructions, adrp and add, and a large number by movz and movk. What a register
 * holds is followed along the straight line, and forgotten where another way joins it.
 */
#include <string.h>

#include "agent/target/machine.h"

#define REGISTERS    31 /* x0 … x30 */
#define CALLER_SAVED 0x4007ffffu /* x0 … x18 and x30: a call may change them */

struct values {
	uint32_t known; /* bit n: value[n] is what xn holds */
	uint64_t value[REGISTERS + 1];
};

static bool is_known(const struct values *values, unsigned reg)
{
	return reg < REGISTERS && values->known >> reg & 1;
}

static void set(struct values *values, unsigned reg, uint64_t value)
{
	if (reg >= REGISTERS)
		return;
	values->known |= 1u << reg;
	values->value[reg] = value;
}

/* adr and adrp: relative to the instruction, or to its page. */
static uint64_t relative(uint32_t word, uint64_t vaddr)
{
	uint64_t distance = (word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3);

	distance = (distance ^ 1 << 20) - (1 << 20);
	return word >> 31 ? (vaddr & ~0xfffull) + distance * 4096 : vaddr + distance;
}

/* movz and movn put 16 bits into an empty register, movk into one that holds something. */
static bool moves_wide(const struct values *values, uint32_t word, uint64_t *ret_value)
{
	unsigned reg = word & 31, shift = (word >> 21 & 3) * 16;
	uint64_t part = (uint64_t)(word >> 5 & 0xffff) << shift, value;

	switch (word >> 29 & 3) {
	case 0:
		value = ~part;
		break;
	case 2:
		value = part;
		break;
	case 3:
		if (!is_known(values, reg))
			return false;
		value = (values->value[reg] & ~(0xffffull << shift)) | part;
		break;
	default:
		return false;
	}
	*ret_value = word >> 31 ? value : (uint32_t)value;
	return true;
}

/* The value that an instruction makes from what is known; false: none. */
static bool makes(const struct values *values, const struct lt_insn *in, uint32_t word,
		  uint64_t *ret_value)
{
	unsigned from = word >> 5 & 31;
	uint64_t immediate = word >> 10 & 0xfff;

	if ((word & 0x1f000000) == 0x10000000) {
		*ret_value = relative(word, in->vaddr);
		return true;
	}
	if ((word & 0x1f800000) == 0x12800000)
		return moves_wide(values, word, ret_value);
	if ((word & 0xbf800000) == 0x91000000 && is_known(values, from)) { /* add, sub: xd, xn, # */
		immediate <<= word >> 22 & 1 ? 12 : 0;
		*ret_value = word >> 30 & 1 ? values->value[from] - immediate
					    : values->value[from] + immediate;
		return true;
	}
	if ((word & 0xffe0ffe0) == 0xaa0003e0 && is_known(values, word >> 16 & 31)) { /* mov */
		*ret_value = values->value[word >> 16 & 31];
		return true;
	}
	return false;
}

static void follow(struct values *values, struct lt_insn *in, uint32_t word)
{
	uint64_t value;
	bool made = in->flow == LT_FLOW_NEXT && makes(values, in, word, &value);

	if (in->flow == LT_FLOW_CALL || in->flow == LT_FLOW_CALL_INDIRECT)
		values->known &= ~CALLER_SAVED;
	values->known &= ~in->writes;
	if (!made)
		return;
	set(values, word & 31, value);
	if ((word & 0x9f000000) != 0x90000000) /* a page alone is none that is meant */
		in->constant = value;
}

void lt_arm64_values(const uint8_t *code, struct lt_function *function, const uint8_t *joins)
{
	struct values values = { 0 };

	for (size_t i = 0; i < function->n_insns; i++) {
		struct lt_insn *in = &function->insns[i];
		uint32_t word;

		memcpy(&word, code + 4 * i, sizeof(word));
		if (joins[i])
			values.known = 0;
		follow(&values, in, word);
		if (in->flow != LT_FLOW_NEXT && in->flow != LT_FLOW_BRANCH &&
		    in->flow != LT_FLOW_CALL && in->flow != LT_FLOW_CALL_INDIRECT)
			values.known = 0;
	}
}
