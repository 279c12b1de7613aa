/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What is shown of one stall when it is open: its causes, how it was seen, its stack. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

enum {
	INDENT = 3, /* as the rows above it */
	W_ROLE = 7, /* "blocks", "below" */
	W_SHARE = 6,
	W_BAR_MOST = 40,
	W_PLACE_LEAST = 10,
	W_FUNCTION_MOST = 44,
	WIDE = 60 /* from here on with bar and shares */
};

/* The lines of an open stall, in this order; those that have nothing to say are left out. */
enum part {
	PART_WHY,
	PART_SAMPLES,
	PART_STARVED,
	PART_FRAME, /* one for each */
	PART_NO_FRAME,
	PART_LEFT_OUT,
	N_PARTS
};

static int part_lines(const struct lt_past_stall *past, enum part part)
{
	const struct lt_stall *stall = &past->stall;

	switch (part) {
	case PART_STARVED:
		return stall->starvation != LT_STARVED_NOT;
	case PART_FRAME:
		return (int)stall->n_stack;
	case PART_NO_FRAME:
		return !stall->n_stack;
	case PART_LEFT_OUT:
		return stall->n_stack && past->frames_left_out;
	default:
		return 1;
	}
}

int lt_stack_lines(const struct lt_past_stall *past)
{
	int lines = 0;

	for (int part = 0; part < N_PARTS; part++)
		lines += part_lines(past, (enum part)part);
	return lines;
}

/* The causes by weight, so that what has no room is the least of them. Returns how many have any. */
static int causes_by_weight(const struct lt_stall *stall, int order[LT_SNAP_CAUSES])
{
	int n = 0;

	for (int i = 0; i < LT_SNAP_CAUSES; i++) {
		int at = n;

		if (!(stall->cause_seconds[i] > 0))
			continue;
		for (; at > 0 && stall->cause_seconds[order[at - 1]] < stall->cause_seconds[i];
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
		n++;
	}
	return n;
}

static uint8_t cause_style(int cause, const struct lt_stall *stall)
{
	return cause == LT_CAUSE_UNKNOWN ? LT_STYLE_DIM
					 : (uint8_t)lt_severity_stall(stall->seconds);
}

static int draw_bar(struct lt_canvas *canvas, int x, int y, int width, const struct lt_stall *stall)
{
	struct lt_segment segments[LT_SNAP_CAUSES + 1];
	double sum = 0;

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		sum += stall->cause_seconds[i] > 0 ? stall->cause_seconds[i] : 0;
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		segments[i] = (struct lt_segment){ stall->cause_seconds[i] / sum,
						   lt_canvas__glyphs(canvas)->cause[i],
						   cause_style(i, stall) };
	lt_widget_stack(canvas, x, y, width, segments, LT_SNAP_CAUSES);
	return width + 2;
}

static void draw_why(struct lt_canvas *canvas, struct lt_rect r, const struct lt_stall *stall)
{
	int order[LT_SNAP_CAUSES], n = causes_by_weight(stall, order);
	int x = r.x + INDENT, end = r.x + r.w - 1;

	lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, "why");
	x += W_ROLE;
	if (!n)
		lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, "-  its causes are not known");
	if (n && r.w >= WIDE)
		x += draw_bar(canvas, x, r.y, r.w / 4 < W_BAR_MOST ? r.w / 4 : W_BAR_MOST, stall);
	for (int i = 0; i < n; i++) {
		const char *title = lt_cause_title(order[i]);
		int width = 2 + lt_canvas__measure(canvas, title) + 7;
		char figure[16];

		if (x + width > end)
			break;
		lt_canvas__text(canvas, x, r.y, cause_style(order[i], stall),
				lt_canvas__glyphs(canvas)->cause[order[i]]);
		lt_fmt_seconds(figure, sizeof(figure), stall->cause_seconds[order[i]]);
		lt_canvas__printf(canvas, x + 2, r.y, 0, "%s %s", title, figure);
		x += width + 1;
	}
}

/* "21 stacks in 212ms, 90 % of them in parseInvoice" */
static void draw_samples(struct lt_canvas *canvas, struct lt_rect r,
			 const struct lt_past_stall *past, double until)
{
	const struct lt_stall *stall = &past->stall;
	int x = r.x + INDENT + W_ROLE;
	char text[400], count[16], figure[16];

	lt_canvas__text(canvas, r.x + INDENT, r.y, LT_STYLE_DIM, "seen");
	if (!(stall->samples > 0)) {
		lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM,
				lt_past_stall__ongoing(past, until) ? "no stack was taken yet"
								    : "no stack was taken");
		return;
	}
	lt_fmt_count(count, sizeof(count), stall->samples);
	snprintf(text, sizeof(text), "%s %s", count, stall->samples > 1 ? "stacks" : "stack");
	x += lt_canvas__text(canvas, x, r.y, 0, text);
	lt_fmt_seconds(figure, sizeof(figure), lt_past_stall__seconds(past, until));
	snprintf(text, sizeof(text), " in %s", figure);
	x += lt_canvas__text(canvas, x, r.y, 0, text);
	if (!stall->where || !lt_known(stall->where->share))
		return;
	lt_fmt_ratio(figure, sizeof(figure), stall->where->share);
	snprintf(text, sizeof(text), ", %s of them in %s", figure, stall->where->function);
	if (r.x + r.w - 1 > x)
		lt_canvas__left(canvas, x, r.y, r.x + r.w - 1 - x, 0, text);
}

/* What a function is that has no line. */
static const char *kind_of(const struct lt_stack_frame *frame)
{
	return frame->type == LT_FRAME_BUILTIN	? "V8 built-in"
	       : frame->type == LT_FRAME_NATIVE ? "native code"
						: "file not known";
}

/* Where it was written, beside it where it runs. */
static void draw_frame_place(struct lt_canvas *canvas, struct lt_rect r, uint8_t style,
			     const struct lt_stack_frame *frame)
{
	char text[1200];
	int room, x = r.x;

	if (r.w < W_PLACE_LEAST)
		return;
	if (frame->type == LT_FRAME_NATIVE || (!frame->file && !frame->original_file)) {
		const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

		snprintf(text, sizeof(text), "%s%s%s", kind_of(frame), frame->file ? " in " : "",
			 slash	       ? slash + 1
			 : frame->file ? frame->file
				       : "");
		lt_canvas__left(canvas, x, r.y, r.w, LT_STYLE_DIM, text);
		return;
	}
	x += lt_draw_place(canvas, x, r.y, r.w, style, frame) + 2;
	room = r.x + r.w - x;
	if (!frame->original_file || !frame->file || room < W_PLACE_LEAST + 3)
		return;
	if (frame->line > 0)
		snprintf(text, sizeof(text), "%s:%d)", frame->file, frame->line);
	else
		snprintf(text, sizeof(text), "%s)", frame->file);
	x += lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, "(");
	lt_draw_tail(canvas, x, r.y, room - 1, LT_STYLE_DIM, text);
}

static void draw_frame(struct lt_canvas *canvas, struct lt_rect r, const struct lt_stall *stall,
		       const struct lt_stack_frame *frame)
{
	const char *role = frame == stall->where ? "blocks" : frame == stall->below ? "below" : "";
	uint8_t style = frame == stall->where ? LT_STYLE_BOLD : frame->user ? 0 : LT_STYLE_DIM;
	int x = r.x + INDENT, rest, function;
	char figure[16];

	lt_canvas__text(canvas, x, r.y, style, role);
	x += W_ROLE;
	if (r.w >= WIDE) {
		lt_fmt_ratio(figure, sizeof(figure), frame->share);
		lt_canvas__right(canvas, x, r.y, W_SHARE - 1, LT_STYLE_DIM, figure);
		x += W_SHARE + 1;
	}
	rest = r.x + r.w - 1 - x;
	function = rest < W_PLACE_LEAST + 12 ? rest : rest / 2 - (rest > 80 ? rest / 8 : 0);
	function = function < W_FUNCTION_MOST ? function : W_FUNCTION_MOST;
	if (function <= 0)
		return;
	lt_canvas__left(canvas, x, r.y, function, style, frame->function);
	x += function + 1;
	draw_frame_place(canvas, (struct lt_rect){ x, r.y, r.x + r.w - 1 - x, 1 }, style, frame);
}

static void draw_note(struct lt_canvas *canvas, struct lt_rect r, const char *text)
{
	lt_canvas__left(canvas, r.x + INDENT + W_ROLE, r.y, r.w - INDENT - W_ROLE - 1, LT_STYLE_DIM,
			text);
}

static const char *no_stack(const struct lt_past_stall *past)
{
	if (past->stack_dropped)
		return "its stack is not kept any more: too many came after it";
	return past->stall.samples > 0 ? "no function of it is known"
				       : "no stack: no function is known";
}

static void draw_part(struct lt_canvas *canvas, struct lt_rect r, const struct lt_past_stall *past,
		      double until, enum part part, int line)
{
	const struct lt_stall *stall = &past->stall;
	char text[80];

	switch (part) {
	case PART_WHY:
		return draw_why(canvas, r, stall);
	case PART_SAMPLES:
		return draw_samples(canvas, r, past, until);
	case PART_STARVED:
		return draw_note(canvas, r,
				 stall->starvation == LT_STARVED_BY_NEXT_TICK
					 ? "one process.nextTick after another: timers and I/O wait"
					 : "one promise after another: timers and I/O wait");
	case PART_FRAME:
		return draw_frame(canvas, r, stall, &stall->stack[line]);
	case PART_NO_FRAME:
		return draw_note(canvas, r, no_stack(past));
	default:
		snprintf(text, sizeof(text), "and %zu callers more", past->frames_left_out);
		return draw_note(canvas, r, text);
	}
}

void lt_draw_stack_line(struct lt_canvas *canvas, struct lt_rect r,
			const struct lt_past_stall *past, double until, int line)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);

	for (int part = 0; part < N_PARTS; part++) {
		int lines = part_lines(past, (enum part)part);

		if (line >= 0 && line < lines)
			draw_part(canvas, r, past, until, (enum part)part, line);
		line -= lines;
	}
	lt_canvas__unclip(canvas, before);
}
