/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Compilations and deoptimisations: from a record's counters to an interval's, and functions by thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/model/deopts.h"
#include "agent/model/jit.h"
#include "agent/model/loop.h"
#include "looptop/metric.h"

#define ALL ((1u << LT_COMPILER_MAX) - 1)

static struct lt_loop build(struct lt_jit_state *state, const struct lt_jit_reading *reading)
{
	struct lt_loop loop = { 0 };

	lt_model_jit(state, reading, &loop);
	return loop;
}

static void assert_unknown(const struct lt_loop *loop)
{
	assert_false(lt_known(loop->jit.deopts) || lt_known(loop->total.deopts));
	for (int i = 0; i < LT_SNAP_COMPILERS; i++)
		assert_false(lt_known(loop->jit.compiles[i]) || lt_known(loop->total.compiles[i]));
	assert_int_equal(loop->jit.n_functions, 0);
}

static void test_intervals_and_totals(void **state)
{
	struct lt_jit_state jit = lt_jit_state_of_new();
	struct lt_jit_reading reading = { .compilers = ALL, .deopts = true };
	struct lt_loop loop = build(&jit, &reading);

	(void)state;
	/* No event yet: nothing was compiled, and that is known. */
	assert_true(loop.jit.deopts == 0 && loop.total.deopts == 0);
	assert_true(loop.jit.compiles[LT_COMPILER_BYTECODE] == 0);
	reading.rec = (struct lt_jit_rec){ .first_ns = 5, .compiled = { 7, 3, 2, 1 }, .deopts = 4 };
	loop = build(&jit, &reading);
	for (int i = 0; i < LT_COMPILER_MAX; i++)
		assert_true(loop.jit.compiles[i] == (double)reading.rec.compiled[i]);
	assert_true(loop.jit.deopts == 4 && loop.total.deopts == 4);
	reading.rec.compiled[LT_COMPILER_OPTIMISING] = 3;
	reading.rec.deopts = 10;
	loop = build(&jit, &reading);
	assert_true(loop.jit.deopts == 6 && loop.total.deopts == 10);
	assert_true(loop.jit.compiles[LT_COMPILER_OPTIMISING] == 2);
	assert_true(loop.total.compiles[LT_COMPILER_OPTIMISING] == 3);
	assert_true(loop.jit.compiles[LT_COMPILER_BYTECODE] == 0);
	assert_true(loop.total.compiles[LT_COMPILER_BYTECODE] == 7);
}

/* Its probes are taken out and put in again: the new record counts from 0, the totals go on. */
static void test_record_begins_anew(void **state)
{
	struct lt_jit_state jit = lt_jit_state_of_new();
	struct lt_jit_reading reading = {
		.compilers = ALL,
		.deopts = true,
		.rec = { .first_ns = 5, .compiled = { 50 }, .deopts = 40 }
	};
	struct lt_loop loop = build(&jit, &reading);

	(void)state;
	loop = build(&jit, NULL);
	assert_unknown(&loop);
	reading.rec = (struct lt_jit_rec){ .first_ns = 99, .compiled = { 51 }, .deopts = 3 };
	loop = build(&jit, &reading);
	assert_true(loop.jit.deopts == 3 && loop.total.deopts == 43);
	assert_true(loop.jit.compiles[0] == 51 && loop.total.compiles[0] == 101);
	/* And has no event at all. */
	reading.rec = (struct lt_jit_rec){ 0 };
	loop = build(&jit, &reading);
	assert_true(loop.jit.deopts == 0 && loop.total.deopts == 43);
}

static void test_what_has_no_site_is_unknown(void **state)
{
	struct lt_jit_state jit = lt_jit_state_of_new();
	static const struct lt_deopt function = { { .function = "f" }, 1 };
	struct lt_jit_reading reading = {
		.compilers = 1u << LT_COMPILER_OPTIMISING,
		.rec = { .first_ns = 5, .compiled = { 1, 2, 3, 4 }, .deopts = 4 },
		.functions = &function,
		.n_functions = 1
	};
	struct lt_loop loop = build(&jit, &reading);

	(void)state;
	assert_true(loop.jit.compiles[LT_COMPILER_OPTIMISING] == 4);
	for (int i = 0; i < LT_COMPILER_OPTIMISING; i++)
		assert_false(lt_known(loop.jit.compiles[i]) || lt_known(loop.total.compiles[i]));
	assert_false(lt_known(loop.jit.deopts) || loop.jit.n_functions);
	reading.deopts = true;
	loop = build(&jit, &reading);
	assert_ptr_equal(loop.jit.functions, &function);
	assert_int_equal(loop.jit.n_functions, 1);
}

/* By way of the loop: unknown until it is read, and without totals where there are looks only. */
static void test_in_a_loop(void **state)
{
	struct lt_jit_reading reading = { .compilers = ALL,
					  .deopts = true,
					  .rec = { .first_ns = 5, .deopts = 4 } };
	struct lt_moment moment = { .now_ns = 1000000000, .stall_ns = 100000000 };
	struct lt_loop_state *loop = lt_loop_state__new(7, "main");
	struct lt_loop out;

	(void)state;
	assert_non_null(loop);
	lt_loop_state__begin(loop);
	lt_loop_state__build(loop, &moment, &out);
	assert_unknown(&out);
	lt_loop_state__begin(loop);
	lt_loop_state__jit(loop, &reading);
	lt_loop_state__build(loop, &moment, &out);
	assert_true(out.jit.deopts == 4 && out.total.deopts == 4);
	lt_loop_state__begin(loop);
	lt_loop_state__jit(loop, &reading);
	moment.sampled = true;
	lt_loop_state__build(loop, &moment, &out);
	assert_true(out.jit.deopts == 0);
	assert_false(lt_known(out.total.deopts) || lt_known(out.total.compiles[0]));
	lt_loop_state__free(loop);
}

static void add(struct lt_deopts *deopts, int tid, const char *function, const char *file, int line,
		int times)
{
	const struct lt_stack_frame where = { .function = function, .file = file, .line = line };

	while (times-- > 0)
		lt_deopts__add(deopts, tid, &where);
}

static void test_functions_by_thread(void **state)
{
	struct lt_deopts *deopts = calloc(1, sizeof(*deopts));
	const struct lt_deopt *of;
	size_t n;

	(void)state;
	assert_non_null(deopts);
	add(deopts, 9, "rare", "/a.js", 1, 1);
	add(deopts, 4, "f", "/a.js", 2, 3);
	add(deopts, 9, "often", "/a.js", 3, 5);
	add(deopts, 4, "f", NULL, 2, 2); /* not the same: of unknown file */
	add(deopts, 9, "rare", "/a.js", 8, 2); /* nor this one */
	add(deopts, 4, "f", "/a.js", 2, 1);
	lt_deopts__sort(deopts);
	of = lt_deopts__of(deopts, 9, &n);
	assert_int_equal(n, 3);
	assert_string_equal(of[0].where.function, "often");
	assert_true(of[0].count == 5 && of[1].count == 2 && of[2].count == 1);
	assert_int_equal(of[1].where.line, 8);
	of = lt_deopts__of(deopts, 4, &n);
	assert_int_equal(n, 2);
	assert_true(of[0].count == 4 && of[1].count == 2);
	assert_null(lt_deopts__of(deopts, 5, &n));
	assert_int_equal(n, 0);
	free(deopts);
}

static void test_too_many_functions(void **state)
{
	struct lt_deopts *deopts = calloc(1, sizeof(*deopts));
	size_t n;

	(void)state;
	assert_non_null(deopts);
	for (int i = 0; i < 2 * LT_DEOPTS_MAX; i++)
		add(deopts, 1, "f", "/a.js", i, 1);
	add(deopts, 1, "f", "/a.js", 5, 10); /* what has a place still counts */
	lt_deopts__sort(deopts);
	assert_true(lt_deopts__of(deopts, 1, &n)->count == 11);
	assert_int_equal(n, LT_DEOPTS_MAX);
	free(deopts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals_and_totals),
		cmocka_unit_test(test_record_begins_anew),
		cmocka_unit_test(test_what_has_no_site_is_unknown),
		cmocka_unit_test(test_in_a_loop),
		cmocka_unit_test(test_functions_by_thread),
		cmocka_unit_test(test_too_many_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
