/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * arm64 instructions one by one (words by the GNU assembler): flow, targets, registers that are changed, and
 * what the kernel does with a probe there; what several of them mean together; and words that mean nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/target/machine.h"
#include "tests/unit/random.h"

#define BASE	     0x400000ull
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct lt_function decode(const uint32_t *words, size_t n)
{
	struct lt_function function = { .machine = &lt_machine_arm64,
					.vaddr = BASE,
					.size = 4 * n };

	assert_int_equal(lt_machine_arm64.decode((const uint8_t *)words, &function), 0);
	assert_int_equal(function.n_insns, n);
	return function;
}

enum price {
	REFUSED,
	STEPPED,
	SIMULATED
};

struct word {
	uint32_t word; /* at BASE */
	enum lt_flow flow;
	enum price price;
	uint32_t writes;
	int64_t target; /* from BASE; 1: it has none */
	const char *text;
};

#define X(n)  (1u << (n))
#define LINK  X(30)
#define STACK X(31)

static const struct word words[] = {
	{ 0x94000000, LT_FLOW_CALL, SIMULATED, LINK, 0, "bl" },
	{ 0x97ffffff, LT_FLOW_CALL, SIMULATED, LINK, -4, "bl backwards" },
	{ 0x17ffffff, LT_FLOW_JUMP, SIMULATED, 0, -4, "b" },
	{ 0x54ffffc0, LT_FLOW_BRANCH, SIMULATED, 0, -8, "b.eq" },
	{ 0xb4ffffa3, LT_FLOW_BRANCH, SIMULATED, 0, -12, "cbz x3" },
	{ 0x372fff84, LT_FLOW_BRANCH, SIMULATED, 0, -16, "tbnz w4, #5" },
	{ 0xd63f0100, LT_FLOW_CALL_INDIRECT, SIMULATED, LINK, 1, "blr x8" },
	{ 0xd61f0200, LT_FLOW_JUMP_INDIRECT, SIMULATED, 0, 1, "br x16" },
	{ 0xd65f03c0, LT_FLOW_RETURN, SIMULATED, 0, 1, "ret" },
	{ 0x90000014, LT_FLOW_NEXT, SIMULATED, X(20), 1, "adrp x20" },
	{ 0x10fffee1, LT_FLOW_NEXT, SIMULATED, X(1), 1, "adr x1" },
	{ 0x58000300, LT_FLOW_NEXT, REFUSED, X(0), 1, "ldr x0, literal" },
	{ 0xc85f7c20, LT_FLOW_NEXT, REFUSED, X(0), 1, "ldxr x0" },
	{ 0xc8027c20, LT_FLOW_NEXT, REFUSED, X(2), 1, "stxr w2, x0" },
	{ 0xa9ba7bfd, LT_FLOW_NEXT, STEPPED, STACK, 1, "stp x29, x30, [sp, #-96]!" },
	{ 0xa94153f3, LT_FLOW_NEXT, STEPPED, X(19) | X(20), 1, "ldp x19, x20, [sp, #16]" },
	{ 0xf85e8ea8, LT_FLOW_NEXT, STEPPED, X(8) | X(21), 1, "ldr x8, [x21, #-24]!" },
	{ 0xf84106a8, LT_FLOW_NEXT, STEPPED, X(8) | X(21), 1, "ldr x8, [x21], #16" },
	{ 0xf85e8261, LT_FLOW_NEXT, STEPPED, X(1), 1, "ldur x1, [x19, #-24]" },
	{ 0xd503201f, LT_FLOW_NEXT, STEPPED, 0, 1, "nop" },
	{ 0xd503233f, LT_FLOW_NEXT, STEPPED, LINK, 1, "paciasp" },
	{ 0xd503245f, LT_FLOW_NEXT, STEPPED, 0, 1, "bti c" },
	{ 0xd503207f, LT_FLOW_NEXT, REFUSED, 0, 1, "wfi" },
	{ 0xd53bd040, LT_FLOW_NEXT, REFUSED, X(0), 1, "mrs x0, tpidr_el0" },
	{ 0xd4000001, LT_FLOW_NEXT, REFUSED, 0, 1, "svc" },
	{ 0xd4200020, LT_FLOW_RETURN, REFUSED, 0, 1, "brk" },
	{ 0x2a0003f8, LT_FLOW_NEXT, STEPPED, X(24), 1, "mov w24, w0" },
	{ 0xeb090107, LT_FLOW_NEXT, STEPPED, X(7), 1, "subs x7, x8, x9" },
	{ 0xb9000261, LT_FLOW_NEXT, STEPPED, 0, 1, "str w1, [x19]" },
	{ 0x4e080e60, LT_FLOW_NEXT, STEPPED, 0, 1, "dup v0.2d, x19" },
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		const struct word *want = &words[i];
		struct lt_function function = decode(&want->word, 1);
		const struct lt_insn *in = &function.insns[0];

		print_message("%s\n", want->text);
		assert_int_equal(in->vaddr, BASE);
		assert_int_equal(in->length, 4);
		assert_int_equal(in->flow, want->flow);
		assert_int_equal(in->target, want->target == 1 ? 0 : BASE + (uint64_t)want->target);
		assert_int_equal(in->emulated, want->price == SIMULATED);
		assert_int_equal(in->probeable, want->price != REFUSED);
		/* that the link register may be named or not where it is only signed makes no difference */
		assert_int_equal(in->writes & ~LINK, want->writes & ~LINK);
		if (in->flow != LT_FLOW_NEXT)
			assert_int_equal(in->writes & LINK, want->writes & LINK);
		assert_int_equal(in->is_endbr, !strncmp(want->text, "bti", 3));
		lt_function__free(&function);
	}
}

/* What libuv's worker() does, as gcc and as clang put it, and forms of it that are not certain. */
static void test_call_operand(void **state)
{
	static const struct {
		uint32_t words[5];
		int base, disp;
	} cases[] = {
		/* ldur x1, [x19, #-24]; sub x0, x19, #24; nop; nop; blr x1 */
		{ { 0xf85e8261, 0xd1006260, 0xd503201f, 0xd503201f, 0xd63f0020 }, 19, -24 },
		/* mov x21, x19; ldr x8, [x21, #-24]!; mov x0, x21; nop; blr x8 */
		{ { 0xaa1303f5, 0xf85e8ea8, 0xaa1503e0, 0xd503201f, 0xd63f0100 }, 19, -24 },
		/* the same without the copy: x21 is not what it was */
		{ { 0xd503201f, 0xf85e8ea8, 0xaa1503e0, 0xd503201f, 0xd63f0100 }, -1, 0 },
		/* ldur x1, [x19, #-24]; mov x19, x21; …: the base is another */
		{ { 0xf85e8261, 0xaa1503f3, 0xd503201f, 0xd503201f, 0xd63f0020 }, -1, 0 },
		/* …; bl: x1 is not certain behind a call */
		{ { 0xf85e8261, 0x94000000, 0xd503201f, 0xd503201f, 0xd63f0020 }, -1, 0 },
		/* cbz x3 to the blr: another way leads there */
		{ { 0xb4000083, 0xf85e8261, 0xd503201f, 0xd503201f, 0xd63f0020 }, -1, 0 },
		/* ldr w1, [x19, #8]: half a word is no address */
		{ { 0xb9400a61, 0xd503201f, 0xd503201f, 0xd503201f, 0xd63f0020 }, -1, 0 },
		/* ldr x1, [x1, #8]: the base is overwritten */
		{ { 0xf9400421, 0xd503201f, 0xd503201f, 0xd503201f, 0xd63f0020 }, -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct lt_function function = decode(cases[i].words, 5);

		print_message("case %zu\n", i);
		assert_int_equal(function.insns[4].flow, LT_FLOW_CALL_INDIRECT);
		assert_int_equal(function.insns[4].base, cases[i].base);
		assert_int_equal(function.insns[4].disp, cases[i].disp);
		lt_function__free(&function);
	}
}

static void test_values(void **state)
{
	static const uint32_t code[] = {
		0x90000014, /* adrp x20, . */
		0x91048294, /* add x20, x20, #0x120 */
		0x91004281, /* add x1, x20, #16 */
		0x94000010, /* bl */
		0x91004022, /* add x2, x1, #16: x1 may be another after the call */
		0x91004283, /* add x3, x20, #16: x20 is kept */
		0x52860000, /* mov w0, #0x3000 */
		0x72a00020, /* movk w0, #1, lsl #16 */
		0xb4ffff80, /* cbz x0, to insn 4 */
		0x91004284, /* add x4, x20, #16 */
	};
	struct lt_function function = decode(code, COUNT(code));

	(void)state;
	assert_int_equal(function.insns[0].constant, 0); /* a page alone says nothing */
	assert_int_equal(function.insns[1].constant, BASE + 0x120);
	assert_int_equal(function.insns[2].constant, BASE + 0x130);
	assert_int_equal(function.insns[4].constant, 0);
	assert_int_equal(function.insns[7].constant, 0x13000);
	lt_function__free(&function);
}

/* What is read and written of a variable of the file's own, in words of eight bytes. */
static void test_data(void **state)
{
	static const struct {
		uint32_t word;
		uint8_t count;
		bool read;
		const char *text;
	} cases[] = {
		{ 0xf9000280, 1, false, "str x0, [x20]" },
		{ 0xa9400680, 2, true, "ldp x0, x1, [x20]" },
		{ 0x3d800280, 2, false, "str q0, [x20]" },
		{ 0xad000680, 4, false, "stp q0, q1, [x20]" },
		{ 0xad400680, 4, true, "ldp q0, q1, [x20]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* adrp x20, .; add x20, x20, #0x120 */
		uint32_t code[] = { 0x90000014, 0x91048294, cases[i].word };
		struct lt_function function = decode(code, COUNT(code));
		const struct lt_insn *in = &function.insns[2];

		print_message("%s\n", cases[i].text);
		assert_int_equal(in->data, BASE + 0x120);
		assert_int_equal(in->data_size, 8);
		assert_int_equal(in->data_count, cases[i].count);
		assert_int_equal(in->data_read, cases[i].read);
		assert_int_equal(in->data_written, !cases[i].read);
		lt_function__free(&function);
	}
}

/* No words make it do anything but decode them, and none is a target outside of what can be an address. */
static void test_random(void **state)
{
	static uint32_t code[4096];
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct lt_function function;

		for (size_t i = 0; i < COUNT(code); i++)
			code[i] = (uint32_t)next_random(&seed);
		function = decode(code, COUNT(code));
		for (size_t i = 0; i < function.n_insns; i++) {
			const struct lt_insn *in = &function.insns[i];

			assert_int_equal(in->vaddr, BASE + 4 * i);
			assert_in_range(in->base + 1, 0, 32);
			assert_in_range(in->copies + 1, 0, 31);
			assert_false(in->emulated && !in->probeable);
		}
		lt_function__free(&function);
	}
}

/* Code is where it can be: four bytes at a time, at multiples of four. */
static void test_bounds(void **state)
{
	static const uint8_t code[8];
	struct lt_function odd = { .machine = &lt_machine_arm64, .vaddr = BASE + 2, .size = 8 };
	struct lt_function small = { .machine = &lt_machine_arm64, .vaddr = BASE, .size = 3 };
	struct lt_function rest = { .machine = &lt_machine_arm64, .vaddr = BASE, .size = 7 };

	(void)state;
	assert_int_not_equal(lt_machine_arm64.decode(code, &odd), 0);
	assert_int_not_equal(lt_machine_arm64.decode(code, &small), 0);
	assert_int_equal(lt_machine_arm64.decode(code, &rest), 0);
	assert_int_equal(rest.n_insns, 1);
	lt_function__free(&rest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),  cmocka_unit_test(test_call_operand),
		cmocka_unit_test(test_values), cmocka_unit_test(test_data),
		cmocka_unit_test(test_random), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
