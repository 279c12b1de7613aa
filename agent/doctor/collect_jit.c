/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Deoptimisations of one loop, by function. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/collect.h"
#include "looptop/metric.h"

static void free_function(struct lt_blocker *function)
{
	free(function->function);
	free(function->file);
}

void lt_collect__free_jit(struct lt_dr_jit *jit)
{
	for (size_t i = 0; i < jit->n_functions; i++)
		free_function(&jit->functions[i]);
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
	if (out->function && (out->file || !(mapped || where->file)))
		return 0;
	free_function(out);
	return -ENOMEM;
}

/* Takes out the rarest function, of several the one that came first: a storm that begins late has a place too. */
static void drop_rarest(struct lt_dr_jit *kept)
{
	size_t rarest = 0;

	for (size_t i = 1; i < kept->n_functions; i++)
		if (kept->functions[i].turns < kept->functions[rarest].turns)
			rarest = i;
	free_function(&kept->functions[rarest]);
	kept->n_functions--;
	memmove(&kept->functions[rarest], &kept->functions[rarest + 1],
		(kept->n_functions - rarest) * sizeof(kept->functions[0]));
}

static int add_function(struct lt_dr_jit *kept, const struct lt_deopt *deopt)
{
	struct lt_blocker function;
	int err = make_function(&function, &deopt->where);
	size_t i = 0;

	if (err)
		return err;
	while (i < kept->n_functions &&
	       !(lt_blocker__same_function(&kept->functions[i], &function) &&
		 kept->functions[i].line == function.line))
		i++;
	if (i < kept->n_functions) {
		free_function(&function);
	} else {
		if (i == LT_DR_DEOPTS_MAX)
			drop_rarest(kept);
		i = kept->n_functions++;
		kept->functions[i] = function;
	}
	kept->functions[i].turns += deopt->count;
	return 0;
}

int lt_collect__jit(struct lt_dr_jit *kept, const struct lt_jit *jit, double seconds)
{
	int err = 0;

	if (!lt_known(jit->deopts) || !(seconds > 0))
		return 0;
	kept->seconds += seconds;
	kept->deopts += jit->deopts;
	kept->optimised += lt_jit__optimised(jit);
	for (size_t i = 0; !err && i < jit->n_functions; i++)
		err = add_function(kept, &jit->functions[i]);
	return err;
}
