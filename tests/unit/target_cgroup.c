/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The texts of /proc/PID/cgroup and of the cgroups' files. */
#include "agent/target/cgroup.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/process.h"

static const char hybrid[] = "12:memory:/docker/0123\n"
			     "3:cpu,cpuacct:/docker/abc:def\n"
			     "2:cpuset:/\n"
			     "0::/system.slice/x.service\n";

static void test_path(void **state)
{
	char path[64], tiny[8];

	(void)state;
	assert_int_equal(lt_cgroup_path(hybrid, "cpu", path, sizeof(path)), 0);
	assert_string_equal(path, "/docker/abc:def");
	assert_int_equal(lt_cgroup_path(hybrid, "cpuacct", path, sizeof(path)), 0);
	assert_int_equal(lt_cgroup_path(hybrid, "memory", path, sizeof(path)), 0);
	assert_string_equal(path, "/docker/0123");
	assert_int_equal(lt_cgroup_path(hybrid, "", path, sizeof(path)), 0);
	assert_string_equal(path, "/system.slice/x.service");
	assert_int_equal(lt_cgroup_path(hybrid, "cpu", tiny, sizeof(tiny)), -ENOENT);
	assert_int_equal(lt_cgroup_path(hybrid, "cpus", path, sizeof(path)), -ENOENT);
	assert_int_equal(lt_cgroup_path("", "cpu", path, sizeof(path)), -ENOENT);
	assert_int_equal(lt_cgroup_path("no colons\n1:cpu\n:::\n", "cpu", path, sizeof(path)),
			 -ENOENT);
	assert_int_equal(lt_cgroup_path("0::/a", "", path, sizeof(path)), 0);
	assert_string_equal(path, "/a");
	/* Out of our cgroup namespace there is nothing below /sys/fs/cgroup to read. */
	assert_int_equal(lt_cgroup_path("0::/..\n", "", path, sizeof(path)), -ENOENT);
	assert_int_equal(lt_cgroup_path("0::/../../tmp/x", "", path, sizeof(path)), -ENOENT);
	assert_int_equal(lt_cgroup_path("0::/a/..b/...", "", path, sizeof(path)), 0);
	assert_string_equal(path, "/a/..b/...");
}

/* What was read may have been cut anywhere; each piece is in memory of its own, so that nobody reads beyond it. */
static void test_cut_texts(void **state)
{
	static const char *const texts[] = { hybrid, "0::/a", "nr_periods 40\nnr_throttled 7" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			char *text = strndup(texts[i], n);

			lt_cgroup_path(text, "none", path, sizeof(path));
			lt_cgroup_path(text, "", path, sizeof(path));
			assert_true(isnan(lt_cgroup_stat(text, "none")));
			free(text);
		}
	}
}

static void test_numbers(void **state)
{
	static const char stat[] = "usage_usec 5\nnr_periods 40\nnr_throttled 7\nthrottled_usec 1500\n";

	(void)state;
	assert_true(lt_cgroup_cpu_max("50000 100000\n") == 0.5);
	assert_true(isnan(lt_cgroup_cpu_max("max 100000\n")));
	assert_true(isnan(lt_cgroup_cpu_max("")));
	assert_true(isnan(lt_cgroup_cpu_max("1 0")));
	assert_true(lt_cgroup_stat(stat, "nr_throttled") == 7);
	assert_true(lt_cgroup_stat(stat, "throttled_usec") == 1500);
	assert_true(isnan(lt_cgroup_stat(stat, "throttled")));
	assert_true(isnan(lt_cgroup_stat("", "nr_periods")));
}

static void test_own_process(void **state)
{
	struct lt_cgroups *cgroups = lt_cgroups__new();
	char text[4096];

	(void)state;
	assert_non_null(cgroups);
	assert_true(lt_proc_read((int)getpid(), "cgroup", text, sizeof(text)) > 0);
	for (int round = 0; round < 40; round++) {
		struct lt_cgroup_limits limits = lt_cgroups__limits(cgroups, text);

		assert_true(isnan(limits.cpu_limit) || limits.cpu_limit > 0);
		assert_true(isnan(limits.memory_limit_bytes) || limits.memory_limit_bytes > 0);
		assert_true(isnan(lt_cgroups__limits(cgroups, NULL).cpu_limit));
		assert_true(isnan(lt_cgroups__limits(cgroups, "").memory_limit_bytes));
		assert_true(isnan(lt_cgroups__limits(cgroups, "0::/no/such/group\n").cpu_limit));
		lt_cgroups__begin_round(cgroups);
	}
	lt_cgroups__free(cgroups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_cut_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_own_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
