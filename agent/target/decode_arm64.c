/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * arm64: four bytes each, so that a word which is not understood spoils nothing behind it. What the flow is and
 * what the kernel does at a uprobe is read from the word's bits, as the kernel does; registers and operands are
 * capstone's. Registers are x0 … x30, and 31 for the stack pointer.
 */
#include <capstone/capstone.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/machine.h"

#define SP	       31
#define LINK	       30
#define LOAD_INSNS_MAX 16 /* so far before a call its address is looked for */

static uint64_t sign_extend(uint64_t value, unsigned bits)
{
	uint64_t sign = 1ull << (bits - 1);

	return (value ^ sign) - sign;
}

/* --- the word's bits (Arm ARM, C4.1; arch/arm64/kernel/probes/decode-insn.c) --------------------- */

static bool is_branch_class(uint32_t word) /* branches, exceptions, system */
{
	return (word & 0x1c000000) == 0x14000000;
}

/* Its flow and target; LT_FLOW_NEXT for all that is no branch. */
static enum lt_flow flow_of(uint32_t word, uint64_t vaddr, uint64_t *ret_target)
{
	if ((word & 0x7c000000) == 0x14000000) { /* b, bl */
		*ret_target = vaddr + 4 * sign_extend(word & 0x3ffffff, 26);
		return word >> 31 ? LT_FLOW_CALL : LT_FLOW_JUMP;
	}
	if ((word & 0x7e000000) == 0x34000000 || (word & 0xff000000) == 0x54000000) {
		*ret_target = vaddr + 4 * sign_extend(word >> 5 & 0x7ffff, 19);
		return LT_FLOW_BRANCH; /* cbz, cbnz; b.cond */
	}
	if ((word & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
		*ret_target = vaddr + 4 * sign_extend(word >> 5 & 0x3fff, 14);
		return LT_FLOW_BRANCH;
	}
	if ((word & 0xfe000000) == 0xd6000000) { /* to a register, with or without authentication */
		switch (word >> 21 & 7) {
		case 0:
			return LT_FLOW_JUMP_INDIRECT;
		case 1:
			return LT_FLOW_CALL_INDIRECT;
		default:
			return LT_FLOW_RETURN;
		}
	}
	if ((word & 0xff000000) == 0xd4000000 && (word & 0xe0001f) != 1) /* an exception, but svc */
		return LT_FLOW_RETURN;
	return LT_FLOW_NEXT;
}

/* nop is stepped in kernels before 6.13, and counted as such. */
static bool is_simulated(uint32_t word, enum lt_flow flow)
{
	if ((word & 0x1f000000) == 0x10000000) /* adr, adrp */
		return true;
	if ((word & 0xfe000000) == 0xd6000000) /* br, blr, ret; those with authentication are not */
		return (word & 0xfffffc1f) == 0xd61f0000 || (word & 0xfffffc1f) == 0xd63f0000 ||
		       (word & 0xfffffc1f) == 0xd65f0000;
	return flow == LT_FLOW_CALL || flow == LT_FLOW_JUMP || flow == LT_FLOW_BRANCH;
}

/* Those that give something else, or nothing, when they are executed at another place or between traps. */
static bool is_refused(uint32_t word)
{
	if (is_branch_class(word)) {
		bool is_hint = (word & 0xfffff01f) == 0xd503201f;

		/* among hints those that are harmless in all kernels: nop, pacia… autib…sp, bti */
		if (is_hint)
			return !(word == 0xd503201f || (word & 0xfffffd1f) == 0xd503211f ||
				 (word & 0xffffff3f) == 0xd503241f ||
				 (word & 0xffffff1f) == 0xd503231f);
		return (word & 0xff000000) == 0xd4000000 || (word & 0xffc00000) == 0xd5000000 ||
		       (word & 0xfe000000) == 0xd6000000;
	}
	return (word & 0x3b000000) == 0x18000000 || /* reads a literal relative to itself */
	       (word & 0x3f000000) == 0x08000000 || /* exclusive, acquire and release */
	       (word & 0x3b200c00) == 0x19000400; /* copies of memory (FEAT_MOPS) */
}

static bool is_bti(uint32_t word)
{
	return (word & 0xffffff3f) == 0xd503241f;
}

/* --- registers and operands ------------------------------------------------------------------- */

/* The number of a register or of its lower half; -1 for zr and for vectors. */
static int gp_register(unsigned reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return (int)(reg - ARM64_REG_X0);
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return (int)(reg - ARM64_REG_W0);
	switch (reg) {
	case ARM64_REG_X29:
		return 29;
	case ARM64_REG_X30:
		return LINK;
	case ARM64_REG_SP:
	case ARM64_REG_WSP:
		return SP;
	default:
		return -1;
	}
}

static uint32_t written_registers(csh cs, const cs_insn *in)
{
	const cs_arm64 *arm64 = &in->detail->arm64;
	cs_regs read, written;
	uint8_t n_read = 0, n_written = 0;
	uint32_t mask = 0;

	if (cs_regs_access(cs, in, read, &n_read, written, &n_written))
		return UINT32_MAX;
	for (uint8_t i = 0; i < n_written; i++) {
		int reg = gp_register(written[i]);

		if (reg >= 0)
			mask |= 1u << reg;
	}
	for (uint8_t i = 0; arm64->writeback && i < arm64->op_count; i++) {
		int base = arm64->operands[i].type == ARM64_OP_MEM
				   ? gp_register(arm64->operands[i].mem.base)
				   : -1;

		if (base >= 0)
			mask |= 1u << base;
	}
	return mask;
}

static void set_memory(struct lt_insn *insn, const cs_arm64 *arm64)
{
	for (uint8_t i = 0; i < arm64->op_count; i++) {
		const cs_arm64_op *op = &arm64->operands[i];

		if (op->type != ARM64_OP_MEM || op->mem.index != ARM64_REG_INVALID)
			continue;
		insn->base = (int8_t)gp_register(op->mem.base);
		insn->disp = op->mem.disp;
	}
}

/* mov xd, xm; or if half of it will do, mov wd, wm */
static bool is_copy(uint32_t word)
{
	return (word & 0x7fe0ffe0) == 0x2a0003e0 && (word & 31) != 31 && (word >> 16 & 31) != 31;
}

static bool is_whole_copy(uint32_t word)
{
	return is_copy(word) && word >> 31;
}

static void describe(struct lt_insn *insn, csh cs, const cs_insn *in, uint32_t word, uint64_t vaddr)
{
	*insn = (struct lt_insn){ .vaddr = vaddr, .length = 4, .copies = -1, .base = -1 };
	insn->flow = (uint8_t)flow_of(word, vaddr, &insn->target);
	insn->is_endbr = is_bti(word);
	insn->emulated = in && is_simulated(word, insn->flow);
	insn->probeable = in && (insn->emulated || !is_refused(word));
	insn->writes = in ? written_registers(cs, in) : UINT32_MAX;
	if (is_copy(word))
		insn->copies = (int8_t)(word >> 16 & 31);
	if (insn->flow == LT_FLOW_CALL || insn->flow == LT_FLOW_CALL_INDIRECT)
		insn->writes |= 1u << LINK;
	else if (insn->flow == LT_FLOW_NEXT && in)
		set_memory(insn, &in->detail->arm64);
}

/* --- from several instructions ---------------------------------------------------------------- */

struct words {
	const uint8_t *code;
	struct lt_function *function;
	uint8_t *joins; /* for each instruction: does a jump or a branch lead to it? */
};

static uint32_t word_of(const struct words *words, size_t index)
{
	uint32_t word;

	memcpy(&word, words->code + 4 * index, sizeof(word));
	return word;
}

static void mark_join(struct words *words, const struct lt_insn *in)
{
	uint64_t at = in->target - words->function->vaddr;

	if ((in->flow == LT_FLOW_JUMP || in->flow == LT_FLOW_BRANCH) &&
	    at / 4 < words->function->n_insns)
		words->joins[at / 4] = 1;
}

/* ldr xt, [xn, #]! */
static bool changes_base_before(uint32_t word)
{
	return (word & 0xffe00c00) == 0xf8400c00;
}

/* A whole word into xt, from a place that is xn's, or becomes xn's before the load. */
static bool is_word_load(uint32_t word)
{
	return (word & 0xffc00000) == 0xf9400000 || (word & 0xffe00c00) == 0xf8400000 ||
	       changes_base_before(word);
}

/* The instruction on the straight line before insns[at] that writes the register; SIZE_MAX: not certain. */
static size_t writer(const struct words *words, size_t at, int reg)
{
	for (size_t i = at, n = 0; i-- > 0 && n < LOAD_INSNS_MAX; n++) {
		const struct lt_insn *in = &words->function->insns[i];

		if (words->joins[i + 1])
			return SIZE_MAX;
		if (in->writes >> reg & 1)
			return i;
		if (in->flow != LT_FLOW_NEXT && in->flow != LT_FLOW_BRANCH)
			return SIZE_MAX;
	}
	return SIZE_MAX;
}

/* Does none of the instructions behind `from` and before `to` write the register? */
static bool is_kept(const struct words *words, size_t from, size_t to, int reg)
{
	for (size_t i = from + 1; i < to; i++)
		if (words->function->insns[i].writes >> reg & 1)
			return false;
	return true;
}

/*
 * ldur x1, [x19, #-24]; …; blr x1 is what x86-64 writes as call *-24(%rbx): the call gets base and disp of
 * the load, if the base still holds then what it held. clang puts the base elsewhere before it changes it:
 * mov x21, x19; ldr x8, [x21, #-24]!; then it is x19. The same for a br that is a call and a return in one: a
 * jump by a table is made of sums.
 */
static void set_call_operand(const struct words *words, size_t at)
{
	struct lt_insn *call = &words->function->insns[at];
	size_t load = writer(words, at, (int)(word_of(words, at) >> 5 & 31)), copy;
	const struct lt_insn *in;
	uint32_t word;
	int base;

	if (load != SIZE_MAX && is_whole_copy(word_of(words, load)))
		load = writer(words, load, (int)(word_of(words, load) >> 16 & 31));
	if (load == SIZE_MAX)
		return;
	in = &words->function->insns[load];
	word = word_of(words, load);
	base = in->base;
	if (!is_word_load(word) || base < 0 || (int)(word & 31) == base)
		return;
	if (changes_base_before(word)) {
		copy = writer(words, load, base);
		if (copy == SIZE_MAX || !is_whole_copy(word_of(words, copy)))
			return;
		base = (int)(word_of(words, copy) >> 16 & 31);
		if (!is_kept(words, copy, load, base))
			return;
	}
	if (!is_kept(words, load, at, base))
		return;
	call->base = (int8_t)base;
	call->disp = in->disp;
}

static int decode_words(csh cs, cs_insn *in, const struct words *words)
{
	struct lt_function *function = words->function;
	size_t n = function->size / 4, capacity = 0;

	for (size_t i = 0; i < n; i++) {
		struct lt_insn *insn = lt_function__add(function, &capacity);
		const uint8_t *at = words->code + 4 * i;
		uint64_t vaddr = function->vaddr + 4 * i;
		size_t left = 4;
		bool known;

		if (!insn)
			return -ENOMEM;
		known = cs_disasm_iter(cs, &at, &left, &vaddr, in);
		describe(insn, cs, known ? in : NULL, word_of(words, i), function->vaddr + 4 * i);
	}
	return 0;
}

static int decode(const uint8_t *code, struct lt_function *function)
{
	struct words words = { .code = code, .function = function };
	cs_insn *in = NULL;
	int err;
	csh cs;

	if (function->vaddr % 4 || function->size < 4)
		return -EILSEQ;
	if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &cs) != CS_ERR_OK)
		return -ENOMEM;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	in = cs_malloc(cs);
	words.joins = calloc(function->size / 4, 1);
	err = in && words.joins ? decode_words(cs, in, &words) : -ENOMEM;
	for (size_t i = 0; !err && i < function->n_insns; i++)
		mark_join(&words, &function->insns[i]);
	for (size_t i = 0; !err && i < function->n_insns; i++)
		if (function->insns[i].flow == LT_FLOW_CALL_INDIRECT ||
		    function->insns[i].flow == LT_FLOW_JUMP_INDIRECT)
			set_call_operand(&words, i);
	if (!err)
		err = lt_arm64_values(code, function, words.joins);
	free(words.joins);
	if (in)
		cs_free(in, 1);
	cs_close(&cs);
	return err;
}

const struct lt_machine lt_machine_arm64 = {
	.argument = { 0, 1, 2, 3, 4, 5 },
	.result = 0,
	.stack = SP,
	.frame = 29,
	.mutex_bytes = 48,
	.decode = decode,
};
