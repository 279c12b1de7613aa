/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What blocks a loop, or did so most in the last minute: shortly in its row, in full under it. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define FIGURE	    5 /* columns of a length */
#define PLACE_LEAST 10 /* columns with which a place is worth telling */
#define NAME_LEAST  6
#define BRIEF_WIDTH 44 /* below it the line says only what is needed */
#define ANONYMOUS   "(anonymous)"

struct blocker {
	const struct lt_past_stall *past; /* NULL: only its length is known */
	double seconds;
	bool now;
};

static bool find_blocker(const struct lt_app *app, const struct lt_row *row,
			 struct blocker *ret_blocker)
{
	const struct lt_stall_log *stalls = lt_history__stalls(app->history);
	const struct lt_loop *loop = row->source.loop;
	struct blocker blocker = { 0 };

	if (!loop)
		return false;
	blocker.now = loop->stalled_seconds > 0 && !row->gone;
	blocker.past = blocker.now ? lt_stall_log__running(stalls, row->id, app->keep.time)
				   : lt_stall_log__worst(stalls, row->id, app->keep.time,
							 LT_WORST_SECONDS);
	if (blocker.now)
		blocker.seconds = loop->stalled_seconds;
	else if (blocker.past)
		blocker.seconds = lt_past_stall__seconds(blocker.past, app->keep.time);
	*ret_blocker = blocker;
	return blocker.now || blocker.past;
}

static uint8_t length_style(const struct blocker *blocker)
{
	return blocker->now ? (uint8_t)lt_severity_stall(blocker->seconds) | LT_STYLE_BOLD : 0;
}

/* Function and place one after the other; a function with no name is told by its place alone. */
static void draw_where(struct lt_canvas *canvas, struct lt_rect r, const struct lt_stall *stall,
		       uint8_t style)
{
	const struct lt_stack_frame *where = stall->where;
	const char *cause = lt_stall_cause(stall);
	int width;

	if (!where) {
		lt_canvas__left(canvas, r.x, r.y, r.w, cause ? style : LT_STYLE_DIM,
				cause ? cause : "-");
		return;
	}
	if (where->file && strcmp(where->function, ANONYMOUS) == 0) {
		lt_draw_place(canvas, r.x, r.y, r.w, style, where);
		return;
	}
	width = lt_canvas__measure(canvas, where->function);
	width = width < r.w ? width : r.w;
	lt_canvas__left(canvas, r.x, r.y, width, style, where->function);
	if (r.w - width - 2 >= PLACE_LEAST)
		lt_draw_place(canvas, r.x + width + 2, r.y, r.w - width - 2, LT_STYLE_DIM, where);
}

void lt_draw_worst(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect cell,
		   const struct lt_row *row)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	struct lt_rect before = lt_canvas__clip(canvas, cell);
	struct blocker blocker;
	char figure[16];

	if (find_blocker(app, row, &blocker)) {
		uint8_t style = row->gone ? LT_STYLE_DIM : blocker.now ? LT_STYLE_BOLD : 0;

		if (blocker.now)
			lt_canvas__text(canvas, cell.x, cell.y, length_style(&blocker),
					glyphs->warning);
		lt_fmt_seconds(figure, sizeof(figure), blocker.seconds);
		lt_canvas__right(canvas, cell.x + 1, cell.y, FIGURE, style | length_style(&blocker),
				 figure);
		cell.x += FIGURE + 2;
		cell.w -= FIGURE + 2;
		if (blocker.past && cell.w > 0)
			draw_where(canvas, cell, &blocker.past->stall, style);
	} else {
		bool none = lt_column_state(LT_COL_WORST, &row->source) == LT_CELL_NOT_APPLICABLE;

		lt_canvas__right(canvas, cell.x + 1, cell.y, FIGURE, LT_STYLE_DIM,
				 none ? glyphs->not_applicable : "-");
	}
	lt_canvas__unclip(canvas, before);
}

/* Pieces one after the other in a line; the first that has no room ends it. */
struct run {
	struct lt_canvas *canvas;
	int x, y, end;
};

static void add(struct run *run, uint8_t style, const char *text)
{
	if (run->x + lt_canvas__measure(run->canvas, text) > run->end)
		run->end = run->x;
	else
		run->x += lt_canvas__text(run->canvas, run->x, run->y, style, text);
}

/* The name may be cut, if enough of it is left. */
static void add_name(struct run *run, uint8_t style, const char *name)
{
	int width = lt_canvas__measure(run->canvas, name), room = run->end - run->x;

	if (width <= room || room < NAME_LEAST) {
		add(run, style, name);
		return;
	}
	lt_canvas__left(run->canvas, run->x, run->y, room, style, name);
	run->x = run->end;
}

static void add_place(struct run *run, const struct lt_stack_frame *where)
{
	int room = run->end - run->x - 2;

	if (room < PLACE_LEAST || !where->file) {
		run->end = where->file ? run->x : run->end;
		return;
	}
	run->x += 2;
	run->x += lt_draw_place(run->canvas, run->x, run->y, room, 0, where);
}

static void add_stall(struct run *run, const struct lt_stall *stall)
{
	const char *cause = lt_stall_cause(stall);
	char text[320];

	if (stall->where && run->x + 4 + NAME_LEAST <= run->end) {
		add(run, LT_STYLE_DIM, " in ");
		add_name(run, LT_STYLE_BOLD, stall->where->function);
		add_place(run, stall->where);
	}
	if (stall->starvation != LT_STARVED_NOT)
		add(run, 0,
		    stall->starvation == LT_STARVED_BY_NEXT_TICK ? ", one nextTick after another"
								 : ", one promise after another");
	if (stall->below) {
		snprintf(text, sizeof(text), ", %s below it",
			 lt_short_name(stall->below->function));
		add(run, 0, text);
	}
	if (cause) {
		snprintf(text, sizeof(text), ", %s", cause);
		add(run, LT_STYLE_DIM, text);
	}
	if (!stall->where)
		add(run, LT_STYLE_DIM, ", function not known");
}

void lt_draw_blocker(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect line,
		     const struct lt_row *row)
{
	struct lt_rect before = lt_canvas__clip(canvas, line);
	struct run run = { canvas, line.x, line.y, line.x + line.w };
	struct blocker blocker;
	bool brief = line.w < BRIEF_WIDTH;
	char figure[16], text[64];

	if (find_blocker(app, row, &blocker)) {
		lt_fmt_seconds(figure, sizeof(figure), blocker.seconds);
		if (blocker.now)
			snprintf(text, sizeof(text), brief ? "%s %s" : "%s blocked %s now",
				 lt_canvas__glyphs(canvas)->warning, figure);
		else
			snprintf(text, sizeof(text), brief ? "worst %s" : "worst in 60 s: %s",
				 figure);
		add(&run, length_style(&blocker), text);
		if (blocker.past)
			add_stall(&run, &blocker.past->stall);
	} else if (row->source.loop && lt_known(row->source.loop->stalled_seconds)) {
		add(&run, LT_STYLE_DIM, "no stall in the last 60 s");
	} else {
		add(&run, LT_STYLE_DIM, "stalls: -");
	}
	lt_canvas__unclip(canvas, before);
}
