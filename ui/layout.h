/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where everything stands: pure functions from a size to rectangles and columns. Nothing overlaps
 * and nothing leaves the screen at any size; what has no room is left out, least needed first.
 */
#ifndef LOOPTOP_UI_LAYOUT_H
#define LOOPTOP_UI_LAYOUT_H

#include "ui/column.h"
#include "ui/rect.h"

/* Heights of the detail under the list at which it has all that the process view has. */
#define LT_DETAIL_TALL	 24
#define LT_DETAIL_TALLER 32

/* Heights from which on the selected row has a line under it, and widths at which the causes fit in one. */
#define LT_BLOCKER_LEAST 10
#define LT_CAUSES_WIDTH	 80

struct lt_frame {
	struct lt_rect header; /* 0, 1 or 2 lines */
	struct lt_rect hint; /* the line between header and list */
	struct lt_rect heading; /* column titles */
	struct lt_rect body;
	bool blocker; /* under the selected row there is a line that tells what blocks it */
	struct lt_rect detail; /* of the selected loop, under a tall list */
	struct lt_rect footer;
};

/* The main screen; n_rows is how many the list has. */
struct lt_frame lt_layout_main(int width, int height, size_t n_rows);

struct lt_column_place {
	enum lt_column_id id;
	int x, w;
};

struct lt_columns_layout {
	struct lt_column_place places[LT_COL_MAX];
	int n; /* from left to right */
};

/* The columns that fit into this width, and where. */
struct lt_columns_layout lt_layout_columns(int width);

/* The place of a column, or NULL if there is no room for it. */
const struct lt_column_place *lt_columns_find(const struct lt_columns_layout *layout,
					      enum lt_column_id id);

/* What the process view has to show. */
struct lt_process_content {
	int legend; /* lines of the phases' legend */
	int causes; /* lines of the causes' legend; 0: none is known */
	int heap; /* lines of the heap, 0: the loop has none */
	int holds; /* lines on what the loop holds open; 0: it is not known */
	int kinds, gcs, stalls, missing;
};

/* The sections of the process view, over a height that may be more than the screen's. */
struct lt_process_layout {
	struct lt_rect loop; /* busy, lag figures, phases, causes */
	struct lt_rect holds; /* what it holds open; on a low screen one line, of what is most remarkable */
	struct lt_rect heat, hist;
	struct lt_rect pool, gc;
	struct lt_rect stalls, missing;
	int height; /* of all; more than the window's: it scrolls */
};

struct lt_process_layout lt_layout_process(int width, int height,
					   const struct lt_process_content *content);

#endif
