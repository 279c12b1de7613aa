/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Maps that are files: each once for all who name it, on its owner's account, and nothing of it in our memory. */
#include "agent/v8/mapstore.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/util/bounded.h"
#include "agent/util/budget.h"
#include "agent/v8/sourcemap_internal.h"
#include "tests/unit/lacks.h"

#define MAP	  "{\"version\":3,\"sources\":[\"a.ts\"],\"mappings\":\"AAAA\"}"
#define SOMEBODY  4711
#define FILES_MAX 80

static char folder[] = "/tmp/looptop-test-mapstore-XXXXXX";
static char root[32];

static void path_of(char *path, size_t size, int number)
{
	snprintf(path, size, "%s/%d.map", folder, number);
}

static void write_map(int number, off_t size, uid_t owner)
{
	char path[128];
	int fd;

	path_of(path, sizeof(path), number);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, MAP, strlen(MAP)), strlen(MAP));
	if (size)
		assert_int_equal(ftruncate(fd, size), 0);
	if (owner)
		assert_int_equal(fchown(fd, owner, (gid_t)-1), 0);
	close(fd);
}

/* As a script in that folder names it. */
static int open_source(int number, struct lt_sourcemap_source *ret_source)
{
	char script[128], url[32];

	snprintf(script, sizeof(script), "%s/x.js", folder);
	snprintf(url, sizeof(url), "%d.map", number);
	return lt_sourcemap__open(root, script, url, ret_source);
}

static struct lt_stored_map *get(int number)
{
	struct lt_sourcemap_source source;

	assert_int_equal(open_source(number, &source), 0);
	return lt_mapstore__get(&source, getpid());
}

/* -EAGAIN if it is not there within some seconds. */
static int find(struct lt_stored_map *map)
{
	const struct timespec pause = { 0, 20000000 };
	const char *file;
	int line, column, err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < 100; i++) {
		err = lt_mapstore__find(map, 1, 1, &file, &line, &column);
		if (err == -EAGAIN)
			nanosleep(&pause, NULL);
	}
	return err;
}

static void test_one_for_all(void **state)
{
	struct lt_stored_map *first, *second, *other;

	(void)state;
	write_map(0, 0, 0);
	write_map(1, 0, 0);
	first = get(0);
	other = get(1);
	assert_non_null(first);
	assert_ptr_not_equal(first, other);
	assert_ptr_equal(get(0), first); /* before it is read */
	assert_int_equal(find(first), 0);
	second = get(0);
	assert_ptr_equal(second, first);
	for (int i = 0; i < 3; i++)
		lt_mapstore__put(first);
	assert_ptr_equal(get(0), first); /* nobody had it: it was kept for another process */
	lt_mapstore__put(first);
	lt_mapstore__put(other);
	write_map(0, 200, 0); /* another one now */
	second = get(0);
	assert_ptr_not_equal(second, first);
	lt_mapstore__put(second);
}

/* Somebody whose files take long waits, and nobody else does. */
static void test_owner_waits(void **state)
{
	const struct lt_result slow = { .cpu_ns = 60000000000ull };
	struct lt_stored_map *theirs, *ours;

	(void)state;
	if (geteuid())
		not_here("only root gives files away");
	write_map(2, 0, SOMEBODY);
	write_map(3, 0, 0);
	theirs = get(2);
	ours = get(3);
	lt_bounded__charge(SOMEBODY, &slow, slow.cpu_ns);
	assert_int_equal(find(theirs), -EAGAIN);
	assert_int_equal(find(ours), 0);
	lt_mapstore__put(theirs);
	lt_mapstore__put(ours);
}

/* A file that waits to be read is its descriptor, however long it is. */
static void test_nothing_is_copied(void **state)
{
	size_t before = lt_budget__used();
	struct lt_sourcemap_source source;
	struct stat named, opened;
	char path[128];

	(void)state;
	write_map(4, LT_SOURCEMAP_MAX, 0);
	assert_int_equal(open_source(4, &source), 0);
	path_of(path, sizeof(path), 4);
	assert_int_equal(stat(path, &named), 0);
	assert_int_equal(fstat(source.fd, &opened), 0);
	assert_true(named.st_dev == opened.st_dev && named.st_ino == opened.st_ino);
	lt_mapstore__put(lt_mapstore__get(&source, getpid()));
	assert_int_equal(lt_budget__used(), before);
	write_map(4, LT_SOURCEMAP_MAX + 1, 0);
	assert_int_equal(open_source(4, &source), -EFBIG);
}

/* So many wait to be read that the first one has to be opened again. */
static void test_many_wait(void **state)
{
	struct lt_stored_map *maps[FILES_MAX];

	(void)state;
	for (int i = 0; i < FILES_MAX; i++) {
		write_map(i, 0, 0);
		maps[i] = get(i);
	}
	assert_int_equal(find(maps[0]), -ESTALE);
	assert_int_equal(find(maps[FILES_MAX - 1]), 0);
	lt_mapstore__put(maps[0]);
	maps[0] = get(0);
	assert_int_equal(find(maps[0]), 0);
	for (int i = 0; i < FILES_MAX; i++)
		lt_mapstore__put(maps[i]);
}

static int set_up(void **state)
{
	(void)state;
	lt_budget__set(64 << 20);
	snprintf(root, sizeof(root), "/proc/%d/root", (int)getpid());
	return !mkdtemp(folder);
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	for (int i = 0; i < FILES_MAX; i++) {
		path_of(path, sizeof(path), i);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_for_all),
		cmocka_unit_test(test_owner_waits),
		cmocka_unit_test(test_nothing_is_copied),
		cmocka_unit_test(test_many_wait),
	};

	return cmocka_run_group_tests_name("v8_mapstore", tests, set_up, tear_down);
}
