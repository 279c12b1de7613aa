/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Comma-separated values (RFC 4180): one row for each loop and interval, the columns in the order
 * of the descriptor table. Unknown is an empty field.
 */
#include "looptop/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "looptop/metric.h"

struct csv {
	FILE *out;
	bool begun;
};

static void *csv_open(const struct lt_sink_opts *opts)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (csv)
		csv->out = opts->out;
	return csv;
}

static const char *const dist_keys[] = { "count", "sum", "p50", "p90", "p99", "max" };
static const char *const lag_keys[] = { "mean", "p50", "p90", "p99", "p999", "max" };

/* The numbers in a row's structure: how many, and the name of each. */
static size_t parts_of(const struct lt_metric *metric, const char *const **ret_keys)
{
	switch (metric->shape) {
	case LT_SHAPE_DIST:
		*ret_keys = dist_keys;
		return 6;
	case LT_SHAPE_LAG:
		*ret_keys = lag_keys;
		return 6;
	case LT_SHAPE_PHASES:
		*ret_keys = lt_phase_names;
		return LT_SNAP_PHASES;
	case LT_SHAPE_NUMBER:
		*ret_keys = NULL;
		return 1;
	default:
		return 0;
	}
}

/* Both structures are nothing but doubles, in the order of their keys. */
_Static_assert(sizeof(struct lt_dist) == 6 * sizeof(double), "a distribution has six numbers");
_Static_assert(sizeof(struct lt_lag) == 6 * sizeof(double), "lag has six numbers");

static bool is_column(const struct lt_metric *metric)
{
	return metric->key && (metric->scope == LT_SCOPE_LOOP || metric->scope == LT_SCOPE_POOL ||
			       metric->scope == LT_SCOPE_SYNC_FS || metric->scope == LT_SCOPE_GC ||
			       metric->scope == LT_SCOPE_PROCESS);
}

static const char *prefix_of(enum lt_scope scope)
{
	switch (scope) {
	case LT_SCOPE_POOL:
		return "pool_";
	case LT_SCOPE_SYNC_FS:
		return "sync_fs_";
	case LT_SCOPE_GC:
		return "gc_";
	case LT_SCOPE_PROCESS:
		return "process_";
	default:
		return "";
	}
}

static void header(FILE *out)
{
	fputs("time,interval_seconds,pid,name,runtime,runtime_version,tier,tid,loop", out);
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];
		const char *const *keys;
		size_t n = is_column(metric) ? parts_of(metric, &keys) : 0;

		for (size_t part = 0; part < n; part++)
			fprintf(out, ",%s%s%s%s", prefix_of(metric->scope), metric->key, keys ? "_" : "",
				keys ? keys[part] : "");
	}
	fputs("\r\n", out);
}

/* Quoted; a spreadsheet must not take text from a target for a formula. */
static void text(FILE *out, const char *value)
{
	char clean[1024];

	if (!value)
		return;
	lt_fmt_text(clean, sizeof(clean), value);
	fputc('"', out);
	if (clean[0] && strchr("=+-@", clean[0]))
		fputc('\'', out);
	for (const char *s = clean; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void number(FILE *out, enum lt_unit unit, double value)
{
	if (!lt_known(value))
		return;
	if (unit == LT_UNIT_COUNT || unit == LT_UNIT_BYTES)
		fprintf(out, "%.0f", value);
	else
		fprintf(out, "%.9g", value);
}

static void numbers(FILE *out, const struct lt_process *process, const struct lt_loop *loop)
{
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];
		const char *const *keys;
		size_t n = is_column(metric) ? parts_of(metric, &keys) : 0;
		const char *base = metric->scope == LT_SCOPE_LOOP ? (const char *)loop :
				   metric->scope == LT_SCOPE_POOL ? (const char *)&process->pool :
								    (const char *)process;

		for (size_t part = 0; part < n; part++) {
			bool count = metric->shape == LT_SHAPE_DIST && part == 0;
			double value;

			memcpy(&value, base + metric->offset + part * sizeof(value), sizeof(value));
			fputc(',', out);
			number(out, count ? LT_UNIT_COUNT : metric->unit, value);
		}
	}
}

static int csv_write(void *state, const struct lt_snapshot *snapshot)
{
	struct csv *csv = state;

	errno = 0;
	if (!csv->begun)
		header(csv->out);
	csv->begun = true;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct lt_process *process = &snapshot->processes[i];

		for (size_t j = 0; j < process->n_loops; j++) {
			fprintf(csv->out, "%.3f,%.6f,%d,", snapshot->time, snapshot->interval_seconds,
				process->pid);
			text(csv->out, process->name);
			fputc(',', csv->out);
			text(csv->out, process->runtime);
			fputc(',', csv->out);
			text(csv->out, process->runtime_version);
			fputc(',', csv->out);
			text(csv->out, process->tier);
			fprintf(csv->out, ",%d,", process->loops[j].tid);
			text(csv->out, process->loops[j].name);
			numbers(csv->out, process, &process->loops[j]);
			fputs("\r\n", csv->out);
		}
	}
	if (fflush(csv->out) || ferror(csv->out))
		return -(errno ? errno : EIO);
	return 0;
}

static int csv_close(void *state)
{
	free(state);
	return 0;
}

const struct lt_sink lt_sink_csv = { "csv", csv_open, csv_write, csv_close };
