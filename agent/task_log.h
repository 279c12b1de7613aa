/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The pool tasks of an interval one by one, for who asks for them. */
#ifndef LOOPTOP_TASK_LOG_H
#define LOOPTOP_TASK_LOG_H

#include "looptop/abi.h"
#include "looptop/snapshot.h"

struct lt_task_log {
	struct lt_task_span *items;
	size_t n, capacity;
	double left_out; /* for want of room */
};

/* Adds a task by its event (LT_EVENT_TASK). */
void lt_task_log__add(struct lt_task_log *log, const struct lt_event *event);
void lt_task_log__clear(struct lt_task_log *log);
void lt_task_log__free(struct lt_task_log *log);

#endif
