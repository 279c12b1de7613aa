/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Intervals of cumulative histograms: nothing lost, nothing twice, wraps, maxima by epoch. */
#include "agent/model/series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"

struct fixture {
	struct lt_hist_rec rec;
	struct lt_series series;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void assert_close(double got, double want, double absolute)
{
	if (!(fabs(got - want) <= absolute))
		fail_msg("got %.12g, want %.12g", got, want);
}

/* As the BPF program notes a maximum. */
static void note(struct lt_hist_rec *rec, uint32_t epoch, uint64_t ns)
{
	uint32_t half = epoch & 1;

	if (rec->max_epoch[half] != epoch || rec->max_ns[half] < ns)
		rec->max_ns[half] = ns;
	rec->max_epoch[half] = epoch;
}

static void count(struct lt_hist_rec *rec, uint64_t ns)
{
	uint32_t i = lt_hist_index(ns);

	rec->count[i]++;
	rec->sum_ns[i] += ns;
}

static void add(struct lt_hist_rec *rec, uint32_t epoch, uint64_t ns)
{
	count(rec, ns);
	note(rec, epoch, ns);
}

static void test_random_intervals(void **state)
{
	struct fixture *fx = *state;
	uint64_t seed = 3, total_ns = 0, total_max = 0, total_count = 0;

	for (uint32_t epoch = 1; epoch < 300; epoch++) {
		uint64_t sum = 0, max = 0, n = next_random(&seed) % 20;

		for (uint64_t i = 0; i < n; i++) {
			uint64_t ns = next_random(&seed) >> (28 + next_random(&seed) % 30);

			add(&fx->rec, epoch, ns);
			sum += ns;
			max = ns > max ? ns : max;
		}
		lt_series__advance(&fx->series, &fx->rec, epoch);
		total_ns += sum;
		total_count += n;
		total_max = max > total_max ? max : total_max;
		assert_close(fx->series.interval.count, (double)n, 0);
		assert_close(fx->series.interval.sum, (double)sum / 1e9, 1e-9);
		assert_close(fx->series.interval.max, (double)max / 1e9, 1e-12);
	}
	assert_close(fx->series.total.count, (double)total_count, 0);
	assert_close(fx->series.total.sum, (double)total_ns / 1e9, 1e-6);
	assert_close(fx->series.total.max, (double)total_max / 1e9, 1e-12);
}

static void test_count_wraps(void **state)
{
	struct fixture *fx = *state;
	uint32_t i = lt_hist_index(5000);

	fx->rec.count[i] = UINT32_MAX - 2;
	fx->rec.sum_ns[i] = 5000ull * (UINT32_MAX - 2);
	lt_series__advance(&fx->series, &fx->rec, 1);
	for (int k = 0; k < 10; k++)
		add(&fx->rec, 2, 5000);
	lt_series__advance(&fx->series, &fx->rec, 2);
	assert_close(fx->series.interval.count, 10, 0);
	assert_close(fx->series.interval.sum, 50e-6, 1e-12);
	assert_close(fx->series.total.count, (double)UINT32_MAX + 8, 0);
}

/* A maximum of an older interval is not shown again. */
static void test_old_maximum(void **state)
{
	struct fixture *fx = *state;

	add(&fx->rec, 1, 900000000);
	lt_series__advance(&fx->series, &fx->rec, 1);
	assert_close(fx->series.interval.max, 0.9, 1e-12);
	add(&fx->rec, 2, 1000000);
	lt_series__advance(&fx->series, &fx->rec, 2);
	assert_close(fx->series.interval.max, 0.001, 1e-12);
	lt_series__advance(&fx->series, &fx->rec, 3);
	assert_close(fx->series.interval.max, 0, 0);
	assert_close(fx->series.total.max, 0.9, 1e-12);
}

/* A writer that read the epoch before it was advanced notes its value behind our reading. */
static void test_late_maximum(void **state)
{
	struct fixture *fx = *state;

	add(&fx->rec, 1, 2000000);
	lt_series__advance(&fx->series, &fx->rec, 1);
	add(&fx->rec, 1, 70000000); /* late: counted and noted after the reading of epoch 1 */
	count(&fx->rec, 70000000 - 1000000);
	add(&fx->rec, 2, 3000000);
	lt_series__advance(&fx->series, &fx->rec, 2);
	assert_close(fx->series.interval.count, 3, 0);
	assert_close(fx->series.interval.max, 0.07, 1e-12);
}

/* Counted before the reading, noted after it, and the other way round. */
static void test_note_and_count_apart(void **state)
{
	struct fixture *fx = *state;
	double width = 500e-6 / 16;

	count(&fx->rec, 500000);
	add(&fx->rec, 1, 1000);
	lt_series__advance(&fx->series, &fx->rec, 1);
	assert_close(fx->series.interval.max, 500e-6, width);
	note(&fx->rec, 2, 500000);
	add(&fx->rec, 2, 1000);
	lt_series__advance(&fx->series, &fx->rec, 2);
	assert_close(fx->series.interval.max, 1e-6, 64e-9);
}

/* Events between the advance of the epoch and the reading are in this delta, noted in the next. */
static void test_early_events(void **state)
{
	struct fixture *fx = *state;

	add(&fx->rec, 1, 4000000);
	add(&fx->rec, 2, 80000000);
	lt_series__advance(&fx->series, &fx->rec, 1);
	assert_close(fx->series.interval.max, 0.08, 0.08 / 16);
	add(&fx->rec, 2, 5000000);
	lt_series__advance(&fx->series, &fx->rec, 2);
	assert_close(fx->series.interval.max, 0.005, 0.005 / 16);
}

static void test_distributions(void **state)
{
	struct lt_hist hist = { 0 };
	struct lt_dist dist = lt_dist_of(&hist);

	(void)state;
	assert_true(dist.count == 0 && dist.sum == 0);
	assert_true(isnan(dist.p50) && isnan(dist.p90) && isnan(dist.p99) && isnan(dist.max));
	lt_hist__add(&hist, 0.25);
	dist = lt_dist_of(&hist);
	assert_true(dist.count == 1 && dist.sum == 0.25 && dist.p50 == 0.25 && dist.max == 0.25);
	dist = lt_dist_unknown();
	assert_true(isnan(dist.count) && isnan(dist.sum) && isnan(dist.p99) && isnan(dist.max));
	dist = lt_dist_of(NULL);
	assert_true(isnan(dist.count) && isnan(dist.max));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_intervals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_count_wraps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_maximum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_maximum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_note_and_count_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_early_events, setup, teardown),
		cmocka_unit_test(test_distributions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
