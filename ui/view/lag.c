/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Lag over the last minutes as a heat strip, and how long turns and waits are as distributions. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define LABEL	     7
#define SPAN_SECONDS 300.0
#define BUCKETS	     12 /* two for each power of ten, from 10 µs to 3 s and more */

static const double bounds[BUCKETS + 1] = { 0,	  3e-5, 1e-4, 3e-4, 1e-3, 3e-3,	   1e-2,
					    3e-2, 1e-1, 3e-1, 1,    3,	  INFINITY };

/* Samples a column, so that the columns together reach over some minutes. */
static size_t samples_per_column(const struct lt_app *app, int columns)
{
	double per = ceil(SPAN_SECONDS / app->interval_seconds / columns);
	double most = floor((double)LT_HISTORY_SAMPLES / columns);

	return (size_t)fmax(fmin(per, most), 1);
}

static void draw_heat_labels(struct lt_canvas *canvas, struct lt_rect r, int rows)
{
	for (int row = 0; row < rows; row++) {
		char figure[16], text[24];

		lt_fmt_seconds(figure, sizeof(figure), lt_widget_heat_edge(rows, row));
		/* "1.00s" says no more than "1s". */
		if (strlen(figure) == 5 && strcmp(figure + 1, ".00s") == 0)
			strcpy(figure + 1, "s");
		if (strlen(figure) == 5 && strcmp(figure + 1, ".0ms") == 0)
			strcpy(figure + 1, "ms");
		snprintf(text, sizeof(text), "%s+", figure);
		lt_canvas__right(canvas, r.x, r.y + row, LABEL, LT_STYLE_DIM, text);
		lt_canvas__text(canvas, r.x + LABEL, r.y + row, LT_STYLE_DIM,
				lt_canvas__glyphs(canvas)->vertical);
	}
}

void lt_draw_heat(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	struct lt_history_column columns[LT_CANVAS_MAX_WIDTH];
	int n = r.w - LABEL - 1, rows = lt_widget_heat_rows(r.h - 2);
	int axis = r.y + 1 + rows;
	size_t per_column;
	double oldest = app->keep.time;
	char span[16], text[32];

	lt_draw_rule(canvas, r,
		     r.w >= 56 ? "lag, last minutes: denser = more of the time"
			       : "lag, last minutes");
	if (n < 4 || n > LT_CANVAS_MAX_WIDTH || !rows) {
		lt_canvas__unclip(canvas, before);
		return;
	}
	per_column = samples_per_column(app, n);
	lt_history__columns(app->history, subject->id, app->keep.time, per_column, columns,
			    (size_t)n);
	draw_heat_labels(canvas, (struct lt_rect){ r.x, r.y + 1, r.w, rows }, rows);
	lt_widget_heat(canvas, r.x + LABEL + 1, r.y + 1, rows, columns, (size_t)n);
	for (int i = n - 1; i >= 0 && columns[i].any; i--)
		oldest = columns[i].begin_time;
	/* The axis says how far back the strip really reaches. */
	for (int i = 0; i < n; i++)
		if (columns[i].any) {
			snprintf(text, sizeof(text), "-%s",
				 lt_span_text(span, sizeof(span), app->keep.time - oldest));
			if (i + (int)strlen(text) < n - 4)
				lt_canvas__text(canvas, r.x + LABEL + 1 + i, axis, LT_STYLE_DIM,
						text);
			break;
		}
	lt_canvas__right(canvas, r.x + r.w - 3, axis, 3, LT_STYLE_DIM, "now");
	lt_canvas__unclip(canvas, before);
}

/* Height of a share from one in ten thousand to all of it: rare and long must be seen too. */
static double share_level(double share)
{
	return share >= 1e-4 ? fmax(1 + log10(share) / 4, 0.02) : 0;
}

static double turn_share(const struct lt_hist *hist, int bucket)
{
	double to =
		bucket + 1 < BUCKETS ? lt_hist__count_below(hist, bounds[bucket + 1]) : hist->count;
	double from = bucket ? lt_hist__count_below(hist, bounds[bucket]) : 0;

	return hist->count > 0 ? (to - from) / hist->count : 0;
}

/* The share of time at which new work would wait for as long as this bucket says. */
static double lag_share(const struct lt_loop *loop, int bucket)
{
	double more =
		bucket + 1 < BUCKETS ? lt_hist__excess(loop->turn_hist, bounds[bucket + 1]) : 0;

	return (lt_hist__excess(loop->turn_hist, bounds[bucket]) - more) / loop->lag_base_seconds;
}

static void draw_axis(struct lt_canvas *canvas, int x, int y, int width)
{
	static const struct {
		int bucket;
		const char *text;
	} ticks[] = { { 0, "10us" },  { 4, "1ms" },  { 8, "100ms" },
		      { 2, "100us" }, { 6, "10ms" }, { 10, "1s" } };
	size_t n = width >= 3 ? 6 : 3;

	for (size_t i = 0; i < n; i++)
		lt_canvas__text(canvas, x + ticks[i].bucket * width, y, LT_STYLE_DIM,
				ticks[i].text);
}

void lt_draw_hist(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	int width = (r.w - LABEL - 1) / BUCKETS, rows = (r.h - 2) / 2, lag_rows = r.h - 2 - rows;
	int x = r.x + LABEL;
	bool known = loop && loop->turn_hist && loop->lag_base_seconds > 0;

	lt_draw_rule(canvas, r, "how long (log scale)");
	if (!known || width < 1 || rows < 1) {
		lt_canvas__text(canvas, r.x + 2, r.y + 1, LT_STYLE_DIM, known ? "" : "-");
		lt_canvas__unclip(canvas, before);
		return;
	}
	lt_canvas__right(canvas, r.x, r.y + rows, LABEL - 1, LT_STYLE_DIM, "turns");
	lt_canvas__right(canvas, r.x, r.y + rows + lag_rows, LABEL - 1, LT_STYLE_DIM, "lag");
	for (int i = 0; i < BUCKETS; i++)
		for (int j = 0; j < (width > 1 ? width - 1 : 1); j++) {
			uint8_t style = (uint8_t)lt_severity_lag(bounds[i]);
			int at = x + i * width + j;

			lt_widget_rise(canvas, at, r.y + 1, rows,
				       share_level(turn_share(loop->turn_hist, i)), style);
			lt_widget_rise(canvas, at, r.y + 1 + rows, lag_rows,
				       share_level(lag_share(loop, i)), style);
		}
	draw_axis(canvas, x, r.y + 1 + rows + lag_rows, width);
	lt_canvas__unclip(canvas, before);
}
