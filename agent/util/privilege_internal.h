/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_PRIVILEGE_INTERNAL_H
#define LOOPTOP_UTIL_PRIVILEGE_INTERNAL_H

#include "agent/util/privilege.h"

/* Leaves this thread the system calls of its duty. 0 or -errno, not logged. */
int lt_privilege__filter(enum lt_duty duty, bool attaches);

#endif
