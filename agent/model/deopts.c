/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/deopts.h"

#include "agent/util/text.h"

static bool is_same(const struct lt_stack_frame *a, const struct lt_stack_frame *b)
{
	return a->line == b->line && a->column == b->column &&
	       lt_same_text(a->function, b->function) && lt_same_text(a->file, b->file);
}

void lt_deopts__add(struct lt_deopts *deopts, int tid, const struct lt_stack_frame *where)
{
	for (size_t i = 0; i < deopts->n; i++) {
		if (deopts->tids[i] != tid || !is_same(&deopts->items[i].where, where))
			continue;
		deopts->items[i].count++;
		return;
	}
	if (deopts->n == LT_DEOPTS_MAX)
		return;
	deopts->tids[deopts->n] = tid;
	deopts->items[deopts->n++] = (struct lt_deopt){ *where, 1 };
}

static bool is_before(const struct lt_deopts *deopts, size_t a, size_t b)
{
	if (deopts->tids[a] != deopts->tids[b])
		return deopts->tids[a] < deopts->tids[b];
	return deopts->items[a].count > deopts->items[b].count;
}

/* Two arrays at once, and few items: by insertion. */
void lt_deopts__sort(struct lt_deopts *deopts)
{
	for (size_t i = 1; i < deopts->n; i++) {
		for (size_t k = i; k > 0 && is_before(deopts, k, k - 1); k--) {
			struct lt_deopt item = deopts->items[k];
			int tid = deopts->tids[k];

			deopts->items[k] = deopts->items[k - 1];
			deopts->tids[k] = deopts->tids[k - 1];
			deopts->items[k - 1] = item;
			deopts->tids[k - 1] = tid;
		}
	}
}

const struct lt_deopt *lt_deopts__of(const struct lt_deopts *deopts, int tid, size_t *ret_n)
{
	size_t first = 0;

	while (first < deopts->n && deopts->tids[first] != tid)
		first++;
	*ret_n = 0;
	while (first + *ret_n < deopts->n && deopts->tids[first + *ret_n] == tid)
		++*ret_n;
	return *ret_n ? &deopts->items[first] : NULL;
}
