/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Snapshots as CSV: one row for each loop and interval, for spreadsheets and data frames. One walk
 * over the columns writes the header and every row, so that they cannot come apart. Figures of a
 * process stand in the row of its first loop only and those of looptop itself in the first row of
 * a snapshot, so that a column can be added up. Unknown is an empty field.
 */
#include "looptop/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sink/out.h"
#include "agent/util/fmt.h"
#include "agent/util/text.h"
#include "looptop/metric.h"

#define TEXT_MAX 512 /* bytes of a text cell; longer ones are cut */

struct csv {
	FILE *out;
	bool header_done;
	bool naming; /* the walk writes the columns' names */
	bool first_cell;
};

/* What a row is about. The pointers are NULL where its figures belong to another row. */
struct row {
	const struct lt_snapshot *snapshot;
	const struct lt_self *self;
	const struct lt_process *process; /* never NULL: names and versions stand in each row */
	const struct lt_process *figures;
	const struct lt_loop *loop; /* NULL: the process has none */
};

static void separate(struct csv *csv)
{
	if (!csv->first_cell)
		fputc(',', csv->out);
	csv->first_cell = false;
}

static void quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

/* What some spreadsheet takes for the beginning of a formula; blanks and quotes before it do not keep it from that. */
static bool is_formula(const char *s)
{
	static const char *const begins[] = { "=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20" };

	s += strspn(s, " \"");
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (lt_starts_with(s, begins[i]))
			return true;
	return false;
}

/* Text from a target must neither break the row nor be run as a formula by a spreadsheet. In some countries the cell
 * ends with a semicolon, whatever quotes are around it. */
static void text_value(FILE *out, const char *s)
{
	char cell[2 * TEXT_MAX + 2], clean[TEXT_MAX];
	size_t n = 0;

	lt_fmt_text(clean, sizeof(clean), s);
	if (is_formula(clean))
		cell[n++] = '\'';
	for (s = clean; *s; s++) {
		cell[n++] = *s;
		if (*s == ';' && is_formula(s + 1))
			cell[n++] = '\'';
	}
	cell[n] = '\0';
	if (strpbrk(cell, ",;\"") || cell[0] == ' ')
		quoted(out, cell);
	else
		fputs(cell, out);
}

static void text_cell(struct csv *csv, const char *name, const char *value)
{
	separate(csv);
	if (csv->naming)
		fputs(name, csv->out);
	else if (value)
		text_value(csv->out, value);
}

/* Nine digits behind the point and fifteen in all at most (what a double holds), no idle zeros. */
static void number_value(FILE *out, double x)
{
	char digits[352];
	int whole, behind;
	size_t n;

	if (!isfinite(x))
		return;
	whole = fabs(x) >= 10 ? (int)log10(fabs(x)) + 1 : 1;
	behind = whole > 14 ? 0 : whole > 6 ? 15 - whole : 9;
	n = (size_t)snprintf(digits, sizeof(digits), "%.*f", behind, x);
	while (behind && digits[n - 1] == '0')
		n--;
	if (digits[n - 1] == '.')
		n--;
	fwrite(digits, 1, n, out);
}

/* The column PREFIX_NAME_SUFFIX; prefix and suffix may be NULL. */
static void cell(struct csv *csv, const char *prefix, const char *name, const char *suffix,
		 double value)
{
	separate(csv);
	if (csv->naming)
		fprintf(csv->out, "%s%s%s%s%s", prefix ? prefix : "", prefix ? "_" : "", name,
			suffix ? "_" : "", suffix ? suffix : "");
	else
		number_value(csv->out, value);
}

static void members(struct csv *csv, const char *prefix, const char *name,
		    const char *const *suffixes, const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cell(csv, prefix, name, suffixes[i], values ? values[i] : NAN);
}

static void metric_cells(struct csv *csv, const char *prefix, const struct lt_metric *metric,
			 const void *base)
{
	static const char *const of_dist[] = { "count", "sum", "p50", "p90", "p99", "max" };
	static const char *const of_lag[] = { "mean", "p50", "p90", "p99", "p999", "max" };
	const void *at = base ? (const char *)base + metric->offset : NULL;

	_Static_assert(sizeof(struct lt_dist) == 6 * sizeof(double), "as many as of_dist");
	_Static_assert(sizeof(struct lt_lag) == 6 * sizeof(double), "as many as of_lag");
	switch (metric->shape) {
	case LT_SHAPE_DIST:
		members(csv, prefix, metric->key, of_dist, at, 6);
		break;
	case LT_SHAPE_LAG:
		members(csv, prefix, metric->key, of_lag, at, 6);
		break;
	case LT_SHAPE_PHASES:
		members(csv, prefix, metric->key, lt_phase_names, at, LT_SNAP_PHASES);
		break;
	case LT_SHAPE_CAUSES:
		members(csv, prefix, metric->key, lt_cause_names, at, LT_SNAP_CAUSES);
		break;
	case LT_SHAPE_TIER_REASONS:
		members(csv, prefix, metric->key, lt_tier_reason_names, at, LT_SNAP_TIER_REASONS);
		break;
	case LT_SHAPE_HANDLES:
		members(csv, prefix, metric->key, lt_handle_names, at, LT_SNAP_HANDLES);
		break;
	case LT_SHAPE_COMPILERS:
		members(csv, prefix, metric->key, lt_compiler_names, at, LT_SNAP_COMPILERS);
		break;
	case LT_SHAPE_LOST:
		members(csv, prefix, metric->key, lt_lost_names, at, LT_SNAP_LOST);
		break;
	default:
		cell(csv, prefix, metric->key, NULL, base ? lt_metric_number(metric, base) : NAN);
	}
}

static void scope_cells(struct csv *csv, const char *prefix, enum lt_scope scope, const void *base)
{
	for (size_t i = 0; i < lt_n_metrics; i++)
		if (lt_metrics[i].scope == scope && lt_metrics[i].key)
			metric_cells(csv, prefix, &lt_metrics[i], base);
}

/* All kinds of tasks in one figure each: a column for every kind would be more than a hundred. */
static void task_cells(struct csv *csv, const struct lt_pool *pool)
{
	double submitted = NAN, completed = NAN, cancelled = NAN, wait = NAN, run = NAN;
	double worst = NAN, worst_run = NAN;

	if (pool && pool->kinds_known)
		submitted = completed = cancelled = wait = run = 0;
	for (size_t i = 0; pool && i < LT_SNAP_KINDS; i++) {
		const struct lt_pool_kind *kind = &pool->kinds[i];

		submitted += kind->submitted;
		completed += kind->completed;
		cancelled += kind->cancelled;
		wait += kind->wait.sum;
		run += kind->run.sum;
		worst = fmax(worst, kind->wait.p99); /* fmax of a NAN and a number is the number */
		worst_run = fmax(worst_run, kind->run.p99);
	}
	cell(csv, "pool", "submitted", NULL, submitted);
	cell(csv, "pool", "completed", NULL, completed);
	cell(csv, "pool", "cancelled", NULL, cancelled);
	cell(csv, "pool", "wait_seconds", "sum", wait);
	cell(csv, "pool", "wait_seconds", "worst_p99", worst);
	cell(csv, "pool", "run_seconds", "sum", run);
	cell(csv, "pool", "run_seconds", "worst_p99", worst_run);
}

static void gc_cells(struct csv *csv, const struct lt_process *process)
{
	scope_cells(csv, "gc", LT_SCOPE_GC, process);
	for (size_t i = 0; i < LT_SNAP_GCS; i++) {
		const struct lt_gc_kind *kind =
			process && process->gc_known ? &process->gc[i] : NULL;
		char prefix[48];

		snprintf(prefix, sizeof(prefix), "gc_%s", lt_gc_names[i]);
		scope_cells(csv, prefix, LT_SCOPE_GC_KIND, kind);
	}
}

static void stall_cells(struct csv *csv, const struct lt_loop *loop)
{
	double count = loop ? 0 : NAN, seconds = loop ? 0 : NAN;

	for (size_t i = 0; loop && i < loop->n_stalls; i++) {
		if (loop->stalls[i].ongoing)
			continue;
		count++;
		seconds += loop->stalls[i].seconds;
	}
	/* Tier memory sees a stall that runs, but not those that began and ended between readings. */
	if (loop && !lt_known(loop->total.stalls))
		count = seconds = NAN;
	cell(csv, NULL, "stalls", NULL, count);
	cell(csv, NULL, "stall_seconds", NULL, seconds);
}

/* The walk. With csv->naming the row is NULL and only names are written. */
static void columns(struct csv *csv, const struct row *row)
{
	const struct lt_snapshot *snapshot = row ? row->snapshot : NULL;
	const struct lt_process *process = row ? row->process : NULL;
	const struct lt_process *figures = row ? row->figures : NULL;
	const struct lt_loop *loop = row ? row->loop : NULL;
	const struct lt_pool *pool = figures && figures->pool.present ? &figures->pool : NULL;
	const struct lt_deopt *deopt = loop && loop->jit.n_functions ? loop->jit.functions : NULL;

	csv->first_cell = true;
	cell(csv, NULL, "time", NULL, snapshot ? snapshot->time : NAN);
	cell(csv, NULL, "interval_seconds", NULL, snapshot ? snapshot->interval_seconds : NAN);
	cell(csv, NULL, "pid", NULL, process ? process->pid : NAN);
	text_cell(csv, "name", process ? process->name : NULL);
	text_cell(csv, "runtime", process ? process->runtime : NULL);
	text_cell(csv, "runtime_version", process ? process->runtime_version : NULL);
	text_cell(csv, "container", process ? process->container : NULL);
	text_cell(csv, "tier", process ? process->tier : NULL);
	cell(csv, NULL, "tid", NULL, loop ? loop->tid : NAN);
	text_cell(csv, "loop", loop ? loop->name : NULL);
	scope_cells(csv, NULL, LT_SCOPE_LOOP, loop);
	scope_cells(csv, "heap", LT_SCOPE_HEAP, loop && loop->heap.present ? &loop->heap : NULL);
	stall_cells(csv, loop);
	scope_cells(csv, "handles", LT_SCOPE_HANDLES, loop);
	scope_cells(csv, "streams", LT_SCOPE_STREAMS, loop);
	cell(csv, "streams", "worst_fd", NULL,
	     loop && loop->streams.blocked > 0 ? loop->streams.worst.fd : NAN);
	text_cell(csv, "streams_worst_peer", loop ? loop->streams.worst.peer : NULL);
	scope_cells(csv, "js", LT_SCOPE_JS, loop);
	scope_cells(csv, "jit", LT_SCOPE_JIT, loop);
	text_cell(csv, "jit_worst_function", deopt ? deopt->where.function : NULL);
	text_cell(csv, "jit_worst_file", deopt ? deopt->where.file : NULL);
	cell(csv, "jit", "worst_line", NULL, deopt && deopt->where.line ? deopt->where.line : NAN);
	scope_cells(csv, "process", LT_SCOPE_PROCESS, figures);
	scope_cells(csv, "throttled", LT_SCOPE_THROTTLED, figures);
	scope_cells(csv, "pool", LT_SCOPE_POOL, pool);
	task_cells(csv, pool);
	scope_cells(csv, "sync_fs", LT_SCOPE_SYNC_FS, figures);
	gc_cells(csv, figures);
	scope_cells(csv, "self", LT_SCOPE_SELF, row ? row->self : NULL);
	fputc('\n', csv->out);
}

static void *csv_open(const struct lt_sink_opts *opts)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (csv)
		csv->out = opts->out;
	return csv;
}

static int csv_write(void *state, const struct lt_snapshot *snapshot)
{
	struct csv *csv = state;
	struct row row = { .snapshot = snapshot, .self = &snapshot->self };

	lt_out_begin();
	if (!csv->header_done) {
		csv->naming = true;
		columns(csv, NULL);
		csv->naming = false;
		csv->header_done = true;
	}
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		row.process = row.figures = &snapshot->processes[i];
		row.loop = row.process->n_loops ? row.process->loops : NULL;
		/* A process without a loop has a row all the same, for its own figures. */
		for (size_t j = 0; j == 0 || j < row.process->n_loops; j++) {
			columns(csv, &row);
			row.self = NULL;
			row.figures = NULL;
			if (row.loop)
				row.loop++;
		}
	}
	return lt_out_end(csv->out);
}

static int csv_close(void *state)
{
	struct csv *csv = state;
	int err = lt_out_end(csv->out);

	free(csv);
	return err;
}

const struct lt_sink lt_sink_csv = {
	.name = "csv",
	.open = csv_open,
	.write = csv_write,
	.close = csv_close,
};
