/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a loop holds open: a reading of its memory becomes the figures of a snapshot. */
#ifndef LOOPTOP_MODEL_HANDLES_H
#define LOOPTOP_MODEL_HANDLES_H

#include "looptop/runtime.h"
#include "looptop/snapshot.h"

/* Sets handles, streams and js of a loop. handles NULL: nothing is known. mem: the loop's own account of the same
 * interval, or NULL. What is set may point into handles. */
void lt_model_handles(const struct lt_handles_mem *handles, const struct lt_loop_mem *mem,
		      struct lt_loop *loop);

#endif
