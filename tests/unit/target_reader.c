/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Readers that answer, that hang (they are told to sleep), and that may not run. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/maps.h"
#include "agent/target/memory.h"
#include "agent/target/process.h"
#include "agent/target/reader.h"
#include "agent/target/readers.h"
#include "agent/util/clock.h"
#include "tests/unit/children.h"

#define DEADLINE_NS 100000000ull
#define LONG_MS	    3600000

static int start(void **state)
{
	(void)state;
	return lt_reader__start();
}

static int stop(void **state)
{
	(void)state;
	lt_reader__stop();
	return 0;
}

static struct lt_reader *sleeper(size_t ms)
{
	struct lt_reader *reader = lt_readers__take();

	assert_non_null(reader);
	reader->shared->request.call = LT_READER_SLEEP;
	reader->shared->request.size = ms;
	lt_readers__ask(reader);
	return reader;
}

static void wait_until_gone(size_t left)
{
	for (int i = 0; i < 6000 && lt_readers__stuck() > left; i++) {
		poll(NULL, 0, 10);
		lt_readers__reap();
	}
	assert_int_equal(lt_readers__stuck(), left);
}

/* The same bytes as reading them ourselves, in pieces, across what one answer holds, up to what is not there. */
static void test_memory(void **state)
{
	size_t size = 3 * LT_READER_DATA / 2;
	unsigned char *here = malloc(size), *there = malloc(size);
	struct lt_source source = lt_process_memory(getpid());
	struct iovec pieces[3] = { { here + 5, 100 }, { here, size - 300 }, { (void *)8, 100 } };

	(void)state;
	for (size_t i = 0; i < size; i++)
		here[i] = (unsigned char)(i * 7 + i / 251);
	assert_int_equal(source.read(source.ctx, there, size, pieces, 3), size - 200);
	assert_memory_equal(there, here + 5, 100);
	assert_memory_equal(there + 100, here, size - 300);
	assert_true(lt_reader__began_ns() <= lt_reader__read_ns());
	assert_true(lt_reader__read_ns() <= lt_now_ns());
	assert_int_equal(source.read(source.ctx, there, 100, pieces + 2, 1), -EFAULT);
	assert_int_equal(lt_source_read(&source, (uint64_t)(uintptr_t)here, there, 16), 0);
	source = lt_process_memory(0x7ffffff0);
	assert_int_equal(source.read(source.ctx, there, 100, pieces, 1), -ESRCH);
	free(here);
	free(there);
}

static void test_files(void **state)
{
	struct lt_mapping mappings[64];
	char text[4096], link[64];
	struct lt_opened opened;
	int n, fd;

	(void)state;
	assert_true(lt_proc_read(getpid(), "cmdline", text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "target_reader"));
	assert_int_equal(lt_proc_read(0x7ffffff0, "cmdline", text, sizeof(text)), -ESRCH);
	n = lt_maps_files(getpid(), mappings, 64);
	assert_true(n > 1);
	fd = lt_maps_open(getpid(), &mappings[0]);
	assert_true(fd >= 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = (int)readlink(link, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, mappings[0].path);
	close(fd);
	/* Nothing but regular files of local file systems. */
	assert_int_equal(lt_open(getpid(), LT_OPEN_BELOW_ROOT, "proc/version", 0, &opened), -LT_NOT_LOCAL);
	assert_int_equal(lt_open(getpid(), LT_OPEN_BELOW_ROOT, "etc", 0, &opened), -EISDIR);
	assert_int_equal(lt_open(getpid(), LT_OPEN_BELOW_ROOT, "proc/self/exe", 0, &opened), -ELOOP);
	assert_int_equal(lt_open(getpid(), LT_OPEN_LINK, "exe", 16, &opened), -EFBIG);
	assert_int_equal(lt_open(getpid(), LT_OPEN_LINK, "exe", LT_LOOK, &opened), 0);
	assert_int_equal(opened.fd, -1);
	assert_true(opened.st.st_size > 16);
}

/* It is given up, and is gone; the next one answers. */
static void test_one_that_hangs(void **state)
{
	struct lt_reader *reader = sleeper(LONG_MS);
	uint64_t begin_ns = lt_now_ns();
	char text[256];

	(void)state;
	assert_int_equal(lt_readers__wait(reader, DEADLINE_NS), -ETIMEDOUT);
	assert_true(lt_now_ns() - begin_ns >= DEADLINE_NS);
	lt_readers__abandon(reader, 1234);
	assert_true(lt_proc_read(getpid(), "cmdline", text, sizeof(text)) > 0);
	wait_until_gone(0);
}

/* Somebody who asks without waiting: too early, then in vain, or answered. */
static void test_asked_without_waiting(void **state)
{
	struct lt_reader *brief = sleeper(50), *hangs = sleeper(LONG_MS);
	int err;

	(void)state;
	for (int i = 0; i < 6000 && (err = lt_readers__look(brief)) == -EAGAIN; i++)
		poll(NULL, 0, 10);
	assert_int_equal(err, 0);
	lt_readers__give_back(brief);
	for (int i = 0; i < 6000 && (err = lt_readers__look(hangs)) == -EAGAIN; i++)
		poll(NULL, 0, 10);
	assert_int_equal(err, -ETIMEDOUT);
	lt_readers__abandon(hangs, 0);
	wait_until_gone(0);
}

/* One that is not let run says nothing of its target. */
static void test_one_that_may_not_run(void **state)
{
	struct lt_reader *reader = lt_readers__take();
	char text[1024] = "";

	(void)state;
	assert_non_null(reader);
	kill(reader->pid, SIGSTOP);
	for (int i = 0; i < 6000 && !strstr(text, "State:\tT"); i++) {
		poll(NULL, 0, 1);
		assert_true(lt_proc_read(reader->pid, "status", text, sizeof(text)) > 0);
	}
	reader->shared->request.call = LT_READER_SLEEP;
	reader->shared->request.size = 0;
	lt_readers__ask(reader);
	assert_int_equal(lt_readers__wait(reader, DEADLINE_NS), -EBUSY);
	lt_readers__abandon(reader, 0);
	wait_until_gone(0);
}

/* Those that hang are counted for their user, and there is an end of them. */
static void test_no_more_than_there_are(void **state)
{
	struct lt_reader *readers[LT_READER_SLOTS];

	(void)state;
	wait_until_gone(0);
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		readers[i] = sleeper(LONG_MS);
	assert_null(lt_readers__take());
	assert_int_equal(lt_readers__free(), 0);
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		lt_readers__abandon(readers[i], i < 5 ? 1 : 2);
	assert_int_equal(lt_readers__stuck_of(1), 5);
	assert_int_equal(lt_readers__stuck_of(2), LT_READER_SLOTS - 5);
	wait_until_gone(0);
	assert_int_equal(lt_readers__free(), LT_READER_SLOTS);
}

/* Their parent: our only child. */
static pid_t parent_of_readers(void)
{
	int pid;

	assert_int_equal(n_children(&pid), 1);
	return pid;
}

/* All readers go with it; the first ones that are asked are found to be gone, then others are made. */
static void test_killed_parent(void **state)
{
	pid_t parent = parent_of_readers();
	char text[256];
	ssize_t n = 0;
	siginfo_t info;

	(void)state;
	assert_true(lt_proc_read(getpid(), "cmdline", text, sizeof(text)) > 0);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)parent, &info, WEXITED | WNOWAIT), 0);
	for (size_t i = 0; n <= 0 && i <= LT_READER_SLOTS; i++)
		n = lt_proc_read(getpid(), "cmdline", text, sizeof(text));
	assert_true(n > 0);
	assert_int_not_equal(parent_of_readers(), parent);
}

/* A reader that somebody kills is made anew. */
static void test_killed(void **state)
{
	struct lt_reader *reader = lt_readers__take();
	char text[256];

	(void)state;
	kill(reader->pid, SIGKILL);
	reader->shared->request.call = LT_READER_SLEEP;
	reader->shared->request.size = LONG_MS;
	lt_readers__ask(reader);
	assert_int_equal(lt_readers__wait(reader, DEADLINE_NS), -ECHILD);
	lt_readers__abandon(reader, 0);
	assert_true(lt_proc_read(getpid(), "cmdline", text, sizeof(text)) > 0);
}

/* A child of ours has none: it reads by itself. */
static void test_child(void **state)
{
	int status, pid;

	(void)state;
	assert_true(lt_reader__is_used());
	pid = fork();
	if (pid == 0)
		_exit(lt_reader__is_used());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_one_that_hangs),
		cmocka_unit_test(test_asked_without_waiting),
		cmocka_unit_test(test_one_that_may_not_run),
		cmocka_unit_test(test_no_more_than_there_are),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_parent),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
