/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The V8 heap of one loop: how much of its limit is in use, in figures, and over the last minutes. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define LABEL	     8 /* columns of the labels at the left, as of the lines above */
#define TREND_LEAST  9
#define TREND_MOST   60
#define SPAN_SECONDS 300.0

/* "live 384M"; returns the columns that it takes, 0: it has no room. */
static int add_bytes(struct lt_canvas *canvas, int x, int y, int end, const char *label,
		     double bytes)
{
	int width = (int)strlen(label) + 6;
	char figure[16];

	if (!lt_known(bytes) || x + width > end)
		return 0;
	lt_fmt_bytes(figure, sizeof(figure), bytes);
	lt_canvas__text(canvas, x, y, LT_STYLE_DIM, label);
	lt_canvas__left(canvas, x + width - 5, y, 5, 0, figure);
	return width + 1;
}

/* The last minutes, from the foot 0 to the highest that was seen: the shape tells a leak from a saw-tooth. */
static void draw_trend(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		       const struct lt_subject *subject)
{
	struct lt_history_column columns[TREND_MOST];
	int n = r.w < TREND_MOST ? r.w : TREND_MOST;
	double per = fmin(ceil(SPAN_SECONDS / app->interval_seconds / n),
			  floor((double)LT_HISTORY_SAMPLES / n));
	double highest = 0;

	lt_history__columns(app->history, subject->id, app->keep.time, per > 1 ? (size_t)per : 1,
			    columns, (size_t)n);
	for (int i = 0; i < n; i++)
		if (columns[i].any && columns[i].heap > highest)
			highest = columns[i].heap;
	for (int i = 0; i < n && highest > 0; i++) {
		double ratio = columns[i].heap / subject->loop->heap.limit_bytes;

		if (columns[i].any && lt_known(columns[i].heap))
			lt_widget_rise(canvas, r.x + i, r.y, 1, columns[i].heap / highest,
				       (uint8_t)lt_severity_heap(ratio));
	}
}

void lt_draw_heap(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject)
{
	const struct lt_heap *heap = &subject->loop->heap;
	int bar = r.w >= 110 ? r.w / 3 : r.w >= 60 ? 22 : r.w - LABEL - 8;
	double ratio = lt_heap_ratio(heap);
	enum lt_severity severity = lt_severity_heap(ratio);
	int x = r.x + LABEL, end = r.x + r.w;
	char figure[16], limit[16];

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "heap");
	lt_widget_bar(canvas, x, r.y, bar, ratio, severity);
	x += bar > 0 ? bar + 1 : 0;
	lt_canvas__right(canvas, x, r.y, 6, lt_style_figure(severity),
			 lt_fmt_ratio(figure, sizeof(figure), ratio));
	x += 9;
	lt_fmt_bytes(figure, sizeof(figure), heap->used_bytes);
	lt_fmt_bytes(limit, sizeof(limit), heap->limit_bytes);
	if (x + 14 > end)
		return;
	lt_canvas__printf(canvas, x, r.y, 0, "%s of %s", figure, limit);
	x += 15;
	x += add_bytes(canvas, x, r.y, end, "after gc", heap->used_after_gc_bytes);
	if (end - x >= TREND_LEAST + 30) {
		x += add_bytes(canvas, x, r.y, end, "taken", heap->total_bytes);
		x += add_bytes(canvas, x, r.y, end, "outside", heap->external_bytes);
	}
	if (end - x - 1 >= TREND_LEAST)
		draw_trend(app, canvas, (struct lt_rect){ x, r.y, end - x - 1, 1 }, subject);
}
