/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The budget for what comes from targets: never more than it, and the least recently used goes. */
#include "agent/util/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

static unsigned n_dropped;
static struct lt_share *dropped;

static void drop(struct lt_share *share)
{
	n_dropped++;
	dropped = share;
}

static int reset(void **state)
{
	(void)state;
	n_dropped = 0;
	dropped = NULL;
	lt_budget__set(1000);
	assert_int_equal(lt_budget__used(), 0);
	return 0;
}

static void test_least_recently_used_goes(void **state)
{
	struct lt_share a = { .drop = drop }, b = { .drop = drop }, c = { .drop = drop };

	(void)state;
	assert_true(lt_budget__take(&a, 400));
	assert_true(lt_budget__take(&b, 400));
	lt_budget__touch(&a);
	assert_true(lt_budget__take(&c, 400));
	assert_int_equal(n_dropped, 1);
	assert_ptr_equal(dropped, &b);
	assert_int_equal(b.bytes, 0);
	assert_int_equal(lt_budget__used(), 800);
	/* one that grows does not go for itself */
	assert_true(lt_budget__take(&a, 900));
	assert_ptr_equal(dropped, &c);
	assert_int_equal(lt_budget__used(), 900);
	assert_false(lt_budget__take(&a, 1001));
	assert_int_equal(a.bytes, 900);
	assert_true(lt_budget__take(&a, 300));
	assert_true(lt_budget__take(&b, 300));
	lt_budget__set(500);
	assert_int_equal(lt_budget__used(), 300);
	assert_ptr_equal(dropped, &a);
	lt_budget__give_back(&b);
	lt_budget__give_back(&b);
	assert_int_equal(lt_budget__used(), 0);
}

static void test_what_cannot_go(void **state)
{
	struct lt_share pinned = { 0 }, more = { 0 }, other = { .drop = drop };

	(void)state;
	assert_true(lt_budget__take(&pinned, 300));
	assert_true(lt_budget__take(&other, 700));
	assert_false(lt_budget__take(&other, 701));
	/* takes from those that can, up to one half of all */
	assert_false(lt_budget__take(&more, 201));
	assert_int_equal(n_dropped, 0);
	assert_true(lt_budget__take(&more, 200));
	assert_int_equal(n_dropped, 1);
	assert_int_equal(lt_budget__used(), 500);
	assert_false(lt_budget__take(&pinned, 301));
	assert_true(lt_budget__take(&pinned, 100));
	assert_int_equal(lt_budget__used(), 300);
	lt_budget__give_back(&pinned);
	lt_budget__give_back(&more);
	lt_budget__give_back(&other);
	assert_int_equal(lt_budget__used(), 0);
}

static void test_never_over(void **state)
{
	struct lt_share shares[40];
	uint64_t seed = 1;
	size_t sum;

	(void)state;
	memset(shares, 0, sizeof(shares));
	for (size_t i = 0; i < 32; i++)
		shares[i].drop = drop;
	for (int i = 0; i < 20000; i++) {
		struct lt_share *share = &shares[next_random(&seed) % 40];
		size_t bytes = next_random(&seed) % 600;

		if (next_random(&seed) % 4)
			lt_budget__take(share, bytes);
		else
			lt_budget__give_back(share);
		sum = 0;
		for (size_t k = 0; k < 40; k++)
			sum += shares[k].bytes;
		assert_int_equal(sum, lt_budget__used());
		assert_true(sum <= 1000);
	}
	assert_true(n_dropped > 100);
	for (size_t i = 0; i < 40; i++)
		lt_budget__give_back(&shares[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_least_recently_used_goes, reset),
		cmocka_unit_test_setup(test_what_cannot_go, reset),
		cmocka_unit_test_setup(test_never_over, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
