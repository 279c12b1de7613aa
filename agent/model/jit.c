/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/jit.h"

static void set_unknown(struct lt_loop *loop)
{
	loop->jit = (struct lt_jit){ .deopts = NAN };
	loop->total.deopts = NAN;
	for (int i = 0; i < LT_SNAP_COMPILERS; i++)
		loop->jit.compiles[i] = loop->total.compiles[i] = NAN;
}

struct lt_jit_state lt_jit_state_of_new(void)
{
	struct lt_jit_state state = { .deopts = NAN };

	for (int i = 0; i < LT_SNAP_COMPILERS; i++)
		state.compiles[i] = NAN;
	return state;
}

/* What a counter has gained goes to the interval and to the total. */
static double gain(double *total, uint64_t before, uint64_t now)
{
	double gained = (double)(now - before);

	*total = (lt_known(*total) ? *total : 0) + gained;
	return gained;
}

void lt_model_jit(struct lt_jit_state *state, const struct lt_jit_reading *reading,
		  struct lt_loop *loop)
{
	const struct lt_jit_rec *now;

	set_unknown(loop);
	if (!reading)
		return;
	now = &reading->rec;
	if (state->before.first_ns !=
	    now->first_ns) /* its probes were taken out and put in again */
		state->before = (struct lt_jit_rec){ .first_ns = now->first_ns };
	for (int i = 0; i < LT_SNAP_COMPILERS; i++) {
		if (!(reading->compilers & 1u << i))
			continue;
		loop->jit.compiles[i] =
			gain(&state->compiles[i], state->before.compiled[i], now->compiled[i]);
		loop->total.compiles[i] = state->compiles[i];
	}
	if (reading->deopts) {
		loop->jit.deopts = gain(&state->deopts, state->before.deopts, now->deopts);
		loop->total.deopts = state->deopts;
		loop->jit.functions = reading->functions;
		loop->jit.n_functions = reading->n_functions;
	}
	state->before = *now;
}
