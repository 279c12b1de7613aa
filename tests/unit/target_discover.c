/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Finding processes by what is mapped into them, on children of this test: one that never has a loop, and
 * one that loads libuv when it is told to.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/discover.h"
#include "agent/target/files.h"
#include "agent/util/clock.h"
#include "tests/unit/lacks.h"

#define SECOND_NS 1000000000ull

struct child {
	int pid;
	int to; /* a byte written here: load libuv */
	int from; /* a byte comes from here: 'y' loaded, 'n' there is none */
};

static void live(int in, int out)
{
	char byte = 'n';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(in, &byte, 1) == 1) {
		byte = dlopen("libuv.so.1", RTLD_NOW) ? 'y' : 'n';
		if (write(out, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static struct child start(void)
{
	struct child child;
	int to[2], from[2];

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		close(to[1]);
		live(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	child.to = to[1];
	child.from = from[0];
	return child;
}

static void stop(const struct child *child)
{
	close(child->to);
	close(child->from);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

static void load_libuv(const struct child *child)
{
	char byte = 0;

	assert_int_equal(write(child->to, "l", 1), 1);
	assert_int_equal(read(child->from, &byte, 1), 1);
	if (byte != 'y') {
		stop(child);
		lacks("no libuv.so.1 (Debian: libuv1)");
	}
}

/* Is this process among those that are told now? The others of the machine are taken, too. */
static bool is_told(struct lt_discovery *discovery, int pid, uint64_t now_ns)
{
	struct lt_found found;
	bool told = false;

	while (lt_discovery__next(discovery, now_ns, &found)) {
		assert_true(found.seen_ns <= lt_now_ns() && found.seen_time > 1e9);
		if (found.pid == pid) {
			assert_false(told); /* once only */
			told = true;
		}
	}
	return told;
}

static void test_mapped_later(void **state)
{
	struct lt_discovery *discovery = lt_discovery__new(false);
	struct child child = start();
	uint64_t before_ns;

	(void)state;
	assert_int_equal(lt_discovery__scan(discovery, lt_now_ns()), 0);
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_false(is_told(discovery, child.pid, UINT64_MAX));
	load_libuv(&child);
	/* Nobody tells of it: the next look is enough, and it comes within seconds. */
	before_ns = lt_now_ns();
	lt_discovery__look(discovery, before_ns + 5 * SECOND_NS, UINT64_MAX);
	assert_false(is_told(discovery, child.pid, before_ns)); /* its files may still be coming */
	assert_true(is_told(discovery, child.pid, lt_now_ns() + SECOND_NS));
	assert_false(is_told(discovery, child.pid, UINT64_MAX));
	stop(&child);
	lt_discovery__free(discovery);
}

static void test_postponed(void **state)
{
	struct lt_discovery *discovery = lt_discovery__new(false);
	struct child child = start();
	uint64_t later = lt_now_ns() + 60 * SECOND_NS;

	(void)state;
	load_libuv(&child);
	lt_discovery__scan(discovery, lt_now_ns());
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_true(is_told(discovery, child.pid, UINT64_MAX));
	lt_discovery__postpone(discovery, child.pid, later);
	assert_false(is_told(discovery, child.pid, later - 1));
	assert_true(is_told(discovery, child.pid, later));
	lt_discovery__postpone(discovery, getpid(), later); /* not known: nothing happens */
	stop(&child);
	lt_discovery__free(discovery);
}

/* The life of a pid: another program in the same process, an end, the same pid again. */
static void test_begins_and_ends(void **state)
{
	struct lt_discovery *discovery = lt_discovery__new(false);
	struct child child = start();

	(void)state;
	load_libuv(&child);
	lt_discovery__began(discovery, child.pid, false, lt_now_ns());
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_true(is_told(discovery, child.pid, UINT64_MAX));
	lt_discovery__began(discovery, child.pid, true, lt_now_ns());
	assert_false(is_told(discovery, child.pid, UINT64_MAX)); /* not before it was looked at */
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_true(is_told(discovery, child.pid, UINT64_MAX));
	lt_discovery__scan(discovery, lt_now_ns()); /* the same process: nothing new */
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_false(is_told(discovery, child.pid, UINT64_MAX));
	lt_discovery__ended(discovery, child.pid);
	lt_discovery__scan(discovery, lt_now_ns()); /* forgotten, so whoever has it now is new */
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_true(is_told(discovery, child.pid, UINT64_MAX));
	stop(&child);
	lt_discovery__ended(discovery, child.pid);
	lt_discovery__began(discovery, child.pid, false, lt_now_ns());
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_false(is_told(discovery, child.pid, UINT64_MAX));
	lt_discovery__free(discovery);
}

/* A deadline that has passed: nothing is looked at, and nothing is lost by it. */
static void test_deadline(void **state)
{
	struct lt_discovery *discovery = lt_discovery__new(false);
	struct child child = start();

	(void)state;
	load_libuv(&child);
	lt_discovery__scan(discovery, lt_now_ns());
	lt_discovery__look(discovery, UINT64_MAX, 0);
	lt_discovery__look(discovery, UINT64_MAX, 0);
	assert_false(is_told(discovery, child.pid, UINT64_MAX));
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_true(is_told(discovery, child.pid, UINT64_MAX));
	stop(&child);
	lt_discovery__free(discovery);
}

static void test_storm(void **state)
{
	struct lt_discovery *discovery = lt_discovery__new(false);
	struct lt_found found;

	(void)state;
	/* More pids than there is room for, none of which is there. */
	for (int pid = 1 << 23; pid < (1 << 23) + 100000; pid++)
		lt_discovery__began(discovery, pid, pid & 1, lt_now_ns());
	lt_discovery__look_through(discovery, UINT64_MAX);
	assert_false(lt_discovery__next(discovery, UINT64_MAX, &found));
	lt_discovery__free(discovery);
}

/* A process with an epoll descriptor and no runtime: only for those who ask, and not while a runtime may still be
 * coming. */
static void test_generic(void **state)
{
	int epoll = epoll_create1(0); /* the child has it too */
	struct child child = start();

	(void)state;
	assert_true(epoll >= 0);
	for (int generic = 0; generic <= 1; generic++) {
		struct lt_discovery *discovery = lt_discovery__new(generic);

		lt_discovery__scan(discovery, lt_now_ns());
		lt_discovery__look_through(discovery, UINT64_MAX); /* it has been there for long */
		assert_int_equal(is_told(discovery, child.pid, UINT64_MAX), generic);
		lt_discovery__began(discovery, child.pid, false, lt_now_ns());
		for (int i = 0; i < 2; i++) {
			lt_discovery__look(discovery, UINT64_MAX, UINT64_MAX);
			assert_false(is_told(discovery, child.pid, UINT64_MAX));
		}
		lt_discovery__look(discovery, UINT64_MAX, UINT64_MAX);
		assert_int_equal(is_told(discovery, child.pid, UINT64_MAX), generic);
		lt_discovery__free(discovery);
	}
	close(epoll);
	stop(&child);
}

static void test_files(void **state)
{
	struct lt_files *files = lt_files__new();
	struct child child = start();

	(void)state;
	for (int i = 0; i < 2; i++) { /* the second answer is a remembered one */
		assert_false(lt_files__exe_has_loop(files, child.pid));
		assert_false(lt_files__any_has_loop(files, child.pid));
	}
	load_libuv(&child);
	for (int i = 0; i < 2; i++)
		assert_true(lt_files__any_has_loop(files, child.pid));
	assert_false(lt_files__exe_has_loop(files, child.pid));
	stop(&child);
	assert_false(lt_files__any_has_loop(files, child.pid));
	assert_false(lt_files__exe_has_loop(files, child.pid));
	lt_files__free(files);
	lt_files__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapped_later),	cmocka_unit_test(test_postponed),
		cmocka_unit_test(test_begins_and_ends), cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_generic), cmocka_unit_test(test_storm),		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
