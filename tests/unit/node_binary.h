/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* For the tests of targets: where tests/get-node keeps the official Node binaries, and Debian its libuv. */
#ifndef LOOPTOP_TESTS_NODE_BINARY_H
#define LOOPTOP_TESTS_NODE_BINARY_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lacks.h"

static const int node_majors[] = { 16, 18, 20, 22, 24, 26 };

#define NODE_TEST(name, test, state)                     \
	{                                                \
		name, test, NULL, NULL, (void *)&(state) \
	}

/* The test once for each major version; *state is that version's element of `states`. */
#define NODE_TESTS(name, test, states)                                                      \
	NODE_TEST(name " 16", test, (states)[0]), NODE_TEST(name " 18", test, (states)[1]), \
		NODE_TEST(name " 20", test, (states)[2]),                                   \
		NODE_TEST(name " 22", test, (states)[3]),                                   \
		NODE_TEST(name " 24", test, (states)[4]), NODE_TEST(name " 26", test, (states)[5])

/* Opens the binary of a major version for a machine ("" this one, "-arm64"), its path in buf. If it is not there the test
 * ends here (lacks.h): tests/get-node fetches it. */
static inline int node_binary_for(const char *machine, int major, char *buf, size_t size)
{
	const char *dir = getenv("LT_NODE_DIR"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int fd;

	if (dir)
		snprintf(buf, size, "%s%s/v%d/package/bin/node", dir, machine, major);
	else if (cache)
		snprintf(buf, size, "%s/looptop/node%s/v%d/package/bin/node", cache, machine,
			 major);
	else
		snprintf(buf, size, "%s/.cache/looptop/node%s/v%d/package/bin/node",
			 home ? home : "", machine, major);
	fd = open(buf, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		lacks("no Node.js %d at %s (tests/get-node %s%d fetches it)", major, buf,
		      *machine ? "--arch arm64 " : "", major);
	return fd;
}

static inline int node_binary(int major, char *buf, size_t size)
{
	return node_binary_for("", major, buf, size);
}

/* This machine's, as Debian has it; packaging/get-sysroot keeps another machine's elsewhere. */
#define LIBUV "/usr/lib/x86_64-linux-gnu/libuv.so.1"

/* Opens a libuv; if it is not there the test ends here. */
static inline int open_libuv(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		lacks("no %s (%s)", path,
		      strcmp(path, LIBUV) ? "packaging/get-sysroot arm64 fetches it"
					  : "Debian: libuv1");
	return fd;
}

#endif
