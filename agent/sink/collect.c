/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * From a snapshot to series, by the descriptor table, one process after the other. Unknown leaves
 * no series. Bucket bounds are exact bounds of the model's histograms: a count below them is a sum
 * of whole buckets, so that it never falls from one page to the next.
 */
#include "agent/sink/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sink/blockers.h"
#include "agent/util/fmt.h"

#define LABEL_VALUE_MAX	    128
#define ARRIVALS_PER_SECOND 1000.0

static const struct lt_metric build_info = {
	.prom_type = LT_PROM_GAUGE,
	.prom_name = "looptop_build_info",
	.help = "The looptop that answers.",
};
static const struct lt_metric process_info = {
	.prom_type = LT_PROM_GAUGE,
	.prom_name = "looptop_process_info",
	.help = "A process that is measured, and how.",
};
static const struct lt_metric stall_functions = {
	.prom_type = LT_PROM_COUNTER,
	.prom_name = "looptop_stall_function_seconds",
	.help = "Length of ended stalls by the function that blocked: those that blocked longest, and other for the rest.",
};

void lt_walk__label(char *labels, const char *name, const char *value)
{
	char clean[LABEL_VALUE_MAX + 1];
	size_t used = strlen(labels);

	/* Everything but the value's length is fixed, so this never happens with our labels. */
	if (used + strlen(name) + 2 * LABEL_VALUE_MAX + 5 > LT_LABELS_MAX)
		return;
	lt_fmt_text(clean, sizeof(clean), value ? value : "");
	used += (size_t)snprintf(labels + used, LT_LABELS_MAX - used, "%s%s=\"", used ? "," : "",
				 name);
	for (const char *s = clean; *s; s++) {
		if (*s == '\\' || *s == '"')
			labels[used++] = '\\';
		labels[used++] = *s;
	}
	labels[used++] = '"';
	labels[used] = '\0';
}

void lt_walk__add(struct lt_walk *walk, size_t rank, const struct lt_metric *family,
		  const char *label, const char *value, struct lt_series *series)
{
	char labels[LT_LABELS_MAX];

	if (walk->err)
		return;
	strcpy(labels, walk->prefix);
	if (label)
		lt_walk__label(labels, label, value);
	series->family = family;
	series->rank = (uint16_t)rank;
	series->order = (uint32_t)walk->set->shown.n;
	series->ends = walk->ends;
	series->source = walk->source;
	walk->err = lt_series_set__keep(walk->set, labels, &series->labels);
	if (!walk->err)
		walk->err = lt_series_list__add(&walk->set->shown, series);
}

static void add_row(struct lt_walk *walk, const struct lt_metric *metric, const char *value,
		    struct lt_series *series)
{
	size_t family = walk->family_of[walk->before + (size_t)(metric - walk->names->rows)];

	lt_walk__add(walk, LT_RANK_METRICS + walk->before + family, &walk->names->rows[family],
		     metric->label, value, series);
}

static void add_buckets(struct lt_walk *walk, const struct lt_metric *metric, const char *value,
			const struct lt_buckets *buckets)
{
	struct lt_series series = { 0 };

	if (!walk->err)
		walk->err = lt_series_set__keep_buckets(walk->set, buckets, &series.buckets);
	add_row(walk, metric, value, &series);
}

static void add_number(struct lt_walk *walk, const struct lt_metric *metric, const char *value,
		       size_t offset)
{
	struct lt_series series = { 0 };

	memcpy(&series.value, (const char *)walk->base + offset, sizeof(series.value));
	if (lt_known(series.value))
		add_row(walk, metric, value, &series);
}

static void add_array(struct lt_walk *walk, const struct lt_metric *metric,
		      const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_number(walk, metric, names[i], metric->prom_offset + i * sizeof(double));
}

/* Which bucket begins at the bound, or next to it: 3 % away at most, for bounds that are not our own. */
static uint32_t nearest_bucket(double seconds)
{
	double ns = seconds * 1e9;
	uint32_t i = lt_hist_index((uint64_t)llround(ns));

	return ns - (double)lt_hist_lower_ns(i) < (double)lt_hist_lower_ns(i + 1) - ns ? i : i + 1;
}

static void add_histogram(struct lt_walk *walk, const struct lt_metric *metric,
			  const struct lt_hist *hist)
{
	struct lt_buckets buckets = { .count = hist->count, .sum = hist->sum };
	double below = 0;
	uint32_t i = 0;

	for (size_t k = 0; k < lt_series_n_bounds(metric); k++) {
		uint32_t end = nearest_bucket(lt_series_bound(metric, k));

		for (; i < end; i++)
			below += hist->bucket_count[i];
		buckets.below[k] = below;
	}
	add_buckets(walk, metric, metric->label_value, &buckets);
}

/*
 * Σ b² of the turns: n·mean² of each bucket, which is too low by the variance in it, 0.1 % at most.
 * The first bucket begins at 0 and takes its width for one b, so that no turn makes the sum fall.
 */
static double sum_of_squares(const struct lt_hist *turns)
{
	double width = (double)lt_hist_lower_ns(1) / 1e9, squares = turns->bucket_sum[0] * width;

	for (uint32_t i = 1; i < LT_HIST_BUCKETS; i++)
		if (turns->bucket_count[i] > 0)
			squares += turns->bucket_sum[i] * turns->bucket_sum[i] /
				   turns->bucket_count[i];
	return squares;
}

/*
 * Lag as virtual arrivals (contract, section 4): of 1000 in each second observed, those wait longer
 * than x that come within Σ max(0, b − x). Someone who comes a time t before the end of a turn
 * waits t: their waits add up to 1000 · Σ b²/2. Counts are whole, as Prometheus has them.
 */
static void add_lag(struct lt_walk *walk, const struct lt_metric *metric,
		    const struct lt_loop *loop)
{
	const struct lt_hist *turns = loop->total.turn;
	double observed = loop->total.observed_seconds, n = 0, seconds = 0;
	struct lt_buckets buckets;
	uint32_t i = LT_HIST_BUCKETS;

	if (!turns || !lt_known(observed))
		return;
	buckets.count = floor(ARRIVALS_PER_SECOND * observed);
	for (uint32_t k = LT_LE_LAST; k >= LT_LE_FIRST; k--) {
		double x = (double)(1ull << k) / 1e9, longer;

		for (uint32_t first = lt_hist_index(1ull << k); i > first; i--) {
			n += turns->bucket_count[i - 1];
			seconds += turns->bucket_sum[i - 1];
		}
		longer = fmin(fmax(seconds - n * x, 0), observed);
		buckets.below[k - LT_LE_FIRST] = floor(ARRIVALS_PER_SECOND * (observed - longer));
	}
	buckets.sum = ARRIVALS_PER_SECOND * sum_of_squares(turns) / 2;
	add_buckets(walk, metric, NULL, &buckets);
}

/* Those that can be are there from the start: a counter that begins with 1 has no increase. */
static void add_ends(struct lt_walk *walk, const struct lt_metric *metric)
{
	size_t length = strlen(walk->prefix);

	for (size_t how = 0; how < LT_SNAP_END_HOWS; how++) {
		lt_walk__label(walk->prefix, "how", lt_end_hows[how]);
		for (size_t reason = 0; reason < LT_SNAP_END_REASONS; reason++) {
			size_t offset = metric->prom_offset +
					(how * LT_SNAP_END_REASONS + reason) * sizeof(double);
			double count;

			memcpy(&count, (const char *)walk->base + offset, sizeof(count));
			if (reason == LT_END_NO_REASON || how == LT_END_SIGNAL || how == LT_END_UNKNOWN || count > 0)
				add_row(walk, metric, lt_end_reasons[reason],
					&(struct lt_series){ .value = count });
		}
		walk->prefix[length] = '\0';
	}
}

static void add_metric(struct lt_walk *walk, const struct lt_metric *metric)
{
	const struct lt_hist *hist;

	switch (metric->shape) {
	case LT_SHAPE_NUMBER:
		add_number(walk, metric, metric->label_value, metric->prom_offset);
		break;
	case LT_SHAPE_PHASES:
		add_array(walk, metric, lt_phase_names, LT_SNAP_PHASES);
		break;
	case LT_SHAPE_SPACES:
		add_array(walk, metric, lt_space_names, LT_SNAP_SPACES);
		break;
	case LT_SHAPE_V8_SPACES:
		add_array(walk, metric, lt_v8_space_names, LT_SNAP_SPACES);
		break;
	case LT_SHAPE_CAUSES:
		add_array(walk, metric, lt_cause_names, LT_SNAP_CAUSES);
		break;
	case LT_SHAPE_TIER_REASONS:
		add_array(walk, metric, lt_tier_reason_names, LT_SNAP_TIER_REASONS);
		break;
	case LT_SHAPE_HANDLES:
		add_array(walk, metric, lt_handle_names, LT_SNAP_HANDLES);
		break;
	case LT_SHAPE_COMPILERS:
		add_array(walk, metric, lt_compiler_names, LT_SNAP_COMPILERS);
		break;
	case LT_SHAPE_LOST:
		add_array(walk, metric, lt_lost_names, LT_SNAP_LOST);
		break;
	case LT_SHAPE_ENDS:
		add_ends(walk, metric);
		break;
	case LT_SHAPE_LAG_HIST:
		add_lag(walk, metric, walk->base);
		break;
	case LT_SHAPE_DIST:
	case LT_SHAPE_HIST:
		memcpy(&hist, (const char *)walk->base + metric->prom_offset, sizeof(hist));
		if (hist)
			add_histogram(walk, metric, hist);
		break;
	default:
		break;
	}
}

void lt_walk__scope(struct lt_walk *walk, enum lt_scope scope, const void *base)
{
	walk->base = base;
	for (size_t i = 0; i < *walk->names->n; i++) {
		const struct lt_metric *metric = &walk->names->rows[i];

		if (metric->scope == scope && metric->prom_type != LT_PROM_NONE)
			add_metric(walk, metric);
	}
}

/* The scope's figures with one label more, which goes away again. */
static void add_labelled(struct lt_walk *walk, enum lt_scope scope, const void *base,
			 const char *label, const char *value)
{
	size_t length = strlen(walk->prefix);

	lt_walk__label(walk->prefix, label, value);
	lt_walk__scope(walk, scope, base);
	walk->prefix[length] = '\0';
}

static void add_process_info(struct lt_walk *walk, const struct lt_process *process)
{
	size_t length = strlen(walk->prefix);
	struct lt_series series = { .value = 1 };

	lt_walk__label(walk->prefix, "runtime", process->runtime);
	lt_walk__label(walk->prefix, "runtime_version", process->runtime_version);
	lt_walk__label(walk->prefix, "libuv_version", process->libuv_version);
	lt_walk__add(walk, LT_RANK_PROCESS, &process_info, "tier", process->tier, &series);
	walk->prefix[length] = '\0';
}

static void add_loop(struct lt_walk *walk, const struct lt_process *process,
		     const struct lt_loop *loop)
{
	static const enum lt_scope scopes[] = { LT_SCOPE_LOOP, LT_SCOPE_HANDLES, LT_SCOPE_STREAMS,
						LT_SCOPE_JS, LT_SCOPE_JIT };

	walk->ends = process->ended || loop->ended;
	walk->source = lt_series_source(process, loop->tid);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		add_labelled(walk, scopes[i], loop, "loop", loop->name);
	if (loop->heap.present)
		add_labelled(walk, LT_SCOPE_HEAP, &loop->heap, "loop", loop->name);
}

static void add_process(struct lt_walk *walk, const struct lt_process *process)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", process->pid);
	walk->prefix[0] = '\0';
	if (!walk->set->opts.no_pid_label)
		lt_walk__label(walk->prefix, "pid", pid);
	lt_walk__label(walk->prefix, "name", process->name);
	lt_walk__label(walk->prefix, "container", process->container);
	walk->ends = process->ended;
	walk->source = lt_series_source(process, process->pid);
	add_process_info(walk, process);
	lt_walk__scope(walk, LT_SCOPE_PROCESS, process);
	for (size_t i = 0; i < process->n_loops; i++)
		add_loop(walk, process, &process->loops[i]);
	walk->ends = process->ended;
	walk->source = lt_series_source(process, process->pid);
	if (process->pool.present)
		lt_walk__scope(walk, LT_SCOPE_POOL, &process->pool);
	for (size_t i = 0; process->pool.present && process->pool.kinds_known && i < LT_SNAP_KINDS;
	     i++)
		add_labelled(walk, LT_SCOPE_POOL_KIND, &process->pool.kinds[i], "kind",
			     lt_kind_names[i]);
	lt_walk__scope(walk, LT_SCOPE_SYNC_FS, process);
	lt_walk__scope(walk, LT_SCOPE_GC, process);
	for (size_t i = 0; process->gc_known && i < LT_SNAP_GCS; i++)
		add_labelled(walk, LT_SCOPE_GC_KIND, &process->gc[i], "kind", lt_gc_names[i]);
	lt_walk__others_names(walk, process);
}

static void add_build_info(struct lt_walk *walk, const struct lt_host *host)
{
	struct lt_series series = { .value = 1 };

	lt_walk__label(walk->prefix, "version", LT_VERSION);
	lt_walk__add(walk, LT_RANK_BUILD, &build_info, "kernel", host->kernel, &series);
	walk->prefix[0] = '\0';
}

void lt_walk__names(struct lt_walk *walk, enum lt_names names)
{
	walk->names = &lt_name_sets[names];
	walk->before = 0;
	for (enum lt_names before = LT_NAMES_NATIVE; before < names; before++)
		walk->before += *lt_name_sets[before].n;
}

static size_t all_rows(void)
{
	size_t n = 0;

	for (int names = 0; names < LT_NAMES_MAX; names++)
		n += *lt_name_sets[names].n;
	return n;
}

/* For each row of the tables, one after the other, the first of its table with its Prometheus name; to be freed. */
static size_t *families(void)
{
	size_t *family_of = calloc(all_rows(), sizeof(*family_of)), *next = family_of;

	for (int names = 0; family_of && names < LT_NAMES_MAX; names++) {
		const struct lt_metric *rows = lt_name_sets[names].rows;

		for (size_t i = 0; i < *lt_name_sets[names].n; i++, next++) {
			const char *name = rows[i].prom_name;

			while (name &&
			       (!rows[*next].prom_name || strcmp(rows[*next].prom_name, name)))
				++*next;
		}
	}
	return family_of;
}

static void add_blockers(struct lt_walk *walk, const struct lt_blockers *blockers)
{
	size_t rank = LT_RANK_METRICS + all_rows();
	struct lt_blocking blocking;
	struct lt_series rest = { .value = lt_blockers__rest(blockers) };

	walk->ends = false;
	walk->source = 0;
	for (size_t i = 0; lt_blockers__get(blockers, i, &blocking); i++) {
		struct lt_series series = { .value = blocking.seconds };

		walk->prefix[0] = '\0';
		lt_walk__label(walk->prefix, "name", blocking.process);
		lt_walk__label(walk->prefix, "function", blocking.function);
		lt_walk__add(walk, rank, &stall_functions, "file", blocking.file, &series);
	}
	walk->prefix[0] = '\0';
	lt_walk__label(walk->prefix, "name", "");
	lt_walk__label(walk->prefix, "function", "other");
	lt_walk__add(walk, rank, &stall_functions, "file", "", &rest);
}

static void add_own(struct lt_walk *walk, const struct lt_snapshot *snapshot)
{
	add_build_info(walk, &snapshot->host);
	lt_walk__scope(walk, LT_SCOPE_SELF, &snapshot->self);
}

int lt_series_set__collect(struct lt_series_set *set, const struct lt_snapshot *snapshot,
			   bool ended_only)
{
	size_t *family_of = families();
	struct lt_walk walk = { .set = set, .family_of = family_of };

	if (!family_of)
		return -ENOMEM;
	lt_walk__names(&walk, LT_NAMES_NATIVE);
	if (!ended_only)
		add_own(&walk, snapshot);
	for (size_t i = 0; i < snapshot->n_processes && !walk.err; i++)
		if (!ended_only || lt_process_has_end(&snapshot->processes[i]))
			add_process(&walk, &snapshot->processes[i]);
	if (set->opts.blockers && !ended_only)
		add_blockers(&walk, set->opts.blockers);
	free(family_of);
	return walk.err;
}
