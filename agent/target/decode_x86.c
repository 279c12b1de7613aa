/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* x86-64: instructions of any length, arguments in rdi, rsi, rdx, rcx, r8, r9. */
#include <capstone/capstone.h>
#include <errno.h>
#include <string.h>

#include "agent/target/machine.h"

/* enum lt_reg of a register or a part of one, -1 for others. */
static int gp_register(unsigned reg)
{
	static const struct {
		uint16_t q, d, w, b;
	} regs[16] = {
		[LT_REG_RAX] = { X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL },
		[LT_REG_RCX] = { X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL },
		[LT_REG_RDX] = { X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL },
		[LT_REG_RBX] = { X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL },
		[LT_REG_RSP] = { X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL },
		[LT_REG_RBP] = { X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL },
		[LT_REG_RSI] = { X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL },
		[LT_REG_RDI] = { X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL },
		[LT_REG_R8] = { X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B },
		[LT_REG_R9] = { X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B },
		[LT_REG_R10] = { X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B },
		[LT_REG_R11] = { X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B },
		[LT_REG_R12] = { X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B },
		[LT_REG_R13] = { X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B },
		[LT_REG_R14] = { X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B },
		[LT_REG_R15] = { X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B },
	};

	for (int i = 0; i < 16; i++)
		if (reg == regs[i].q || reg == regs[i].d || reg == regs[i].w || reg == regs[i].b)
			return i;
	return -1;
}

static uint32_t written_registers(csh cs, const cs_insn *in)
{
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
	return mask;
}

/*
 * Does it change nothing? What insn_is_nop() in arch/x86/lib/insn-eval.c knows (Linux 6.19), and a little more: nop in
 * all its forms, mov and xchg of a register with itself, lea of a register into itself, a jump to what is next.
 */
static bool is_idle(const cs_insn *in, const cs_x86 *x86)
{
	const cs_x86_op *to = &x86->operands[0], *from = &x86->operands[1];

	switch (in->id) {
	case X86_INS_NOP:
		return true;
	case X86_INS_JMP:
		return x86->op_count == 1 && to->type == X86_OP_IMM &&
		       (uint64_t)to->imm == in->address + in->size;
	case X86_INS_LEA:
		return from->mem.disp == 0 && to->reg == from->mem.base;
	case X86_INS_MOV:
	case X86_INS_XCHG:
		return to->type == X86_OP_REG && from->type == X86_OP_REG && to->reg == from->reg;
	default:
		return false;
	}
}

/*
 * One of five bytes or more that changes nothing: since Linux 6.18 the kernel puts a call in its place (5 bytes; some
 * versions 10), whose return address goes to where a leaf function keeps its variables, below the stack pointer. No
 * probe goes there, whatever the length: which ones are taken has changed twice.
 */
#define LONG_NOP_BYTES 5

static bool is_long_nop(const cs_insn *in, const cs_x86 *x86)
{
	return in->size >= LONG_NOP_BYTES && is_idle(in, x86);
}

/* What arch/x86/kernel/uprobes.c emulates: push reg, nop, call rel32, jmp, jcc. Of the nops, all versions know those
 * of 0x90, with or without prefixes. */
static bool is_emulated(const cs_insn *in, const cs_x86 *x86)
{
	switch (in->id) {
	case X86_INS_PUSH:
		return x86->op_count == 1 && x86->operands[0].type == X86_OP_REG;
	case X86_INS_NOP:
		return x86->opcode[0] == 0x90;
	case X86_INS_CALL:
	case X86_INS_JMP:
		return x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM;
	default:
		return false;
	}
}

static void set_flow(struct lt_insn *insn, csh cs, const cs_insn *in, const cs_x86 *x86)
{
	bool direct = x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM;

	if (in->id == X86_INS_CALL)
		insn->flow = direct ? LT_FLOW_CALL : LT_FLOW_CALL_INDIRECT;
	else if (in->id == X86_INS_JMP)
		insn->flow = direct ? LT_FLOW_JUMP : LT_FLOW_JUMP_INDIRECT;
	else if (cs_insn_group(cs, in, X86_GRP_RET))
		insn->flow = LT_FLOW_RETURN;
	else if (cs_insn_group(cs, in, X86_GRP_JUMP))
		insn->flow = LT_FLOW_BRANCH;
	if (direct && insn->flow != LT_FLOW_NEXT)
		insn->target = (uint64_t)x86->operands[0].imm;
}

static void set_memory(struct lt_insn *insn, const cs_insn *in, const cs_x86_op *op)
{
	uint64_t place = (uint64_t)op->mem.disp;

	insn->makes_address = in->id == X86_INS_LEA;
	if (op->mem.index != X86_REG_INVALID && op->mem.base != X86_REG_INVALID &&
	    op->mem.scale == 8 && !insn->makes_address)
		insn->table = (int32_t)op->mem.disp;
	if (op->mem.index != X86_REG_INVALID || op->mem.segment != X86_REG_INVALID)
		return;
	if (op->mem.base != X86_REG_INVALID && op->mem.base != X86_REG_RIP) {
		insn->base = (int8_t)gp_register(op->mem.base);
		insn->disp = (int32_t)op->mem.disp;
		return;
	}
	if (op->mem.base == X86_REG_RIP)
		place += in->address + in->size;
	if (in->id == X86_INS_LEA) {
		insn->constant = place;
		return;
	}
	insn->data = place;
	insn->data_size = op->size;
	insn->data_count = 1;
	insn->data_read = op->access & CS_AC_READ;
	insn->data_written = op->access & CS_AC_WRITE;
}

static void set_operands(struct lt_insn *insn, const cs_insn *in, const cs_x86 *x86)
{
	for (uint8_t i = 0; i < x86->op_count; i++) {
		if (x86->operands[i].type == X86_OP_MEM)
			set_memory(insn, in, &x86->operands[i]);
		else if (x86->operands[i].type == X86_OP_IMM && !insn->target)
			insn->constant = (uint64_t)x86->operands[i].imm;
	}
}

/* is_prefix_bad() in arch/x86/kernel/uprobes.c: segment overrides but fs and gs, and lock. */
static bool has_bad_prefix(const cs_insn *in)
{
	static const char legacy[] = { 0x66, 0x67, (char)0xf2, (char)0xf3, 0x64, 0x65 };
	static const char bad[] = { 0x26, 0x2e, 0x36, 0x3e, (char)0xf0 };

	for (uint16_t i = 0; i < in->size; i++) {
		if (memchr(bad, in->bytes[i], sizeof(bad)))
			return true;
		if (!memchr(legacy, in->bytes[i], sizeof(legacy)))
			return false;
	}
	return false;
}

static void describe(struct lt_insn *insn, csh cs, const cs_insn *in)
{
	const cs_x86 *x86 = &in->detail->x86;

	*insn = (struct lt_insn){
		.vaddr = in->address, .length = (uint8_t)in->size, .copies = -1, .base = -1
	};
	insn->is_endbr = in->id == X86_INS_ENDBR64;
	insn->writes = written_registers(cs, in);
	set_flow(insn, cs, in, x86);
	set_operands(insn, in, x86);
	insn->probeable = !has_bad_prefix(in) && !is_long_nop(in, x86);
	if (!insn->probeable)
		return;
	/* jcc is emulated in its plain forms, jrcxz and loop are not. */
	insn->emulated =
		is_emulated(in, x86) || (insn->flow == LT_FLOW_BRANCH && in->id != X86_INS_JRCXZ &&
					 in->id != X86_INS_JECXZ && in->id != X86_INS_LOOP &&
					 in->id != X86_INS_LOOPE && in->id != X86_INS_LOOPNE);
}

static int decode_bytes(csh cs, const uint8_t *code, struct lt_function *function)
{
	uint64_t vaddr = function->vaddr;
	size_t left = function->size, capacity = 0;
	cs_insn *in = cs_malloc(cs);
	int err = in ? 0 : -ENOMEM;

	while (!err && left) {
		struct lt_insn *insn;

		if (!cs_disasm_iter(cs, &code, &left, &vaddr, in)) {
			err = -EILSEQ;
			break;
		}
		insn = lt_function__add(function, &capacity);
		if (insn)
			describe(insn, cs, in);
		else
			err = -ENOMEM;
	}
	if (in)
		cs_free(in, 1);
	/* Undecodable bytes behind good ones: what was decoded up to there is certain all the same. */
	return err == -EILSEQ && function->n_insns ? 0 : err;
}

static int decode(const uint8_t *code, struct lt_function *function)
{
	csh cs;
	int err;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
		return -ENOMEM;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	err = decode_bytes(cs, code, function);
	cs_close(&cs);
	return err;
}

const struct lt_machine lt_machine_x86 = {
	.argument = { LT_REG_RDI, LT_REG_RSI, LT_REG_RDX, LT_REG_RCX, LT_REG_R8, LT_REG_R9 },
	.result = LT_REG_RAX,
	.stack = LT_REG_RSP,
	.frame = LT_REG_RBP,
	.mutex_bytes = 40,
	.decode = decode,
};
