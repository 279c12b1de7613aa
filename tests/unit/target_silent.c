/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* When targets that do not answer are asked again, and for how long anybody waits for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/target/reader.h"
#include "agent/target/silent.h"

#define S 1000000000ull

static void test_each_time_twice_as_late(void **state)
{
	struct lt_silences all = { 0 };
	struct lt_silence *one = lt_silences__add(&all, 16, LT_PART_MEMORY, 7, 100 * S);
	uint64_t now = 100 * S, pause = LT_SILENT_FIRST_NS;

	(void)state;
	assert_ptr_equal(lt_silences__find(&all, 16, LT_PART_MEMORY), one);
	assert_null(lt_silences__find(&all, 16, LT_PART_ARGUMENTS));
	assert_null(lt_silences__find(&all, 17, LT_PART_MEMORY));
	for (int i = 0; i < 12; i++) {
		assert_false(lt_silence__is_due(one, now + pause - 1));
		assert_true(lt_silence__is_due(one, now + pause));
		now += pause;
		one->asking = true;
		assert_false(lt_silence__is_due(one, now));
		lt_silence__still(one, now);
		pause = 2 * pause < LT_SILENT_LONGEST_NS ? 2 * pause : LT_SILENT_LONGEST_NS;
	}
	assert_int_equal(one->since_ns, 100 * S);
	lt_silences__clear(&all);
}

/* One that falls silent again soon goes on from where it was; after a good time it begins anew. */
static void test_remembered_for_a_while(void **state)
{
	struct lt_silences all = { 0 };
	struct lt_silence *one = lt_silences__add(&all, 16, LT_PART_MEMORY, 7, 100 * S);

	(void)state;
	one->request = malloc(8);
	lt_silence__answered(one, 101 * S);
	assert_null(lt_silences__find(&all, 16, LT_PART_MEMORY));
	lt_silences__sweep(&all, 110 * S);
	one = lt_silences__add(&all, 16, LT_PART_MEMORY, 7, 110 * S);
	assert_int_equal(one->pause_ns, 2 * LT_SILENT_FIRST_NS);
	assert_int_equal(one->since_ns, 110 * S);
	lt_silence__answered(one, 111 * S);
	lt_silences__sweep(&all, 111 * S + LT_SILENT_GOOD_NS + 1);
	assert_int_equal(all.n, 0);
	one = lt_silences__add(&all, 16, LT_PART_MEMORY, 7, 300 * S);
	assert_int_equal(one->pause_ns, LT_SILENT_FIRST_NS);
	/* Another process under that pid owes nothing. */
	lt_silence__still(one, 301 * S);
	one = lt_silences__add(&all, 16, LT_PART_MEMORY, 8, 302 * S);
	assert_int_equal(one->pause_ns, LT_SILENT_FIRST_NS);
	assert_int_equal(all.n, 1);
	lt_silences__clear(&all);
}

/* A thousand targets that never answer, asked one after the other, leave most of the time to the others. */
static void test_patience_has_an_end(void **state)
{
	struct lt_patience patience = { 0 };
	uint64_t now = 5 * S, waited = 0;

	(void)state;
	assert_int_equal(lt_patience__deadline_ns(&patience, now), LT_READER_DEADLINE_NS);
	for (int i = 0; i < 1000; i++) {
		uint64_t deadline = lt_patience__deadline_ns(&patience, now);

		assert_true(deadline <= LT_READER_DEADLINE_NS && deadline > 0);
		lt_patience__spent(&patience, deadline);
		waited += deadline;
		now += deadline + S / 10;
	}
	assert_true(waited < (now - 5 * S) / 4);
	/* It comes back by itself. */
	assert_int_equal(lt_patience__deadline_ns(&patience, now + 10 * S), LT_READER_DEADLINE_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_time_twice_as_late),
		cmocka_unit_test(test_remembered_for_a_while),
		cmocka_unit_test(test_patience_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
