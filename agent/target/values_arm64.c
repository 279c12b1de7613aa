/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * arm64 makes an address by several instructions: adrp and add for a variable, add for a field that lies far
 * into a structure, all long before the load. What each register holds, as an offset from where it came from,
 * is followed through the function; where ways with different values join, it is another value from then on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/machine.h"

#define REGISTERS    32 /* x0 … x30 and the stack pointer */
#define SP	     31
#define CALLER_SAVED 0x4007ffffu /* x0 … x18 and x30: a call may change them */
#define INSNS_MAX    4096 /* longer functions are none of which this is asked */
#define PASSES_MAX   8 /* three or four are enough for what compilers make */

/* Where a value came from: nowhere (it is a number), the stack pointer, or an instruction's result in a register,
 * a register at the function's beginning, a register where ways join. */
enum {
	NUMBER,
	STACK,
	RESULT = 1 << 24,
	ENTRY = 2 << 24,
	JOIN = 3 << 24,
};

struct value {
	uint32_t origin;
	uint64_t offset;
};

struct state {
	bool is_reached;
	struct value x[REGISTERS];
};

struct following {
	const uint8_t *code;
	struct lt_function *function;
	/* 1 + index in states, of instructions to which jumps lead; 0: none do */
	uint32_t *at_join;
	struct state *states;
	bool changed; /* a state in this pass */
};

static struct value origin(uint32_t kind, size_t at, unsigned reg)
{
	return (struct value){ kind | (uint32_t)at << 5 | reg, 0 };
}

static bool is_equal(const struct value *a, const struct value *b)
{
	return a->origin == b->origin && a->offset == b->offset;
}

/* --- what an instruction makes ------------------------------------------------------------------ */

/* adr and adrp: relative to the instruction, or to its page. */
static uint64_t relative(uint32_t word, uint64_t vaddr)
{
	uint64_t distance = (word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3);

	distance = (distance ^ 1 << 20) - (1 << 20);
	return word >> 31 ? (vaddr & ~0xfffull) + distance * 4096 : vaddr + distance;
}

/* movz and movn put 16 bits into an empty register, movk into one that holds something. */
static bool moves_wide(const struct value *held, uint32_t word, uint64_t *ret_value)
{
	unsigned shift = (word >> 21 & 3) * 16;
	uint64_t part = (uint64_t)(word >> 5 & 0xffff) << shift, value = part;

	switch (word >> 29 & 3) {
	case 0:
		value = ~part;
		break;
	case 2:
		break;
	case 3:
		if (held->origin != NUMBER)
			return false;
		value = (held->offset & ~(0xffffull << shift)) | part;
		break;
	default:
		return false;
	}
	*ret_value = word >> 31 ? value : (uint32_t)value;
	return true;
}

static bool is_sum(uint32_t word) /* add, sub: xd, xn, # */
{
	return (word & 0xbf800000) == 0x91000000;
}

static struct value sum(const struct state *state, uint32_t word)
{
	uint64_t immediate = (word >> 10 & 0xfff) << (word >> 22 & 1 ? 12 : 0);
	struct value value = state->x[word >> 5 & 31];

	value.offset += word >> 30 & 1 ? -immediate : immediate;
	return value;
}

/* The value that an instruction makes of what is known; false: of others, or by another way. */
static bool makes(const struct state *state, const struct lt_insn *in, uint32_t word,
		  struct value *ret_value)
{
	struct value value = { NUMBER, 0 };

	if ((word & 0x1f000000) == 0x10000000) {
		value.offset = relative(word, in->vaddr);
	} else if ((word & 0x1f800000) == 0x12800000) {
		if (!moves_wide(&state->x[word & 31], word, &value.offset))
			return false;
	} else if (is_sum(word)) {
		value = sum(state, word);
	} else if ((word & 0xffe0ffe0) == 0xaa0003e0 && (word >> 16 & 31) != 31) {
		value = state->x[word >> 16 & 31]; /* mov */
	} else {
		return false;
	}
	*ret_value = value;
	return true;
}

/* --- memory ----------------------------------------------------------------------------------- */

struct access {
	uint8_t size; /* bytes */
	uint8_t count; /* how many of that size; 0: none that is understood */
	bool is_load;
	bool moves_base, moves_before; /* the base becomes base + disp, before the access */
	int64_t disp;
};

static int64_t signed_bits(uint32_t bits, unsigned n)
{
	int64_t sign = 1ll << (n - 1);

	return ((int64_t)bits ^ sign) - sign;
}

static struct access access_of_pair(uint32_t word)
{
	bool is_vector = word >> 26 & 1;
	unsigned opc = word >> 30, mode = word >> 23 & 3;
	uint8_t size = (uint8_t)(is_vector ? 4 << opc : opc & 2 ? 8 : 4);

	return (struct access){ .size = size,
				.count = opc == 3 ? 0 : 2,
				.is_load = word >> 22 & 1,
				.moves_base = mode & 1,
				.moves_before = mode == 3,
				.disp = signed_bits(word >> 15 & 0x7f, 7) * size };
}

/* Sixteen bytes are two variables of eight. */
static struct access as_words(struct access access)
{
	if (access.size == 16) {
		access.size = 8;
		access.count *= 2;
	}
	return access;
}

static struct access access_of(uint32_t word)
{
	bool is_vector = word >> 26 & 1;
	unsigned opc = word >> 22 & 3, mode = word >> 10 & 3;
	unsigned shift = word >> 30 | (is_vector ? (opc & 2) << 1 : 0);
	struct access access = { .size = (uint8_t)(1 << shift),
				 .count = 1,
				 .is_load = is_vector ? opc & 1 : opc != 0 };

	if ((word & 0x3a000000) == 0x28000000)
		return as_words(access_of_pair(word));
	if (shift > 4)
		return (struct access){ 0 };
	if ((word & 0x3b000000) == 0x39000000) {
		access.disp = (int64_t)(word >> 10 & 0xfff) << shift;
	} else if ((word & 0x3b200000) == 0x38000000 && mode != 2) {
		access.disp = signed_bits(word >> 12 & 0x1ff, 9);
		access.moves_base = mode;
		access.moves_before = mode == 3;
	} else {
		return (struct access){ 0 };
	}
	return as_words(access);
}

/* A place that is the file's own, or a field of what the base came from. */
static void tell_place(struct lt_insn *in, const struct value *place, unsigned base,
		       const struct access *access)
{
	bool is_data = place->origin == NUMBER;

	in->base = (int8_t)(is_data ? -1 : place->origin == STACK ? SP : (int)base);
	in->disp = is_data ? 0 : (int32_t)place->offset;
	in->data = is_data ? place->offset : 0;
	in->data_size = access->size;
	in->data_count = access->count;
	in->data_read = is_data && access->is_load;
	in->data_written = is_data && !access->is_load;
}

/* --- through the function ----------------------------------------------------------------------- */

static uint32_t word_of(const struct following *f, size_t at)
{
	uint32_t word;

	memcpy(&word, f->code + 4 * at, sizeof(word));
	return word;
}

/* Registers that an instruction changes in a way that is not followed hold something new. */
static void renew(struct state *state, uint32_t registers, size_t at)
{
	for (unsigned reg = 0; reg < SP; reg++)
		if (registers >> reg & 1)
			state->x[reg] = origin(RESULT, at, reg);
}

static void follow_access(struct state *state, struct lt_insn *in, const struct access *access,
			  uint32_t word, size_t at)
{
	unsigned base = word >> 5 & 31;
	struct value before = state->x[base], moved = before, place;

	moved.offset += (uint64_t)access->disp;
	place = access->moves_base && !access->moves_before ? before : moved;
	tell_place(in, &place, base, access);
	renew(state, in->writes, at);
	if (!access->moves_base || base == SP)
		return;
	state->x[base] = moved;
	in->constant = moved.origin == NUMBER ? moved.offset : 0;
}

static void tell_value(struct lt_insn *in, const struct value *value, uint32_t word)
{
	bool is_page = (word & 0x9f000000) == 0x90000000; /* alone it is none that is meant */

	in->constant = value->origin == NUMBER && !is_page ? value->offset : 0;
	in->base = -1;
	if (!is_sum(word) || value->origin == NUMBER)
		return;
	in->base = (int8_t)(value->origin == STACK ? SP : word >> 5 & 31);
	in->disp = (int32_t)value->offset;
}

static void follow(struct following *f, struct state *state, size_t at)
{
	struct lt_insn *in = &f->function->insns[at];
	uint32_t word = word_of(f, at);
	struct access access = access_of(word);
	struct value value;

	if (in->flow == LT_FLOW_CALL || in->flow == LT_FLOW_CALL_INDIRECT) {
		renew(state, CALLER_SAVED, at);
	} else if (in->flow == LT_FLOW_NEXT && access.count) {
		follow_access(state, in, &access, word, at);
	} else if (in->flow == LT_FLOW_NEXT && makes(state, in, word, &value)) {
		renew(state, in->writes, at);
		tell_value(in, &value, word);
		if ((word & 31) != SP)
			state->x[word & 31] = value;
	} else {
		renew(state, in->writes, at);
	}
}

/* One more way leads to an instruction, with these values. */
static void join(struct following *f, const struct state *state, size_t at)
{
	struct state *there = &f->states[f->at_join[at] - 1];

	if (!there->is_reached) {
		*there = *state;
		f->changed = true;
		return;
	}
	for (unsigned reg = 0; reg < SP; reg++) {
		struct value joined = origin(JOIN, at, reg);

		if (is_equal(&there->x[reg], &state->x[reg]) || is_equal(&there->x[reg], &joined))
			continue;
		there->x[reg] = joined;
		f->changed = true;
	}
}

static void pass(struct following *f)
{
	struct lt_function *function = f->function;
	struct state state = { .is_reached = true };

	for (unsigned reg = 0; reg < SP; reg++)
		state.x[reg] = origin(ENTRY, 0, reg);
	state.x[SP].origin = STACK;
	f->changed = false;
	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];
		uint64_t target = (in->target - function->vaddr) / 4;

		if (f->at_join[i]) {
			if (state.is_reached)
				join(f, &state, i);
			state = f->states[f->at_join[i] - 1];
		}
		if (!state.is_reached)
			continue;
		follow(f, &state, i);
		if ((in->flow == LT_FLOW_JUMP || in->flow == LT_FLOW_BRANCH) &&
		    target < function->n_insns)
			join(f, &state, target);
		if (in->flow == LT_FLOW_JUMP || in->flow == LT_FLOW_JUMP_INDIRECT ||
		    in->flow == LT_FLOW_RETURN)
			state.is_reached = false;
	}
}

static void forget(struct lt_function *function)
{
	for (size_t i = 0; i < function->n_insns; i++) {
		function->insns[i].constant = function->insns[i].data = 0;
		function->insns[i].base = -1;
		function->insns[i].data_read = function->insns[i].data_written = false;
	}
}

int lt_arm64_values(const uint8_t *code, struct lt_function *function, const uint8_t *joins)
{
	struct following f = { .code = code, .function = function };
	size_t n_joins = 0;
	int passes = 0, err;

	if (function->n_insns > INSNS_MAX)
		return 0;
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].flow == LT_FLOW_JUMP_INDIRECT && function->insns[i].base < 0)
			return 0; /* a table of addresses may lead anywhere */
	f.at_join = calloc(function->n_insns, sizeof(*f.at_join));
	for (size_t i = 0; f.at_join && i < function->n_insns; i++)
		if (joins[i])
			f.at_join[i] = (uint32_t)++n_joins;
	f.states = calloc(n_joins + 1, sizeof(*f.states));
	err = f.at_join && f.states ? 0 : -ENOMEM;
	if (!err) {
		do
			pass(&f);
		while (f.changed && ++passes < PASSES_MAX);
		if (f.changed)
			forget(function);
	}
	free(f.at_join);
	free(f.states);
	return err;
}
