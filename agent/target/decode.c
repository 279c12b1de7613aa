/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/elf.h"
#include "agent/target/machine.h"
#include "agent/util/array.h"

#define FUNCTION_BYTES_MAX (256 * 1024)

struct lt_insn *lt_function__add(struct lt_function *function, size_t *capacity)
{
	struct lt_insn *insns =
		lt_array_room(function->insns, function->n_insns, capacity, 256, sizeof(*insns));

	if (!insns)
		return NULL;
	function->insns = insns;
	return &insns[function->n_insns++];
}

const struct lt_machine *lt_machine_of(const struct lt_elf *elf)
{
	return lt_elf__is_arm64(elf) ? &lt_machine_arm64 : &lt_machine_x86;
}

int lt_function__decode_code(const struct lt_machine *machine, const void *code, uint64_t vaddr,
			     uint64_t size, struct lt_function *ret_function)
{
	struct lt_function function = { .machine = machine, .vaddr = vaddr, .size = size };
	int err = machine->decode(code, &function);

	if (err)
		lt_function__free(&function);
	else
		*ret_function = function;
	return err;
}

int lt_function__decode(const struct lt_elf *elf, uint64_t vaddr, uint64_t size,
			struct lt_function *ret_function)
{
	uint8_t *code;
	int err;

	if (!size || lt_elf__offset(elf, vaddr, size, true) < 0)
		return -EFAULT;
	if (size > FUNCTION_BYTES_MAX)
		return -E2BIG;
	code = malloc(size);
	err = code ? lt_elf__read(elf, vaddr, code, size) : -ENOMEM;
	if (!err)
		err = lt_function__decode_code(lt_machine_of(elf), code, vaddr, size, ret_function);
	free(code);
	return err;
}

void lt_function__free(struct lt_function *function)
{
	free(function->insns);
	function->insns = NULL;
	function->n_insns = 0;
}

bool lt_function__joins(const struct lt_function *function, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];

		if ((in->flow == LT_FLOW_JUMP || in->flow == LT_FLOW_BRANCH) && in->target > from &&
		    in->target <= to)
			return true;
	}
	return false;
}
