/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: machine code, taken apart. The input: the machine and where the code is (1 byte), then the code.
 */
#include "agent/target/decode.h"
#include "agent/target/machine.h"
#include "tests/fuzz/fuzz.h"

static const uint64_t places[] = { 0, 0x1000, 0x7ffffff0, 1ull << 47, 1ull << 63, -64ull };

/* Each instruction begins where the one before ends, and none leaves the function: that is what probes hang on. */
static void check(const struct lt_function *function)
{
	uint64_t at = 0;

	for (size_t i = 0; i < function->n_insns; i++) {
		const struct lt_insn *in = &function->insns[i];

		CHECK(in->vaddr - function->vaddr == at);
		CHECK(in->length > 0 && in->length <= 15 && in->length <= function->size - at);
		CHECK(in->flow <= LT_FLOW_RETURN && in->base >= -1 && in->base < 32);
		at += in->length;
		lt_function__joins(function, function->vaddr, in->vaddr);
	}
	CHECK(at <= function->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t how = input_byte(&input);
	size_t n = 4096;
	uint8_t *code = input_copy(&input, &n);
	struct lt_function function;

	if (!lt_function__decode_code(how & 1 ? &lt_machine_arm64 : &lt_machine_x86, code,
				      places[how / 2 % (sizeof(places) / sizeof(places[0]))], n,
				      &function)) {
		check(&function);
		lt_function__free(&function);
	}
	free(code);
	return 0;
}
