/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What was compiled on a loop's thread: the kernel's record becomes the figures of an interval. */
#ifndef LOOPTOP_MODEL_JIT_H
#define LOOPTOP_MODEL_JIT_H

#include "looptop/abi.h"
#include "looptop/snapshot.h"

/* Of a loop whose process has the probes. What functions points at must live until the next reading. */
struct lt_jit_reading {
	uint32_t compilers; /* bit enum lt_compiler: its work can be seen */
	bool deopts; /* likewise */
	struct lt_jit_rec rec; /* all 0: there was no event yet */
	const struct lt_deopt *functions;
	size_t n_functions;
};

struct lt_jit_state {
	struct lt_jit_rec before;
	double compiles[LT_SNAP_COMPILERS], deopts; /* since the beginning; NAN: never known */
};

struct lt_jit_state lt_jit_state_of_new(void);

/* Sets what loop has of it, totals too. reading NULL: there are no probes. */
void lt_model_jit(struct lt_jit_state *state, const struct lt_jit_reading *reading,
		  struct lt_loop *loop);

#endif
