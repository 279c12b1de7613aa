/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The columns of the main list: one row of a table each, built on the descriptor table of metrics.
 * A new column is one row here; sorting, layout, help and the sort menu follow from it.
 */
#ifndef LOOPTOP_UI_COLUMN_H
#define LOOPTOP_UI_COLUMN_H

#include "looptop/metric.h"
#include "ui/theme.h"

enum lt_column_id {
	LT_COL_PID,
	LT_COL_NAME,
	LT_COL_BUSY,
	LT_COL_STRIP,
	LT_COL_LAG_P50,
	LT_COL_LAG_P99,
	LT_COL_LAG_MAX,
	LT_COL_POOL,
	LT_COL_POOL_WAIT,
	LT_COL_GC,
	LT_COL_HEAP,
	LT_COL_WORST,
	LT_COL_TURNS,
	LT_COL_TURN_P99,
	LT_COL_LATE_P99,
	LT_COL_CPU,
	LT_COL_RSS,
	LT_COL_TIER,
	LT_COL_COST,
	LT_COL_MAX,
};

/* Which figure of a distribution. */
enum lt_part {
	LT_PART_NONE,
	LT_PART_P50,
	LT_PART_P90,
	LT_PART_P99,
	LT_PART_P999,
	LT_PART_MAX
};

struct lt_column {
	const char *title;
	int width; /* without the space before it; of the flexible ones the least */
	enum lt_scope scope;
	const char *key; /* of the metric it shows; NULL: none, then `help` stands */
	enum lt_part part;
	bool rate; /* divided by the interval: a count becomes /s, seconds a share */
	bool text; /* sorts by its text, at the left */
	bool ascending; /* how it sorts at first */
	enum lt_severity (*severity)(double value);
	const char *help;
};

extern const struct lt_column lt_columns[LT_COL_MAX];

enum lt_cell_state {
	LT_CELL_KNOWN,
	LT_CELL_UNKNOWN,
	LT_CELL_NOT_APPLICABLE
};

/* What a column is taken from. */
struct lt_source {
	const struct lt_process *process;
	const struct lt_loop *loop; /* NULL: the process has none that is known */
	bool child; /* not the process' own row: its pool, GC, memory stand in that one */
	double interval_seconds;
	double worst_seconds; /* its longest stall of the last minute; 0: none is known of */
};

/* The figure a column sorts by and grades; NAN: unknown, or not applicable. */
double lt_column_value(enum lt_column_id id, const struct lt_source *source);
enum lt_cell_state lt_column_state(enum lt_column_id id, const struct lt_source *source);

/* The text a column sorts by, if it is a text column. */
const char *lt_column_text(enum lt_column_id id, const struct lt_source *source);

/* What stands in the cell: figure and unit, "-" or `not_applicable`. Returns buf. */
char *lt_column_format(enum lt_column_id id, const struct lt_source *source,
		       const char *not_applicable, char *buf, size_t size);

/* The sentence that explains the column. */
const char *lt_column_help(enum lt_column_id id);

/* Which part of its limit a heap has in use; NAN: unknown. */
double lt_heap_ratio(const struct lt_heap *heap);

#endif
