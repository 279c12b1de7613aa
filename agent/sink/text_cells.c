/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The columns of text rows, as one table: heading, width, from where on a figure is coloured, what
 * goes first on a narrow terminal. A pool and collections belong to the process and stand in the
 * row of its first loop only.
 */
#include "agent/sink/text.h"

#include <string.h>

#include "agent/util/fmt.h"

static enum lt_text_state figure(char *buf, double value)
{
	return lt_known(value) ? LT_TEXT_KNOWN : (buf[0] = '\0', LT_TEXT_UNKNOWN);
}

static enum lt_text_state cell_time(const struct lt_text_row *row, char *buf, size_t size,
				    double *value)
{
	(void)value;
	lt_text_clock(buf, size, row->snapshot->time);
	return LT_TEXT_KNOWN;
}

static enum lt_text_state cell_pid(const struct lt_text_row *row, char *buf, size_t size,
				   double *value)
{
	(void)value;
	snprintf(buf, size, "%d", row->process->pid);
	return LT_TEXT_KNOWN;
}

static enum lt_text_state cell_process(const struct lt_text_row *row, char *buf, size_t size,
				       double *value)
{
	(void)value;
	if (!row->process->name)
		return LT_TEXT_UNKNOWN;
	lt_fmt_text(buf, size, row->process->name);
	return LT_TEXT_KNOWN;
}

static enum lt_text_state cell_loop(const struct lt_text_row *row, char *buf, size_t size,
				    double *value)
{
	(void)value;
	if (!row->loop)
		return LT_TEXT_NOT_APPLICABLE;
	lt_fmt_text(buf, size, row->loop->name ? row->loop->name : "-");
	return LT_TEXT_KNOWN;
}

/* Per cent without a space before the sign: it fits five columns. */
static void put_percent(char *buf, size_t size, double ratio)
{
	double percent = ratio * 100;

	if (percent > 0 && percent < 0.1)
		snprintf(buf, size, "<0.1%%");
	else
		snprintf(buf, size, "%.*f%%", percent > 0 && percent < 0.95 ? 1 : 0, percent);
}

static enum lt_text_state cell_busy(const struct lt_text_row *row, char *buf, size_t size,
				    double *value)
{
	if (!row->loop)
		return LT_TEXT_NOT_APPLICABLE;
	*value = row->loop->utilization;
	put_percent(buf, size, *value);
	return figure(buf, *value);
}

static enum lt_text_state cell_turns(const struct lt_text_row *row, char *buf, size_t size,
				     double *value)
{
	double rate;

	(void)value;
	if (!row->loop)
		return LT_TEXT_NOT_APPLICABLE;
	rate = row->snapshot->interval_seconds > 0
		       ? row->loop->turns / row->snapshot->interval_seconds
		       : NAN;
	lt_fmt_count(buf, size, rate >= 9.95 ? rint(rate) : rate);
	return figure(buf, rate);
}

static enum lt_text_state seconds_cell(char *buf, size_t size, double seconds, double *value)
{
	*value = seconds;
	lt_fmt_seconds(buf, size, seconds);
	return figure(buf, seconds);
}

static enum lt_text_state cell_lag_p50(const struct lt_text_row *row, char *buf, size_t size,
				       double *value)
{
	return row->loop ? seconds_cell(buf, size, row->loop->lag.p50, value)
			 : LT_TEXT_NOT_APPLICABLE;
}

static enum lt_text_state cell_lag_p99(const struct lt_text_row *row, char *buf, size_t size,
				       double *value)
{
	return row->loop ? seconds_cell(buf, size, row->loop->lag.p99, value)
			 : LT_TEXT_NOT_APPLICABLE;
}

static enum lt_text_state cell_lag_max(const struct lt_text_row *row, char *buf, size_t size,
				       double *value)
{
	return row->loop ? seconds_cell(buf, size, row->loop->lag.max, value)
			 : LT_TEXT_NOT_APPLICABLE;
}

/* What belongs to the process stands in its first row only. */
static const struct lt_pool *pool_of(const struct lt_text_row *row)
{
	return row->first && row->process->pool.present ? &row->process->pool : NULL;
}

static enum lt_text_state cell_pool(const struct lt_text_row *row, char *buf, size_t size,
				    double *value)
{
	const struct lt_pool *pool = pool_of(row);
	char busy[16], threads[16];

	if (!pool || pool->unused)
		return LT_TEXT_NOT_APPLICABLE;
	if (!lt_known(pool->busy) && !lt_known(pool->size))
		return LT_TEXT_UNKNOWN;
	*value = pool->busy / pool->size;
	snprintf(buf, size, "%s/%s", lt_fmt_count(busy, sizeof(busy), pool->busy),
		 lt_fmt_count(threads, sizeof(threads), pool->size));
	return LT_TEXT_KNOWN;
}

static enum lt_text_state cell_queue(const struct lt_text_row *row, char *buf, size_t size,
				     double *value)
{
	const struct lt_pool *pool = pool_of(row);

	(void)value;
	if (!pool || pool->unused)
		return LT_TEXT_NOT_APPLICABLE;
	lt_fmt_count(buf, size, pool->queue_depth);
	return figure(buf, pool->queue_depth);
}

/* The kind that waits longest: that is the wait one would look for. One that has not ended is longer than what it says. */
static enum lt_text_state cell_wait(const struct lt_text_row *row, char *buf, size_t size,
				    double *value)
{
	const struct lt_pool *pool = pool_of(row);
	double wait;
	bool more;

	if (!pool || pool->unused)
		return LT_TEXT_NOT_APPLICABLE;
	wait = lt_pool__wait(pool, &more);
	if (pool->kinds_known && !lt_known(wait))
		return LT_TEXT_NOT_APPLICABLE; /* all were counted and none waited */
	if (!more)
		return seconds_cell(buf, size, wait, value);
	*value = wait;
	lt_fmt_more(buf, size, wait);
	return LT_TEXT_KNOWN;
}

static enum lt_text_state cell_gc(const struct lt_text_row *row, char *buf, size_t size,
				  double *value)
{
	if (!row->first)
		return LT_TEXT_NOT_APPLICABLE;
	*value = row->snapshot->interval_seconds > 0
			 ? row->process->gc_seconds / row->snapshot->interval_seconds
			 : NAN;
	put_percent(buf, size, *value);
	return figure(buf, *value);
}

/* The longest stall; ">1.30s" is one that has not ended yet. */
static enum lt_text_state cell_stall(const struct lt_text_row *row, char *buf, size_t size,
				     double *value)
{
	double longest;
	char length[16];

	if (!row->loop)
		return LT_TEXT_NOT_APPLICABLE;
	longest = row->loop->stalled_seconds;
	if (longest > 0) {
		*value = longest;
		snprintf(buf, size, ">%s", lt_fmt_seconds(length, sizeof(length), longest));
		return LT_TEXT_KNOWN;
	}
	for (size_t i = 0; i < row->loop->n_stalls; i++)
		longest = fmax(longest, row->loop->stalls[i].seconds);
	return seconds_cell(buf, size, longest, value);
}

const struct lt_text_column lt_text_columns[] = {
	{ .title = "TIME", .width = 8, .left = true, .drop = 5, .cell = cell_time },
	{ .title = "PID", .width = 7, .cell = cell_pid },
	{ .title = "PROCESS", .width = 13, .left = true, .drop = 1, .cell = cell_process },
	{ .title = "LOOP", .width = 8, .left = true, .cell = cell_loop },
	{ .title = "BUSY", .width = 5, .warn = 0.7, .bad = 0.9, .cell = cell_busy },
	{ .group = "turns", .title = "/s", .width = 5, .drop = 3, .cell = cell_turns },
	{ .group = "lag",
	  .title = "p50",
	  .width = 5,
	  .drop = 4,
	  .warn = 0.02,
	  .bad = 0.1,
	  .cell = cell_lag_p50 },
	{ .group = "lag",
	  .title = "p99",
	  .width = 5,
	  .warn = 0.02,
	  .bad = 0.1,
	  .cell = cell_lag_p99 },
	{ .group = "lag", .title = "max", .width = 5, .warn = 0.1, .bad = 1, .cell = cell_lag_max },
	{ .group = "pool", .title = "BUSY", .width = 5, .warn = 1, .cell = cell_pool },
	{ .group = "pool", .title = "QUEUE", .width = 5, .drop = 2, .cell = cell_queue },
	{ .group = "pool",
	  .title = "WAIT",
	  .width = 5,
	  .warn = 0.02,
	  .bad = 0.1,
	  .cell = cell_wait },
	{ .title = "GC", .width = 5, .warn = 0.1, .bad = 0.25, .cell = cell_gc },
	{ .title = "STALL", .width = 6, .warn = 1e-9, .bad = 1, .cell = cell_stall },
};

const size_t lt_n_text_columns = sizeof(lt_text_columns) / sizeof(lt_text_columns[0]);
