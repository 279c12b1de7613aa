/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The grid of intervals: what is missed is skipped, and nothing drifts. */
#include "agent/util/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS	 1000000ull
#define ORIGIN	 (7777 * MS)
#define INTERVAL (400 * MS)

static uint64_t next_after(uint64_t now_ms)
{
	return (lt_grid_next(ORIGIN, INTERVAL, ORIGIN + now_ms * MS) - ORIGIN) / MS;
}

static void test_on_time(void **state)
{
	(void)state;
	assert_int_equal(next_after(0), 400);
	assert_int_equal(next_after(400), 800);
	assert_int_equal(next_after(401), 800);
	assert_int_equal(next_after(600), 800); /* half of an interval is left: it is one */
}

static void test_what_is_missed_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(next_after(601), 1200);
	assert_int_equal(next_after(800 + 1400), 2400); /* stopped for three and a half */
	assert_int_equal(next_after(800 + 1500), 2800);
	assert_int_equal(next_after(3600000), 3600400);
}

static void test_before_the_origin(void **state)
{
	(void)state;
	/* The ground that the first interval stands on was laid before its grid begins. */
	assert_int_equal(lt_grid_next(ORIGIN, INTERVAL, ORIGIN - 100 * MS), ORIGIN + INTERVAL);
	assert_int_equal(lt_grid_next(ORIGIN, INTERVAL, ORIGIN - 200 * MS), ORIGIN);
	assert_int_equal(lt_grid_next(ORIGIN, INTERVAL, 0), ORIGIN);
}

static void test_never_short_and_never_off(void **state)
{
	uint64_t now = 0;

	(void)state;
	for (uint64_t late = 0; late < 4000; late += 37) {
		uint64_t next = next_after(now);

		assert_int_equal(next % 400, 0);
		assert_true(next - now >= 200 && next - now < 600);
		now = next + late;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_time),
		cmocka_unit_test(test_what_is_missed_is_skipped),
		cmocka_unit_test(test_before_the_origin),
		cmocka_unit_test(test_never_short_and_never_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
