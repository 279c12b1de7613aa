/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Whose files may be kept in the cache: those that nobody but root can have made what they are. */
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
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/identity.h"
#include "tests/unit/elf_file.h"
#include "tests/unit/lacks.h"

#define EXT	     0xef53
#define NOBODY	     65534

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_attributes(void **state)
{
	static const struct {
		unsigned mode;
		uid_t uid;
		uint64_t file_system;
		bool no_setuid, good;
	} cases[] = {
		{ S_IFREG | 0755, 0, EXT, false, true },
		{ S_IFREG | 0700, 0, EXT, false, true },
		{ S_IFREG | 0755, 0, 0x58465342, false, true }, /* xfs */
		{ S_IFREG | 0755, 0, 0x9123683e, false, true }, /* btrfs */
		{ S_IFREG | 0755, 1000, EXT, false, false },
		{ S_IFREG | 0755, NOBODY, EXT, false, false },
		{ S_IFREG | 0775, 0, EXT, false,
		  false }, /* its group; an access list shows there too */
		{ S_IFREG | 0757, 0, EXT, false, false },
		{ S_IFDIR | 0755, 0, EXT, false, false },
		{ S_IFCHR | 0600, 0, EXT, false, false },
		{ S_IFREG | 0755, 0, EXT, true, false }, /* a disk that was mounted for a user */
		{ S_IFREG | 0755, 0, 0x65735546, false, false }, /* FUSE */
		{ S_IFREG | 0755, 0, 0x794c7630, false, false }, /* overlay */
		{ S_IFREG | 0755, 0, 0x01021994, false, false }, /* tmpfs */
		{ S_IFREG | 0755, 0, 0x6969, false, false }, /* NFS */
		{ S_IFREG | 0755, 0, 0x01021997, false, false }, /* 9p */
		{ S_IFREG | 0755, 0, 0x73717368, false, false }, /* squashfs */
		{ S_IFREG | 0755, 0, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct stat st = { .st_mode = cases[i].mode,
				   .st_uid = cases[i].uid,
				   .st_ctim.tv_sec = 1000,
				   .st_mtim.tv_sec = 900 };
		const char *why =
			lt_identity_why_not(&st, cases[i].file_system, cases[i].no_setuid, 5000);

		if (!why != cases[i].good)
			fail_msg("case %zu: %s", i, why ? why : "kept");
	}
}

/* Within the grain of its times a file may change and show no other ones. */
static void test_just_changed(void **state)
{
	struct stat st = { .st_mode = S_IFREG | 0755,
			   .st_ctim.tv_sec = 1000,
			   .st_mtim.tv_sec = 900 };

	(void)state;
	assert_non_null(lt_identity_why_not(&st, EXT, false, 1000));
	assert_non_null(lt_identity_why_not(&st, EXT, false, 1001));
	assert_null(lt_identity_why_not(&st, EXT, false, 1002));
	assert_non_null(lt_identity_why_not(&st, EXT, false, 500)); /* the clock was set back */
	st.st_mtim.tv_sec = 2000; /* so says its owner */
	assert_non_null(lt_identity_why_not(&st, EXT, false, 1500));
}

/* A file that is root's, on a disk, and has been so for long; -1: there is none to be had here. */
static int root_file(char path[64])
{
	struct statfs fs;
	int fd;

	snprintf(path, 64, "/var/tmp/looptop-test-identity-XXXXXX");
	if (geteuid() != 0)
		return -1;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fstatfs(fd, &fs), 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	if (fs.f_type != EXT) {
		unlink(path);
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int identify(int fd, struct lt_identity *identity)
{
	const char *why_not;
	int err = lt_identify(fd, identity, &why_not);

	assert_true(!err == !why_not);
	return err;
}

static void test_real(void **state)
{
	struct lt_identity first, again;
	char path[64];
	int writer, fd = root_file(path);

	(void)state;
	if (fd < 0)
		not_here("not root, or no disk: only the attributes can be tried");
	assert_int_equal(identify(fd, &first), -EPERM); /* just made */
	sleep(3);
	assert_int_equal(identify(fd, &first), 0);
	assert_int_equal(first.size, 3);
	assert_int_equal(identify(fd, &again), 0);
	assert_memory_equal(&first, &again, sizeof(first));
	/* a descriptor that is older than the file's being root's */
	writer = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(writer >= 0);
	assert_int_equal(identify(fd, &again), -EPERM);
	close(writer);
	assert_int_equal(identify(fd, &again), 0);
	/* nothing of the question stays: whoever opens it now neither waits nor disturbs us */
	alarm(20);
	writer = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(writer >= 0);
	alarm(0);
	close(writer);
	assert_int_equal(fchown(fd, NOBODY, NOBODY), 0);
	assert_int_equal(identify(fd, &again), -EPERM);
	assert_int_equal(fchown(fd, 0, 0), 0);
	sleep(3);
	assert_int_equal(identify(fd, &again), 0);
	assert_memory_not_equal(&first, &again, sizeof(first)); /* it has been somebody else's */
	close(fd);
	unlink(path);
}

/* tmpfs, which anybody can mount in a namespace of his own */
static void test_memory_file(void **state)
{
	struct lt_identity identity;
	int fd = file_open("abc", 3);

	(void)state;
	assert_int_equal(identify(fd, &identity), -EPERM);
	close(fd);
	assert_true(identify(-1, &identity) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_just_changed),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_memory_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
