/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The budget of one target, over simulated time: when the tier drops, when it comes back, how often. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/model/governor.h"

#define BUDGET 0.01

/* A target whose probes would cost so much of a core at each tier, and a governor that holds it. */
struct world {
	struct lt_governor governor;
	struct lt_measuring now, wish;
	struct lt_load load;
	double at_phases, extras; /* cost ratios */
	bool predictable, early;
	enum lt_tier_reason reason;
	int changes; /* but for looks */
	double clock, paid; /* seconds; core seconds */
};

static struct world world_of(double at_phases)
{
	return (struct world){
		.governor = lt_governor_of(BUDGET),
		.now = { LT_TIER_PHASES, true },
		.wish = { LT_TIER_PHASES, true },
		.load = { .room_ratio = 1, .look_seconds = 1, .why = LT_REASON_BUSY },
		.at_phases = at_phases,
		.predictable = true,
	};
}

static bool step(struct world *world, double seconds)
{
	static const double parts[LT_TIER_MAX] = { 0, 0.5, 1, 2 };
	struct lt_load load = world->load;
	struct lt_measuring next;
	bool changed;

	load.seconds = seconds;
	load.early = world->early;
	load.extras_ratio = world->now.extras ? world->extras : 0;
	load.cost_ratio = world->at_phases * parts[world->now.tier] + load.extras_ratio;
	load.predicted_ratio =
		world->predictable ? world->at_phases * parts[world->wish.tier] : NAN;
	next = lt_governor__decide(&world->governor, world->now, world->wish, &load,
				   &world->reason);
	changed = next.tier != world->now.tier || next.extras != world->now.extras;
	world->changes += changed && world->reason != LT_REASON_SAMPLE &&
			  world->reason != LT_REASON_SAMPLE_END;
	world->now = next;
	world->clock += seconds;
	world->paid += load.cost_ratio * seconds;
	return changed;
}

/* Runs until it has come back. */
static double until_back(struct world *world, double limit)
{
	for (double t = 1; t <= limit; t++)
		if (step(world, 1) && world->reason == LT_REASON_RECOVERED)
			return t;
	return -1;
}

/* Runs until something changes; the seconds that it took, or -1 after the limit. */
static double until_change(struct world *world, double interval, double limit)
{
	for (double t = interval; t <= limit; t += interval)
		if (step(world, interval))
			return t;
	return -1;
}

static void within_the_budget_nothing_changes(void **state)
{
	struct world world = world_of(0.9 * BUDGET);

	(void)state;
	assert_true(until_change(&world, 1, 10000) < 0);
}

static void a_spinner_is_dropped_within_3_s(void **state)
{
	static const double intervals[] = { 0.1, 0.25, 0.4, 1, 1.4, 2.5 };

	(void)state;
	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
		struct world world = world_of(0.6);
		double took = until_change(&world, intervals[i], 10);

		assert_true(took > 0 && took <= 3);
		assert_int_equal(world.now.tier, LT_TIER_MEMORY);
		assert_int_equal(world.reason, LT_REASON_BUDGET);
	}
}

static void a_little_over_takes_one_step(void **state)
{
	struct world world = world_of(1.5 * BUDGET);

	(void)state;
	assert_true(until_change(&world, 1, 3) > 0);
	assert_int_equal(world.now.tier, LT_TIER_WAIT);
	assert_true(world.now.extras);
}

static void one_expensive_interval_is_forgiven(void **state)
{
	struct world world = world_of(0);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		world.at_phases = i % 10 ? 0.2 * BUDGET : 3 * BUDGET;
		assert_false(step(&world, 1));
	}
}

static void what_is_too_dear_for_looks_is_left_alone(void **state)
{
	struct world world = world_of(0.6);

	(void)state;
	until_change(&world, 1, 3);
	assert_true(until_change(&world, 1, 100000) < 0);
}

/* In its last interval it ran for a tenth of the time: that is not what a look at it would cost. */
static void the_end_of_a_burst_is_no_time_for_a_look(void **state)
{
	struct world world = world_of(0.6);

	(void)state;
	world.now = (struct lt_measuring){ LT_TIER_MEMORY, false };
	for (int i = 0; i < 3; i++)
		assert_false(step(&world, 1));
	world.at_phases = 0.06;
	assert_false(step(&world, 1));
	world.at_phases = 0;
	assert_false(step(&world, 1));
}

static void looks_stay_within_the_budget_on_average(void **state)
{
	struct world world = world_of(6 * BUDGET);
	double measured = 0;

	(void)state;
	until_change(&world, 1, 3);
	assert_int_equal(world.now.tier, LT_TIER_MEMORY);
	world.paid = world.clock = 0;
	for (int i = 0; i < 1000; i++) {
		measured += world.now.tier == LT_TIER_PHASES;
		step(&world, 1);
	}
	assert_true(measured >= 98 && measured <= 101); /* 1 s in 10 */
	assert_true(world.paid / world.clock <= BUDGET);
}

static void a_look_that_is_too_dear_ends_at_once(void **state)
{
	struct world world = world_of(6 * BUDGET);

	(void)state;
	until_change(&world, 1, 3);
	until_change(&world, 1, 20);
	assert_int_equal(world.reason, LT_REASON_SAMPLE);
	world.load.look_seconds = 10;
	world.at_phases = 30 * BUDGET;
	assert_true(step(&world, 0.5));
	assert_int_equal(world.reason, LT_REASON_SAMPLE_END);
	assert_int_equal(world.now.tier, LT_TIER_MEMORY);
}

static void a_target_that_calms_down_comes_back(void **state)
{
	struct world world = world_of(0.6);

	(void)state;
	until_change(&world, 1, 3);
	for (int i = 0; i < 20; i++)
		step(&world, 1);
	world.at_phases = 0.1 * BUDGET;
	assert_true(until_change(&world, 1, 4) > 0);
	assert_int_equal(world.reason, LT_REASON_RECOVERED);
	assert_int_equal(world.now.tier, LT_TIER_PHASES);
	assert_true(until_change(&world, 1, 1000) < 0);
}

static void one_that_changes_all_the_time_changes_its_tier_less_and_less(void **state)
{
	struct world world = world_of(0);
	int first_hour;

	(void)state;
	for (int second = 0; second < 3600; second++) {
		world.at_phases = second % 24 < 12 ? 0.6 : 0.1 * BUDGET;
		step(&world, 1);
	}
	first_hour = world.changes;
	assert_in_range(first_hour, 2, 40); /* of 300 times that its load did */
	for (int second = 0; second < 3600; second++) {
		world.at_phases = second % 24 < 12 ? 0.6 : 0.1 * BUDGET;
		step(&world, 1);
	}
	assert_true(world.changes - first_hour <= 4);
}

static void around_the_budget_it_does_not_flap(void **state)
{
	struct world world = world_of(0);
	unsigned seed = 1;

	(void)state;
	for (int second = 0; second < 3600; second++) {
		seed = seed * 1103515245 + 12345;
		world.at_phases = BUDGET * (0.8 + 0.4 * (seed >> 16 & 0xff) / 255);
		step(&world, 1);
	}
	assert_true(world.changes <= 20);
}

/* In a first interval that is long nobody knows yet how often the loop turns: that it was dropped is all there is. */
static void it_does_not_come_back_before_its_counters_are_read(void **state)
{
	struct world world = world_of(0.6);

	(void)state;
	world.early = true;
	world.predictable = false;
	assert_true(until_change(&world, 1, 3) > 0);
	assert_true(until_back(&world, 1000) < 0);
	world.early = false;
	assert_true(until_back(&world, 10) > 0); /* it has none: each is a try */
}

static void without_a_prediction_each_try_is_later(void **state)
{
	struct world world = world_of(0.6);
	double before = 0;

	(void)state;
	world.predictable = false;
	for (int i = 0; i < 8; i++) {
		double away;

		assert_true(until_change(&world, 1, 3) > 0);
		assert_int_equal(world.now.tier, LT_TIER_MEMORY);
		away = until_back(&world, 4000);
		assert_true(away > before);
		before = away;
	}
	assert_true(before > 500);
}

static void a_hold_is_forgiven_after_calm_time(void **state)
{
	struct world world = world_of(0.6);
	double longest;

	(void)state;
	for (int i = 0; i < 4; i++) {
		world.at_phases = 0.6;
		until_change(&world, 1, 3);
		world.at_phases = 0.1 * BUDGET;
		assert_true(until_back(&world, 4000) > 0);
	}
	longest = world.governor.hold_seconds;
	assert_true(longest >= 80);
	for (int second = 0; second < 3 * 3600; second++)
		step(&world, 1);
	assert_true(world.governor.hold_seconds <= longest / 8);
}

static void dear_extras_go_first(void **state)
{
	struct world world = world_of(0.2 * BUDGET);

	(void)state;
	world.extras = 5 * BUDGET;
	assert_true(until_change(&world, 1, 3) > 0);
	assert_int_equal(world.now.tier, LT_TIER_PHASES);
	assert_false(world.now.extras);
}

static void extras_alone_can_be_too_dear(void **state)
{
	struct world world = world_of(0);

	(void)state;
	world.wish.tier = world.now.tier = LT_TIER_MEMORY;
	world.extras = 2 * BUDGET;
	assert_true(until_change(&world, 1, 3) > 0);
	assert_false(world.now.extras);
}

static void what_would_be_too_dear_is_not_begun(void **state)
{
	struct world world = world_of(0.6);

	(void)state;
	world.now = (struct lt_measuring){ LT_TIER_MEMORY, false };
	assert_true(until_change(&world, 1, 1000) < 0);
	assert_true(world.governor.dropped);
	world.at_phases = 0.1 * BUDGET;
	assert_true(until_change(&world, 1, 10) > 0);
	assert_int_equal(world.now.tier, LT_TIER_PHASES);
	assert_true(world.now.extras);
}

static void a_wish_that_ends_is_no_drop(void **state)
{
	struct world world = world_of(0.1 * BUDGET);

	(void)state;
	world.wish = (struct lt_measuring){ LT_TIER_MEMORY, false };
	world.load.why = LT_REASON_QUIET;
	assert_true(step(&world, 1));
	assert_int_equal(world.reason, LT_REASON_QUIET);
	assert_false(world.governor.dropped);
	assert_int_equal(world.now.tier, LT_TIER_MEMORY);
}

static void who_must_yield_does_at_once(void **state)
{
	struct world world = world_of(0.5 * BUDGET);

	(void)state;
	world.load.yield = true;
	world.load.room_ratio = 0;
	assert_true(step(&world, 1));
	assert_int_equal(world.reason, LT_REASON_TOTAL_BUDGET);
	world.load.yield = false;
	world.at_phases = 0.5 * BUDGET;
	for (int i = 0; i < 100; i++) /* no room: not back to all that is wished for */
		step(&world, 1);
	assert_int_not_equal(world.now.tier, LT_TIER_PHASES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_the_budget_nothing_changes),
		cmocka_unit_test(a_spinner_is_dropped_within_3_s),
		cmocka_unit_test(a_little_over_takes_one_step),
		cmocka_unit_test(one_expensive_interval_is_forgiven),
		cmocka_unit_test(what_is_too_dear_for_looks_is_left_alone),
		cmocka_unit_test(the_end_of_a_burst_is_no_time_for_a_look),
		cmocka_unit_test(looks_stay_within_the_budget_on_average),
		cmocka_unit_test(a_look_that_is_too_dear_ends_at_once),
		cmocka_unit_test(a_target_that_calms_down_comes_back),
		cmocka_unit_test(one_that_changes_all_the_time_changes_its_tier_less_and_less),
		cmocka_unit_test(around_the_budget_it_does_not_flap),
		cmocka_unit_test(it_does_not_come_back_before_its_counters_are_read),
		cmocka_unit_test(without_a_prediction_each_try_is_later),
		cmocka_unit_test(a_hold_is_forgiven_after_calm_time),
		cmocka_unit_test(dear_extras_go_first),
		cmocka_unit_test(extras_alone_can_be_too_dear),
		cmocka_unit_test(what_would_be_too_dear_is_not_begun),
		cmocka_unit_test(a_wish_that_ends_is_no_drop),
		cmocka_unit_test(who_must_yield_does_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
