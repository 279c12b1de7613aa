/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What kind of work a stall was, told by the functions on its stack: pure. */
#ifndef LOOPTOP_DOCTOR_WORK_H
#define LOOPTOP_DOCTOR_WORK_H

#include "looptop/snapshot.h"

enum lt_work {
	LT_WORK_JAVASCRIPT,
	LT_WORK_JSON,
	LT_WORK_REGEXP,
	LT_WORK_TLS,
	LT_WORK_CRYPTO,
	LT_WORK_ZLIB,
	LT_WORK_FS,
	LT_WORK_CHILD_PROCESS,
	LT_WORK_WAIT, /* asleep in the middle of a turn, in what no other kind names */
	LT_WORK_NEXT_TICK,
	LT_WORK_MICROTASKS,
	LT_WORK_MAX,
};

/* The kind of work that one function is, LT_WORK_JAVASCRIPT if it is none of the others. */
enum lt_work lt_work_of_frame(const struct lt_stack_frame *frame);

/* Of a stall, by its starvation, what ran below the function that blocked, and its stack; where nothing
 * names it, LT_WORK_WAIT if the thread mostly slept, and LT_WORK_JAVASCRIPT otherwise. */
enum lt_work lt_work_of_stall(const struct lt_stall *stall);

/* The frame that names a stall's work ("JSON.parse"), or what ran below; NULL: none. */
const struct lt_stack_frame *lt_work_frame(const struct lt_stall *stall);

#endif
