/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One stall as a line: when, how long, why, in which function and where. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "agent/util/text.h"
#include "ui/view/view.h"

/* Widths of the parts, which have their places from the left as far as there is room. */
enum {
	W_LEAD = 3, /* the marker of the chosen one, the sign of one that runs, a space */
	W_TIME = 8,
	W_LENGTH = 7,
	W_LOOP = 9,
	W_CAUSE = 9,
	W_FUNCTION_LEAST = 14,
	W_FUNCTION_MOST = 32,
	W_BELOW = 28,
	W_PLACE_LEAST = 10,
	W_PLACE_MOST = 64
};

static size_t next_character(const char *text)
{
	size_t n = 1;

	while (((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

int lt_draw_tail(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style, const char *text)
{
	int width = lt_canvas__measure(canvas, text);

	if (cells <= 0)
		return 0;
	if (width <= cells)
		return lt_canvas__text(canvas, x, y, style, text);
	while (width > cells - 1 && *text) {
		size_t n = next_character(text);
		char one[8];

		snprintf(one, sizeof(one), "%.*s", (int)n, text);
		width -= lt_canvas__measure(canvas, one);
		text += n;
	}
	width = lt_canvas__text(canvas, x, y, style, lt_canvas__glyphs(canvas)->more);
	return width + lt_canvas__text(canvas, x + width, y, style, text);
}

const char *lt_short_name(const char *function)
{
	static const char inside[] = "v8::internal::";

	return lt_starts_with(function, inside) && function[strlen(inside)]
		       ? function + strlen(inside)
		       : function;
}

int lt_draw_place(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		  const struct lt_stack_frame *frame)
{
	const char *file = frame->original_file ? frame->original_file : frame->file;
	int line = frame->original_file ? frame->original_line : frame->line;
	char text[1200];

	if (!file)
		return 0;
	if (line > 0)
		snprintf(text, sizeof(text), "%s:%d", file, line);
	else
		snprintf(text, sizeof(text), "%s", file);
	return lt_draw_tail(canvas, x, y, cells, style, text);
}

/* Where each part stands; a width of 0: no room for it. */
struct places {
	int time, length, loop, cause, function, w_function, place, w_place, below, w_below;
};

static struct places places_of(int width)
{
	struct places at = { 0 };
	int x = width > W_LENGTH + W_LEAD ? W_LEAD : width > W_LENGTH, rest;

	at.time = width >= W_LEAD + W_TIME + 1 + W_LENGTH ? x : -1;
	x += at.time >= 0 ? W_TIME + 1 : 0;
	at.length = x;
	x += W_LENGTH + 2;
	at.loop = width >= 66 ? x : -1;
	x += at.loop >= 0 ? W_LOOP + 1 : 0;
	/* The function says more than the cause does. */
	at.cause = width >= x + W_CAUSE + 1 + W_FUNCTION_LEAST ? x : -1;
	x += at.cause >= 0 ? W_CAUSE + 1 : 0;
	rest = width - x - 1;
	rest -= width >= 120 ? W_BELOW + 1 : 0;
	at.function = x;
	at.w_function = rest < W_PLACE_LEAST + W_FUNCTION_LEAST ? rest : rest * 2 / 5;
	at.w_function = at.w_function > W_FUNCTION_MOST ? W_FUNCTION_MOST : at.w_function;
	at.place = x + at.w_function + 1;
	at.w_place = rest - at.w_function - 1;
	at.w_place = at.w_place > W_PLACE_MOST ? W_PLACE_MOST : at.w_place;
	at.below = width >= 120 ? at.place + at.w_place + 1 : -1;
	at.w_below = width - 1 - at.below;
	return at;
}

/* "JSON.parse below it"; a long name is cut. */
static void draw_below(struct lt_canvas *canvas, struct lt_rect r, const char *function,
		       uint8_t style)
{
	int width = lt_canvas__measure(canvas, function), most = r.w - (int)strlen(" below it");

	width = width < most ? width : most;
	if (width <= 0)
		return;
	lt_canvas__left(canvas, r.x, r.y, width, style, function);
	lt_canvas__text(canvas, r.x + width, r.y, style, " below it");
}

static void draw_what(struct lt_canvas *canvas, struct lt_rect r, const struct places *at,
		      const struct lt_stall *stall, uint8_t style)
{
	const struct lt_stack_frame *where = stall->where;
	struct lt_rect below = { r.x + at->below, r.y, at->w_below, 1 };

	if (at->w_function > 2)
		lt_canvas__left(canvas, r.x + at->function, r.y, at->w_function,
				where ? style : LT_STYLE_DIM, where ? where->function : "-");
	if (where && at->w_place >= W_PLACE_LEAST)
		lt_draw_place(canvas, r.x + at->place, r.y, at->w_place, style, where);
	if (at->below < 0)
		return;
	if (stall->starvation != LT_STARVED_NOT)
		lt_canvas__left(canvas, below.x, r.y, below.w, style,
				stall->starvation == LT_STARVED_BY_NEXT_TICK
					? "one nextTick after another"
					: "one promise after another");
	else if (stall->below)
		draw_below(canvas, below, lt_short_name(stall->below->function), style);
}

void lt_draw_stall_heading(struct lt_canvas *canvas, struct lt_rect r)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	struct places at = places_of(r.w);

	if (at.time >= 0)
		lt_canvas__text(canvas, r.x + at.time, r.y, LT_STYLE_DIM, "BEGAN");
	lt_canvas__right(canvas, r.x + at.length, r.y, W_LENGTH, LT_STYLE_DIM, "LENGTH");
	if (at.loop >= 0)
		lt_canvas__text(canvas, r.x + at.loop, r.y, LT_STYLE_DIM, "LOOP");
	if (at.cause >= 0)
		lt_canvas__text(canvas, r.x + at.cause, r.y, LT_STYLE_DIM, "CAUSE");
	if (at.w_function > 2)
		lt_canvas__left(canvas, r.x + at.function, r.y, at.w_function, LT_STYLE_DIM,
				"FUNCTION");
	if (at.w_place >= W_PLACE_LEAST)
		lt_canvas__text(canvas, r.x + at.place, r.y, LT_STYLE_DIM, "WHERE");
	lt_canvas__unclip(canvas, before);
}

void lt_draw_stall_row(struct lt_canvas *canvas, struct lt_rect r, const struct lt_past_stall *past,
		       double until, bool selected)
{
	const struct lt_stall *stall = &past->stall;
	struct lt_rect before = lt_canvas__clip(canvas, r);
	double seconds = lt_past_stall__seconds(past, until);
	bool ongoing = lt_past_stall__ongoing(past, until);
	bool at_least = ongoing || (past->lost && past->told_time <= until);
	const char *cause = lt_stall_cause(stall);
	struct places at = places_of(r.w);
	uint8_t style = selected || ongoing ? LT_STYLE_BOLD : 0;
	uint8_t severity = lt_style_figure(lt_severity_stall(seconds));
	char clock[16], figure[16], length[24];

	if (selected)
		lt_canvas__text(canvas, r.x, r.y, LT_STYLE_BOLD, lt_canvas__glyphs(canvas)->marker);
	if (ongoing)
		lt_canvas__text(canvas, r.x + 1, r.y, severity | LT_STYLE_BOLD,
				lt_canvas__glyphs(canvas)->warning);
	if (at.time >= 0)
		lt_canvas__text(canvas, r.x + at.time, r.y, selected ? style : LT_STYLE_DIM,
				lt_clock_text(clock, sizeof(clock), stall->start_time));
	lt_fmt_seconds(figure, sizeof(figure), seconds);
	snprintf(length, sizeof(length), "%s%s", at_least ? ">" : "", figure);
	lt_canvas__right(canvas, r.x + at.length, r.y, W_LENGTH, style | severity, length);
	if (at.loop >= 0)
		lt_canvas__left(canvas, r.x + at.loop, r.y, W_LOOP, style, past->loop_name);
	if (at.cause >= 0)
		lt_canvas__left(canvas, r.x + at.cause, r.y, W_CAUSE, cause ? style : LT_STYLE_DIM,
				cause ? cause : "-");
	draw_what(canvas, r, &at, stall, style);
	lt_canvas__unclip(canvas, before);
}
