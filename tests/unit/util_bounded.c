/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Functions that are run with limits: each limit is met, and whoever asked goes on. */
#include "agent/util/bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/util/clock.h"
#include "agent/util/privilege.h"
#include "tests/unit/children.h"

#define MB (1u << 20)

static const struct lt_limits usual = { .memory_bytes = 32 * MB,
					.cpu_seconds = 5,
					.wall_ns = 20000000000ull,
					.result_bytes = 64 << 10 };

static int run(lt_bounded_fn fn, const struct lt_limits *limits, struct lt_result *result)
{
	struct lt_task task = { .fn = fn, .limits = *limits };

	return lt_bounded__run(&task, result);
}

/* What limits are multiplied by on a slow machine, at most. */
#define SLOWNESS_MAX 40

/* A limit, multiplied or not, was met: the reason says which. */
static void assert_over(const char *why, double limit, const char *unit)
{
	char end[32] = "";
	double told = 0;

	assert_int_equal(sscanf(why, "more than %lf %31[^\n]", &told, end), 2);
	assert_string_equal(end, unit);
	assert_true(told >= limit && told <= limit * SLOWNESS_MAX);
}

static int n_workers; /* processes that make the others */

/* --- what it gets and what it tells ------------------------------------------------------------ */

struct args {
	int first, second;
};

static int add(const void *args, const int *fds, size_t n_fds)
{
	const struct args *two = args;
	int sum = two->first + two->second;
	char text[8] = "";

	if (n_fds != 1 || read(fds[0], text, 5) != 5 || strcmp(text, "hello"))
		return -EINVAL;
	return lt_bounded__tell(&sum, sizeof(sum));
}

static void test_result(void **state)
{
	struct args two = { 40, 2 };
	struct lt_result result;
	int pipes[2];
	struct lt_task task = { add, &two, sizeof(two), pipes, 1, usual };

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(write(pipes[1], "hello", 5), 5);
	assert_int_equal(lt_bounded__run(&task, &result), 0);
	assert_int_equal(result.length, sizeof(int));
	assert_int_equal(*(const int *)result.data, 42);
	assert_string_equal(result.why, "");
	lt_result__free(&result);
	assert_null(result.data);
	close(pipes[0]);
	close(pipes[1]);
}

static int refuse(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	return -ENOEXEC;
}

static void test_own_error(void **state)
{
	struct lt_result result;

	(void)state;
	assert_int_equal(run(refuse, &usual, &result), -ENOEXEC);
	assert_string_equal(result.why, "");
	assert_int_equal(result.length, 0);
	lt_result__free(&result);
}

static const int lies[] = { ECANCELED, ETIMEDOUT, EDQUOT, EAGAIN, EINTR, ESRCH, 255 };

static int lie(const void *args, const int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	return -*(const int *)args;
}

/* What would mean something else to who asked than what an honest function says. */
static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct lt_task task = { .fn = lie,
					.args = &lies[i],
					.args_bytes = sizeof(lies[i]),
					.limits = usual };
		struct lt_result result;

		assert_int_equal(lt_bounded__run(&task, &result), -EDQUOT);
		assert_string_equal(result.why, "its reader crashed");
		lt_result__free(&result);
	}
}

/* --- limits ------------------------------------------------------------------------------------ */

static int take_memory(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	for (int i = 0; i < 4096; i++) {
		char *piece =
			mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (piece == MAP_FAILED)
			return -ENOMEM;
		memset(piece, 1, MB);
	}
	return 0;
}

static void test_memory(void **state)
{
	struct lt_result result;

	(void)state;
	assert_int_equal(run(take_memory, &usual, &result), -EDQUOT);
	assert_string_equal(result.why, "more than 32 MB of memory");
	assert_false(result.by_chance);
	lt_result__free(&result);
}

static int spin(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	lt_bounded__tell("begun", 5);
	for (volatile unsigned i = 0;; i++)
		;
	return 0;
}

static void test_cpu_time(void **state)
{
	struct lt_limits limits = usual;
	struct lt_result result;

	(void)state;
	limits.cpu_seconds = 1;
	limits.wall_ns = 300000000000ull;
	assert_int_equal(run(spin, &limits, &result), -EDQUOT);
	assert_over(result.why, 1, "s of CPU time");
	/* what it had told is there */
	assert_int_equal(result.length, 5);
	assert_memory_equal(result.data, "begun", 5);
	lt_result__free(&result);
}

static int sleep_on(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	for (;;)
		pause();
	return 0;
}

/* What was ended is gone, and was reaped, when the kernel is done with it. */
static void wait_gone(void)
{
	uint64_t deadline_ns = lt_now_ns() + 20000000000ull;
	struct lt_result result;
	int last;

	while (n_children(&last) > n_workers) {
		assert_true(lt_now_ns() < deadline_ns);
		assert_int_equal(run(refuse, &usual, &result), -ENOEXEC);
		lt_result__free(&result);
	}
}

static void test_time(void **state)
{
	struct lt_limits limits = usual;
	struct lt_result result;

	(void)state;
	limits.wall_ns = 100000000;
	assert_int_equal(run(sleep_on, &limits, &result), -EDQUOT);
	assert_over(result.why, 0.1, "s");
	lt_result__free(&result);
	wait_gone();
}

static int tell_much(const void *args, const int *fds, size_t n_fds)
{
	char page[4096] = "";

	(void)args;
	(void)fds;
	(void)n_fds;
	for (int i = 0; i < 1000; i++)
		if (lt_bounded__tell(page, sizeof(page)))
			return -EFBIG;
	return 0;
}

static void test_long_result(void **state)
{
	struct lt_result result;

	(void)state;
	assert_int_equal(run(tell_much, &usual, &result), -EDQUOT);
	assert_string_equal(result.why, "a result of more than 64 KB");
	assert_true(result.length <= usual.result_bytes);
	lt_result__free(&result);
}

static int crash(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	raise(SIGSEGV);
	return 0;
}

static void test_crash(void **state)
{
	struct lt_result result;

	(void)state;
	assert_int_equal(run(crash, &usual, &result), -EDQUOT);
	assert_non_null(strstr(result.why, "its reader crashed"));
	assert_false(result.by_chance);
	lt_result__free(&result);
}

static int be_killed(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	return kill(getpid(), SIGKILL);
}

static void test_killed_by_others(void **state)
{
	struct lt_result result;

	(void)state;
	assert_int_equal(run(be_killed, &usual, &result), -EDQUOT);
	assert_true(result.by_chance);
	lt_result__free(&result);
}

/* --- what it may do ---------------------------------------------------------------------------- */

struct rights {
	uid_t uid, gid;
	uint64_t capabilities;
	int no_new_privs, dumpable, forked, opened, n_fds;
};

static int look_at_rights(const void *args, const int *fds, size_t n_fds)
{
	struct rights rights = { .uid = getuid(), .gid = getgid() };
	pid_t child;

	(void)args;
	(void)fds;
	(void)n_fds;
	rights.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	rights.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	rights.opened = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	for (int fd = 3; fd < 4096; fd++)
		rights.n_fds += fcntl(fd, F_GETFD) >= 0;
	rights.capabilities = lt_capabilities__effective();
	/* the kernel lets root fork whatever the limit says: it must not be root by then */
	child = geteuid() ? fork() : -1;
	if (!child)
		_exit(0);
	rights.forked = child > 0;
	return lt_bounded__tell(&rights, sizeof(rights));
}

static void check_rights(void)
{
	struct lt_result result;
	const struct rights *rights;
	int secret = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as others may have */

	assert_int_equal(run(look_at_rights, &usual, &result), 0);
	rights = result.data;
	assert_int_equal(result.length, sizeof(*rights));
	assert_int_equal(rights->no_new_privs, 1);
	assert_int_equal(rights->dumpable, 0);
	assert_int_equal(rights->forked, 0);
	assert_true(rights->capabilities == 0);
	assert_true(rights->opened < 0);
	assert_int_equal(rights->n_fds, 1); /* where its result goes */
	if (!geteuid()) {
		assert_int_not_equal(rights->uid, 0);
		assert_int_not_equal(rights->gid, 0);
	}
	lt_result__free(&result);
	close(secret);
}

static int write_later(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)fds;
	(void)n_fds;
	return lt_bounded__tell("0123456789", 10);
}

/* Nobody changes a result that was checked: also not a process that the descriptor went to. */
static void test_result_is_final(void **state)
{
	struct lt_result result;
	char path[64];
	int fd = -1;

	(void)state;
	assert_int_equal(run(write_later, &usual, &result), 0);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)result.data,
		 (unsigned long)result.data + 4096);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		assert_int_equal(pwrite(fd, "x", 1, 0), -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(ftruncate(fd, 0), -1);
		close(fd);
	}
	assert_memory_equal(result.data, "0123456789", 10);
	lt_result__free(&result);
}

static void test_rights(void **state)
{
	(void)state;
	check_rights();
}

/* --- jobs -------------------------------------------------------------------------------------- */

static void test_job(void **state)
{
	struct lt_task task = { .fn = sleep_on, .limits = usual };
	struct lt_job *job = lt_bounded__begin(&task);
	struct lt_result result;
	uint64_t begin_ns = lt_now_ns();

	(void)state;
	assert_non_null(job);
	assert_int_equal(lt_bounded__end(job, 0, &result), -EAGAIN);
	assert_int_equal(lt_bounded__end(job, 30000000, &result), -EAGAIN);
	assert_true(lt_now_ns() - begin_ns >= 30000000);
	lt_bounded__abandon(job);
	wait_gone();
	task.n_fds = LT_BOUNDED_FDS_MAX + 1;
	assert_null(lt_bounded__begin(&task));
}

/* A signal that ends the program does not wait for a file. */
static void test_interrupted(void **state)
{
	struct lt_result result;
	sigset_t set, before;
	int number;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	raise(SIGTERM);
	assert_int_equal(run(sleep_on, &usual, &result), -EINTR);
	sigwait(&set, &number);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int prepare(void **state)
{
	(void)state;
	lt_bounded__prepare();
	lt_bounded__prepare(); /* there is one already */
	n_workers = 1;
	return 0;
}

/* One that was killed is replaced by forking. */
static void test_without_worker(void **state)
{
	int pid;

	(void)state;
	wait_gone();
	assert_int_equal(n_children(&pid), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check_rights();
	test_result(state);
}

/* clang-format off */
#define ALL_TESTS \
	cmocka_unit_test(test_result), cmocka_unit_test(test_own_error), cmocka_unit_test(test_lies), cmocka_unit_test(test_memory), \
	cmocka_unit_test(test_cpu_time), cmocka_unit_test(test_time), cmocka_unit_test(test_long_result), \
	cmocka_unit_test(test_crash), cmocka_unit_test(test_killed_by_others), \
	cmocka_unit_test(test_rights), cmocka_unit_test(test_result_is_final), \
	cmocka_unit_test(test_job), cmocka_unit_test(test_interrupted)
/* clang-format on */

int main(void)
{
	const struct CMUnitTest forked[] = { ALL_TESTS };
	const struct CMUnitTest by_worker[] = { ALL_TESTS, cmocka_unit_test(test_without_worker) };
	int failed = cmocka_run_group_tests_name("forked", forked, NULL, NULL);

	return failed | cmocka_run_group_tests_name("by the worker", by_worker, prepare, NULL);
}
