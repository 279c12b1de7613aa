/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Who of a host is worth probes, and who gives in. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/model/tiers.h"

#define N 40

static void fill(struct lt_candidate candidates[N], double utilization)
{
	for (int i = 0; i < N; i++)
		candidates[i] = (struct lt_candidate){ .utilization = utilization };
}

static int count_wanted(const struct lt_candidate candidates[N])
{
	int n = 0;

	for (int i = 0; i < N; i++)
		n += candidates[i].wanted;
	return n;
}

/* As the caller does: what is wanted is probed from then on. */
static void decide(struct lt_tiers *tiers, struct lt_candidate candidates[N], double seconds)
{
	assert_int_equal(lt_tiers__decide(tiers, candidates, N, seconds), 0);
	for (int i = 0; i < N; i++)
		candidates[i].probed = candidates[i].wanted;
}

static void nobody_is_wanted_on_an_idle_host(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };

	(void)state;
	fill(candidates, 0.001);
	decide(&tiers, candidates, 1);
	assert_int_equal(count_wanted(candidates), 0);
	fill(candidates, NAN);
	decide(&tiers, candidates, 1);
	assert_int_equal(count_wanted(candidates), 0);
}

static void each_rule_has_its_reason(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };

	(void)state;
	fill(candidates, 0.001);
	candidates[3].looked_at = true;
	candidates[4].late = true;
	candidates[5].utilization = 0.7;
	candidates[6].utilization = 0.2;
	candidates[7].named = true;
	decide(&tiers, candidates, 1);
	assert_int_equal(count_wanted(candidates), 4); /* the busiest is fifth in rank */
	assert_int_equal(candidates[3].why, LT_REASON_LOOKED_AT);
	assert_int_equal(candidates[4].why, LT_REASON_LATE);
	assert_int_equal(candidates[5].why, LT_REASON_LATE);
	assert_int_equal(candidates[7].why, LT_REASON_ASKED);
	assert_int_equal(candidates[8].why, LT_REASON_QUIET);
	candidates[7].named = candidates[3].looked_at = false;
	decide(&tiers, candidates, 1);
	assert_int_equal(candidates[6].why, LT_REASON_BUSY);
}

static void only_the_busiest_few(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };

	(void)state;
	fill(candidates, 0);
	for (int i = 0; i < N; i++)
		candidates[i].utilization = 0.1 + i * 0.001;
	decide(&tiers, candidates, 1);
	assert_int_equal(count_wanted(candidates), 4);
	assert_true(candidates[N - 1].wanted && candidates[N - 4].wanted);
}

static void those_that_are_equally_busy_do_not_take_turns(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };
	unsigned seed = 1;
	int changes = 0;

	(void)state;
	fill(candidates, 0);
	for (int second = 0; second < 1000; second++) {
		bool before[N];

		for (int i = 0; i < N; i++) {
			seed = seed * 1103515245 + 12345;
			candidates[i].utilization = 0.1 + (seed >> 16 & 0xff) / 255.0 * 0.05;
			before[i] = candidates[i].wanted;
		}
		decide(&tiers, candidates, 1);
		for (int i = 0; i < N; i++)
			changes += before[i] != candidates[i].wanted;
	}
	assert_int_equal(changes, 4);
}

static void what_was_wanted_lingers(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };
	int seconds = 0;

	(void)state;
	fill(candidates, 0);
	candidates[0].late = true;
	decide(&tiers, candidates, 1);
	candidates[0].late = false;
	while (candidates[0].wanted && seconds < 100) {
		decide(&tiers, candidates, 1);
		seconds++;
	}
	assert_in_range(seconds, 25, 35);
}

static void a_host_full_of_late_loops_has_a_limit(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };

	(void)state;
	fill(candidates, 0.9);
	decide(&tiers, candidates, 1);
	assert_int_equal(count_wanted(candidates), LT_TIERS_PROBED_MAX);
}

static void over_the_total_the_least_interesting_give_in(void **state)
{
	struct lt_candidate candidates[N];
	struct lt_tiers tiers = { .total_ratio = 0.02 };
	double left = 0;

	(void)state;
	fill(candidates, 0.2);
	for (int i = 0; i < 4; i++) {
		candidates[i].named = true;
		candidates[i].cost_ratio = 0.008;
		candidates[i].utilization = 0.2 * (i + 1);
	}
	decide(&tiers, candidates, 1);
	assert_false(candidates[0].yield); /* not for a moment */
	decide(&tiers, candidates, 1);
	for (int i = 0; i < 4; i++)
		left += candidates[i].yield ? 0 : candidates[i].cost_ratio;
	assert_true(left <= 0.02 && left > 0);
	assert_true(candidates[0].yield && !candidates[3].yield);
	assert_true(candidates[3].room_ratio <= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_wanted_on_an_idle_host),
		cmocka_unit_test(each_rule_has_its_reason),
		cmocka_unit_test(only_the_busiest_few),
		cmocka_unit_test(those_that_are_equally_busy_do_not_take_turns),
		cmocka_unit_test(what_was_wanted_lingers),
		cmocka_unit_test(a_host_full_of_late_loops_has_a_limit),
		cmocka_unit_test(over_the_total_the_least_interesting_give_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
