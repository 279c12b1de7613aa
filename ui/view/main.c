/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The main list: a row for each loop, under it the selected loop in more detail if there is room. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

static void draw_hint(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	const char *text = app->strip == LT_STRIP_LAG
				   ? "lag: how long new work waits for the loop"
				   : "busy: share of time the loop could not take new work";
	const char *filter = app->table.filter;
	int x = r.x + 1, width = (int)strlen(text) + 1;

	if (lt_rect_empty(r))
		return;
	if (app->filtering || *filter) {
		x += lt_canvas__text(canvas, x, r.y, LT_STYLE_BOLD, "filter ");
		x += lt_canvas__text(canvas, x, r.y, 0, filter);
		if (app->filtering)
			x += lt_canvas__text(canvas, x, r.y, LT_STYLE_REVERSE, " ");
		else
			x += lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, "  (Esc shows all)");
	}
	if (x + 2 + width <= r.x + r.w)
		lt_canvas__text(canvas, r.x + r.w - width, r.y, LT_STYLE_DIM, text);
}

static void strip_title(const struct lt_app *app, int cells, char *buf, size_t size)
{
	const char *what = app->strip == LT_STRIP_LAG ? "LAG" : "BUSY";
	char span[16];

	lt_span_text(span, sizeof(span), cells * app->interval_seconds);
	if (cells >= 14)
		snprintf(buf, size, "%s last %s", what, span);
	else if (cells >= 9)
		snprintf(buf, size, "%s %s", what, span);
	else
		snprintf(buf, size, "%s", what);
}

static void draw_heading(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
			 const struct lt_columns_layout *columns)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	const char *arrow = app->table.descending ? glyphs->descending : glyphs->ascending;

	for (int i = 0; i < columns->n && !lt_rect_empty(r); i++) {
		const struct lt_column_place *place = &columns->places[i];
		const struct lt_column *column = &lt_columns[place->id];
		bool sorted = place->id == app->table.sort;
		bool left = column->text || place->id == LT_COL_STRIP || place->id == LT_COL_WORST;
		uint8_t style = sorted ? LT_STYLE_BOLD : LT_STYLE_DIM;
		char title[48];

		snprintf(title, sizeof(title), "%s", column->title);
		if (place->id == LT_COL_STRIP)
			strip_title(app, place->w, title, sizeof(title));
		/* Above the figure, which has room for a sign before it. */
		if (place->id == LT_COL_WORST)
			snprintf(title, sizeof(title), " WORST last 60 s");
		if (left)
			lt_canvas__left(canvas, place->x, r.y, place->w, style, title);
		else
			lt_canvas__right(canvas, place->x, r.y, place->w, style, title);
		/* In the gap behind the column, so that no title gets shorter by it. */
		if (sorted)
			lt_canvas__text(canvas,
					left && (int)strlen(title) < place->w
						? place->x + (int)strlen(title)
						: place->x + place->w,
					r.y, style, arrow);
	}
}

/* "blocked 1.3 s now" at the right end of the strip, as long as there is room for it. */
static void draw_stall(struct lt_canvas *canvas, const struct lt_column_place *place, int y,
		       double seconds)
{
	const char *warning = lt_canvas__glyphs(canvas)->warning;
	uint8_t style = (uint8_t)lt_severity_stall(seconds) | LT_STYLE_BOLD;
	char text[64], figure[16];
	int width;

	lt_fmt_seconds(figure, sizeof(figure), seconds);
	snprintf(text, sizeof(text), " %s blocked %s now", warning, figure);
	width = lt_canvas__measure(canvas, text);
	if (width > place->w) {
		snprintf(text, sizeof(text), "%s %s", warning, figure);
		width = lt_canvas__measure(canvas, text);
	}
	if (width > place->w)
		width = place->w;
	lt_canvas__left(canvas, place->x + place->w - width, y, width, style, text);
}

static void draw_strip(const struct lt_app *app, struct lt_canvas *canvas,
		       const struct lt_column_place *place, int y, const struct lt_row *row,
		       bool worst)
{
	struct lt_history_column columns[LT_CANVAS_MAX_WIDTH];
	size_t n = place->w < LT_CANVAS_MAX_WIDTH ? (size_t)place->w : LT_CANVAS_MAX_WIDTH;

	if (!row->source.loop)
		return;
	lt_history__columns(app->history, row->id, app->keep.time, 1, columns, n);
	lt_widget_strip(canvas, place->x, y, app->strip, columns, n);
	if (row->source.loop->stalled_seconds > 0 && !row->gone && !worst)
		draw_stall(canvas, place, y, row->source.loop->stalled_seconds);
}

static void draw_name(struct lt_canvas *canvas, const struct lt_column_place *place, int y,
		      const struct lt_row *row, uint8_t style, bool warn)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	const char *name = lt_column_text(LT_COL_NAME, &row->source);
	int x = place->x, end = place->x + place->w;

	if (row->sibling) {
		const char *branch = row->last_sibling ? glyphs->tree_last : glyphs->tree;

		if (!row->source.child)
			lt_canvas__text(canvas, x + 1, y, LT_STYLE_DIM, branch);
		else if (!row->last_sibling)
			lt_canvas__text(canvas, x + 1, y, LT_STYLE_DIM, glyphs->vertical);
		x += 3;
	}
	if (row->source.child) {
		lt_canvas__text(canvas, x + 1, y, LT_STYLE_DIM,
				row->last_child ? glyphs->tree_last : glyphs->tree);
		x += 3;
	}
	if (warn) {
		lt_canvas__text(canvas, x, y, LT_SEV_CRITICAL, glyphs->warning);
		x += 2;
	}
	lt_canvas__left(canvas, x, y, end - x, style, name);
}

static void draw_cell(const struct lt_app *app, struct lt_canvas *canvas,
		      const struct lt_column_place *place, int y, const struct lt_row *row,
		      uint8_t style)
{
	const struct lt_column *column = &lt_columns[place->id];
	const char *not_applicable = lt_canvas__glyphs(canvas)->not_applicable;
	enum lt_cell_state state = lt_column_state(place->id, &row->source);
	char text[256];

	(void)app;
	/* A Worker's PID is in its process' row above it. */
	if (place->id == LT_COL_PID && row->source.child)
		return;
	lt_column_format(place->id, &row->source, not_applicable, text, sizeof(text));
	if (state != LT_CELL_KNOWN)
		style |= LT_STYLE_DIM;
	else if (!row->gone)
		style |=
			lt_style_figure(column->severity(lt_column_value(place->id, &row->source)));
	if (column->text)
		lt_canvas__left(canvas, place->x, y, place->w, style, text);
	else
		lt_canvas__right(canvas, place->x, y, place->w, style, text);
}

static void draw_row(const struct lt_app *app, struct lt_canvas *canvas, int y,
		     const struct lt_columns_layout *columns, const struct lt_row *row,
		     bool selected)
{
	uint8_t style = row->gone ? LT_STYLE_DIM : selected ? LT_STYLE_BOLD : 0;
	bool stalled = row->source.loop && row->source.loop->stalled_seconds > 0 && !row->gone;
	bool strip = lt_columns_find(columns, LT_COL_STRIP);

	if (selected && columns->n && columns->places[0].x > 0)
		lt_canvas__text(canvas, 0, y, LT_STYLE_BOLD, lt_canvas__glyphs(canvas)->marker);
	for (int i = 0; i < columns->n; i++) {
		const struct lt_column_place *place = &columns->places[i];

		if (place->id == LT_COL_STRIP)
			draw_strip(app, canvas, place, y, row,
				   lt_columns_find(columns, LT_COL_WORST));
		else if (place->id == LT_COL_WORST)
			lt_draw_worst(app, canvas, (struct lt_rect){ place->x, y, place->w, 1 },
				      row);
		else if (place->id == LT_COL_NAME)
			draw_name(canvas, place, y, row, style, stalled && !strip);
		else
			draw_cell(app, canvas, place, y, row, style);
	}
	lt_draw_state(canvas, columns, y, row);
}

/* The line under a row begins under its name; the tree of Workers goes on through it. */
static void draw_blocker(const struct lt_app *app, struct lt_canvas *canvas, int y,
			 const struct lt_columns_layout *columns, size_t at)
{
	const struct lt_column_place *name = lt_columns_find(columns, LT_COL_NAME);
	const struct lt_table *table = &app->table;
	int x = name ? name->x : 0;

	if (at + 1 < table->n_rows && table->rows[at + 1].source.child)
		lt_canvas__text(canvas, x + 1, y, LT_STYLE_DIM,
				lt_canvas__glyphs(canvas)->vertical);
	lt_draw_blocker(app, canvas, (struct lt_rect){ x + 3, y, app->width - x - 4, 1 },
			&table->rows[at]);
}

/* Rows that the body has room for, and the one that a line of it shows. */
static int rows_shown(const struct lt_frame *frame)
{
	return frame->body.h - (frame->blocker && frame->body.h > 1);
}

static size_t row_at(const struct lt_app *app, const struct lt_frame *frame, int y)
{
	size_t row = app->table.top + (size_t)(y - frame->body.y);

	return row - (rows_shown(frame) < frame->body.h && row > app->table.selected);
}

static void draw_rows(struct lt_app *app, struct lt_canvas *canvas, const struct lt_frame *frame,
		      const struct lt_columns_layout *columns)
{
	const struct lt_table *table = &app->table;
	int shown = rows_shown(frame), y = frame->body.y;

	for (int i = 0; i < shown && table->top + (size_t)i < table->n_rows; i++) {
		size_t at = table->top + (size_t)i;

		draw_row(app, canvas, y++, columns, &table->rows[at], at == table->selected);
		if (at == table->selected && shown < frame->body.h)
			draw_blocker(app, canvas, y++, columns, at);
	}
}

/* Says what to do when there is nothing to see. */
static void draw_empty(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	static const char *const nothing[] = {
		"No process with an event loop is in sight.",
		"",
		"Start one, or name it:      looptop top PID",
		"Not yours? Try as root:     sudo looptop",
		"What this host allows:      looptop check",
	};
	static const char *const filtered[] = {
		"No process matches the filter.",
		"",
		"Esc shows all of them.",
	};
	bool filter = app->table.filter[0] && app->table.n_processes;
	const char *const *lines = filter ? filtered : nothing;
	int n = filter ? 3 : 5;

	if (!app->keep.any) {
		lt_canvas__text(canvas, r.x + 2, r.y + (r.h > 2), LT_STYLE_DIM, "Looking ...");
		return;
	}
	for (int i = 0; i < n; i++)
		lt_canvas__left(canvas, r.x + 2, r.y + (r.h > n) + i, r.w - 2, i ? LT_STYLE_DIM : 0,
				lines[i]);
}

static void draw_detail(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	const struct lt_row *row = lt_table__selected(&app->table);
	struct lt_process_layout parts;
	struct lt_subject subject;
	struct lt_rect heat, hist;
	char title[128];

	if (!row || !row->source.loop || lt_rect_empty(r))
		return;
	subject = (struct lt_subject){ row->source.process, row->source.loop, row->id, false };
	if (r.h >= LT_DETAIL_TALL) {
		subject.named = true;
		lt_draw_process(app, canvas, r, &subject, 0);
		return;
	}
	snprintf(title, sizeof(title), "%.60s, %.40s", subject.process->name, subject.loop->name);
	lt_draw_rule(canvas, (struct lt_rect){ r.x, r.y, r.w, 1 }, title);
	lt_draw_phases(canvas, (struct lt_rect){ r.x, r.y + 1, r.w, 2 }, subject.loop);
	if (r.w >= LT_CAUSES_WIDTH)
		lt_draw_causes(canvas, (struct lt_rect){ r.x, r.y + 3, r.w, 1 }, subject.loop,
			       false);
	parts = lt_layout_process(r.w, 0, &(struct lt_process_content){ 0 });
	heat = parts.heat;
	hist = parts.hist;
	heat.y = hist.y = r.y + 3 + (r.w >= LT_CAUSES_WIDTH);
	heat.h = hist.h = r.y + r.h - heat.y;
	lt_draw_heat(app, canvas, heat, &subject);
	/* Side by side, or no room for it. */
	if (hist.x > 0)
		lt_draw_hist(canvas, hist, subject.loop);
}

static void draw(struct lt_app *app, struct lt_canvas *canvas)
{
	struct lt_table *table = &app->table;
	struct lt_frame frame = lt_layout_main(app->width, app->height, table->n_rows);
	struct lt_columns_layout columns = lt_layout_columns(app->width);

	if (frame.header.h)
		lt_draw_header(app, canvas, (struct lt_rect){ 0, frame.header.y, app->width, 1 });
	if (frame.header.h > 1)
		lt_draw_cost_line(app, canvas,
				  (struct lt_rect){ 0, frame.header.y + 1, app->width, 1 });
	draw_hint(app, canvas, frame.hint);
	draw_heading(app, canvas, frame.heading, &columns);
	lt_table__scroll(table, (size_t)rows_shown(&frame));
	draw_rows(app, canvas, &frame, &columns);
	if (!table->n_rows)
		draw_empty(app, canvas, frame.body);
	draw_detail(app, canvas, frame.detail);
	if (app->filtering && !frame.hint.h)
		draw_hint(app, canvas, frame.footer);
	else
		lt_draw_footer(app, canvas, frame.footer, LT_IN_MAIN);
}

static void click(struct lt_app *app, const struct lt_key *key)
{
	struct lt_frame frame = lt_layout_main(app->width, app->height, app->table.n_rows);
	struct lt_columns_layout columns = lt_layout_columns(app->width);
	size_t row = row_at(app, &frame, key->y);

	if (lt_rect_has(frame.heading, key->x, key->y)) {
		for (int i = 0; i < columns.n; i++)
			if (key->x >= columns.places[i].x &&
			    key->x <= columns.places[i].x + columns.places[i].w)
				lt_table__sort_by(&app->table, columns.places[i].id);
		lt_app__resort(app);
	} else if (lt_rect_has(frame.body, key->x, key->y) && row < app->table.n_rows) {
		lt_table__select(&app->table, row);
		if (key->type == LT_KEY_DOUBLE_CLICK)
			lt_app__open(app, lt_table__selected(&app->table));
	}
}

/* The next column on screen at the right or the left of the one it sorts by. */
static void sort_beside(struct lt_app *app, int step)
{
	struct lt_columns_layout columns = lt_layout_columns(app->width);
	int at = step > 0 ? -1 : columns.n;

	for (int i = 0; i < columns.n; i++)
		if (columns.places[i].id == app->table.sort)
			at = i;
	at += step;
	/* The strip sorts as lag p99 does: no stop of its own. */
	if (at >= 0 && at < columns.n && columns.places[at].id == LT_COL_STRIP)
		at += step;
	if (at < 0 || at >= columns.n)
		return;
	lt_table__sort_by(&app->table, columns.places[at].id);
	lt_app__resort(app);
}

static void leave(struct lt_app *app)
{
	app->table.filter[0] = '\0';
	lt_app__resort(app);
}

static void choose_sort(struct lt_app *app)
{
	app->sort_choice = app->table.sort;
	app->popup_scroll = 0;
	app->popup = &lt_view_sort;
}

static void command(struct lt_app *app, enum lt_command cmd, const struct lt_key *key)
{
	struct lt_table *table = &app->table;
	struct lt_frame frame = lt_layout_main(app->width, app->height, table->n_rows);
	long page = rows_shown(&frame);

	switch (cmd) {
	case LT_CMD_OPEN:
		if (key->type == LT_KEY_DOUBLE_CLICK)
			return click(app, key);
		return lt_app__open(app, lt_table__selected(table));
	case LT_CMD_BACK:
		return leave(app);
	case LT_CMD_SORT_MENU:
		return choose_sort(app);
	case LT_CMD_SORT_NEXT:
	case LT_CMD_SORT_PREVIOUS:
		return sort_beside(app, cmd == LT_CMD_SORT_NEXT ? 1 : -1);
	case LT_CMD_REVERSE:
		lt_table__reverse(table);
		return lt_app__resort(app);
	case LT_CMD_FILTER:
		app->filtering = true;
		return;
	case LT_CMD_STRIP:
		app->strip = app->strip == LT_STRIP_LAG ? LT_STRIP_BUSY : LT_STRIP_LAG;
		return;
	case LT_CMD_DISMISS:
		lt_keep__dismiss(&app->keep);
		return lt_app__resort(app);
	case LT_CMD_UP:
	case LT_CMD_DOWN:
		return lt_table__move(table, cmd == LT_CMD_UP ? -1 : 1);
	case LT_CMD_PAGE_UP:
	case LT_CMD_PAGE_DOWN:
		return lt_table__move(table, cmd == LT_CMD_PAGE_UP ? -page : page);
	case LT_CMD_HOME:
		return lt_table__release(table);
	case LT_CMD_END:
		return lt_table__select(table, table->n_rows);
	default:
		if (key->type == LT_KEY_CLICK)
			click(app, key);
	}
}

const struct lt_view lt_view_main = {
	.name = "main",
	.where = LT_IN_MAIN,
	.draw = draw,
	.command = command,
};
