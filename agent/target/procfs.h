/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_TARGET_PROCFS_H
#define LOOPTOP_TARGET_PROCFS_H

#include <stdbool.h>

/* Whether /proc is there and tells of our processes. 0, or -errno with the error logged; that it hides some is a
 * warning. */
int lt_procfs_check(void);

/* The process is there, although /proc does not show it. */
bool lt_procfs_hides(int pid);

#endif
