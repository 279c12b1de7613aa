/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Which processes are one application. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/util/group.h"

#define NODE "/usr/bin/node"

static void test_cluster(void **state)
{
	/* a primary, its workers, and one that belongs to another application */
	struct lt_group_member m[] = {
		{ 100, 50, "server.js", NODE, 7, 0 },  { 130, 100, "server.js", NODE, 7, 0 },
		{ 120, 100, "server.js", NODE, 7, 0 }, { 125, 100, "other.js", NODE, 7, 0 },
		{ 90, 50, "server.js", NODE, 8, 0 },   { 80, 100, "server.js", "/opt/node", 7, 0 },
	};

	(void)state;
	lt_group(m, 6);
	assert_int_equal(m[0].group_pid, 100);
	assert_int_equal(m[1].group_pid, 100);
	assert_int_equal(m[2].group_pid, 100);
	assert_int_equal(m[3].group_pid, 125);
	assert_int_equal(m[4].group_pid, 90);
	assert_int_equal(m[5].group_pid, 80);
}

static void test_siblings_of_a_manager(void **state)
{
	/* PM2: the parent runs something else, or is not seen at all */
	struct lt_group_member m[] = {
		{ 10, 1, "PM2", NODE, 1, 0 },	  { 22, 10, "app.js", NODE, 7, 0 },
		{ 21, 10, "app.js", NODE, 7, 0 }, { 31, 9, "x.js", NODE, 7, 0 },
		{ 30, 9, "x.js", NODE, 7, 0 },	  { 29, 8, "x.js", NODE, 7, 0 },
	};

	(void)state;
	lt_group(m, 6);
	assert_int_equal(m[0].group_pid, 10);
	assert_int_equal(m[1].group_pid, 21);
	assert_int_equal(m[2].group_pid, 21);
	assert_int_equal(m[3].group_pid, 30);
	assert_int_equal(m[4].group_pid, 30);
	assert_int_equal(m[5].group_pid, 29);
}

/* What is not known makes nobody a relative. */
static void test_unknown(void **state)
{
	struct lt_group_member m[] = {
		{ 1, 0, "a", NODE, 7, 0 },  { 2, 0, "a", NODE, 7, 0 }, { 3, 9, NULL, NODE, 7, 0 },
		{ 4, 9, NULL, NODE, 7, 0 }, { 5, 9, "a", NULL, 7, 0 }, { 6, 9, "a", NULL, 7, 0 },
		{ 7, 9, "a", NODE, 0, 0 },  { 8, 9, "a", NODE, 0, 0 },
	};

	(void)state;
	lt_group(m, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(m[i].group_pid, i + 1);
	lt_group(NULL, 0);
}

/* Generations, and pids that were read at different times and make a ring. */
static void test_chains(void **state)
{
	struct lt_group_member chain[] = {
		{ 3, 2, "a", NODE, 7, 0 },
		{ 2, 1, "a", NODE, 7, 0 },
		{ 1, 99, "a", NODE, 7, 0 },
	};
	struct lt_group_member ring[] = {
		{ 1, 3, "a", NODE, 7, 0 },
		{ 2, 1, "a", NODE, 7, 0 },
		{ 3, 2, "a", NODE, 7, 0 },
		{ 5, 5, "a", NODE, 7, 0 },
	};

	(void)state;
	lt_group(chain, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(chain[i].group_pid, 1);
	lt_group(ring, 4);
	for (int i = 0; i < 3; i++)
		assert_in_range(ring[i].group_pid, 1, 3);
	assert_int_equal(ring[3].group_pid, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_siblings_of_a_manager),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
