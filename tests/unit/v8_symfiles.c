/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One file's symbols are kept once, and only as long as somebody uses them. The files are copies of this test. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/v8/symfiles.h"

static char path[2][64];

static void copy_of_myself(char to[static 64])
{
	int in = open("/proc/self/exe", O_RDONLY), out;
	struct stat st;

	snprintf(to, 64, "/tmp/v8-symfiles-XXXXXX");
	out = mkstemp(to);
	assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	while (sendfile(out, in, NULL, (size_t)st.st_size) > 0)
		;
	assert_int_equal(lseek(out, 0, SEEK_END), st.st_size);
	close(in);
	close(out);
}

static int set_up(void **state)
{
	(void)state;
	copy_of_myself(path[0]);
	copy_of_myself(path[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path[0]) | unlink(path[1]);
}

static struct lt_symfile *get(struct lt_symfiles *files, int which)
{
	return lt_symfiles__get(files, open(path[which], O_RDONLY | O_CLOEXEC));
}

static int lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void test_shared(void **state)
{
	struct lt_symfiles *files = lt_symfiles__new();
	struct lt_symfile *first, *other;
	int free_fd = lowest_free_fd();

	(void)state;
	first = get(files, 0);
	other = get(files, 1);
	assert_non_null(first);
	assert_non_null(other);
	assert_ptr_not_equal(first, other);
	for (int i = 0; i < 20; i++) /* more than there is room for at first */
		assert_ptr_equal(get(files, i % 2), i % 2 ? other : first);
	for (int i = 0; i < 20; i++)
		lt_symfiles__put(files, i % 2 ? other : first);
	/* Each has one user left; a file keeps its descriptor as long as it has one. */
	assert_int_equal(lowest_free_fd(), free_fd + 2);
	assert_ptr_equal(get(files, 0), first);
	lt_symfiles__put(files, first);
	lt_symfiles__put(files, first);
	lt_symfiles__put(files, other);
	assert_int_equal(lowest_free_fd(), free_fd);
	lt_symfiles__free(files);
}

/* A file that was written to has other symbols, although its inode is the same. */
static void test_changed(void **state)
{
	struct lt_symfiles *files = lt_symfiles__new();
	struct lt_symfile *before = get(files, 0), *after;
	int fd = open(path[0], O_WRONLY | O_APPEND);

	(void)state;
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	after = get(files, 0);
	assert_non_null(after);
	assert_ptr_not_equal(after, before);
	lt_symfiles__put(files, before);
	assert_ptr_equal(get(files, 0), after);
	lt_symfiles__put(files, after);
	lt_symfiles__put(files, after);
	lt_symfiles__free(files);
}

static void test_none(void **state)
{
	struct lt_symfiles *files = lt_symfiles__new();
	int free_fd = lowest_free_fd();

	(void)state;
	assert_null(lt_symfiles__get(files, open("/proc/self/cmdline", O_RDONLY)));
	assert_null(lt_symfiles__get(files, -1));
	lt_symfiles__put(files, NULL);
	assert_int_equal(lowest_free_fd(), free_fd);
	lt_symfiles__free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
