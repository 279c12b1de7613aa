/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Lag against arrivals on a timeline, and against the definition applied to every single turn. */
#include "agent/model/lag.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/hist_add.h"
#include "tests/unit/random.h"

#define TURNS 400
#define ARRIVALS 400000

static void assert_close(double got, double want, double relative, double absolute)
{
	if (!(fabs(got - want) <= relative * fabs(want) + absolute))
		fail_msg("got %.12g, want %.12g", got, want);
}

static void test_contract_example(void **state)
{
	struct lt_hist turns = { 0 };
	struct lt_lag lag;

	(void)state;
	hist_add(&turns, 1000000000, 1);
	lag = lt_lag__of(&turns, 10);
	assert_close(lag.mean, 0.05, 1e-9, 0);
	assert_close(lag.p99, 0.9, 1e-9, 0);
	assert_close(lag.p999, 0.99, 1e-9, 0);
	assert_close(lag.p90, 0, 0, 1e-9); /* exactly a tenth of the time is busy */
	assert_true(lag.p50 == 0);
	assert_close(lag.max, 1, 1e-12, 0);
}

static void test_always_busy(void **state)
{
	struct lt_hist turns = { 0 };
	struct lt_lag lag;

	(void)state;
	for (int i = 0; i < 10; i++)
		hist_add(&turns, 100000000, 1);
	lag = lt_lag__of(&turns, 1);
	assert_close(lag.mean, 0.05, 1e-6, 0);
	assert_close(lag.p50, 0.05, 0.002, 0.0005);
	assert_close(lag.p99, 0.099, 0.002, 0.0005);
	assert_close(lag.max, 0.1, 1e-9, 0);
}

static void test_nothing(void **state)
{
	struct lt_hist turns = { 0 };
	struct lt_lag lag = lt_lag__of(&turns, 1);

	(void)state;
	assert_true(lag.mean == 0 && lag.p50 == 0 && lag.p999 == 0 && lag.max == 0);
	lag = lt_lag__of(&turns, 0);
	assert_true(isnan(lag.mean) && isnan(lag.p50) && isnan(lag.p90) && isnan(lag.p99));
	assert_true(isnan(lag.p999) && isnan(lag.max));
	lag = lt_lag__unknown();
	assert_true(isnan(lag.mean) && isnan(lag.max));
}

/* The definition itself: the share of time at which an arrival waits longer than x. */
static double share_over(const uint64_t *turns, double x, double window)
{
	double excess = 0;

	for (size_t i = 0; i < TURNS; i++)
		excess += fmax(0, (double)turns[i] / 1e9 - x);
	return excess / window;
}

static double exact_quantile(const uint64_t *turns, double q, double window)
{
	double low = 0, high = 200;

	if (share_over(turns, 0, window) <= 1 - q)
		return 0;
	for (int i = 0; i < 100; i++) {
		double x = (low + high) / 2;

		if (share_over(turns, x, window) > 1 - q)
			low = x;
		else
			high = x;
	}
	return low;
}

/* The mean wait of events that become ready at evenly spaced moments of busy, idle, busy, idle … */
static double simulated_mean(const uint64_t *turns, const uint64_t *idles, double window)
{
	double waited = 0, end = 0;
	size_t turn = 0, arrival = 0;

	for (; turn < TURNS; turn++) {
		double busy_end = end + (double)turns[turn] / 1e9;

		end = busy_end + (double)idles[turn] / 1e9;
		for (; arrival < ARRIVALS; arrival++) {
			double at = ((double)arrival + 0.5) * window / ARRIVALS;

			if (at >= end)
				break;
			waited += fmax(0, busy_end - at);
		}
	}
	return waited / ARRIVALS;
}

static void fill(int round, double scale, uint64_t *turns, uint64_t *idles, uint64_t *seed)
{

	for (size_t i = 0; i < TURNS; i++) {
		double u = uniform(seed);

		switch (round % 3) {
		case 0:
			turns[i] = (uint64_t)(2000 * pow(1e5, u));
			break;
		case 1:
			turns[i] = (uint64_t)(u < 0.95 ? scale : scale * 50);
			break;
		default:
			turns[i] = (uint64_t)(scale * (1 + u / 20));
		}
		idles[i] = (uint64_t)(uniform(seed) * (round % 2 ? 1e5 : 3e7));
	}
}

static void test_random(void **state)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 60; round++) {
		uint64_t turns[TURNS], idles[TURNS];
		struct lt_hist hist = { 0 };
		double window = 0, mean = 0;
		struct lt_lag lag;

		fill(round, pow(10, 4 + 3 * uniform(&seed)), turns, idles, &seed);
		for (size_t i = 0; i < TURNS; i++) {
			double seconds = (double)turns[i] / 1e9;

			hist_add(&hist, turns[i], 1);
			window += seconds + (double)idles[i] / 1e9;
			mean += seconds * seconds;
		}
		mean /= 2 * window;
		lag = lt_lag__of(&hist, window);
		assert_close(lag.mean, mean, 0.002, 0);
		assert_close(lag.max, hist.max, 1e-12, 0);
		for (size_t i = 0; i < 4; i++) {
			const double got[] = { lag.p50, lag.p90, lag.p99, lag.p999 };

			assert_close(got[i], exact_quantile(turns, quantiles[i], window), 0.032, 1e-9);
			assert_true(got[i] <= lag.max);
		}
	}
}

/* Turns of milliseconds, so that the arrivals are dense enough to sample each of them. */
static void test_arrivals(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int round = 1; round < 30; round += round % 3) { /* shapes 1 and 2 */
		uint64_t turns[TURNS], idles[TURNS];
		struct lt_hist hist = { 0 };
		double window = 0;

		fill(round, 3e6 + 2e7 * uniform(&seed), turns, idles, &seed);
		for (size_t i = 0; i < TURNS; i++) {
			hist_add(&hist, turns[i], 1);
			window += (double)(turns[i] + idles[i]) / 1e9;
		}
		assert_close(lt_lag__of(&hist, window).mean, simulated_mean(turns, idles, window),
			     0.02, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract_example),
		cmocka_unit_test(test_always_busy),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_arrivals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
