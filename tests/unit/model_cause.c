/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Splitting busy time by cause, from records in every state that a reader may find them in. */
#include "agent/model/cause.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull
#define T0 (1000 * MS)

static const struct lt_cause_known all = { true, true };

static double sum_of(const double seconds[LT_SNAP_CAUSES])
{
	double sum = 0;

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		sum += lt_known(seconds[i]) ? seconds[i] : 0;
	return sum;
}

static void close_to(double got, double want)
{
	if (!(fabs(got - want) < 1e-9))
		fail_msg("got %.12g, want %.12g", got, want);
}

/* A turn that began at T0; nothing has happened in it. */
static struct lt_loop_rec turn(void)
{
	return (struct lt_loop_rec){ .first_ns = 1, .last_ns = T0, .turn_start_ns = T0 };
}

static void test_all_on_the_cpu(void **state)
{
	struct lt_loop_rec rec = turn();
	struct lt_cause_parts parts = lt_cause__turn(&rec, T0 + 200 * MS);
	double seconds[LT_SNAP_CAUSES];

	(void)state;
	lt_cause__split(&parts, 0.2, all, seconds);
	close_to(seconds[LT_CAUSE_CPU], 0.2);
	close_to(sum_of(seconds), 0.2);
	assert_int_equal(lt_cause__main(seconds), LT_CAUSE_CPU);
}

/* Off the CPU before, and still: the running span counts up to now, and not from before the turn. */
static void test_running_spans(void **state)
{
	struct lt_loop_rec rec = turn();
	struct lt_cause_parts parts;
	double seconds[LT_SNAP_CAUSES];

	(void)state;
	rec.off.total_ns[LT_OFF_RUNQUEUE] = 500 * MS;
	rec.off_turn_ns[LT_OFF_RUNQUEUE] = rec.off_seen_ns[LT_OFF_RUNQUEUE] = 470 * MS;
	rec.off.why = LT_OFF_SLEEP;
	rec.off.since_ns = T0 + 50 * MS;
	parts = lt_cause__turn(&rec, T0 + 150 * MS);
	lt_cause__split(&parts, 0.15, all, seconds);
	close_to(seconds[LT_CAUSE_RUNQUEUE], 0.03);
	close_to(seconds[LT_CAUSE_SYNC_IO], 0.1);
	close_to(seconds[LT_CAUSE_CPU], 0.02);
	assert_int_equal(lt_cause__main(seconds), LT_CAUSE_SYNC_IO);
	rec.off.since_ns = T0 - 900 * MS; /* seeded: asleep since before */
	parts = lt_cause__turn(&rec, T0 + 10 * MS);
	close_to(parts.off[LT_OFF_SLEEP], 0.01);
}

static void test_gc_that_runs(void **state)
{
	struct lt_loop_rec rec = turn();
	struct lt_cause_parts parts;

	(void)state;
	rec.gc.total_ns = 70 * MS;
	rec.gc_turn_ns = rec.gc_seen_ns = 60 * MS;
	rec.gc.begin_ns = T0 + 20 * MS;
	rec.gc.begin_waited_ns = 5 * MS;
	rec.off.total_ns[LT_OFF_THROTTLED] = 9 * MS; /* 4 ms of it since the pause began */
	rec.off_turn_ns[LT_OFF_THROTTLED] = rec.off_seen_ns[LT_OFF_THROTTLED] = 5 * MS;
	parts = lt_cause__turn(&rec, T0 + 50 * MS);
	close_to(parts.gc, 0.010 + 0.030 - 0.004);
	close_to(parts.off[LT_OFF_THROTTLED], 0.004);
}

/* V8's main thread sleeps while its helpers finish: that is collecting, not I/O. */
static void test_asleep_in_gc(void **state)
{
	struct lt_loop_rec rec = turn();
	struct lt_cause_parts parts;

	(void)state;
	rec.gc.total_ns = 30 * MS; /* of an ended pause, in which it slept for 12 ms */
	rec.gc.slept_ns = 12 * MS;
	rec.off.total_ns[LT_OFF_SLEEP] = 20 * MS; /* 8 ms elsewhere */
	parts = lt_cause__turn(&rec, T0 + 50 * MS);
	close_to(parts.gc, 0.030);
	close_to(parts.off[LT_OFF_SLEEP], 0.008);
	rec.gc.begin_ns =
		T0 + 50 * MS; /* one that runs: it slept for 4 ms, and sleeps again for 3 */
	rec.gc.begin_slept_ns = 20 * MS;
	rec.off.total_ns[LT_OFF_SLEEP] = 24 * MS;
	rec.off.why = LT_OFF_SLEEP;
	rec.off.since_ns = T0 + 57 * MS;
	parts = lt_cause__turn(&rec, T0 + 60 * MS);
	close_to(parts.gc, 0.040);
	close_to(parts.off[LT_OFF_SLEEP], 0.008);
}

/* In a wait that may block nothing is charged to busy time; an ended thread has no running spans. */
static void test_idle_and_ended(void **state)
{
	struct lt_loop_rec rec = {
		.first_ns = 1, .last_ns = T0, .wait_start_ns = T0, .wait_timeout_ns = -1
	};
	struct lt_cause_parts parts;

	(void)state;
	rec.off.why = LT_OFF_SLEEP;
	rec.off.since_ns = T0;
	rec.off_busy_ns[LT_OFF_SLEEP] = 3 * MS;
	parts = lt_cause__busy(&rec, T0 + 900 * MS);
	close_to(parts.off[LT_OFF_SLEEP], 0.003);
	rec.wait_start_ns = 0;
	rec.flags = LT_LOOP_ENDED;
	parts = lt_cause__busy(&rec, T0 + 900 * MS);
	close_to(parts.off[LT_OFF_SLEEP], 0.003);
	rec.flags = 0;
	parts = lt_cause__busy(&rec, T0 + 900 * MS);
	close_to(parts.off[LT_OFF_SLEEP], 0.903);
}

static void test_what_is_not_measured(void **state)
{
	static const struct lt_cause_known no_gc = { true, false }, none = { false, true };
	struct lt_cause_parts parts = { .gc = 0.05 };
	double seconds[LT_SNAP_CAUSES];

	(void)state;
	lt_cause__split(&parts, 0.2, no_gc, seconds);
	assert_false(lt_known(seconds[LT_CAUSE_GC]));
	close_to(seconds[LT_CAUSE_CPU], 0.2);
	lt_cause__split(&parts, 0.2, none, seconds);
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		assert_false(lt_known(seconds[i]));
	assert_int_equal(lt_cause__main(seconds), LT_CAUSE_UNKNOWN);
	lt_cause__split(&parts, NAN, all, seconds);
	assert_false(lt_known(seconds[LT_CAUSE_CPU]));
}

/* Whatever a torn copy says: causes are never negative and never more than the busy time. */
static void test_torn_records(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct lt_loop_rec rec;
		unsigned char *bytes = (unsigned char *)&rec;
		double seconds[LT_SNAP_CAUSES], busy = (double)(i % 300) / 1000;
		struct lt_cause_parts parts;

		memset(&rec, 0, sizeof(rec));
		for (size_t k = 0; k < offsetof(struct lt_loop_rec, turn); k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			bytes[k] = (unsigned char)(seed >> 56);
		}
		parts = i & 1 ? lt_cause__turn(&rec, seed) : lt_cause__busy(&rec, seed);
		lt_cause__split(&parts, busy, all, seconds);
		for (int k = 0; k < LT_SNAP_CAUSES; k++)
			assert_true(seconds[k] >= 0);
		assert_true(sum_of(seconds) <= busy * 1.000001);
		assert_true(sum_of(seconds) >= busy * 0.999999);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_on_the_cpu), cmocka_unit_test(test_running_spans),
		cmocka_unit_test(test_gc_that_runs),   cmocka_unit_test(test_asleep_in_gc),
		cmocka_unit_test(test_idle_and_ended), cmocka_unit_test(test_what_is_not_measured),
		cmocka_unit_test(test_torn_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
