/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What one loop holds open, over time: read from the target's memory at each call, walked through at most once a
 * second and for at most a two-hundredth of the time. Nothing is written, nobody is stopped.
 */
#ifndef LOOPTOP_TARGET_HANDLES_H
#define LOOPTOP_TARGET_HANDLES_H

#include "looptop/runtime.h"

struct lt_handles;

/* NULL: they can be read. Else one sentence that says why not. */
const char *lt_handles__why_not(const struct lt_target *target);

/* target is borrowed. NULL with errno. */
struct lt_handles *lt_handles__new(const struct lt_target *target);
void lt_handles__free(struct lt_handles *handles);

/* 0, or -errno: -EFAULT it is no loop (any more), -ENOMEM, -ESRCH, -EPERM. A walk that fails leaves `walked` false. */
int lt_handles__read(struct lt_handles *handles, uint64_t loop_ptr, struct lt_handles_mem *ret_mem);

#endif
