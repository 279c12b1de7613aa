/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The exposition page: Prometheus text format 0.0.4 or OpenMetrics 1.0, family by family as the
 * descriptor table has them. Unknown is an absent series. Bucket bounds are powers of two in ns,
 * where the histograms of the model are exact.
 */
#include "agent/sink/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "looptop/metric.h"

#define LE_FIRST 13 /* 2^13 ns = 8 us */
#define LE_LAST 35 /* 2^35 ns = 34 s */
#define ARRIVALS_PER_SECOND 1000.0

/* What a family's values are taken from: one process, one of its loops or kinds. */
struct subject {
	const struct lt_snapshot *snapshot;
	const struct lt_process *process; /* NULL: looptop itself */
	const void *base; /* the structure that the metric's offset is in */
	struct lt_labels labels;
};

static double number_at(const struct subject *subject, size_t offset)
{
	double value;

	memcpy(&value, (const char *)subject->base + offset, sizeof(value));
	return value;
}

static void put_histogram(struct lt_page *page, const struct lt_metric *metric,
			  const struct subject *subject, const struct lt_hist *hist)
{
	if (!hist)
		return;
	for (int k = LE_FIRST; k <= LE_LAST; k++) {
		double le = (double)(1ull << k) / 1e9;

		lt_page__bucket(page, metric, &subject->labels, le, lt_hist__count_below(hist, le));
	}
	lt_page__histogram_end(page, metric, &subject->labels, hist->count, hist->sum);
}

/*
 * Lag as virtual arrivals (contract, section 4): of 1000 in each second observed, those wait longer
 * than x that come within Σ max(0, b − x). Their waits sum up to the integral of that over x.
 */
static void put_lag(struct lt_page *page, const struct lt_metric *metric,
		    const struct subject *subject)
{
	const struct lt_loop *loop = subject->base;
	const struct lt_hist *turns = loop->total.turn;
	double total = ARRIVALS_PER_SECOND * loop->total.observed_seconds, sum = 0;

	if (!turns || !lt_known(total))
		return;
	for (int k = LE_FIRST; k <= LE_LAST; k++) {
		double le = (double)(1ull << k) / 1e9;
		double longer = ARRIVALS_PER_SECOND * lt_hist__excess(turns, le);

		lt_page__bucket(page, metric, &subject->labels, le, fmax(total - longer, 0));
	}
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		double n = turns->bucket_count[i];

		if (n > 0)
			sum += turns->bucket_sum[i] * turns->bucket_sum[i] / n / 2;
	}
	lt_page__histogram_end(page, metric, &subject->labels, total, ARRIVALS_PER_SECOND * sum);
}

static void put_array(struct lt_page *page, const struct lt_metric *metric,
		      const struct subject *subject, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double value = number_at(subject, metric->prom_offset + i * sizeof(double));

		lt_page__sample(page, metric, &subject->labels, names[i], value);
	}
}

static void put_subject(struct lt_page *page, const struct lt_metric *metric,
			const struct subject *subject)
{
	const struct lt_hist *hist;

	switch (metric->shape) {
	case LT_SHAPE_NUMBER:
		lt_page__sample(page, metric, &subject->labels, metric->label_value,
				number_at(subject, metric->prom_offset));
		break;
	case LT_SHAPE_PHASES:
		put_array(page, metric, subject, lt_phase_names, LT_SNAP_PHASES);
		break;
	case LT_SHAPE_LOST:
		put_array(page, metric, subject, lt_lost_names, LT_SNAP_LOST);
		break;
	case LT_SHAPE_LAG_HIST:
		put_lag(page, metric, subject);
		break;
	default:
		memcpy(&hist, (const char *)subject->base + metric->prom_offset, sizeof(hist));
		put_histogram(page, metric, subject, hist);
	}
}

static void put_process(struct lt_page *page, const struct lt_metric *metric,
			struct subject *subject)
{
	const struct lt_process *process = subject->process;

	switch (metric->scope) {
	case LT_SCOPE_LOOP:
		for (size_t i = 0; i < process->n_loops; i++) {
			subject->base = &process->loops[i];
			subject->labels.loop = process->loops[i].name;
			put_subject(page, metric, subject);
		}
		break;
	case LT_SCOPE_POOL:
		subject->base = &process->pool;
		if (process->pool.present)
			put_subject(page, metric, subject);
		break;
	case LT_SCOPE_POOL_KIND:
		for (int i = 0; process->pool.present && i < LT_SNAP_KINDS; i++) {
			subject->base = &process->pool.kinds[i];
			subject->labels.kind = lt_kind_names[i];
			put_subject(page, metric, subject);
		}
		break;
	case LT_SCOPE_GC_KIND:
		for (int i = 0; process->gc_known && i < LT_SNAP_GCS; i++) {
			subject->base = &process->gc[i];
			subject->labels.kind = lt_gc_names[i];
			put_subject(page, metric, subject);
		}
		break;
	default:
		subject->base = process;
		put_subject(page, metric, subject);
	}
}

static void put_family(struct lt_page *page, const struct lt_snapshot *snapshot,
		       const struct lt_metric *metric)
{
	struct subject subject = { .snapshot = snapshot, .base = &snapshot->self };

	if (metric->scope == LT_SCOPE_SELF) {
		put_subject(page, metric, &subject);
		return;
	}
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		subject.process = &snapshot->processes[i];
		subject.labels = (struct lt_labels){ .process = subject.process };
		put_process(page, metric, &subject);
	}
}

/* Rows that share a name are one family: its heading comes once, all its samples together. */
static void put_families(struct lt_page *page, const struct lt_snapshot *snapshot)
{
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];
		bool seen = false;

		if (metric->prom_type == LT_PROM_NONE)
			continue;
		for (size_t j = 0; j < i; j++)
			seen |= lt_metrics[j].prom_name &&
				!strcmp(lt_metrics[j].prom_name, metric->prom_name);
		if (seen)
			continue;
		lt_page__family(page, metric->prom_name, metric->prom_type,
				metric->prom_help ? metric->prom_help : metric->help);
		for (size_t j = i; j < lt_n_metrics; j++)
			if (lt_metrics[j].prom_type != LT_PROM_NONE &&
			    !strcmp(lt_metrics[j].prom_name, metric->prom_name))
				put_family(page, snapshot, &lt_metrics[j]);
		lt_page__family_end(page);
	}
}

char *lt_prometheus_page(const struct lt_snapshot *snapshot, const struct lt_prom_opts *opts,
			 size_t *ret_length)
{
	struct lt_page *page = lt_page__new(opts);

	if (!page)
		return NULL;
	lt_page__info(page, snapshot);
	put_families(page, snapshot);
	return lt_page__finish(page, ret_length);
}
