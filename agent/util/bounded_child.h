/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The side of agent/util/bounded.h that has no rights. For bounded.c and its tests only. */
#ifndef LOOPTOP_UTIL_BOUNDED_CHILD_H
#define LOOPTOP_UTIL_BOUNDED_CHILD_H

#include "agent/util/bounded.h"

/* A user that no system gives to anybody (systemd's ranges, "Users, Groups, UIDs and GIDs"): nobody else owns a file
 * that it could read, nor may send it a signal. */
#define LT_NO_USER 0x7fff0000u

/* Closes all descriptors but these, and gives up all rights. Nothing that it cannot give up is an error: there are
 * sandboxes in which little is permitted, and little is left to give up. It becomes LT_NO_USER if it may. */
void lt_child__enter(const int *kept, size_t n_kept, pid_t parent);

/* Runs the task in this process, which ends. out: where its result goes; open are only this and task->fds. */
_Noreturn void lt_child__run(const struct lt_task *task, int out);

#endif
