/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The side of agent/util/bounded.h that has no rights. For bounded.c and its tests only. */
#ifndef LOOPTOP_UTIL_BOUNDED_CHILD_H
#define LOOPTOP_UTIL_BOUNDED_CHILD_H

#include "agent/util/bounded.h"

/* Closes all descriptors but these, and gives up all rights. Nothing that it cannot give up is an error: there are
 * sandboxes in which little is permitted, and little is left to give up. */
void lt_child__enter(const int *kept, size_t n_kept, pid_t parent);

/* Runs the task in this process, which ends. out: where its result goes; open are only this and task->fds. */
_Noreturn void lt_child__run(const struct lt_task *task, int out);

#endif
