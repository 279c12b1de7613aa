/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a test needs of the machine and does not find there: one policy for all. */
#ifndef LOOPTOP_TESTS_LACKS_H
#define LOOPTOP_TESTS_LACKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Ends the test, and the line says why (tests/run-unit collects it). */
__attribute__((format(printf, 2, 3))) static inline void end_without(bool may_skip,
								     const char *format, ...)
{
	char reason[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (!may_skip)
		fail_msg("%s", reason);
	print_message("skipped: %s\n", reason);
	skip();
}

/*
 * For what can be installed or fetched. Where LT_NO_SKIP is set, as by `make test`, which has done so, the test fails
 * instead of being skipped: it would go unrun without anybody knowing.
 */
#define lacks(...) end_without(!getenv("LT_NO_SKIP"), __VA_ARGS__)

/* For what cannot be installed: a right of the user, a kernel. */
#define not_here(...) end_without(true, __VA_ARGS__)

/* The test needs a program that is found by PATH, of a package of Debian's. */
static inline void needs_program(const char *name, const char *package)
{
	char command[256];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	if (system(command) != 0)
		lacks("%s is not installed (Debian: %s)", name, package);
}

#endif
