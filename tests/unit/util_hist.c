/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The histogram layout and what is asked of it, against the sorted values themselves. */
#include "looptop/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/hist_add.h"
#include "tests/unit/random.h"

#define N 3000

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void assert_close(double got, double want, double relative, double absolute)
{
	if (!(fabs(got - want) <= relative * fabs(want) + absolute))
		fail_msg("got %.12g, want %.12g", got, want);
}

static void test_layout(void **state)
{
	(void)state;
	assert_int_equal(lt_hist_lower_ns(0), 0);
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		uint64_t low = lt_hist_lower_ns(i), high = lt_hist_lower_ns(i + 1);

		assert_true(low < high);
		assert_int_equal(lt_hist_index(low), i);
		assert_int_equal(lt_hist_index(high - 1), i);
		assert_int_equal(lt_hist_index(low + (high - low) / 2), i);
		if (i >= LT_HIST_SUB)
			assert_true((high - low) * 16 <= low);
	}
	assert_int_equal(lt_hist_lower_ns(LT_HIST_BUCKETS), 1ull << 37);
	assert_int_equal(lt_hist_index(1ull << 37), LT_HIST_BUCKETS - 1);
	assert_int_equal(lt_hist_index(UINT64_MAX), LT_HIST_BUCKETS - 1);
}

static void test_index_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t ns = next_random(&seed) >> (27 + next_random(&seed) % 37);
		uint32_t bucket = lt_hist_index(ns);

		assert_true(bucket < LT_HIST_BUCKETS);
		assert_true(lt_hist_lower_ns(bucket) <= ns && ns < lt_hist_lower_ns(bucket + 1));
	}
}

static void test_empty_and_single(void **state)
{
	struct lt_hist hist = { 0 };

	(void)state;
	assert_true(isnan(lt_hist__quantile(&hist, 0.5)));
	assert_true(lt_hist__excess(&hist, 0) == 0);
	assert_true(lt_hist__count_below(&hist, 1) == 0);
	hist_add(&hist, 123456789, 1);
	for (double q = 0; q <= 1; q += 0.25)
		assert_close(lt_hist__quantile(&hist, q), 0.123456789, 1e-12, 0);
	assert_true(isnan(lt_hist__quantile(&hist, NAN)));
	assert_true(isnan(lt_hist__excess(&hist, NAN)));
	assert_true(isnan(lt_hist__count_below(&hist, NAN)));
	assert_close(lt_hist__excess(&hist, 0.1), 0.023456789, 0, 1e-12);
	assert_true(lt_hist__count_below(&hist, 0.123) == 0);
	assert_true(lt_hist__count_below(&hist, 0.1235) == 1);
	assert_true(lt_hist__count_below(&hist, INFINITY) == 1);
	assert_true(lt_hist__count_below(&hist, -1) == 0);
}

/* Values that only the maximum bounds. */
static void test_last_bucket(void **state)
{
	struct lt_hist hist = { 0 };

	(void)state;
	hist_add(&hist, 600000000000ull, 1);
	assert_close(lt_hist__quantile(&hist, 0.5), 600, 1e-12, 0);
	assert_close(lt_hist__excess(&hist, 100), 500, 1e-12, 0);
	assert_true(lt_hist__excess(&hist, 700) == 0);
	hist_add(&hist, 200000000000ull, 1);
	assert_close(lt_hist__quantile(&hist, 1), 600, 1e-12, 0);
	assert_true(lt_hist__quantile(&hist, 0.5) <= 600);
}

enum shape { LOG_UNIFORM, BIMODAL, CONSTANT, EDGES, NARROW, SHAPES };

static uint64_t draw(enum shape shape, uint64_t scale, uint64_t *seed)
{
	double u = uniform(seed);

	switch (shape) {
	case LOG_UNIFORM:
		return (uint64_t)(2000 * pow(5e6, u));
	case BIMODAL:
		return (u < 0.9 ? scale : scale * 200) + next_random(seed) % (scale / 4);
	case EDGES: /* the two ends of one bucket: the worst for whatever guesses between them */
		return lt_hist_lower_ns(200 + (u < 0.9 ? 0 : 1)) - (u < 0.9 ? 0 : 1);
	case NARROW:
		return scale + next_random(seed) % (scale / 10);
	default:
		return scale;
	}
}

static void check_sorted(const struct lt_hist *hist, const uint64_t *sorted)
{
	static const double quantiles[] = { 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1 };
	double before = 0;

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		size_t rank = (size_t)ceil(quantiles[i] * N * (1 - 1e-12));
		double got = lt_hist__quantile(hist, quantiles[i]);

		assert_close(got, (double)sorted[rank - 1] / 1e9, 0.032, 0);
		assert_true(got >= before && got <= hist->max);
		before = got;
	}
	assert_true(lt_hist__quantile(hist, 1) == hist->max);
}

/* At each bound both questions have exact answers; between them they may not turn back. */
static void check_bounds(const struct lt_hist *hist, const uint64_t *sorted)
{
	double last_excess = INFINITY, last_below = 0;

	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i += 7) {
		uint64_t low = lt_hist_lower_ns(i), width = lt_hist_lower_ns(i + 1) - low;
		double excess = 0, below = 0;

		for (size_t k = 0; k < N; k++) {
			excess += sorted[k] > low ? (double)(sorted[k] - low) / 1e9 : 0;
			below += sorted[k] < low;
		}
		/* A bucket's values equal to its bound may be counted on either side of it. */
		for (size_t k = 0; k < N && sorted[k] <= low; k++)
			if (sorted[k] == low && lt_hist__count_below(hist, (double)low / 1e9) > below)
				below++;
		assert_close(lt_hist__excess(hist, (double)low / 1e9), excess, 1e-9, 1e-9);
		assert_close(lt_hist__count_below(hist, (double)low / 1e9), below, 0, 1e-6);
		for (int step = 0; step < 4; step++) {
			double x = (double)low / 1e9 + (double)width / 1e9 * step / 4;
			double e = lt_hist__excess(hist, x), b = lt_hist__count_below(hist, x);

			assert_true(e <= last_excess + 1e-9 && b >= last_below - 1e-6);
			last_excess = e;
			last_below = b;
		}
	}
}

static void test_against_sorted(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 40; round++) {
		static uint64_t values[N];
		struct lt_hist hist = { 0 };
		uint64_t scale = 2000 + next_random(&seed) % 100000000;

		for (size_t i = 0; i < N; i++) {
			values[i] = draw((enum shape)(round % SHAPES), scale, &seed);
			hist_add(&hist, values[i], 1);
		}
		qsort(values, N, sizeof(*values), compare);
		check_sorted(&hist, values);
		check_bounds(&hist, values);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_index_random),
		cmocka_unit_test(test_empty_and_single),
		cmocka_unit_test(test_last_bucket),
		cmocka_unit_test(test_against_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
