/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Pictures over time or over a range: columns that rise, the strip of one line, the heat strip. */
#include <math.h>

#include "ui/widget/widget.h"

void lt_widget_rise(struct lt_canvas *canvas, int x, int y, int h, double level, uint8_t style)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	int steps;

	if (!(level > 0))
		return;
	steps = (int)lrint(fmin(level, 1) * h * LT_GLYPH_LEVELS);
	if (steps < 1)
		steps = 1;
	for (int row = h - 1; row >= 0 && steps > 0; row--, steps -= LT_GLYPH_LEVELS)
		lt_canvas__text(canvas, x, y + row, style,
				glyphs->rise[steps < LT_GLYPH_LEVELS ? steps : LT_GLYPH_LEVELS]);
}

/* Two steps for each power of ten, from 0.1 ms up: what is below stands on the first step. */
static int lag_step(double seconds)
{
	double step = seconds > 0 ? 1 + floor(2 * log10(seconds / 1e-4) + 1e-6) : 1;

	return (int)fmin(fmax(step, 1), LT_GLYPH_LEVELS);
}

static int busy_step(double ratio)
{
	return (int)fmin(fmax(ceil(ratio * LT_GLYPH_LEVELS), 1), LT_GLYPH_LEVELS);
}

void lt_widget_strip(struct lt_canvas *canvas, int x, int y, enum lt_strip_of what,
		     const struct lt_history_column *columns, size_t n)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);

	for (size_t i = 0; i < n; i++, x++) {
		const struct lt_history_column *column = &columns[i];
		double value = what == LT_STRIP_LAG ? column->lag_p99 : column->busy;
		enum lt_severity severity = lt_severity_lag(column->lag_p99);

		if (!column->any)
			continue;
		if (isnan(value))
			lt_canvas__text(canvas, x, y, LT_STYLE_DIM, "-");
		else
			lt_canvas__text(canvas, x, y, (uint8_t)severity,
					glyphs->rise[what == LT_STRIP_LAG ? lag_step(value)
									  : busy_step(value)]);
	}
}

int lt_widget_heat_rows(int h)
{
	return h >= 10 ? 10 : h >= 5 ? 5 : h >= 4 ? 4 : h > 0 ? h : 0;
}

/* The index of a row's lower edge: with 10 rows each edge has its row, otherwise each power of ten. */
static int edge_index(int rows, int row)
{
	return rows == LT_HISTORY_EDGES ? rows - 1 - row : 8 - 2 * row;
}

double lt_widget_heat_edge(int rows, int row)
{
	return lt_history_edges[edge_index(rows, row)];
}

/* The share of time at which new work would wait for as long as this row says. */
static double heat_share(const struct lt_history_column *column, int rows, int row)
{
	int index = edge_index(rows, row);
	int above = row > 0 ? edge_index(rows, row - 1) : LT_HISTORY_EDGES;
	double more = above < LT_HISTORY_EDGES ? column->over[above] : 0;

	return column->over[index] - more;
}

static int heat_shade(double share)
{
	static const double from[LT_GLYPH_SHADES] = { 0.0005, 0.01, 0.1, 0.4 };
	int shade = 0;

	while (shade < LT_GLYPH_SHADES && share >= from[shade])
		shade++;
	return shade;
}

void lt_widget_heat(struct lt_canvas *canvas, int x, int y, int rows,
		    const struct lt_history_column *columns, size_t n)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);

	for (size_t i = 0; i < n; i++) {
		const struct lt_history_column *column = &columns[i];

		for (int row = 0; row < rows && column->any; row++) {
			enum lt_severity severity = lt_severity_lag(lt_widget_heat_edge(rows, row));
			double share = heat_share(column, rows, row);

			if (!isnan(share))
				lt_canvas__text(canvas, x + (int)i, y + row, (uint8_t)severity,
						glyphs->shade[heat_shade(share)]);
			else if (row == rows - 1)
				lt_canvas__text(canvas, x + (int)i, y + row, LT_STYLE_DIM, "-");
		}
	}
}
