/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The sort menu: a box over the list with all columns, each with the sentence that explains it. */
#include <string.h>

#include "ui/view/view.h"

#define BOX_WIDTH   72
#define TITLE_WIDTH 16

static struct lt_rect box_of(const struct lt_app *app)
{
	int w = app->width < BOX_WIDTH ? app->width : BOX_WIDTH;
	int h = app->height < LT_COL_MAX + 2 ? app->height : LT_COL_MAX + 2;

	return (struct lt_rect){ (app->width - w) / 2, (app->height - h) / 2, w, h };
}

static void draw_border(struct lt_canvas *canvas, struct lt_rect r)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	int right = r.x + r.w - 1, bottom = r.y + r.h - 1;

	lt_canvas__fill(canvas, r, 0, " ");
	lt_canvas__fill(canvas, (struct lt_rect){ r.x, r.y, r.w, 1 }, 0, glyphs->horizontal);
	lt_canvas__fill(canvas, (struct lt_rect){ r.x, bottom, r.w, 1 }, 0, glyphs->horizontal);
	lt_canvas__fill(canvas, (struct lt_rect){ r.x, r.y, 1, r.h }, 0, glyphs->vertical);
	lt_canvas__fill(canvas, (struct lt_rect){ right, r.y, 1, r.h }, 0, glyphs->vertical);
	lt_canvas__text(canvas, r.x, r.y, 0, glyphs->corner[0]);
	lt_canvas__text(canvas, right, r.y, 0, glyphs->corner[1]);
	lt_canvas__text(canvas, r.x, bottom, 0, glyphs->corner[2]);
	lt_canvas__text(canvas, right, bottom, 0, glyphs->corner[3]);
	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_BOLD, " sort by ");
}

/* The lines between the borders; with no room for borders all of it. */
static struct lt_rect inside(struct lt_rect box)
{
	if (box.h < 4 || box.w < 20)
		return box;
	return (struct lt_rect){ box.x + 1, box.y + 1, box.w - 2, box.h - 2 };
}

static void scroll(struct lt_app *app, int height)
{
	int choice = (int)app->sort_choice;

	if (choice < app->popup_scroll)
		app->popup_scroll = choice;
	if (height > 0 && choice >= app->popup_scroll + height)
		app->popup_scroll = choice - height + 1;
}

static void draw_line(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		      size_t column)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	uint8_t style = column == app->sort_choice ? LT_STYLE_BOLD : 0;

	if (column == app->sort_choice)
		lt_canvas__text(canvas, r.x, r.y, LT_STYLE_BOLD, glyphs->marker);
	if (column == app->table.sort)
		lt_canvas__text(canvas, r.x + 2, r.y, style,
				app->table.descending ? glyphs->descending : glyphs->ascending);
	lt_canvas__left(canvas, r.x + 4, r.y, r.w - 4 < TITLE_WIDTH ? r.w - 4 : TITLE_WIDTH, style,
			lt_columns[column].title);
	lt_canvas__left(canvas, r.x + 4 + TITLE_WIDTH, r.y, r.w - 4 - TITLE_WIDTH, LT_STYLE_DIM,
			lt_column_help((enum lt_column_id)column));
}

static void draw(struct lt_app *app, struct lt_canvas *canvas)
{
	struct lt_rect box = box_of(app), r = inside(box);

	if (r.h < box.h)
		draw_border(canvas, box);
	else
		lt_canvas__fill(canvas, box, 0, " ");
	scroll(app, r.h);
	for (int i = 0; i < r.h && app->popup_scroll + i < LT_COL_MAX; i++)
		draw_line(app, canvas, (struct lt_rect){ r.x, r.y + i, r.w, 1 },
			  (size_t)(app->popup_scroll + i));
}

static void sort(struct lt_app *app)
{
	lt_table__sort_by(&app->table, (enum lt_column_id)app->sort_choice);
	app->popup = NULL;
	lt_app__resort(app);
}

static void click(struct lt_app *app, const struct lt_key *key)
{
	struct lt_rect r = inside(box_of(app));
	int choice = app->popup_scroll + key->y - r.y;

	if (!lt_rect_has(r, key->x, key->y)) {
		app->popup = NULL;
		return;
	}
	if (choice < LT_COL_MAX) {
		app->sort_choice = (size_t)choice;
		sort(app);
	}
}

static void move(struct lt_app *app, int lines)
{
	int to = (int)app->sort_choice + lines;

	app->sort_choice = to < 0 ? 0 : to >= LT_COL_MAX ? LT_COL_MAX - 1 : (size_t)to;
}

static void command(struct lt_app *app, enum lt_command cmd, const struct lt_key *key)
{
	switch (cmd) {
	case LT_CMD_OPEN:
		if (key->type == LT_KEY_ENTER)
			sort(app);
		else
			click(app, key);
		return;
	case LT_CMD_BACK:
		app->popup = NULL;
		return;
	case LT_CMD_UP:
	case LT_CMD_DOWN:
		return move(app, cmd == LT_CMD_UP ? -1 : 1);
	case LT_CMD_PAGE_UP:
	case LT_CMD_HOME:
		return move(app, -LT_COL_MAX);
	case LT_CMD_PAGE_DOWN:
	case LT_CMD_END:
		return move(app, LT_COL_MAX);
	default:
		if (key->type == LT_KEY_CLICK)
			click(app, key);
	}
}

const struct lt_view lt_view_sort = {
	.name = "sort",
	.where = LT_IN_SORT,
	.draw = draw,
	.command = command,
};
