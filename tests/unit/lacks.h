/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a test needs of the machine and does not find there: one policy for all. */
#ifndef LOOPTOP_TESTS_LACKS_H
#define LOOPTOP_TESTS_LACKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/*
 * Ends the test: skipped, and the line says why (tests/run-unit collects it). Where LT_NO_SKIP is set, as by `make
 * test`, which has installed and fetched all of it, the test fails instead: it would go unrun without anybody knowing.
 */
__attribute__((format(printf, 1, 2))) static inline void lacks(const char *format, ...)
{
	char reason[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (getenv("LT_NO_SKIP"))
		fail_msg("%s", reason);
	print_message("skipped: %s\n", reason);
	skip();
}

/* Ends the test as well, for something that cannot be installed: a right of the user, a kernel. */
__attribute__((format(printf, 1, 2))) static inline void not_here(const char *format, ...)
{
	char reason[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	print_message("skipped: %s\n", reason);
	skip();
}

/* The test needs a program that is found by PATH, of a package of Debian's. */
static inline void needs_program(const char *name, const char *package)
{
	char command[256];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	if (system(command) != 0)
		lacks("%s is not installed (Debian: %s)", name, package);
}

#endif
