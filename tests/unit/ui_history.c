/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The rings of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "ui/history.h"
#include "fixture_snapshot.h"

struct scene {
	struct lt_history *history;
	struct lt_process process;
	struct lt_loop loop;
	struct lt_hist hist;
	struct lt_snapshot snapshot;
	struct lt_loop_id id;
};

static struct scene *scene_new(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->history = lt_history__new();
	s->loop = fixture_unknown_loop(7, "main");
	s->loop.stalled_seconds = 0;
	s->process = (struct lt_process){ .pid = 7, .start_time = 1, .loops = &s->loop,
					  .n_loops = 1 };
	s->snapshot = (struct lt_snapshot){ .time = 1000, .interval_seconds = 1,
					    .processes = &s->process, .n_processes = 1 };
	s->id = (struct lt_loop_id){ 7, 1, 7 };
	return s;
}

static void scene_free(struct scene *s)
{
	lt_history__free(s->history);
	free(s);
}

static void step(struct scene *s, double lag_p99)
{
	s->snapshot.time += s->snapshot.interval_seconds;
	s->snapshot.sequence++;
	s->loop.lag.p99 = lag_p99;
	s->loop.utilization = lag_p99;
	assert_int_equal(lt_history__update(s->history, &s->snapshot, NULL), 0);
}

static void test_samples(void **state)
{
	struct scene *s = scene_new();
	struct lt_loop_id other = { 7, 2, 7 };

	(void)state;
	for (int i = 0; i < 5; i++)
		step(s, i);
	assert_float_equal(lt_history__sample(s->history, s->id, INFINITY, 0)->lag_p99, 4, 0);
	assert_float_equal(lt_history__sample(s->history, s->id, INFINITY, 4)->lag_p99, 0, 0);
	assert_null(lt_history__sample(s->history, s->id, INFINITY, 5));
	/* As it was two snapshots ago. */
	assert_float_equal(lt_history__sample(s->history, s->id, 1003, 0)->lag_p99, 2, 0);
	assert_null(lt_history__sample(s->history, s->id, 1003, 3));
	assert_null(lt_history__sample(s->history, s->id, 900, 0));
	/* The same pid, started at another time, is another process. */
	assert_null(lt_history__sample(s->history, other, INFINITY, 0));
	scene_free(s);
}

static void test_ring_wraps(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	for (int i = 0; i < LT_HISTORY_SAMPLES + 25; i++)
		step(s, i);
	assert_float_equal(lt_history__sample(s->history, s->id, INFINITY, 0)->lag_p99,
			   LT_HISTORY_SAMPLES + 24, 0);
	assert_float_equal(lt_history__sample(s->history, s->id, INFINITY,
					      LT_HISTORY_SAMPLES - 1)->lag_p99, 25, 0);
	assert_null(lt_history__sample(s->history, s->id, INFINITY, LT_HISTORY_SAMPLES));
	scene_free(s);
}

static void test_columns(void **state)
{
	struct scene *s = scene_new();
	struct lt_history_column columns[4];

	(void)state;
	step(s, 1);
	step(s, 5);
	step(s, NAN);
	step(s, 3);
	step(s, NAN);
	lt_history__columns(s->history, s->id, INFINITY, 2, columns, 4);
	assert_false(columns[0].any);
	assert_float_equal(columns[1].lag_p99, 5, 0); /* samples 0, 1 */
	assert_float_equal(columns[2].lag_p99, 3, 0); /* 2, 3: the known one */
	assert_true(columns[3].any);
	assert_true(isnan(columns[3].lag_p99)); /* 4: unknown is not 0 */
	assert_float_equal(columns[1].begin_time, 1000, 1e-9);
	/* More samples than columns: the newest stay, and full columns do not change. */
	for (int i = 0; i < 20; i++)
		step(s, i);
	lt_history__columns(s->history, s->id, INFINITY, 2, columns, 4);
	assert_true(columns[0].any);
	assert_float_equal(columns[3].lag_p99, 19, 0);
	assert_float_equal(columns[2].lag_p99, 18, 0);
	scene_free(s);
}

static void test_columns_do_not_change(void **state)
{
	struct scene *s = scene_new();
	struct lt_history_column before[8], after[8];

	(void)state;
	for (int i = 0; i < 30; i++)
		step(s, i * 7 % 11);
	lt_history__columns(s->history, s->id, INFINITY, 5, before, 8);
	step(s, 100);
	lt_history__columns(s->history, s->id, INFINITY, 5, after, 8);
	/* 30 samples are 6 full columns: with the next one they move by one place. */
	for (int i = 2; i < 8; i++)
		assert_float_equal(after[i - 1].lag_p99, before[i].lag_p99, 0);
	assert_float_equal(after[7].lag_p99, 100, 0);
	scene_free(s);
}

static void test_shares(void **state)
{
	struct scene *s = scene_new();
	struct lt_history_column column;
	double half = 0.4;

	(void)state;
	hist_add(&s->hist, (uint64_t)(half * 1e9), 1);
	s->loop.turn_hist = &s->hist;
	s->loop.lag_base_seconds = 1;
	step(s, 1);
	memset(&s->hist, 0, sizeof(s->hist));
	step(s, 1);
	lt_history__columns(s->history, s->id, INFINITY, 2, &column, 1);
	/* Work that comes at a random moment of these 2 s waits more than 0.1 s for 0.3 s of them. */
	assert_float_equal(column.over[6], (half - 0.1) / 2, 0.01);
	assert_float_equal(column.over[8], 0, 1e-6);
	/* A sample of which nothing is known does not count as one with no lag. */
	s->loop.turn_hist = NULL;
	step(s, 1);
	step(s, 1);
	lt_history__columns(s->history, s->id, INFINITY, 2, &column, 1);
	assert_true(isnan(column.over[0]));
	scene_free(s);
}

/* It is looked at more closely for a while: what was unknown before and after stays so, also when the ring is full. */
static void test_heat_for_a_while(void **state)
{
	struct scene *s = scene_new();
	struct lt_history_column columns[3];

	(void)state;
	hist_add(&s->hist, 400000000, 1);
	s->loop.lag_base_seconds = 1;
	for (int i = 0; i < 30; i++) {
		s->loop.turn_hist = i / 10 == 1 ? &s->hist : NULL;
		step(s, 1);
	}
	lt_history__columns(s->history, s->id, INFINITY, 10, columns, 3);
	assert_true(columns[0].any && isnan(columns[0].over[0]) && isnan(columns[0].over[9]));
	assert_float_equal(columns[1].over[6], 0.3, 0.01);
	assert_true(columns[2].any && isnan(columns[2].over[0]));
	for (int i = 0; i < LT_HISTORY_SAMPLES - 15; i++)
		step(s, 1);
	lt_history__columns(s->history, s->id, INFINITY, LT_HISTORY_SAMPLES / 2, columns, 3);
	assert_float_equal(columns[0].over[6], 0.3, 0.01); /* five of the ten are left */
	assert_true(isnan(columns[1].over[6]) && isnan(columns[2].over[6]));
	for (int i = 0; i < 5; i++)
		step(s, 1);
	lt_history__columns(s->history, s->id, INFINITY, LT_HISTORY_SAMPLES / 2, columns, 3);
	assert_true(isnan(columns[0].over[6]) && isnan(columns[1].over[6]));
	scene_free(s);
}

/* The latest snapshot comes again between two intervals: its stalls count, its sample is there. */
static void test_same_snapshot_again(void **state)
{
	struct scene *s = scene_new();
	struct lt_stall stall = { .start_time = 1001.5, .seconds = 0.2, .ongoing = true };
	struct lt_past_stall const *past[2];

	(void)state;
	step(s, 1);
	step(s, 2);
	s->loop.stalls = &stall;
	s->loop.n_stalls = 1;
	s->loop.lag.p99 = 50;
	for (int i = 0; i < 30; i++) {
		stall.seconds += 0.01;
		assert_int_equal(lt_history__update(s->history, &s->snapshot, NULL), 0);
	}
	assert_float_equal(lt_history__sample(s->history, s->id, INFINITY, 0)->lag_p99, 2, 0);
	assert_float_equal(lt_history__sample(s->history, s->id, INFINITY, 1)->lag_p99, 1, 0);
	assert_null(lt_history__sample(s->history, s->id, INFINITY, 2));
	assert_int_equal(lt_stall_log__list(lt_history__stalls(s->history), 7, 1, INFINITY, past, 2),
			 1);
	assert_float_equal(past[0]->stall.seconds, 0.5, 1e-9);
	scene_free(s);
}

static void test_forgets(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	step(s, 1);
	s->snapshot.n_processes = 0;
	for (int i = 0; i < 119; i++)
		step(s, 1);
	assert_non_null(lt_history__sample(s->history, s->id, INFINITY, 0));
	for (int i = 0; i < 3; i++)
		step(s, 1);
	assert_null(lt_history__sample(s->history, s->id, INFINITY, 0));
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_ring_wraps),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_columns_do_not_change),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_heat_for_a_while),
		cmocka_unit_test(test_same_snapshot_again),
		cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests_name("ui_history", tests, NULL, NULL);
}
