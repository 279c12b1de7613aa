/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Sets of series: what is in them, what of one lives on in the next, and their bound. */
#include "agent/sink/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/array.h"
#include "agent/util/text.h"

int lt_series_list__add(struct lt_series_list *list, const struct lt_series *series)
{
	struct lt_series *items =
		lt_array_room(list->items, list->n, &list->room, 64, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->n++] = *series;
	return 0;
}

int lt_series_set__keep(struct lt_series_set *set, const char *text, uint32_t *ret_offset)
{
	size_t size = strlen(text) + 1;

	if (set->text_used + size > UINT32_MAX)
		return -ENOMEM;
	if (set->text_used + size > set->text_room) {
		size_t room = 2 * (set->text_room + size);
		char *more = realloc(set->text, room);

		if (!more)
			return -ENOMEM;
		set->text = more;
		set->text_room = room;
	}
	memcpy(set->text + set->text_used, text, size);
	*ret_offset = (uint32_t)set->text_used;
	set->text_used += size;
	return 0;
}

int lt_series_set__keep_buckets(struct lt_series_set *set, const struct lt_buckets *buckets,
				uint32_t *ret_place)
{
	struct lt_buckets *more =
		lt_array_room(set->buckets, set->n_buckets, &set->buckets_room, 16, sizeof(*more));

	if (!more || set->n_buckets == UINT32_MAX)
		return -ENOMEM;
	set->buckets = more;
	set->buckets[set->n_buckets] = *buckets;
	*ret_place = (uint32_t)set->n_buckets++;
	return 0;
}

size_t lt_series_n_bounds(const struct lt_metric *family)
{
	size_t n = 0;

	if (!family->bounds)
		return LT_LE_COUNT;
	while (n < LT_LE_COUNT && family->bounds[n] > 0)
		n++;
	return n;
}

double lt_series_bound(const struct lt_metric *family, size_t i)
{
	return family->bounds ? family->bounds[i] : (double)(1ull << (LT_LE_FIRST + i)) / 1e9;
}

size_t lt_series_lines(const struct lt_series *series)
{
	if (series->family->prom_type != LT_PROM_HISTOGRAM)
		return 1;
	return lt_series_n_bounds(series->family) + 3;
}

static int compare_order(const void *pa, const void *pb)
{
	const struct lt_series *const *a = pa, *const *b = pb;

	return ((*a)->order > (*b)->order) - ((*a)->order < (*b)->order);
}

/* Over the bound, whole series are left out, those that came last: the last processes. */
static int bound(struct lt_series_set *set)
{
	struct lt_series **in_order;
	size_t lines = 0;

	for (size_t i = 0; i < set->shown.n; i++)
		lines += lt_series_lines(&set->shown.items[i]);
	if (!set->opts.max_series || lines <= set->opts.max_series)
		return 0;
	in_order = reallocarray(NULL, set->shown.n, sizeof(struct lt_series *));
	if (!in_order)
		return -ENOMEM;
	for (size_t i = 0; i < set->shown.n; i++)
		in_order[i] = &set->shown.items[i];
	qsort(in_order, set->shown.n, sizeof(struct lt_series *), compare_order);
	lines = 0;
	for (size_t i = 0; i < set->shown.n; i++) {
		lines += lt_series_lines(in_order[i]);
		if (lines <= set->opts.max_series)
			continue;
		in_order[i]->dropped = true;
		set->lines_dropped += lt_series_lines(in_order[i]);
	}
	free(in_order);
	return 0;
}

/* Copies series from one set to a list of another. */
static int copy(struct lt_series_set *set, struct lt_series_list *to,
		const struct lt_series_set *from, const struct lt_series_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct lt_series series = list->items[i];
		int err = lt_series_set__keep(set, from->text + series.labels, &series.labels);

		series.order = UINT32_MAX; /* behind its equals, whose place on the page counts */
		if (!err && series.family->prom_type == LT_PROM_HISTOGRAM)
			err = lt_series_set__keep_buckets(set, &from->buckets[series.buckets],
							  &series.buckets);
		if (!err)
			err = lt_series_list__add(to, &series);
		if (err)
			return err;
	}
	return 0;
}

static int compare_sources(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* Those that have not ended, in order; *ret_n of them. NULL: memory ran out. */
static uint64_t *list_sources(const struct lt_snapshot *snapshot, size_t *ret_n)
{
	size_t n = 1;
	uint64_t *sources;

	for (size_t i = 0; i < snapshot->n_processes; i++)
		n += 1 + snapshot->processes[i].n_loops;
	sources = calloc(n, sizeof(*sources));
	if (!sources)
		return NULL;
	n = 1; /* looptop itself: 0 */
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct lt_process *process = &snapshot->processes[i];

		if (process->ended)
			continue;
		sources[n++] = lt_series_source(process, process->pid);
		for (size_t k = 0; k < process->n_loops; k++)
			if (!process->loops[k].ended)
				sources[n++] = lt_series_source(process, process->loops[k].tid);
	}
	qsort(sources, n, sizeof(*sources), compare_sources);
	*ret_n = n;
	return sources;
}

/* What the parts of sums had counted: for those of them that nobody knows now. */
static int hold_parts(struct lt_series_set *set, const struct lt_series_set *before,
		      const struct lt_snapshot *snapshot)
{
	size_t first = set->shown.n, n = 0;
	uint64_t *here;
	int err;

	if (!before->parts.n)
		return 0;
	here = list_sources(snapshot, &n);
	err = here ? copy(set, &set->shown, before, &before->parts) : -ENOMEM;
	for (size_t i = first; !err && i < set->shown.n; i++) {
		struct lt_series *part = &set->shown.items[i];

		part->held = true;
		part->ends = !bsearch(&part->source, here, n, sizeof(*here), compare_sources);
	}
	free(here);
	return err;
}

struct lt_series_set *lt_series_set__new(const struct lt_snapshot *snapshot,
					 const struct lt_prom_opts *opts,
					 const struct lt_series_set *before)
{
	struct lt_series_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->opts = *opts;
	if (lt_series_set__collect(set, snapshot, false) ||
	    (before && (copy(set, &set->shown, before, &before->past) ||
			hold_parts(set, before, snapshot))))
		goto fail;
	if (lt_series_set__merge(set) || bound(set))
		goto fail;
	return set;
fail:
	lt_series_set__free(set);
	errno = ENOMEM;
	return NULL;
}

static void free_contents(struct lt_series_set *set)
{
	free(set->shown.items);
	free(set->past.items);
	free(set->parts.items);
	free(set->text);
	free(set->buckets);
}

void lt_series_set__free(struct lt_series_set *set)
{
	if (!set)
		return;
	free_contents(set);
	free(set);
}

struct lt_series_set *lt_series_set__leaving(const struct lt_snapshot *snapshot,
					     const struct lt_prom_opts *opts)
{
	struct lt_series_set *set = calloc(1, sizeof(*set));
	size_t kept = 0;

	if (!set)
		return NULL;
	set->opts = *opts;
	if (lt_series_set__collect(set, snapshot, true)) {
		lt_series_set__free(set);
		errno = ENOMEM;
		return NULL;
	}
	set->past = set->shown;
	set->shown = (struct lt_series_list){ 0 };
	for (size_t i = 0; i < set->past.n; i++) {
		struct lt_series *series = &set->past.items[i];

		if (!series->ends || series->family->prom_type == LT_PROM_GAUGE)
			continue;
		series->past = true;
		series->ends = false;
		set->past.items[kept++] = *series;
	}
	set->past.n = kept;
	return set;
}

int lt_series_set__retire(struct lt_series_set *set, const struct lt_series_set *leaving)
{
	/* They were known when they ended. */
	for (size_t i = 0; set->parts.n && i < leaving->past.n; i++)
		lt_series_set__forget(set, leaving, &leaving->past.items[i]);
	return copy(set, &set->past, leaving, &leaving->past);
}

void lt_series_set__shrink(struct lt_series_set *set)
{
	struct lt_series_set rest = { .opts = set->opts };

	if (!set->shown.n)
		return;
	/* If memory runs out it stays as large as it is. */
	if (copy(&rest, &rest.past, set, &set->past) ||
	    copy(&rest, &rest.parts, set, &set->parts)) {
		free_contents(&rest);
		return;
	}
	free_contents(set);
	*set = rest;
}

bool lt_process_has_end(const struct lt_process *process)
{
	bool ended = process->ended;

	for (size_t i = 0; i < process->n_loops; i++)
		ended |= process->loops[i].ended;
	return ended;
}

bool lt_snapshot_has_ends(const struct lt_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (lt_process_has_end(&snapshot->processes[i]))
			return true;
	return false;
}
