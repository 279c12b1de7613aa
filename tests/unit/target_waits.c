/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Who waits in epoll: texts of /proc, and a child of this test that waits. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/waits.h"

static void test_parse(void **state)
{
	struct lt_syscall call = { 0 };

	(void)state;
	assert_int_equal(
		lt_parse_syscall("232 0x5 0x7ffc12 0x80 0xffffffff 0x0 0x8 0x7ffd40 0x7f12\n",
				 &call),
		0);
	assert_int_equal(call.number, 232);
	assert_int_equal(call.args[0], 5);
	assert_int_equal(call.args[3], 0xffffffff);
	assert_int_equal(call.sp, 0x7ffd40);
	assert_int_equal(lt_parse_syscall("-1 0x7ffd40 0x7f12\n", &call), 0);
	assert_int_equal(call.number, -1);
	assert_int_equal(call.sp, 0x7ffd40);
	assert_int_equal(call.args[3], 0);
	assert_int_equal(lt_parse_syscall("running\n", &call), -EAGAIN);
}

static void test_hostile(void **state)
{
	static const char *const texts[] = {
		"",   "\n", " ",      "232",	    "232 0x5", "232 0x5 0x1 0x2",
		"-1", "x",  "232 zz", "-2 0x1 0x2",
		/* Another count of values than the kernel writes, or no stack. */
		"-1 0x7ffd40",
		"-1 0x0 0x7f12",
		"-1 0x7ffd40 0x7f12 0x1",
		"-1 0x5 0x7ffc12 0x80 0xffffffff 0x0 0x8 0x0 0x7f12",
		"4294967295 0x5 0x7ffc12 0x80 0xffffffff 0x0 0x8 0x7ffd40 0x7f12",
		"232 0x5 0x7ffc12 0x80 0xffffffff 0x0 0x8 0x7ffd40",
		"232 0x5 0x7ffc12 0x80 0xffffffff 0x0 0x8 0x0 0x7f12",
	};
	struct lt_syscall call = { .number = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(lt_parse_syscall(texts[i], &call), -EINVAL);
	assert_int_equal(call.number, 77);
}

/* A child that waits in epoll as told: by which call, with which timeout. */
static int start(long number, int timeout_ms)
{
	int pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct epoll_event event;
		int epoll = epoll_create1(0);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			syscall(number, epoll, &event, 1, timeout_ms, NULL, 8);
	}
	return pid;
}

static void stop(int pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int wait_until_in_wait(int pid, uint64_t *ret_sp)
{
	int err = -EAGAIN;

	for (int i = 0; err && i < 12000; i++) {
		struct timespec pause = { .tv_nsec = 10000000 };

		nanosleep(&pause, NULL);
		err = lt_thread_in_wait(pid, pid, ret_sp);
	}
	return err;
}

static void test_waiting(void **state)
{
	int pid = start(SYS_epoll_pwait, -1);
	uint64_t sp = 0;
	int64_t sleeps;

	(void)state;
	assert_int_equal(wait_until_in_wait(pid, &sp), 0);
	assert_true(sp > 4096);
	sleeps = lt_thread_sleeps(pid, pid);
	assert_true(sleeps > 0);
	assert_int_equal(lt_thread_sleeps(pid, pid), sleeps); /* one sleep */
	assert_true(lt_process_has_epoll(pid));
	assert_true(lt_process_is_native(pid));
	stop(pid);
	assert_true(lt_thread_sleeps(pid, pid) < 0);
	assert_true(lt_thread_in_wait(pid, pid, &sp) < 0);
	assert_false(lt_process_has_epoll(pid));
	assert_false(lt_process_is_native(pid));
}

/* Waits that may not block are none to be idle in. */
static void test_polling(void **state)
{
	int pid = start(SYS_epoll_pwait, 0);
	uint64_t sp;

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(lt_thread_in_wait(pid, pid, &sp), -EAGAIN);
	stop(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_polling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
