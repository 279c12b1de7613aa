/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The pool tasks of all targets that have not ended: one walk through the kernel's table for each interval. */
#ifndef LOOPTOP_PROBE_TASKS_H
#define LOOPTOP_PROBE_TASKS_H

#include "agent/probe/internal.h"

struct lt_tasks;

/* max_targets: as many processes may have tasks. NULL with errno. */
struct lt_tasks *lt_tasks__new(unsigned max_targets);
void lt_tasks__free(struct lt_tasks *tasks);

struct lt_tasks *lt_probe__tasks(const struct lt_probe *probe);

#endif
