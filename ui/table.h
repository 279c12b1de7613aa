/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The rows of the main list: processes as a tree of loops, sorted, filtered, with a selection that
 * stays on its loop and not on its place. Pure: no terminal, no drawing.
 */
#ifndef LOOPTOP_UI_TABLE_H
#define LOOPTOP_UI_TABLE_H

#include "ui/column.h"
#include "ui/history.h"
#include "ui/keep.h"

#define LT_FILTER_SIZE 64

struct lt_row {
	struct lt_loop_id id;
	struct lt_source source;
	bool last_child; /* the last loop of its process */
	bool sibling; /* its process stands under the first one of its group */
	bool last_sibling; /* and it is the last one there */
	bool gone; /* the process or this loop has ended */
	bool cluster_gone; /* all processes of its group have ended: they stand last */
	/* What it sorts by: the loop's own, and the best of its process. */
	double key, group_key;
	const char *text_key, *group_text_key;
	/* Of all the processes that are one application. */
	double cluster_key;
	const char *cluster_text_key;
};

struct lt_table {
	struct lt_row *rows;
	size_t n_rows, room;
	size_t n_processes, n_loops, n_stalled; /* before the filter */
	enum lt_column_id sort;
	bool descending;
	char filter[LT_FILTER_SIZE];
	bool chosen; /* somebody selected a row: it stays selected while it is there */
	struct lt_loop_id selected_id;
	size_t selected; /* its place in rows */
	size_t top; /* the first row on screen */
};

/* Sorted by lag p99, the worst first. */
void lt_table__init(struct lt_table *table);
void lt_table__free(struct lt_table *table);

/* Makes the rows anew; they borrow from keep until its next update. stalls may be NULL. 0 or -ENOMEM. */
int lt_table__rebuild(struct lt_table *table, const struct lt_keep *keep,
		      const struct lt_stall_log *stalls);

/* Sorts by this column in its own first direction; the other way round if it sorted by it before. */
void lt_table__sort_by(struct lt_table *table, enum lt_column_id column);
void lt_table__reverse(struct lt_table *table);

/* Selects by place (cut to what is there), or moves from the present place. */
void lt_table__select(struct lt_table *table, size_t row);
void lt_table__move(struct lt_table *table, long rows);
/* Back to following the first row. */
void lt_table__release(struct lt_table *table);
const struct lt_row *lt_table__selected(const struct lt_table *table);

/* Moves the window of `height` rows so that the selection is in it. */
void lt_table__scroll(struct lt_table *table, size_t height);

/* True if the filter lets this process, or this loop of it, through; case does not matter. */
bool lt_filter_matches(const char *filter, const struct lt_process *process,
		       const struct lt_loop *loop);

#endif
