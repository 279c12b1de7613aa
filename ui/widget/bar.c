/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Bars that lie: one value, or segments. */
#include <math.h>

#include "ui/widget/widget.h"

void lt_widget_bar(struct lt_canvas *canvas, int x, int y, int w, double ratio,
		   enum lt_severity severity)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	int eighths;

	if (w <= 0)
		return;
	if (isnan(ratio)) {
		lt_canvas__left(canvas, x, y, w, LT_STYLE_DIM, "-");
		return;
	}
	ratio = fmin(fmax(ratio, 0), 1);
	eighths = (int)lrint(ratio * w * LT_GLYPH_LEVELS);
	for (int i = 0; i < w; i++, eighths -= LT_GLYPH_LEVELS) {
		int level = eighths < 0 ? 0 : eighths > LT_GLYPH_LEVELS ? LT_GLYPH_LEVELS : eighths;
		const char *glyph = glyphs->bar[level];

		if (level == 0 || *glyph == ' ')
			lt_canvas__text(canvas, x + i, y, LT_STYLE_DIM, glyphs->track);
		else
			lt_canvas__text(canvas, x + i, y, (uint8_t)severity, glyph);
	}
}

void lt_widget_stack(struct lt_canvas *canvas, int x, int y, int w,
		     const struct lt_segment *segments, size_t n)
{
	double sum = 0;
	int from = 0;

	for (size_t i = 0; i < n; i++) {
		int to;

		if (!(segments[i].share > 0))
			continue;
		sum += segments[i].share;
		to = (int)lrint(fmin(sum, 1) * w);
		for (; from < to; from++)
			lt_canvas__text(canvas, x + from, y, segments[i].style, segments[i].glyph);
	}
}

int lt_widget_threads(struct lt_canvas *canvas, int x, int y, int w, double busy, double size,
		      uint8_t style)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	int cells = size > 0 ? (int)fmin(size, w) : 0;

	for (int i = 0; i < cells; i++) {
		/* Where there are more threads than cells, each cell stands for several. */
		bool on = busy > 0 && i < ceil(busy * cells / size);

		lt_canvas__text(canvas, x + i, y, on ? style : LT_STYLE_DIM,
				isnan(busy) ? "?"
				: on	    ? glyphs->thread_busy
					    : glyphs->thread_idle);
	}
	return cells;
}
