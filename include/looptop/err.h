/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Reporting an error yields it: `return lt_err(-EINVAL, "parse %s: not a number", word);`. A
 * message is one sentence: object, action, cause, hint. It is reported once, where the cause is
 * known, and goes to the log (log.h).
 */
#ifndef LOOPTOP_ERR_H
#define LOOPTOP_ERR_H

/* Exit statuses of the program (the contract's section 2). */
enum lt_exit {
	LT_EXIT_OK = 0,
	LT_EXIT_FAILED = 1,
	LT_EXIT_USAGE = 2,
	LT_EXIT_NO_TARGET = 3,
	LT_EXIT_PRIVILEGE = 4,
	LT_EXIT_KERNEL = 5,
};

/* Logs the message at level error; returns err (a negative errno) unchanged. */
int lt_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Logs the message at level warning; returns err unchanged. */
int lt_warn_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit status that a negative errno of an attach means: -ESRCH 3, -EPERM/-EACCES 4,
 * -EOPNOTSUPP/-ENOSYS 5, -EINVAL 2, all else 1; 0 → 0. */
enum lt_exit lt_exit_of(int err);

#endif
