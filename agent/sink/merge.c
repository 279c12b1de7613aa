/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Equal series become one. Prometheus refuses a page with two of them and takes a falling counter for a restart:
 * what those that have ended counted is carried on, and so is what those that are unknown for a while had counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sink/series.h"
#include "agent/util/text.h"

static int compare(const void *pa, const void *pb, void *ctx)
{
	const struct lt_series *a = pa, *b = pb;
	const char *text = ctx;
	int order = (a->rank > b->rank) - (a->rank < b->rank);

	if (!order)
		order = strcmp(text + a->labels, text + b->labels);
	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static bool equal(const struct lt_series_set *set, const struct lt_series *a,
		  const struct lt_series *b)
{
	return a->rank == b->rank && !strcmp(set->text + a->labels, set->text + b->labels);
}

/* Counts add up. A share or a length of several is the worst of them: a sum would mean nothing. */
static bool takes_worst(const struct lt_metric *family)
{
	return family->prom_type == LT_PROM_GAUGE &&
	       (family->unit == LT_UNIT_RATIO || family->unit == LT_UNIT_SECONDS ||
		lt_ends_with(family->prom_name, "_info"));
}

static void add_up(struct lt_series_set *set, const struct lt_series *sum,
		   const struct lt_series *series, double *value)
{
	struct lt_buckets *to = set->buckets + sum->buckets;
	const struct lt_buckets *from = set->buckets + series->buckets;

	if (sum->family->prom_type != LT_PROM_HISTOGRAM) {
		*value = takes_worst(sum->family) ? fmax(*value, series->value)
						  : *value + series->value;
		return;
	}
	to->count += from->count;
	to->sum += from->sum;
	for (size_t i = 0; i < LT_LE_COUNT; i++)
		to->below[i] += from->below[i];
}

/* Its own buckets: those of a run's first are added up in place. */
static int keep_apart(struct lt_series_set *set, struct lt_series *series)
{
	struct lt_buckets own;

	if (series->family->prom_type != LT_PROM_HISTOGRAM)
		return 0;
	own = set->buckets[series->buckets];
	return lt_series_set__keep_buckets(set, &own, &series->buckets);
}

/* What of a run of equal series has ended lives on as one. Gauges tell of now only. */
static int keep_past(struct lt_series_set *set, const struct lt_series *run, size_t n)
{
	struct lt_series past;
	bool any = false;
	int err;

	if (run->family->prom_type == LT_PROM_GAUGE)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!run[i].past && !run[i].ends)
			continue;
		if (any) {
			add_up(set, &past, &run[i], &past.value);
			continue;
		}
		any = true;
		past = run[i];
		err = keep_apart(set, &past);
		if (err)
			return err;
	}
	if (!any)
		return 0;
	past.past = true;
	past.ends = past.held = false;
	return lt_series_list__add(&set->past, &past);
}

/* Does its source tell what it counts now? */
static bool is_known(const struct lt_series *run, size_t n, const struct lt_series *held)
{
	for (size_t i = 0; i < n; i++)
		if (!run[i].past && !run[i].held && run[i].source == held->source)
			return true;
	return false;
}

/* Takes out of a run what was held and is known; how many are left. */
static size_t drop_known(struct lt_series *run, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!run[i].held || !is_known(run, n, &run[i]))
			run[kept++] = run[i];
	return kept;
}

/* What each part of a sum has counted. One that never has an equal needs none of this. */
static int keep_parts(struct lt_series_set *set, const struct lt_series *run, size_t n)
{
	if (run->family->prom_type == LT_PROM_GAUGE || (n == 1 && !set->opts.no_pid_label))
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct lt_series part = run[i];
		int err = 0;

		if (part.past || part.ends)
			continue;
		if (i == 0)
			err = keep_apart(set, &part);
		if (!err)
			err = lt_series_list__add(&set->parts, &part);
		if (err)
			return err;
	}
	return 0;
}

/* A run becomes one series, its first. 1: it is shown, 0: it is not, -ENOMEM. */
static int merge_run(struct lt_series_set *set, struct lt_series *run, size_t n)
{
	bool live = false, stays = false;
	int err;

	for (size_t i = 0; i < n; i++) {
		live |= !run[i].past && !run[i].held;
		stays |= !run[i].past && !(run[i].held && run[i].ends);
	}
	/* With nobody left to carry it on, the past goes: the next of that name starts at 0. */
	if (!stays)
		return 0;
	n = drop_known(run, n);
	err = keep_past(set, run, n);
	if (!err)
		err = keep_parts(set, run, n);
	if (err)
		return err;
	for (size_t i = 1; live && i < n; i++)
		add_up(set, run, &run[i], &run->value);
	return live;
}

int lt_series_set__merge(struct lt_series_set *set)
{
	struct lt_series_list *list = &set->shown;
	size_t kept = 0;

	qsort_r(list->items, list->n, sizeof(struct lt_series), compare, set->text);
	for (size_t i = 0, n; i < list->n; i += n) {
		struct lt_series *run = &list->items[i];
		int shown;

		for (n = 1; i + n < list->n && equal(set, run, &run[n]); n++)
			;
		shown = merge_run(set, run, n);
		if (shown < 0)
			return shown;
		if (shown)
			list->items[kept++] = *run;
	}
	list->n = kept;
	return 0;
}

void lt_series_set__forget(struct lt_series_set *set, const struct lt_series_set *other,
			   const struct lt_series *known)
{
	struct lt_series_list *parts = &set->parts;
	size_t kept = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct lt_series *part = &parts->items[i];

		if (part->source != known->source || part->rank != known->rank ||
		    strcmp(set->text + part->labels, other->text + known->labels))
			parts->items[kept++] = *part;
	}
	parts->n = kept;
}
