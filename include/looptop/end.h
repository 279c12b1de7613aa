/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How a process ended, as the kernel and its engine told it. */
#ifndef LOOPTOP_END_H
#define LOOPTOP_END_H

#define LT_SNAP_END_HOWS 4
#define LT_SNAP_END_REASONS 4

/* How a process ended; names in lt_end_hows (metric.h). */
enum lt_end_how {
	LT_END_UNKNOWN, /* nobody told */
	LT_END_EXIT,
	LT_END_SIGNAL,
	LT_END_EXEC, /* it runs another program from then on */
};

/* Why, beyond that; names in lt_end_reasons (metric.h). */
enum lt_end_reason {
	LT_END_NO_REASON, /* none that is known */
	LT_END_HEAP_OUT_OF_MEMORY, /* its engine gave up: a heap was full */
	LT_END_OUT_OF_MEMORY, /* its engine gave up: there was no memory, but not for want of room in a heap */
	LT_END_OOM_KILLER, /* the kernel chose it when the host or a cgroup had no more memory */
};

struct lt_end {
	double time; /* Unix time; NAN: not known */
	enum lt_end_how how;
	int code; /* EXIT: its status, 0…255; otherwise -1 */
	int signal; /* SIGNAL: its number; otherwise 0 */
	enum lt_end_reason reason;
};

/* "exit status 1", "killed by SIGKILL, by the kernel's out-of-memory killer", … */
#define LT_END_TEXT_SIZE 96
const char *lt_end__text(char buf[LT_END_TEXT_SIZE], const struct lt_end *end);

/* "SIGKILL"; of a signal without a name its number, "SIG64". */
#define LT_SIGNAL_TEXT_SIZE 16
const char *lt_signal__text(char buf[LT_SIGNAL_TEXT_SIZE], int number);

#endif
