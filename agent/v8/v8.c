/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The life of a resolver: one for each process, with what it keeps of that process's heap. */
#include "agent/v8/v8.h"

#include <stdlib.h>

#include "agent/v8/internal.h"

#define SCRATCH_KEPT (256u << 10)

struct lt_v8 *lt_v8__new(const struct lt_v8_opts *opts)
{
	struct lt_v8 *v8 = calloc(1, sizeof(*v8));

	if (!v8)
		return NULL;
	v8->layout = opts->layout;
	v8->heap.layout = opts->layout;
	v8->heap.memory = opts->memory;
	v8->symbols = opts->symbols;
	v8->pid = opts->pid;
	v8->bias = opts->bias;
	v8->lines_share.drop = lt_v8_lines__drop;
	return v8;
}

void lt_v8__forget(struct lt_v8 *v8)
{
	for (size_t i = 0; i < LT_V8_SCRIPTS; i++)
		lt_v8_script__clear(&v8->scripts[i]);
	memset(v8->shareds, 0, sizeof(v8->shareds));
	memset(v8->codes, 0, sizeof(v8->codes));
	memset(v8->heap.maps, 0, sizeof(v8->heap.maps));
	v8->stream_map = 0;
	lt_budget__give_back(&v8->lines_share);
	free(v8->scratch);
	v8->scratch = NULL;
	v8->scratch_size = 0;
	lt_arena__clear(&v8->arena);
}

void lt_v8__free(struct lt_v8 *v8)
{
	if (!v8)
		return;
	lt_v8__forget(v8);
	free(v8->sizes);
	free(v8);
}

void *lt_v8__scratch(struct lt_v8 *v8, size_t size)
{
	uint8_t *scratch;

	if (size <= v8->scratch_size)
		return v8->scratch;
	scratch = realloc(v8->scratch, size);
	if (!scratch)
		return NULL;
	v8->scratch = scratch;
	v8->scratch_size = size;
	return scratch;
}

void lt_v8__trim_scratch(struct lt_v8 *v8)
{
	if (v8->scratch_size <= SCRATCH_KEPT)
		return;
	free(v8->scratch);
	v8->scratch = NULL;
	v8->scratch_size = 0;
}

const struct lt_v8_stats *lt_v8__stats(const struct lt_v8 *v8)
{
	return &v8->heap.stats;
}
