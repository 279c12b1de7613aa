/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The latest stalls of a process, and why some of its figures are not known. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

enum {
	AT_LENGTH = 12,
	AT_LOOP = 22,
	AT_BAR = 36
};

/* On a scale of powers of ten, from 10 ms to 100 s. */
static double length_level(double seconds)
{
	return seconds > 0.01 ? log10(seconds / 0.01) / 4 : 0;
}

static void draw_stall(struct lt_canvas *canvas, struct lt_rect r, const struct lt_past_stall *past)
{
	const struct lt_stall *stall = &past->stall;
	enum lt_severity severity = lt_severity_stall(stall->seconds);
	char clock[16], figure[16], length[24];
	const char *note = stall->ongoing ? "still running"
			   : past->lost	  ? "its end was not seen"
					  : "";
	int bar = r.w - AT_BAR - 24 > 40 ? 40 : r.w - AT_BAR - 24;

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM,
			lt_clock_text(clock, sizeof(clock), stall->start_time));
	lt_fmt_seconds(figure, sizeof(figure), stall->seconds);
	snprintf(length, sizeof(length), "%s%s", stall->ongoing || past->lost ? ">" : "", figure);
	lt_canvas__right(canvas, r.x + AT_LENGTH, r.y, 8, (uint8_t)severity, length);
	lt_canvas__left(canvas, r.x + AT_LOOP, r.y, 13, 0, past->loop_name);
	if (bar < 8)
		bar = 0;
	if (bar)
		lt_widget_bar(canvas, r.x + AT_BAR, r.y, bar, length_level(stall->seconds),
			      severity);
	lt_canvas__text(canvas, r.x + AT_BAR + (bar ? bar + 2 : 0), r.y,
			stall->ongoing ? (uint8_t)severity | LT_STYLE_BOLD : LT_STYLE_DIM, note);
}

void lt_draw_stalls(struct lt_canvas *canvas, struct lt_rect r, const struct lt_past_stall *stalls,
		    size_t n)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);

	lt_draw_rule(canvas, r, "latest stalls");
	if (!n)
		lt_canvas__text(canvas, r.x + 2, r.y + 1, LT_STYLE_DIM, "none seen");
	for (size_t i = 0; i < n; i++)
		draw_stall(canvas, (struct lt_rect){ r.x, r.y + 1 + (int)i, r.w, 1 }, &stalls[i]);
	lt_canvas__unclip(canvas, before);
}

void lt_draw_missing(struct lt_canvas *canvas, struct lt_rect r, const struct lt_process *process)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);

	lt_draw_rule(canvas, r, "not known, and why");
	for (size_t i = 0; i < process->n_missing; i++)
		lt_canvas__left(canvas, r.x + 2, r.y + 1 + (int)i, r.w - 3, LT_STYLE_DIM,
				process->missing[i]);
	lt_canvas__unclip(canvas, before);
}
