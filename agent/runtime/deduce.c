/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/runtime/deduce.h"

#include <errno.h>
#include <string.h>

#include "agent/target/frames.h"

/* Larger ones are none that we look for. It keeps a file that was made to be slow within a second or two:
 * hundreds of functions may be decoded, and each of their calls looked up. */
#define FUNCTION_BYTES_MAX 8192

/* How far before a call its arguments are looked for. */
#define ARGUMENT_INSNS_MAX 32

int lt_deduce_decode(const struct lt_deducing *deducing, uint64_t vaddr,
		     struct lt_function *ret_function)
{
	uint64_t size = lt_frames__size(deducing->frames, vaddr);

	if (!size)
		return -ENOENT;
	if (size > FUNCTION_BYTES_MAX)
		return -E2BIG;
	return lt_function__decode(deducing->elf, vaddr, size, ret_function);
}

bool lt_deduce_calls(const struct lt_deducing *deducing, const struct lt_insn *in, const char *name,
		     uint64_t address)
{
	const char *import;

	if (in->flow != LT_FLOW_CALL && in->flow != LT_FLOW_JUMP)
		return false;
	if (address && in->target == address)
		return true;
	/* a jump inside of the function leads to no stub, but reading there costs little */
	import = lt_frames__size(deducing->frames, in->target)
			 ? NULL
			 : lt_elf__import(deducing->elf, in->target);
	return import && !strcmp(import, name);
}

static bool is_function(const struct lt_deducing *deducing, uint64_t address)
{
	return address && lt_frames__size(deducing->frames, address);
}

static bool lands_at(const struct lt_function *function, uint64_t vaddr)
{
	return lt_function__joins(function, vaddr - 1, vaddr);
}

uint64_t lt_deduce_number(const struct lt_function *function, size_t at, unsigned argument)
{
	unsigned reg = function->machine->argument[argument];

	for (size_t i = at, n = 0; i-- > 0 && n < ARGUMENT_INSNS_MAX; n++) {
		const struct lt_insn *in = &function->insns[i];

		/* Another way leads to behind it, with who knows what in the register. */
		if (lands_at(function, function->insns[i + 1].vaddr))
			return 0;
		if (in->writes >> reg & 1)
			return in->constant;
		if (in->flow != LT_FLOW_NEXT && in->flow != LT_FLOW_BRANCH)
			return 0;
	}
	return 0;
}

uint64_t lt_deduce_argument(const struct lt_deducing *deducing, const struct lt_function *function,
			    size_t at, unsigned argument)
{
	uint64_t number = lt_deduce_number(function, at, argument);

	return is_function(deducing, number) ? number : 0;
}

static size_t add_pointer(uint64_t pointers[LT_POINTERS_MAX], size_t n, uint64_t address)
{
	for (size_t i = 0; i < n; i++)
		if (pointers[i] == address)
			return n;
	if (n < LT_POINTERS_MAX)
		pointers[n++] = address;
	return n;
}

size_t lt_deduce_pointers(const struct lt_deducing *deducing, const struct lt_function *function,
			  uint64_t pointers[LT_POINTERS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];
		uint64_t word;

		if (in->flow != LT_FLOW_NEXT)
			continue;
		if (is_function(deducing, in->constant))
			n = add_pointer(pointers, n, in->constant);
		/* gcc loads a pair of pointers into a vector register from constants */
		if (in->data && !lt_elf__is_variable(deducing->elf, in->data, sizeof(word)) &&
		    !lt_elf__read(deducing->elf, in->data, &word, sizeof(word)) &&
		    is_function(deducing, word))
			n = add_pointer(pointers, n, word);
	}
	return n;
}

bool lt_deduce_touches(const struct lt_function *function, int32_t disp)
{
	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];

		if (in->base >= 0 && in->base != function->machine->stack &&
		    in->base != function->machine->frame && in->disp == disp)
			return true;
	}
	return false;
}

/* Is one of the data that it reads or writes a variable of that size there? */
static bool is_about(const struct lt_insn *in, uint64_t variable, uint8_t size)
{
	for (uint8_t i = 0; i < in->data_count; i++)
		if (in->data_size == size && in->data + (uint64_t)i * size == variable)
			return true;
	return false;
}

bool lt_deduce_reads(const struct lt_function *function, uint64_t variable, uint8_t size)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].data_read && is_about(&function->insns[i], variable, size))
			return true;
	return false;
}

bool lt_deduce_writes(const struct lt_function *function, uint64_t variable, uint8_t size)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].data_written &&
		    is_about(&function->insns[i], variable, size))
			return true;
	return false;
}

bool lt_deduce_takes(const struct lt_function *function, uint64_t address)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].constant == address)
			return true;
	return false;
}

void lt_deduce_tell(const struct lt_deducing *deducing, const char *name, uint64_t vaddr,
		    uint64_t size)
{
	struct lt_elf_symbol symbol = { .name = name, .vaddr = vaddr, .size = size };

	if (!size) {
		symbol.size = lt_frames__size(deducing->frames, vaddr);
		symbol.is_function = true;
	}
	deducing->tell(deducing->ctx, &symbol);
}
