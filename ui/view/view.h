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

extern const struct lt_view lt_view_main, lt_view_process, lt_view_stalls, lt_view_help,
	lt_view_sort;

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
/* One line: the V8 heap against its limit, and its last minutes (heap.c). */
void lt_draw_heap(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject);
void lt_draw_heat(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject);
void lt_draw_hist(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop);
/* Lines that its kinds of tasks and its sleeping threads take. */
int lt_pool_lines(const struct lt_pool *pool);
void lt_draw_pool(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_process *process);
void lt_draw_gc(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		const struct lt_process *process);
void lt_draw_stalls(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		    const struct lt_process *process, const struct lt_past_stall *const *stalls,
		    size_t n);

/* The first line of a screen that is about one process. */
void lt_draw_process_title(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
			   const struct lt_process *process, bool gone);

/* All sections of a process in this window, from line `scroll` on; returns how far it can scroll. */
int lt_draw_process(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect window,
		    const struct lt_subject *subject, int scroll);

/* Lines of legend that the phases of this loop take in this width. */
int lt_phase_lines(const struct lt_loop *loop, int width);

/* What busy time went on (cause.c): a bar if asked for, and its legend, in the lines of r. */
void lt_draw_causes(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop,
		    bool bar);
/* Lines of legend that the causes of this loop take in this width; 0: none is known. */
/* What a loop holds open, and streams that do not drain; with one line for both, the latter if there are some (holds.c). */
int lt_hold_lines(const struct lt_loop *loop);
void lt_draw_holds(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop);
int lt_cause_lines(const struct lt_loop *loop, int width);
/* As people say it: "sync I/O". */
const char *lt_cause_title(int cause);
/* The cause of a stall, or NULL: it is not known. */
const char *lt_stall_cause(const struct lt_stall *stall);

/* Across a row of the list: that the process does not answer, or how it ended; nothing if all is well. */
void lt_draw_state(struct lt_canvas *canvas, const struct lt_columns_layout *columns, int y,
		   const struct lt_row *row);

/* What blocks a loop (blocker.c): in the cell of its row, and in a line of its own. */
void lt_draw_worst(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect cell,
		   const struct lt_row *row);
void lt_draw_blocker(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect line,
		     const struct lt_row *row);

/* One stall as a line of a list (stall_row.c). */
void lt_draw_stall_row(struct lt_canvas *canvas, struct lt_rect r, const struct lt_past_stall *past,
		       double until, bool selected);
/* The titles of its parts. */
void lt_draw_stall_heading(struct lt_canvas *canvas, struct lt_rect r);
/* What is shown of a stall when it is open, line by line (stack.c). */
int lt_stack_lines(const struct lt_past_stall *past);
void lt_draw_stack_line(struct lt_canvas *canvas, struct lt_rect r,
			const struct lt_past_stall *past, double until, int line);

/* "/app/server.js:42" in at most `cells` columns: of a long path the end. The original place, if a
 * source map tells it. Draws and returns the columns taken; 0: the place is not known. */
int lt_draw_place(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		  const struct lt_stack_frame *frame);
/* The end of a text, in at most `cells` columns. Returns the columns taken. */
int lt_draw_tail(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		 const char *text);

/* The name as a line has room for it: without the namespace that all of V8 is in. */
const char *lt_short_name(const char *function);

/* Opens the stalls of the open process at this one; 0: at the latest. */
void lt_open_stalls(struct lt_app *app, uint64_t number);

/* "14:03:59" in local time. Returns buf. */
char *lt_clock_text(char *buf, size_t size, double unix_time);

/* "34 s", "5 min": a span of time on an axis. Returns buf. */
char *lt_span_text(char *buf, size_t size, double seconds);

#endif
