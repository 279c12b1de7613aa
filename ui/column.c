/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The column table and what its rows mean. */
#include "ui/column.h"

#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"

static enum lt_severity none(double value)
{
	(void)value;
	return LT_SEV_NONE;
}

const struct lt_column lt_columns[LT_COL_MAX] = {
	[LT_COL_PID] = { .title = "PID", .width = 7, .scope = LT_SCOPE_PROCESS, .ascending = true,
			 .severity = none, .help = "Process id." },
	[LT_COL_NAME] = { .title = "PROCESS / LOOP", .width = 14, .scope = LT_SCOPE_PROCESS,
			  .text = true, .ascending = true, .severity = none,
			  .help = "The process with its main loop; below it the loops of its Workers." },
	[LT_COL_BUSY] = { .title = "BUSY", .width = 5, .scope = LT_SCOPE_LOOP,
			  .key = "utilization", .severity = lt_severity_busy },
	[LT_COL_STRIP] = { .title = "LAG", .width = 8, .scope = LT_SCOPE_LOOP,
			   .severity = lt_severity_lag,
			   .help = "Lag p99 (b: busy) over time; each step up is 3 times the lag." },
	[LT_COL_LAG_P50] = { .title = "LAG p50", .width = 7, .scope = LT_SCOPE_LOOP,
			     .key = "lag_seconds", .part = LT_PART_P50,
			     .severity = lt_severity_lag },
	[LT_COL_LAG_P99] = { .title = "LAG p99", .width = 7, .scope = LT_SCOPE_LOOP,
			     .key = "lag_seconds", .part = LT_PART_P99,
			     .severity = lt_severity_lag },
	[LT_COL_LAG_MAX] = { .title = "LAG max", .width = 7, .scope = LT_SCOPE_LOOP,
			     .key = "lag_seconds", .part = LT_PART_MAX,
			     .severity = lt_severity_lag },
	[LT_COL_POOL] = { .title = "POOL", .width = 8, .scope = LT_SCOPE_POOL, .severity = none,
			  .help = "Pool threads busy / all, and +N tasks that wait for one." },
	[LT_COL_POOL_WAIT] = { .title = "WAIT p99", .width = 8, .scope = LT_SCOPE_POOL,
			       .severity = lt_severity_pool_wait,
			       .help = "How long pool tasks wait for a thread: of the kind that "
				       "waits longest." },
	[LT_COL_GC] = { .title = "GC", .width = 5, .scope = LT_SCOPE_GC, .key = "seconds",
			.rate = true, .severity = lt_severity_gc },
	[LT_COL_HEAP] = { .title = "HEAP", .width = 5, .scope = LT_SCOPE_HEAP,
			  .severity = lt_severity_heap,
			  .help = "V8 heap in use, as a part of its limit: beyond, V8 ends the "
				  "process." },
	[LT_COL_WORST] = { .title = "WORST", .width = 18, .scope = LT_SCOPE_LOOP,
			   .severity = lt_severity_stall,
			   .help = "The longest stall of the last 60 s, or the one that is running: "
				   "what blocked the loop." },
	[LT_COL_TURNS] = { .title = "TURNS", .width = 7, .scope = LT_SCOPE_LOOP, .key = "turns",
			   .rate = true, .severity = none },
	[LT_COL_TURN_P99] = { .title = "TURN p99", .width = 8, .scope = LT_SCOPE_LOOP,
			      .key = "turn_seconds", .part = LT_PART_P99, .severity = none },
	[LT_COL_LATE_P99] = { .title = "LATE p99", .width = 8, .scope = LT_SCOPE_LOOP,
			      .key = "timer_lateness_seconds", .part = LT_PART_P99,
			      .severity = none },
	[LT_COL_CPU] = { .title = "CPU", .width = 6, .scope = LT_SCOPE_PROCESS,
			 .key = "cpu_seconds", .rate = true, .severity = none },
	[LT_COL_RSS] = { .title = "RSS", .width = 6, .scope = LT_SCOPE_PROCESS,
			 .key = "rss_bytes", .severity = none },
	[LT_COL_TIER] = { .title = "TIER", .width = 6, .scope = LT_SCOPE_PROCESS, .text = true,
			  .ascending = true, .severity = none,
			  .help = "How much is measured: memory, wait, phases or full." },
	[LT_COL_COST] = { .title = "COST", .width = 6, .scope = LT_SCOPE_PROCESS,
			  .key = "overhead_ratio", .severity = lt_severity_cost },
};

double lt_heap_ratio(const struct lt_heap *heap)
{
	return heap->present ? heap->used_bytes / heap->limit_bytes : NAN;
}

/* Threads in use and tasks that wait, as a multiple of the threads there are. */
static double pool_load(const struct lt_pool *pool)
{
	double queue = lt_known(pool->queue_depth) ? pool->queue_depth : 0;

	return (pool->busy + queue) / (pool->size > 1 ? pool->size : 1);
}

static const void *base_of(enum lt_scope scope, const struct lt_source *source)
{
	switch (scope) {
	case LT_SCOPE_LOOP:
		return source->loop;
	case LT_SCOPE_POOL:
		return &source->process->pool;
	default:
		return source->process;
	}
}

static double dist_part(const struct lt_dist *dist, enum lt_part part)
{
	switch (part) {
	case LT_PART_P50:
		return dist->p50;
	case LT_PART_P90:
		return dist->p90;
	case LT_PART_P99:
		return dist->p99;
	case LT_PART_MAX:
		return dist->max;
	default:
		return NAN;
	}
}

static double lag_part(const struct lt_lag *lag, enum lt_part part)
{
	switch (part) {
	case LT_PART_P50:
		return lag->p50;
	case LT_PART_P90:
		return lag->p90;
	case LT_PART_P99:
		return lag->p99;
	case LT_PART_P999:
		return lag->p999;
	case LT_PART_MAX:
		return lag->max;
	default:
		return NAN;
	}
}

static double metric_value(const struct lt_column *column, const struct lt_source *source)
{
	const struct lt_metric *metric = lt_metric_find(column->scope, column->key);
	const char *base = base_of(column->scope, source);
	double value;

	if (!metric || !base)
		return NAN;
	if (metric->shape == LT_SHAPE_DIST)
		return dist_part((const void *)(base + metric->offset), column->part);
	if (metric->shape == LT_SHAPE_LAG)
		return lag_part((const void *)(base + metric->offset), column->part);
	value = lt_metric_number(metric, base);
	if (!column->rate)
		return value;
	return value / source->interval_seconds;
}

static bool applicable(enum lt_column_id id, const struct lt_source *source)
{
	const struct lt_pool *pool = &source->process->pool;
	bool more;

	/* Where stalls would be seen and there is none, there is nothing to tell. */
	if (id == LT_COL_WORST)
		return source->worst_seconds > 0 || !source->loop ||
		       !lt_known(source->loop->stalled_seconds);
	if (id == LT_COL_HEAP)
		return !source->loop || source->loop->heap.present;
	if (id == LT_COL_NAME || lt_columns[id].scope == LT_SCOPE_LOOP)
		return true;
	if (source->child)
		return false;
	if (lt_columns[id].scope != LT_SCOPE_POOL)
		return true;
	/* With all kinds counted and none of them waited for, there is no wait to tell. */
	return pool->present && !(id == LT_COL_POOL_WAIT && pool->kinds_known &&
				  !lt_known(lt_pool__wait(pool, &more)));
}

double lt_column_value(enum lt_column_id id, const struct lt_source *source)
{
	const struct lt_column *column = &lt_columns[id];
	bool more;

	if (!applicable(id, source))
		return NAN;
	switch (id) {
	case LT_COL_PID:
		return source->process->pid;
	case LT_COL_STRIP:
		return source->loop ? source->loop->lag.p99 : NAN;
	case LT_COL_HEAP:
		return source->loop ? lt_heap_ratio(&source->loop->heap) : NAN;
	case LT_COL_WORST:
		return source->worst_seconds > 0 ? source->worst_seconds : NAN;
	case LT_COL_POOL:
		return pool_load(&source->process->pool);
	case LT_COL_POOL_WAIT:
		return lt_pool__wait(&source->process->pool, &more);
	default:
		return column->key ? metric_value(column, source) : NAN;
	}
}

enum lt_cell_state lt_column_state(enum lt_column_id id, const struct lt_source *source)
{
	const struct lt_pool *pool = &source->process->pool;
	bool known;

	if (!applicable(id, source))
		return LT_CELL_NOT_APPLICABLE;
	switch (id) {
	case LT_COL_NAME:
		known = true;
		break;
	case LT_COL_TIER:
		known = source->process->tier;
		break;
	case LT_COL_POOL:
		known = pool->unused || lt_known(pool->size) || lt_known(pool->busy);
		break;
	default:
		known = lt_known(lt_column_value(id, source));
	}
	return known ? LT_CELL_KNOWN : LT_CELL_UNKNOWN;
}

const char *lt_column_text(enum lt_column_id id, const struct lt_source *source)
{
	if (id == LT_COL_TIER)
		return source->process->tier ? source->process->tier : "";
	return source->child && source->loop ? source->loop->name : source->process->name;
}

static char *format_pool(const struct lt_pool *pool, char *buf, size_t size)
{
	char busy[16], threads[16], queue[16];

	lt_fmt_count(busy, sizeof(busy), pool->busy);
	lt_fmt_count(threads, sizeof(threads), pool->size);
	if (pool->unused)
		snprintf(buf, size, "unused");
	else if (pool->queue_depth > 0)
		snprintf(buf, size, "%s/%s +%s", busy, threads,
			 lt_fmt_count(queue, sizeof(queue), pool->queue_depth));
	else
		snprintf(buf, size, "%s/%s", busy, threads);
	return buf;
}

static char *format_wait(const struct lt_pool *pool, char *buf, size_t size)
{
	bool more;
	double wait = lt_pool__wait(pool, &more);

	return more ? lt_fmt_more(buf, size, wait) : lt_fmt_seconds(buf, size, wait);
}

static char *format_value(enum lt_column_id id, double value, char *buf, size_t size)
{
	const struct lt_column *column = &lt_columns[id];
	const struct lt_metric *metric =
		column->key ? lt_metric_find(column->scope, column->key) : NULL;
	enum lt_unit unit = metric ? metric->unit : LT_UNIT_SECONDS;

	if (id == LT_COL_HEAP)
		return lt_fmt_ratio(buf, size, value);
	if (!column->rate)
		return lt_fmt(buf, size, unit, value);
	if (unit == LT_UNIT_SECONDS)
		return lt_fmt_ratio(buf, size, value);
	lt_fmt(buf, size, unit, value);
	strncat(buf, "/s", size - strlen(buf) - 1);
	return buf;
}

char *lt_column_format(enum lt_column_id id, const struct lt_source *source,
		       const char *not_applicable, char *buf, size_t size)
{
	enum lt_cell_state state = lt_column_state(id, source);

	if (state != LT_CELL_KNOWN)
		return snprintf(buf, size, "%s",
				state == LT_CELL_UNKNOWN ? "-" : not_applicable), buf;
	if (lt_columns[id].text)
		return snprintf(buf, size, "%s", lt_column_text(id, source)), buf;
	if (id == LT_COL_PID)
		return snprintf(buf, size, "%d", source->process->pid), buf;
	if (id == LT_COL_POOL)
		return format_pool(&source->process->pool, buf, size);
	if (id == LT_COL_POOL_WAIT)
		return format_wait(&source->process->pool, buf, size);
	return format_value(id, lt_column_value(id, source), buf, size);
}

const char *lt_column_help(enum lt_column_id id)
{
	const struct lt_column *column = &lt_columns[id];
	const struct lt_metric *metric =
		column->key ? lt_metric_find(column->scope, column->key) : NULL;

	return metric && metric->help ? metric->help : column->help ? column->help : "";
}
