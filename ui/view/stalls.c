/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The stalls of a process: those that run, then the others, the newest first; one of them open. */
#include <stdio.h>
#include <string.h>

#include "ui/view/view.h"

#define FAR 1000000 /* lines: more than any list has */

struct list {
	const struct lt_past_stall *stalls[LT_HISTORY_STALLS];
	size_t n;
};

static struct list list_of(const struct lt_app *app)
{
	struct list list;

	list.n = lt_stall_log__list(lt_history__stalls(app->history), app->open.pid,
				    app->open.start_time, app->keep.time, list.stalls,
				    LT_HISTORY_STALLS);
	return list;
}

static int lines_of(const struct lt_app *app, const struct lt_past_stall *past)
{
	return 1 + (past->number == app->stalls.expanded ? lt_stack_lines(past) : 0);
}

/* A line of the list: the line-th one of a stall, 0 its own; `at` is its number from the top. */
struct spot {
	size_t stall;
	int line, at;
};

/* The last one, if there are not so many lines. */
static struct spot spot_at(const struct lt_app *app, const struct list *list, int at)
{
	struct spot spot = { 0 };
	int begin = 0;

	at = at > 0 ? at : 0;
	for (size_t i = 0; i < list->n; i++) {
		int lines = lines_of(app, list->stalls[i]);

		spot = (struct spot){ i, at < begin + lines ? at - begin : lines - 1, 0 };
		spot.at = begin + spot.line;
		if (at < begin + lines)
			break;
		begin += lines;
	}
	return spot;
}

static struct spot cursor_of(const struct lt_app *app, const struct list *list)
{
	int begin = 0;

	if (!app->stalls.chosen)
		return (struct spot){ 0 };
	for (size_t i = 0; i < list->n; i++) {
		int lines = lines_of(app, list->stalls[i]), line = app->stalls.line;

		line = line < lines ? line : lines - 1;
		if (list->stalls[i]->number == app->stalls.number)
			return (struct spot){ i, line, begin + line };
		begin += lines;
	}
	/* It was the oldest, and is kept no longer. */
	return spot_at(app, list, FAR);
}

static void choose(struct lt_app *app, const struct list *list, struct spot spot)
{
	if (!list->n)
		return;
	app->stalls.chosen = true;
	app->stalls.number = list->stalls[spot.stall]->number;
	app->stalls.line = spot.line;
}

static void expand(struct lt_app *app, bool open)
{
	struct list list = list_of(app);
	struct spot cursor = cursor_of(app, &list);

	if (!list.n)
		return;
	cursor.line = 0;
	choose(app, &list, cursor);
	app->stalls.expanded = open ? app->stalls.number : 0;
}

/* True if the cursor is on the open stall, or in its stack. */
static bool on_open_one(const struct lt_app *app)
{
	struct list list = list_of(app);

	return list.n && app->stalls.expanded &&
	       list.stalls[cursor_of(app, &list).stall]->number == app->stalls.expanded;
}

void lt_open_stalls(struct lt_app *app, uint64_t number)
{
	memset(&app->stalls, 0, sizeof(app->stalls));
	app->stalls.chosen = number > 0;
	app->stalls.number = app->stalls.expanded = number;
	app->view = &lt_view_stalls;
}

/* False: had there been any, they would not have been seen. */
static bool stalls_known(const struct lt_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++)
		if (lt_known(process->loops[i].stalled_seconds))
			return true;
	return false;
}

void lt_draw_stalls(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		    const struct lt_process *process, const struct lt_past_stall *const *stalls,
		    size_t n)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);

	lt_draw_rule(canvas, r, "latest stalls");
	if (!n)
		lt_canvas__text(canvas, r.x + 3, r.y + 1, LT_STYLE_DIM,
				stalls_known(process) ? "none seen" : "-");
	for (size_t i = 0; i < n; i++)
		lt_draw_stall_row(canvas, (struct lt_rect){ r.x, r.y + 1 + (int)i, r.w, 1 },
				  stalls[i], app->keep.time, false);
	lt_canvas__unclip(canvas, before);
}

struct frame {
	struct lt_rect title, cost, rule, heading, body, footer;
};

static struct frame frame_of(const struct lt_app *app)
{
	struct lt_frame outer = lt_layout_main(app->width, app->height, 0);
	struct frame frame = { .footer = outer.footer };
	int y = outer.header.h, bottom = app->height - outer.footer.h;

	frame.title = (struct lt_rect){ 0, 0, app->width, y > 0 };
	frame.cost = (struct lt_rect){ 0, 1, app->width, y > 1 };
	frame.rule = (struct lt_rect){ 0, y, app->width, bottom - y >= 5 };
	y += frame.rule.h;
	frame.heading = (struct lt_rect){ 0, y, app->width, bottom - y >= 5 };
	y += frame.heading.h;
	frame.body = (struct lt_rect){ 0, y, app->width, bottom > y ? bottom - y : 0 };
	return frame;
}

static void draw_none(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	const struct lt_kept *kept = lt_keep__find(&app->keep, app->open.pid, app->open.start_time);

	lt_canvas__left(canvas, r.x + 3, r.y, r.w - 3, LT_STYLE_DIM,
			!kept || stalls_known(kept->process)
				? "None was seen."
				: "Not known: Esc, the process view says why.");
}

/* The cursor stays on screen, and of what is open under it as much as there is room for. */
static void scroll(struct lt_app *app, const struct list *list, struct spot cursor, int height)
{
	int total = spot_at(app, list, FAR).at + 1, last = cursor.at;

	if (cursor.line == 0 && list->n)
		last += lines_of(app, list->stalls[cursor.stall]) - 1;
	if (app->stalls.top > total - height)
		app->stalls.top = total - height;
	if (app->stalls.top < last - height + 1)
		app->stalls.top = last - height + 1;
	if (app->stalls.top > cursor.at)
		app->stalls.top = cursor.at;
	if (app->stalls.top < 0)
		app->stalls.top = 0;
}

/* Returns the lines that are left below those on screen. */
static int draw_list(struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		     const struct list *list)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	struct spot cursor = cursor_of(app, list);
	int begin = 0;

	scroll(app, list, cursor, r.h);
	begin = -app->stalls.top;
	for (size_t i = 0; i < list->n; i++) {
		const struct lt_past_stall *past = list->stalls[i];
		int lines = lines_of(app, past);

		for (int line = 0; line < lines; line++) {
			struct lt_rect row = { r.x, r.y + begin + line, r.w, 1 };
			bool selected = i == cursor.stall && line == cursor.line;

			if (begin + line < 0 || begin + line >= r.h)
				continue;
			if (line == 0)
				lt_draw_stall_row(canvas, row, past, app->keep.time, selected);
			else
				lt_draw_stack_line(canvas, row, past, app->keep.time, line - 1);
			if (line > 0 && selected)
				lt_canvas__text(canvas, row.x, row.y, LT_STYLE_BOLD,
						lt_canvas__glyphs(canvas)->marker);
		}
		begin += lines;
	}
	lt_canvas__unclip(canvas, before);
	return begin - r.h;
}

static void draw(struct lt_app *app, struct lt_canvas *canvas)
{
	const struct lt_kept *kept = lt_keep__find(&app->keep, app->open.pid, app->open.start_time);
	struct frame frame = frame_of(app);
	struct list list = list_of(app);
	char title[64];

	lt_draw_footer(app, canvas, frame.footer, LT_IN_STALLS);
	if (frame.cost.h)
		lt_draw_cost_line(app, canvas, frame.cost);
	if (frame.title.h && kept)
		lt_draw_process_title(app, canvas, frame.title, kept->process, kept->gone);
	else if (frame.title.h)
		lt_canvas__left(canvas, 1, 0, app->width - 1, LT_SEV_ATTENTION,
				"This process has ended. Esc: back");
	snprintf(title, sizeof(title),
		 list.n == LT_HISTORY_STALLS ? "the latest %zu stalls" : "stalls: %zu", list.n);
	if (frame.rule.h)
		lt_draw_rule(canvas, frame.rule, title);
	if (!list.n)
		draw_none(app, canvas, frame.body);
	else if (frame.heading.h)
		lt_draw_stall_heading(canvas, frame.heading);
	if (draw_list(app, canvas, frame.body, &list) > 0 && frame.rule.h)
		lt_canvas__text(canvas, app->width - 10, frame.rule.y, LT_STYLE_REVERSE,
				" j: more ");
}

static void move(struct lt_app *app, int lines)
{
	struct list list = list_of(app);

	choose(app, &list, spot_at(app, &list, cursor_of(app, &list).at + lines));
}

static void click(struct lt_app *app, const struct lt_key *key)
{
	struct lt_rect body = frame_of(app).body;
	struct list list = list_of(app);
	int at = app->stalls.top + key->y - body.y;
	struct spot spot = spot_at(app, &list, at);

	if (!lt_rect_has(body, key->x, key->y) || !list.n || spot.at != at)
		return;
	choose(app, &list, spot);
	if (spot.line == 0)
		expand(app, !on_open_one(app));
}

static void back(struct lt_app *app)
{
	if (app->stalls.expanded && on_open_one(app))
		return expand(app, false);
	app->view = &lt_view_process;
}

static void command(struct lt_app *app, enum lt_command cmd, const struct lt_key *key)
{
	int page = frame_of(app).body.h > 1 ? frame_of(app).body.h - 1 : 1;

	switch (cmd) {
	case LT_CMD_OPEN:
		/* Its first click has done all. */
		if (key->type != LT_KEY_DOUBLE_CLICK)
			expand(app, !on_open_one(app));
		return;
	case LT_CMD_EXPAND:
	case LT_CMD_COLLAPSE:
		if ((cmd == LT_CMD_EXPAND) != on_open_one(app))
			expand(app, cmd == LT_CMD_EXPAND);
		return;
	case LT_CMD_BACK:
		return back(app);
	case LT_CMD_UP:
	case LT_CMD_DOWN:
		return move(app, cmd == LT_CMD_UP ? -1 : 1);
	case LT_CMD_PAGE_UP:
	case LT_CMD_PAGE_DOWN:
		return move(app, cmd == LT_CMD_PAGE_UP ? -page : page);
	case LT_CMD_HOME:
		/* From now on the latest is followed. */
		app->stalls.chosen = false;
		return;
	case LT_CMD_END:
		return move(app, FAR);
	default:
		if (key->type == LT_KEY_CLICK)
			click(app, key);
	}
}

const struct lt_view lt_view_stalls = {
	.name = "stalls",
	.where = LT_IN_STALLS,
	.draw = draw,
	.command = command,
};
