/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The exposition page: series as Prometheus text format 0.0.4 or OpenMetrics 1.0. The two differ
 * in the name of a counter's family, in units and in how a page ends.
 */
#include "agent/sink/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 40

static const struct lt_metric series_dropped = {
	.prom_type = LT_PROM_GAUGE,
	.prom_name = "looptop_self_series_dropped",
	.help = "Series left out of this page by --max-series.",
};

/* The shortest decimal that reads back as the same number. */
static const char *decimal(char *buf, double x)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, NUMBER_MAX, "%.*g", digits, x);
		if (strtod(buf, NULL) == x)
			break;
	}
	return buf;
}

static const char *unit_of(const struct lt_metric *family)
{
	static const char *const units[] = { "_seconds", "_bytes", "_ratio" };
	size_t n = strlen(family->prom_name);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t m = strlen(units[i]);

		if (n > m && !strcmp(family->prom_name + n - m, units[i]))
			return units[i] + 1;
	}
	return NULL;
}

static void put_heading(FILE *out, const struct lt_metric *family, bool openmetrics)
{
	static const char *const types[] = { "", "counter", "gauge", "histogram" };
	const char *suffix = family->prom_type == LT_PROM_COUNTER && !openmetrics ? "_total" : "";
	const char *unit = openmetrics ? unit_of(family) : NULL;

	fprintf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", family->prom_name, suffix,
		family->prom_help ? family->prom_help : family->help, family->prom_name, suffix,
		types[family->prom_type]);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", family->prom_name, unit);
}

static void put_line(FILE *out, const struct lt_metric *family, const char *suffix,
		     const char *labels, double value)
{
	char number[NUMBER_MAX];

	fprintf(out, "%s%s%s%s%s %s\n", family->prom_name, suffix, *labels ? "{" : "", labels,
		*labels ? "}" : "", decimal(number, value));
}

static void put_bucket(FILE *out, const struct lt_metric *family, const char *labels,
		       const char *bound, double count)
{
	char number[NUMBER_MAX];

	fprintf(out, "%s_bucket{%s%sle=\"%s\"} %s\n", family->prom_name, labels, *labels ? "," : "",
		bound, decimal(number, count));
}

static void put_series(FILE *out, const struct lt_series_set *set, const struct lt_series *series)
{
	const struct lt_metric *family = series->family;
	const char *labels = set->text + series->labels;
	const struct lt_buckets *buckets = set->buckets + series->buckets;

	if (family->prom_type != LT_PROM_HISTOGRAM) {
		put_line(out, family, family->prom_type == LT_PROM_COUNTER ? "_total" : "", labels,
			 series->value);
		return;
	}
	for (size_t i = 0; i < lt_series_n_bounds(family); i++) {
		char bound[NUMBER_MAX];

		put_bucket(out, family, labels, decimal(bound, lt_series_bound(family, i)),
			   buckets->below[i]);
	}
	put_bucket(out, family, labels, "+Inf", buckets->count);
	put_line(out, family, "_sum", labels, buckets->sum);
	put_line(out, family, "_count", labels, buckets->count);
}

char *lt_series_set__page(const struct lt_series_set *set, bool openmetrics, size_t *ret_length)
{
	const struct lt_metric *family = NULL;
	char *page = NULL;
	size_t length;
	FILE *out = open_memstream(&page, &length);
	bool failed;

	if (!out)
		return NULL;
	for (size_t i = 0; i < set->shown.n; i++) {
		const struct lt_series *series = &set->shown.items[i];

		if (series->dropped)
			continue;
		if (series->family != family)
			put_heading(out, series->family, openmetrics);
		family = series->family;
		put_series(out, set, series);
	}
	put_heading(out, &series_dropped, openmetrics);
	put_line(out, &series_dropped, "", "", (double)set->lines_dropped);
	if (openmetrics)
		fputs("# EOF\n", out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(page);
		errno = ENOMEM;
		return NULL;
	}
	if (ret_length)
		*ret_length = length;
	return page;
}

char *lt_prometheus_page(const struct lt_snapshot *snapshot, const struct lt_prom_opts *opts,
			 size_t *ret_length)
{
	struct lt_series_set *set = lt_series_set__new(snapshot, opts, NULL);
	char *page;

	if (!set)
		return NULL;
	page = lt_series_set__page(set, opts->openmetrics, ret_length);
	lt_series_set__free(set);
	return page;
}
