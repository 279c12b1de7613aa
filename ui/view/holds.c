/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a loop holds open and what is compiled for it, a line each; and one more when a stream does not drain. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define LABEL	  8 /* columns of the labels at the left */
#define ATTENTION 1 /* seconds that a stream may be blocked for without being remarkable, … */
#define BAD	  10 /* … and that it should not be */

/* Those that people open, the most telling first; the others are the runtime's own. */
static const char *const shown[] = { "tcp",	 "pipe",    "udp",    "tty", "process",
				     "fs_event", "fs_poll", "signal", "poll" };

static bool is_blocked(const struct lt_loop *loop)
{
	return loop->streams.blocked > 0;
}

static int compilers_known(const struct lt_loop *loop)
{
	int n = 0;

	for (int i = 0; i < LT_SNAP_COMPILERS; i++)
		n += lt_known(loop->jit.compiles[i]);
	return n;
}

/* Are there probes that tell what is compiled for it? */
static bool is_compiled(const struct lt_loop *loop)
{
	return lt_known(loop->jit.deopts) || compilers_known(loop);
}

int lt_hold_lines(const struct lt_loop *loop)
{
	if (!loop)
		return 0;
	return lt_known(loop->handles.active) + is_blocked(loop) + is_compiled(loop);
}

/* Words and figures from left to right; what has no room is left out, and all behind it. */
struct words {
	struct lt_canvas *canvas;
	int x, y, end;
};

static void add(struct words *at, const char *word, double count)
{
	char figure[16];
	int width;

	if (!(count > 0))
		return;
	lt_fmt_count(figure, sizeof(figure), count);
	width = (int)strlen(word) + 1 + (int)strlen(figure);
	if (at->x + width > at->end) {
		at->end = at->x;
		return;
	}
	lt_canvas__text(at->canvas, at->x, at->y, LT_STYLE_DIM, word);
	lt_canvas__text(at->canvas, at->x + (int)strlen(word) + 1, at->y, 0, figure);
	at->x += width + 2;
}

static void draw_handles(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	const struct lt_handles *handles = &loop->handles;
	struct words at = { canvas, r.x + LABEL, r.y, r.x + r.w };

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "holds");
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		for (int type = 0; type < LT_SNAP_HANDLES; type++)
			if (!strcmp(lt_handle_names[type], shown[i]))
				add(&at, shown[i], handles->types[type]);
	add(&at, "listening", handles->listening);
	add(&at, "requests", handles->requests);
	add(&at, "timers", loop->js.timers);
	add(&at, "immediates", loop->js.immediates);
	if (at.x == r.x + LABEL)
		lt_canvas__text(canvas, at.x, r.y, LT_STYLE_DIM,
				lt_known(handles->listening) ? "nothing that was opened" : "-");
}

static enum lt_severity severity(double seconds)
{
	return seconds >= BAD ? LT_SEV_BAD : seconds >= ATTENTION ? LT_SEV_ATTENTION : LT_SEV_NONE;
}

static void draw_streams(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	const struct lt_streams *streams = &loop->streams;
	char count[16], seconds[16], bytes[16], text[256];

	lt_fmt_count(count, sizeof(count), streams->blocked);
	lt_fmt_seconds(seconds, sizeof(seconds), streams->longest_blocked_seconds);
	lt_fmt_bytes(bytes, sizeof(bytes), streams->queued_bytes);
	snprintf(text, sizeof(text), "%s %s blocked for %s, %s queued: fd %d to %s", count,
		 streams->blocked > 1 ? "streams" : "stream", seconds, bytes, streams->worst.fd,
		 streams->worst.peer ? streams->worst.peer : "?");
	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "writes");
	lt_canvas__left(canvas, r.x + LABEL + 1, r.y, r.w - LABEL - 2,
			lt_style_figure(severity(streams->longest_blocked_seconds)), text);
}

/* Whose code was left most often. */
static void draw_deopt(struct words *at, const struct lt_stack_frame *where)
{
	int width = lt_canvas__measure(at->canvas, where->function);

	at->x += lt_canvas__text(at->canvas, at->x, at->y, LT_STYLE_DIM, "most: ");
	width = width < at->end - at->x ? width : at->end - at->x;
	if (width <= 0)
		return;
	lt_canvas__left(at->canvas, at->x, at->y, width, LT_STYLE_DIM, where->function);
	at->x += width + 1;
	if (at->x < at->end)
		lt_draw_place(at->canvas, at->x, at->y, at->end - at->x, LT_STYLE_DIM, where);
}

/* The most telling first: code that is left again, then what was compiled. */
static void draw_jit(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	const struct lt_jit *jit = &loop->jit;
	struct words at = { canvas, r.x + LABEL, r.y, r.x + r.w - 1 };
	bool any = jit->deopts > 0;

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "jit");
	add(&at, "deopts", jit->deopts);
	for (int i = LT_SNAP_COMPILERS; i-- > 0;) {
		any |= jit->compiles[i] > 0;
		add(&at, lt_compiler_names[i], jit->compiles[i]);
	}
	if (!any)
		lt_canvas__text(canvas, at.x, r.y, LT_STYLE_DIM,
				compilers_known(loop) ? "nothing was compiled" : "no deopts");
	else if (jit->n_functions && at.x < at.end)
		draw_deopt(&at, &jit->functions[0].where);
}

void lt_draw_holds(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	struct lt_rect line = { r.x, r.y, r.w, 1 };
	int room = r.h - (loop && is_blocked(loop));

	/* What is remarkable has the last line when there is not room for all. */
	if (room > 0 && lt_known(loop->handles.active)) {
		draw_handles(canvas, line, loop);
		line.y++;
		room--;
	}
	if (room > 0 && is_compiled(loop)) {
		draw_jit(canvas, line, loop);
		line.y++;
	}
	if (r.h > 0 && is_blocked(loop))
		draw_streams(canvas, line, loop);
	lt_canvas__unclip(canvas, before);
}
