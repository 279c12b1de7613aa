/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Reading ahead: whatever is asked for, in whatever order, what is handed out is what stood there at a moment no
 * earlier than that of the answer before, and not long ago; and the same round again takes one call.
 */
#include "agent/target/recall.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#define WORDS 4096
#define BASE  0x10000u
#define HOLE  1000 /* the word that is not there */

/* A memory in which each word says how many pieces had been read before it was. */
static uint64_t pieces_read, calls, clock_ahead_ns;
static bool has_hole;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_MONOTONIC) /* it stands still, but for what the test says */
		*ts = (struct timespec){ 1000, (long)clock_ahead_ns };
	return err;
}

static ssize_t read_words(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	size_t done = 0;

	(void)ctx;
	calls++;
	assert_true(n >= 1 && n <= LT_PIECES_MAX);
	for (size_t i = 0; i < n; i++) {
		uint64_t word = ((uint64_t)(uintptr_t)pieces[i].iov_base - BASE) / 8;

		if (done + pieces[i].iov_len > size || word >= WORDS || (has_hole && word == HOLE))
			return done ? (ssize_t)done : -EFAULT;
		for (size_t at = 0; at < pieces[i].iov_len; at += 8)
			memcpy((char *)buf + done + at, &pieces_read, 8);
		pieces_read++;
		done += pieces[i].iov_len;
	}
	return (ssize_t)done;
}

static struct lt_recall *recall;
static struct lt_source source;

static int set_up(void **state)
{
	struct lt_source below = { read_words, NULL };

	(void)state;
	pieces_read = calls = clock_ahead_ns = 0;
	has_hole = false;
	recall = lt_recall__new(&below);
	source = lt_recall__source(recall);
	return recall ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	lt_recall__free(recall);
	return 0;
}

/* When the word was read: so many pieces before it. */
static uint64_t ask(uint64_t word)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(lt_source_read(&source, BASE + 8 * word, &value, sizeof(value)), 0);
	return value;
}

static void test_a_round_again_is_one_call(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		uint64_t before = calls, last = 0;

		lt_recall__begin(recall, false);
		for (uint64_t i = 0; i < 100; i++) {
			uint64_t now = ask(i % 10 == 9 ? 7 : 3 * i); /* 7 again and again */

			assert_true(!i || now > last);
			last = now;
		}
		lt_recall__end(recall);
		assert_int_equal(calls - before, round ? 1 : 100);
	}
}

/* What is asked for in every other round costs no more calls. */
static void test_two_kinds_and_what_is_left_out(void **state)
{
	(void)state;
	for (int round = 0; round < 12; round++) {
		uint64_t before = calls;

		lt_recall__begin(recall, round & 1);
		for (uint64_t i = 0; i < (round & 1 ? 60u : 20u); i++)
			if (i % 10 != 5 || round % 4 < 2)
				ask(i + (round & 1 ? 500 : 0));
		lt_recall__end(recall);
		if (round >= 2)
			assert_int_equal(calls - before, 1);
	}
}

static void test_outside_of_a_round(void **state)
{
	(void)state;
	lt_recall__begin(recall, false);
	ask(1);
	lt_recall__end(recall);
	calls = 0;
	ask(1);
	ask(1);
	assert_int_equal(calls, 2);
}

/* Copies do not grow old: after a pause what comes next is read anew. */
static void test_age(void **state)
{
	uint64_t first, second;

	(void)state;
	for (int round = 0; round < 2; round++) {
		lt_recall__begin(recall, false);
		first = ask(1);
		calls = 0;
		clock_ahead_ns += round ? 2 * LT_RECALL_AGE_NS : 0;
		second = ask(2);
		lt_recall__end(recall);
	}
	assert_int_equal(calls, 1);
	assert_true(second >= first + 2); /* the first copy of it was thrown away */
}

/* What is not there fails as it does without, and what comes behind it is right. */
static void test_hole(void **state)
{
	uint64_t value, last = 0;

	(void)state;
	for (int round = 0; round < 4; round++) {
		has_hole = round % 2;
		lt_recall__begin(recall, false);
		for (uint64_t i = HOLE - 3; i < HOLE + 4; i++) {
			int err = lt_source_read(&source, BASE + 8 * i, &value, sizeof(value));

			assert_int_equal(err, has_hole && i == HOLE ? -EFAULT : 0);
			if (err)
				continue;
			assert_true(value >= last);
			last = value;
		}
		lt_recall__end(recall);
	}
}

/* Rounds that have little in common, requests of many pieces, gaps. */
static void test_order_always_stands(void **state)
{
	uint64_t seed = 5, last = 0, words[100];
	struct iovec pieces[100];

	(void)state;
	has_hole = true;
	for (int round = 0; round < 3000; round++) {
		unsigned asks = (unsigned)(next_random(&seed) % 300);

		lt_recall__begin(recall, next_random(&seed) % 2);
		for (unsigned i = 0; i < asks; i++) {
			size_t n = next_random(&seed) % 8 ? 1u : 1u + next_random(&seed) % 99;
			ssize_t got;

			for (size_t k = 0; k < n; k++) {
				uint64_t word = next_random(&seed) % 16
							? (i * 7 + k) % WORDS
							: next_random(&seed) % WORDS;

				pieces[k] =
					(struct iovec){ (void *)(uintptr_t)(BASE + 8 * word), 8 };
			}
			clock_ahead_ns = (clock_ahead_ns + next_random(&seed) % 20000) % 999000000;
			got = source.read(source.ctx, words, sizeof(words), pieces, n);
			assert_true(got == -EFAULT || (got > 0 && got % 8 == 0));
			for (ssize_t k = 0; k < got / 8; k++) {
				assert_true(words[k] >= last);
				last = words[k];
			}
			if (got < (ssize_t)n * 8)
				assert_ptr_equal(pieces[got < 0 ? 0 : got / 8].iov_base,
						 (void *)(uintptr_t)(BASE + 8 * HOLE));
		}
		lt_recall__end(recall);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_round_again_is_one_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_kinds_and_what_is_left_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_outside_of_a_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_age, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order_always_stands, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
