/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Deoptimisations of one loop, by function. */
#include <errno.h>
#include <stdlib.h>

#include "agent/doctor/collect.h"
#include "looptop/metric.h"

void lt_collect__free_jit(struct lt_dr_jit *jit)
{
	for (size_t i = 0; i < jit->n_functions; i++) {
		free(jit->functions[i].function);
		free(jit->functions[i].file);
	}
	jit->n_functions = 0;
}

static int make_function(struct lt_blocker *out, const struct lt_stack_frame *where)
{
	bool mapped = where->original_file;

	*out = (struct lt_blocker){
		.work = LT_WORK_JAVASCRIPT,
		.function = lt_collect__text(where->function),
		.file = lt_collect__text(mapped ? where->original_file : where->file),
		.line = mapped ? where->original_line : where->line,
		.column = mapped ? where->original_column : where->column,
	};
	return out->function && (out->file || !(mapped || where->file)) ? 0 : -ENOMEM;
}

/* What has no room counts in all deoptimisations, and is none of the frequent ones. */
static int add_function(struct lt_dr_jit *kept, const struct lt_deopt *deopt)
{
	struct lt_blocker function;
	int err = make_function(&function, &deopt->where);
	size_t i = 0;

	while (!err && i < kept->n_functions &&
	       !(lt_blocker__same_function(&kept->functions[i], &function) &&
		 kept->functions[i].line == function.line))
		i++;
	if (!err && i == kept->n_functions && i < LT_DR_DEOPTS_MAX) {
		kept->functions[kept->n_functions++] = function;
	} else {
		free(function.function);
		free(function.file);
	}
	if (!err && i < kept->n_functions)
		kept->functions[i].turns += deopt->count;
	return err;
}

int lt_collect__jit(struct lt_dr_jit *kept, const struct lt_jit *jit, double seconds)
{
	int err = 0;

	if (!lt_known(jit->deopts) || !(seconds > 0))
		return 0;
	kept->seconds += seconds;
	kept->deopts += jit->deopts;
	/* The first two make plain code: nothing was assumed for it. */
	for (int i = 2; i < LT_SNAP_COMPILERS; i++)
		if (lt_known(jit->compiles[i]))
			kept->optimised += jit->compiles[i];
	for (size_t i = 0; !err && i < jit->n_functions; i++)
		err = add_function(kept, &jit->functions[i]);
	return err;
}
