/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Many stacks, one answer. */
#include "agent/v8/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lt_stack_frame js(const char *function, const char *file, int line)
{
	return (struct lt_stack_frame){ .type = LT_FRAME_JS,
					.function = function,
					.file = file,
					.line = line,
					.user = strncmp(file, "node:", 5) != 0 };
}

static struct lt_stack_frame builtin(const char *function)
{
	return (struct lt_stack_frame){ .type = LT_FRAME_BUILTIN, .function = function };
}

static void add(struct lt_fold *fold, int times, const struct lt_stack_frame *frames, size_t n)
{
	struct lt_v8_stack *stack = calloc(1, sizeof(*stack));

	stack->n_frames = n;
	memcpy(stack->frames, frames, n * sizeof(frames[0]));
	for (int i = 0; i < times; i++)
		lt_fold__add(fold, stack, 1.0);
	free(stack);
}

#define ADD(fold, times, ...)                                      \
	add(fold, times, (struct lt_stack_frame[]){ __VA_ARGS__ }, \
	    sizeof((struct lt_stack_frame[]){ __VA_ARGS__ }) / sizeof(struct lt_stack_frame))

/* One function at several lines, with and without something below it, is one function. */
static void test_most_frequent_function(void **state)
{
	struct lt_fold *fold = lt_fold__new();
	struct lt_stall stall = { 0 };

	(void)state;
	ADD(fold, 3, builtin("JSON.parse"), js("parse", "/app/a.js", 10),
	    js("main", "/app/a.js", 1));
	ADD(fold, 2, js("parse", "/app/a.js", 12), js("main", "/app/a.js", 1));
	ADD(fold, 4, js("other", "/app/b.js", 5), js("main", "/app/a.js", 2));
	ADD(fold, 1, js("emit", "node:events", 500));
	lt_fold__answer(fold, &stall);
	assert_true(stall.samples == 10);
	assert_string_equal(stall.where->function, "parse");
	assert_int_equal(stall.where->line, 10);
	assert_true(stall.where->share == 0.5);
	assert_string_equal(stall.below->function, "JSON.parse");
	assert_true(stall.below->share == 0.3);
	assert_int_equal(stall.n_stack, 3);
	assert_true(stall.stack[2].share == 0.9);
	lt_fold__free(fold);
}

static void test_functions_without_a_name(void **state)
{
	struct lt_fold *fold = lt_fold__new();
	struct lt_stall stall = { 0 };

	(void)state;
	ADD(fold, 2, js("(anonymous)", "/app/a.js", 10));
	ADD(fold, 2, js("(anonymous)", "/app/a.js", 90));
	ADD(fold, 3, js("named", "/app/a.js", 50));
	lt_fold__answer(fold, &stall);
	assert_string_equal(stall.where->function, "named");
	lt_fold__free(fold);
}

static void test_nothing_of_the_application(void **state)
{
	struct lt_fold *fold = lt_fold__new();
	struct lt_stall stall = { 0 };

	(void)state;
	lt_fold__answer(fold, &stall);
	assert_null(stall.where);
	assert_null(stall.stack);
	assert_true(stall.samples == 0);
	ADD(fold, 3, js("processTimers", "node:internal/timers", 5));
	lt_fold__answer(fold, &stall);
	assert_null(stall.where);
	assert_null(stall.below);
	assert_int_equal(stall.n_stack, 1);
	lt_fold__free(fold);
}

/* Samples below the queue of nextTick: each in a callback of its own, or all in one that goes on. */
static void add_ticks(struct lt_fold *fold, int n, bool one_call)
{
	const struct lt_stack_frame frames[] = { js("burn", "/app/a.js", 3),
						 js("drain", "/app/q.js", 9),
						 js("(anonymous)", "/app/q.js", 20),
						 js("processTicks", "node:internal/x", 1) };
	struct lt_v8_stack *stack = calloc(1, sizeof(*stack));

	stack->starvation = LT_STARVED_BY_NEXT_TICK;
	stack->n_frames = sizeof(frames) / sizeof(frames[0]);
	memcpy(stack->frames, frames, sizeof(frames));
	for (int i = 0; i < n; i++) {
		stack->activation = one_call ? 0x77 + (uint64_t)(i > 2) + (uint64_t)(i > 5)
					     : 0x100 + (uint64_t)i;
		lt_fold__add(fold, stack, 1.0);
	}
	free(stack);
}

static void test_starvation_by_majority(void **state)
{
	struct lt_fold *fold = lt_fold__new();
	struct lt_stall stall = { 0 };

	(void)state;
	ADD(fold, 10, js("elsewhere", "/app/a.js", 5));
	add_ticks(fold, 10, false);
	lt_fold__answer(fold, &stall);
	assert_int_equal(stall.starvation, LT_STARVED_NOT);
	add_ticks(fold, 1, false);
	lt_fold__answer(fold, &stall);
	assert_int_equal(stall.starvation, LT_STARVED_BY_NEXT_TICK);
	/* who goes on and on is the callback, or what it calls if it has no name */
	assert_string_equal(stall.where->function, "drain");
	assert_string_equal(stall.below->function, "burn");
	lt_fold__free(fold);
}

/* A callback of nextTick that is long is a long function; its objects may have been moved twice. */
static void test_one_long_callback(void **state)
{
	struct lt_fold *fold = lt_fold__new();
	struct lt_stall stall = { 0 };

	(void)state;
	add_ticks(fold, 20, true);
	lt_fold__answer(fold, &stall);
	assert_int_equal(stall.starvation, LT_STARVED_NOT);
	assert_string_equal(stall.where->function, "burn");
	lt_fold__free(fold);
}

/* More different stacks than are kept: all are counted, and none breaks anything. */
static void test_many_stacks(void **state)
{
	struct lt_fold *fold = lt_fold__new();
	struct lt_stall stall = { 0 };

	(void)state;
	for (int i = 0; i < 3 * LT_FOLD_STACKS_MAX; i++)
		ADD(fold, 1, js("f", "/app/a.js", i + 1), js("g", "/app/a.js", 7));
	lt_fold__answer(fold, &stall);
	assert_true(stall.samples == 3 * LT_FOLD_STACKS_MAX);
	assert_string_equal(stall.where->function, "f");
	assert_true(stall.where->share <= 1);
	lt_fold__free(fold);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_frequent_function),
		cmocka_unit_test(test_functions_without_a_name),
		cmocka_unit_test(test_nothing_of_the_application),
		cmocka_unit_test(test_starvation_by_majority),
		cmocka_unit_test(test_one_long_callback),
		cmocka_unit_test(test_many_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
