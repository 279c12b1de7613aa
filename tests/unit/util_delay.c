/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The delays that are computed from turns, against a timer that is simulated among the same turns. */
#include "agent/util/delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/hist_add.h"

#define STEP  LT_DELAY_STEP_SECONDS
#define RUNS  400000
#define CLOCK 0.001 /* of libuv, whole milliseconds */

/* Turns of random lengths with pauses between them, and a timer among them. */
struct loop {
	struct lt_hist turns;
	double now, due, last;
	size_t n;
	double delays[RUNS];
};

static uint64_t seed = 5;

/* Even between 0 and 1. */
static double random_share(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 40) / (double)(1 << 24);
}

static void timer_runs(struct loop *loop, double at)
{
	assert_true(loop->n < RUNS);
	loop->delays[loop->n++] = at - loop->last;
	loop->last = at;
	loop->due = floor(at * 1000) / 1000 + STEP;
}

/* When it runs if the loop waits from then on: epoll_wait is given whole milliseconds of libuv's clock. */
static double after_wait(const struct loop *loop, double from)
{
	return from + fmax(loop->due - floor(from * 1000) / 1000, 0);
}

static void pass(struct loop *loop, double idle, double busy)
{
	double from = loop->now, end = loop->now + idle;

	while (after_wait(loop, from) <= end) {
		from = after_wait(loop, from);
		timer_runs(loop, from);
	}
	loop->now = end + busy;
	hist_add(&loop->turns, (uint64_t)(busy * 1e9), 1);
	if (loop->due <= floor(loop->now * 1000 + 1e-6) / 1000)
		timer_runs(loop, loop->now);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void near(const char *what, double have, double truth, double relative, double absolute)
{
	if (!(fabs(have - truth) <= fmax(relative * truth, absolute)))
		fail_msg("%s: %.6f, but the timer had %.6f", what, have, truth);
}

/*
 * The mean within 7 %, for how long turns follow each other is not known; quantiles within 3 % of
 * those beside them, and a millisecond for libuv's clock.
 */
static void compare_all(struct loop *loop)
{
	double sum = 0, squares = 0, n;
	struct lt_delay delay;

	assert_true(lt_delay_of(&loop->turns, loop->now, &delay));
	n = (double)loop->n;
	for (size_t i = 0; i < loop->n; i++) {
		sum += loop->delays[i];
		squares += loop->delays[i] * loop->delays[i];
	}
	qsort(loop->delays, loop->n, sizeof(double), compare);
	near("mean", delay.mean, sum / n, 0.07, 1e-4);
	near("stddev", delay.stddev, sqrt(fmax(squares / n - sum * sum / n / n, 0)), 0.07, 3e-4);
	near("min", delay.min, loop->delays[0], 0.02, CLOCK);
	near("max", delay.max, loop->delays[loop->n - 1], 0.02, STEP / 2 + CLOCK);
	for (int i = 0; i < 3; i++) {
		double q = (double[]){ 0.5, 0.9, 0.99 }[i];
		double have = (double[]){ delay.p50, delay.p90, delay.p99 }[i];
		size_t low = (size_t)(fmax(q - 0.004, 0) * n);
		size_t high = (size_t)(fmin(q + 0.004, 1) * (n - 1));

		if (have < loop->delays[low] * 0.97 - CLOCK ||
		    have > loop->delays[high] * 1.03 + CLOCK)
			fail_msg("q %.2f: %.6f is not from %.6f to %.6f", q, have,
				 loop->delays[low], loop->delays[high]);
	}
}

static struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	assert_non_null(loop);
	loop->due = STEP;
	return loop;
}

static void test_short_turns(void **state)
{
	struct loop *loop = loop_new();

	(void)state;
	for (int i = 0; i < 400000; i++)
		pass(loop, random_share() * 0.004, random_share() * 0.003);
	compare_all(loop);
	free(loop);
}

static void test_turns_about_a_step(void **state)
{
	struct loop *loop = loop_new();

	(void)state;
	for (int i = 0; i < 100000; i++)
		pass(loop, random_share() * 0.02, random_share() * 0.04);
	compare_all(loop);
	free(loop);
}

static void test_blocks(void **state)
{
	struct loop *loop = loop_new();

	(void)state;
	for (int i = 0; i < 100000; i++)
		pass(loop, random_share() * 0.02, i % 20 ? 0.0002 : 0.05 + random_share() * 0.3);
	compare_all(loop);
	free(loop);
}

/* No wait at all, as setImmediate() makes it, with garbage collections among the turns. */
static void test_no_wait(void **state)
{
	struct loop *loop = loop_new();

	(void)state;
	for (int i = 0; i < 400000; i++) {
		double which = random_share();

		pass(loop, 0,
		     which < 0.1 ? 0.02 + random_share() * 0.03 : 0.001 + random_share() * 0.002);
	}
	compare_all(loop);
	free(loop);
}

/* The figure that everybody knows wrong: a second in ten is one run in nine hundred. */
static void test_one_block(void **state)
{
	struct loop *loop = loop_new();
	struct lt_delay delay;

	(void)state;
	for (int i = 0; i < 9000; i++)
		pass(loop, 0.0009, i == 4500 ? 1.0 : 0.0001);
	assert_true(lt_delay_of(&loop->turns, loop->now, &delay));
	assert_true(delay.p99 < 0.0102);
	assert_float_equal(delay.max, 1.005, 0.0051);
	/* One of ten arrivals waits half a second. */
	assert_float_equal(delay.lag, 0.5 / 10, 0.0005);
	compare_all(loop);
	free(loop);
}

static void test_nothing_but_blocks(void **state)
{
	struct loop *loop = loop_new();
	struct lt_delay delay;

	(void)state;
	for (int i = 0; i < 2000; i++)
		pass(loop, 0, 0.2);
	assert_true(lt_delay_of(&loop->turns, loop->now, &delay));
	/* Every run is late, the first as well: no delay of a bare step is made up. */
	assert_true(delay.min > 0.19 && delay.max < 0.2101);
	free(loop);
}

static void test_little_and_nothing(void **state)
{
	struct lt_hist none = { 0 };
	struct lt_delay delay;

	(void)state;
	assert_false(lt_delay_of(&none, 0, &delay));
	assert_false(lt_delay_of(&none, 0.009, &delay));
	assert_false(lt_delay_of(&none, NAN, &delay));
	assert_true(lt_delay_of(&none, 1, &delay));
	assert_true(delay.min == STEP && delay.max == STEP && delay.mean == STEP);
	assert_true(delay.p50 == STEP && delay.p99 == STEP);
	assert_true(delay.stddev == 0 && delay.lag == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_turns),
		cmocka_unit_test(test_turns_about_a_step),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_no_wait),
		cmocka_unit_test(test_one_block),
		cmocka_unit_test(test_nothing_but_blocks),
		cmocka_unit_test(test_little_and_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
