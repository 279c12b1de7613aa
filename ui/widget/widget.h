/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Small pictures of figures, drawn on a canvas. They know no snapshot: shares and levels in, cells out. */
#ifndef LOOPTOP_UI_WIDGET_H
#define LOOPTOP_UI_WIDGET_H

#include <stddef.h>

#include "ui/canvas.h"
#include "ui/history.h"

/* A bar of w cells, filled to ratio (0…1), with the rest as a faint track. NAN: only "-". */
void lt_widget_bar(struct lt_canvas *canvas, int x, int y, int w, double ratio,
		   enum lt_severity severity);

struct lt_segment {
	double share; /* of the whole bar; NAN: none */
	const char *glyph;
	uint8_t style;
};

/* A bar of w cells made of segments, from the left. Shares that add up to 1 fill it exactly. */
void lt_widget_stack(struct lt_canvas *canvas, int x, int y, int w,
		     const struct lt_segment *segments, size_t n);

/* One column of a bar chart h cells high, with its foot in the lowest row of (x, y, 1, h). What is
 * above 0 shows at least the lowest step. */
void lt_widget_rise(struct lt_canvas *canvas, int x, int y, int h, double level, uint8_t style);

enum lt_strip_of {
	LT_STRIP_LAG,
	LT_STRIP_BUSY
};

/* The history in one line, a cell a column; its colour is the lag's severity in both kinds. */
void lt_widget_strip(struct lt_canvas *canvas, int x, int y, enum lt_strip_of what,
		     const struct lt_history_column *columns, size_t n);

/* The rows of a heat strip that is h cells high: 4, 5 or 10 for h of at least so many. */
int lt_widget_heat_rows(int h);
/* The least lag that falls into a row (0 is the highest row), in seconds. */
double lt_widget_heat_edge(int rows, int row);
/* Lag over time: a column for each of the n columns, a row for each range of lag; the denser the
 * more of the time new work would wait so long. */
void lt_widget_heat(struct lt_canvas *canvas, int x, int y, int rows,
		    const struct lt_history_column *columns, size_t n);

/* Threads as cells: the busy ones filled. Returns the columns it takes, at most w. */
int lt_widget_threads(struct lt_canvas *canvas, int x, int y, int w, double busy, double size,
		      uint8_t style);

#endif
