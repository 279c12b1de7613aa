/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Which processes of a snapshot are one application (util/group.h). */
#ifndef LOOPTOP_MODEL_GROUPS_H
#define LOOPTOP_MODEL_GROUPS_H

#include "looptop/snapshot.h"

/* Fills group_pid of all. 0 or -ENOMEM. */
int lt_groups__fill(struct lt_process *processes, size_t n);

#endif
