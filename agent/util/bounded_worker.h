/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The process that makes those of agent/util/bounded.h; for bounded.c only. */
#ifndef LOOPTOP_UTIL_BOUNDED_WORKER_H
#define LOOPTOP_UTIL_BOUNDED_WORKER_H

#include "agent/util/bounded.h"

/* A process that runs the task, a child of this one; -errno: there is no worker. */
pid_t lt_worker__begin(const struct lt_task *task, int out);

/* Ends one of them. */
void lt_worker__kill(pid_t pid);

#endif
