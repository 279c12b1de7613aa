/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A view is a descriptor: how it draws itself, what commands do to it. Its keys are in the table of
 * keys.c under its `where` bit. Here also the pieces that views share.
 */
#ifndef LOOPTOP_UI_VIEW_H
#define LOOPTOP_UI_VIEW_H

#include "ui/app.h"
#include "ui/layout.h"

struct lt_view {
	const char *name;
	unsigned where; /* LT_IN_… */
	void (*draw)(struct lt_app *app, struct lt_canvas *canvas);
	/* A command that is not the whole program's; key has the place of a click. */
	void (*command)(struct lt_app *app, enum lt_command command, const struct lt_key *key);
};

extern const struct lt_view lt_view_main, lt_view_process, lt_view_help, lt_view_sort;

/* Header, the line under it, footer (frame.c). */
void lt_draw_header(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r);
void lt_draw_cost_line(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r);
void lt_draw_footer(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		    unsigned where);
/* A faint line with a title, in the first row of r. */
void lt_draw_rule(struct lt_canvas *canvas, struct lt_rect r, const char *title);
/* True if there is a message to be shown. */
bool lt_has_message(const struct lt_app *app);

/* Sections of one loop or one process (loop.c, pool.c, stalls.c). All begin with a rule. */
struct lt_subject {
	const struct lt_process *process;
	const struct lt_loop *loop; /* may be NULL */
	struct lt_loop_id id;
	bool named; /* the rule tells the process' name: nothing above it does */
};
void lt_draw_loop(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject);
void lt_draw_phases(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop);
void lt_draw_heat(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject);
void lt_draw_hist(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop);
void lt_draw_pool(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_process *process);
void lt_draw_gc(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		const struct lt_process *process);
void lt_draw_stalls(struct lt_canvas *canvas, struct lt_rect r, const struct lt_past_stall *stalls,
		    size_t n);
void lt_draw_missing(struct lt_canvas *canvas, struct lt_rect r, const struct lt_process *process);

/* All sections of a process in this window, from line `scroll` on; returns how far it can scroll. */
int lt_draw_process(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect window,
		    const struct lt_subject *subject, int scroll);

/* Lines of legend that the phases of this loop take in this width. */
int lt_phase_lines(const struct lt_loop *loop, int width);

/* "14:03:59" in local time. Returns buf. */
char *lt_clock_text(char *buf, size_t size, double unix_time);

/* "34 s", "5 min": a span of time on an axis. Returns buf. */
char *lt_span_text(char *buf, size_t size, double seconds);

#endif
