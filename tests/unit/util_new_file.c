/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Writing files where others can play tricks: links of every kind, folders of others, files of others, pipes and
 * devices, what is left after a failure. What needs another user is done as root only.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/util/new_file.h"
#include "tests/unit/lacks.h"

#define NOBODY 65534

static char folder[] = "/tmp/looptop-new-file.XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void has(const char *path, const char *text)
{
	char found[64] = "";
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	(void)!fread(found, 1, sizeof(found) - 1, in);
	fclose(in);
	assert_string_equal(found, text);
}

static int write_file(const char *path, const char *text)
{
	struct lt_new_file file;
	const char *why = NULL;
	int err = lt_new_file__open(&file, path, &why);

	if (err) {
		assert_non_null(why);
		lt_new_file__close(&file);
		return err;
	}
	err = lt_new_file__begin(&file);
	if (!err) {
		fputs(text, file.out);
		err = lt_new_file__commit(&file);
	}
	lt_new_file__close(&file);
	return err;
}

static int count_names(const char *path)
{
	char command[300];
	FILE *list;
	int n = -1;

	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", path);
	list = popen(command, "r");
	assert_non_null(list);
	assert_int_equal(fscanf(list, "%d", &n), 1);
	pclose(list);
	return n;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_new_and_replaced(void **state)
{
	const char *path = path_of("page");
	mode_t mask = umask(022);
	struct stat before, after;

	(void)state;
	assert_int_equal(write_file(path, "one"), 0);
	has(path, "one");
	assert_int_equal(mode_of(path), 0644);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(write_file(path, "two"), 0);
	has(path, "two");
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino); /* whoever had it open has the old one */
	/* Nobody can read it who could not before, and nothing is executed with rights that were the old one's. */
	assert_int_equal(chmod(path, 04600), 0);
	assert_int_equal(write_file(path, "three"), 0);
	assert_int_equal(mode_of(path), 0600);
	umask(077);
	assert_int_equal(write_file(path_of("other"), "x"), 0);
	assert_int_equal(mode_of(path_of("other")), 0600);
	umask(mask);
	assert_int_equal(count_names(folder), 2);
}

static void test_links_are_not_followed(void **state)
{
	const char *victim = path_of("victim"), *link = path_of("page");

	(void)state;
	put(victim, "precious");
	assert_int_equal(symlink(victim, link), 0);
	assert_int_equal(write_file(link, "x"), -ELOOP);
	has(victim, "precious");
	assert_int_equal(unlink(link), 0);
	/* Neither is one that leads nowhere, which fopen() would make a file of. */
	assert_int_equal(symlink(path_of("nothing"), link), 0);
	assert_int_equal(write_file(link, "x"), -ELOOP);
	assert_int_equal(access(path_of("nothing"), F_OK), -1);
	assert_int_equal(unlink(link), 0);
	/* A hard link: the name is replaced, not what it names. */
	(void)!fchmodat(AT_FDCWD, victim, 0600, 0);
	if (!linkat(AT_FDCWD, victim, AT_FDCWD, link, 0)) {
		assert_int_equal(write_file(link, "x"), 0);
		has(victim, "precious");
	}
	assert_int_equal(count_names(folder), 2);
}

static void test_link_that_comes_late(void **state)
{
	const char *victim = path_of("victim"), *path = path_of("page"), *why;
	struct lt_new_file file;

	(void)state;
	put(victim, "precious");
	assert_int_equal(lt_new_file__open(&file, path, &why), 0);
	assert_int_equal(lt_new_file__begin(&file), 0);
	fputs("x", file.out);
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(lt_new_file__commit(&file), -ELOOP);
	has(victim, "precious");
	assert_int_equal(count_names(folder), 2);
}

/* The folder is held: another one that takes its name gets nothing. */
static void test_folder_that_is_swapped(void **state)
{
	const char *why;
	struct lt_new_file file;

	(void)state;
	assert_int_equal(mkdir(path_of("a"), 0755), 0);
	assert_int_equal(mkdir(path_of("b"), 0755), 0);
	assert_int_equal(lt_new_file__open(&file, path_of("a/page"), &why), 0);
	assert_int_equal(rename(path_of("a"), path_of("c")), 0);
	assert_int_equal(symlink("b", path_of("a")), 0);
	assert_int_equal(lt_new_file__begin(&file), 0);
	fputs("x", file.out);
	assert_int_equal(lt_new_file__commit(&file), 0);
	assert_int_equal(count_names(path_of("b")), 0);
	has(path_of("c/page"), "x");
}

static void test_own_links_on_the_way(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("a"), 0755), 0);
	assert_int_equal(symlink("a", path_of("b")), 0);
	assert_int_equal(symlink(path_of("b"), path_of("c")), 0);
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_int_equal(write_file(path_of("c/./../b//page"), "x"), 0);
	has(path_of("a/page"), "x");
	assert_int_equal(write_file(path_of("loop/page"), "x"), -ELOOP);
	assert_int_equal(write_file(path_of("a/page/page"), "x"), -ENOTDIR);
	assert_int_equal(write_file(path_of("nowhere/page"), "x"), -ENOENT);
	assert_int_equal(write_file(path_of("a"), "x"), -EISDIR);
	assert_int_equal(write_file(path_of("a/"), "x"), -EISDIR);
	assert_int_equal(write_file("", "x"), -EISDIR);
	/* What /proc shows as a path in another root must not be taken for one in ours. */
	assert_int_equal(write_file("/proc/self/root/tmp/looptop-page", "x"), -ELOOP);
	assert_int_equal(access("/tmp/looptop-page", F_OK), -1);
}

static void test_what_others_made(void **state)
{
	(void)state;
	if (geteuid())
		not_here("only root can make files of others");
	assert_int_equal(mkdir(path_of("a"), 0755), 0);
	assert_int_equal(mkdir(path_of("theirs"), 0755), 0);
	assert_int_equal(mkdir(path_of("sticky"), 01777), 0);
	assert_int_equal(chmod(path_of("sticky"), 01777), 0);
	assert_int_equal(chown(path_of("theirs"), NOBODY, NOBODY), 0);
	/* A link on the way */
	assert_int_equal(symlink("a", path_of("link")), 0);
	assert_int_equal(lchown(path_of("link"), NOBODY, NOBODY), 0);
	assert_int_equal(write_file(path_of("link/page"), "x"), -ELOOP);
	/* our own one where they could have put another one */
	assert_int_equal(symlink("../a", path_of("theirs/link")), 0);
	assert_int_equal(write_file(path_of("theirs/link/page"), "x"), -ELOOP);
	assert_int_equal(symlink("../a", path_of("sticky/link")), 0);
	assert_int_equal(write_file(path_of("sticky/link/page"), "x"), 0);
	/* A file of theirs */
	put(path_of("theirs/page"), "theirs");
	put(path_of("sticky/page"), "theirs");
	put(path_of("page"), "theirs");
	assert_int_equal(chown(path_of("theirs/page"), NOBODY, NOBODY), 0);
	assert_int_equal(chown(path_of("sticky/page"), NOBODY, NOBODY), 0);
	assert_int_equal(chown(path_of("page"), NOBODY, NOBODY), 0);
	assert_int_equal(write_file(path_of("theirs/page"), "x"), -EEXIST);
	assert_int_equal(write_file(path_of("sticky/page"), "x"), -EEXIST);
	has(path_of("theirs/page"), "theirs");
	has(path_of("sticky/page"), "theirs");
	assert_int_equal(write_file(path_of("page"), "x"), 0); /* in our folder we gave it to them */
	/* A pipe of theirs */
	assert_int_equal(mkfifo(path_of("sticky/pipe"), 0666), 0);
	assert_int_equal(chown(path_of("sticky/pipe"), NOBODY, NOBODY), 0);
	assert_int_equal(write_file(path_of("sticky/pipe"), "x"), -EEXIST);
	/* New files there */
	assert_int_equal(write_file(path_of("theirs/new"), "x"), 0);
	assert_int_equal(write_file(path_of("theirs/new"), "y"), 0);
	has(path_of("theirs/new"), "y");
	assert_int_equal(count_names(path_of("theirs")), 3);
}

static void test_what_is_no_file(void **state)
{
	const char *path = path_of("pipe");
	int pipes[2], fifo;
	char text[16] = "";

	(void)state;
	assert_int_equal(write_file("/dev/null", "x"), 0);
	assert_true(S_ISCHR(({
			struct stat st;
			assert_int_equal(stat("/dev/null", &st), 0);
			st.st_mode;
		})));
	assert_int_equal(mkfifo(path, 0600), 0);
	fifo = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(write_file(path, "piped"), 0);
	assert_int_equal(read(fifo, text, sizeof(text)), 5);
	assert_string_equal(text, "piped");
	close(fifo);
	/* A descriptor is written to where it is: what is in the file already stays. */
	assert_int_equal(pipe(pipes), 0);
	snprintf(text, sizeof(text), "/dev/fd/%d", pipes[1]);
	assert_int_equal(write_file(text, "again"), 0);
	memset(text, 0, sizeof(text));
	assert_int_equal(read(pipes[0], text, sizeof(text)), 5);
	assert_string_equal(text, "again");
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(write_file("/dev/fd/999999", "x"), -EBADF);
	assert_int_equal(write_file("/dev/fd/", "x"), -EISDIR);
}

static void test_nothing_is_left_of_a_failure(void **state)
{
	const char *path = path_of("page"), *why;
	struct lt_new_file file;

	(void)state;
	put(path, "old");
	assert_int_equal(lt_new_file__open(&file, path, &why), 0);
	assert_int_equal(count_names(folder), 1);
	assert_int_equal(lt_new_file__begin(&file), 0);
	fputs("half", file.out);
	lt_new_file__close(&file);
	has(path, "old");
	assert_int_equal(count_names(folder), 1);
	/* The disk is full. */
	assert_int_equal(lt_new_file__open(&file, "/dev/full", &why), 0);
	assert_int_equal(lt_new_file__begin(&file), 0);
	fputs("half", file.out);
	assert_int_equal(lt_new_file__commit(&file), -ENOSPC);
	/* Long names have room for ours. */
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	assert_int_equal(write_file(path_of(name), "x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new_and_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links_are_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_link_that_comes_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folder_that_is_swapped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_links_on_the_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_others_made, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_is_left_of_a_failure, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
