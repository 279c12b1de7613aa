/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Help: what the columns, the signs and the keys mean, all of it from the tables. Scrolls. */
#include <stdio.h>
#include <string.h>

#include "ui/view/view.h"

/* Writes lines into a window that may begin above and end below what is shown. */
struct page {
	struct lt_canvas *canvas;
	struct lt_rect r;
	int y;
};

static void line(struct page *page, uint8_t style, const char *label, int indent, const char *text)
{
	const char *word = text;
	int x = page->r.x + indent, end = page->r.x + page->r.w;

	lt_canvas__text(page->canvas, page->r.x + 1, page->y, LT_STYLE_BOLD, label);
	/* Words wrap under the first. */
	while (*word) {
		size_t n = strcspn(word, " ");
		char one[96];
		int width;

		snprintf(one, sizeof(one), "%.*s", (int)n, word);
		width = lt_canvas__measure(page->canvas, one);
		if (x + width > end && x > page->r.x + indent) {
			x = page->r.x + indent;
			page->y++;
		}
		lt_canvas__text(page->canvas, x, page->y, style, one);
		x += width + 1;
		word += n;
		word += strspn(word, " ");
	}
	page->y++;
}

static void title(struct page *page, const char *text)
{
	page->y++;
	lt_draw_rule(page->canvas, (struct lt_rect){ page->r.x, page->y, page->r.w, 1 }, text);
	page->y++;
}

static void signs(struct page *page)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(page->canvas);
	char label[32];

	title(page, "signs");
	line(page, 0, "-", 12, "not known: the process view says why");
	line(page, 0, glyphs->not_applicable, 12, "does not apply here");
	snprintf(label, sizeof(label), "%s blocked", glyphs->warning);
	line(page, 0, label, 12,
	     "this loop has not looked for new work for so long, and still has not");
	line(page, 0, "POOL a/b +n", 14, "a of b pool threads are busy, n tasks wait for one");
	line(page, 0, "cost", 12,
	     "what the probes cost all processes together, as a share of one core");
	line(page, 0, "lost", 12,
	     "what could not be counted since looptop started, by cause; figures miss exactly this");
	for (int i = 0; i < LT_SNAP_LOST; i++)
		line(page, LT_STYLE_DIM, "", 12, lt_lost_help[i]);
}

static void causes(struct page *page)
{
	static const char *const help[LT_SNAP_CAUSES] = {
		[LT_CAUSE_CPU] =
			"it ran: JavaScript, or native code under it; its stack says which",
		[LT_CAUSE_GC] = "garbage collection",
		[LT_CAUSE_SYNC_IO] = "asleep in a system call in the middle of a turn",
		[LT_CAUSE_RUNQUEUE] = "it wanted a CPU and had none: others ran",
		[LT_CAUSE_THROTTLED] = "held by the CPU limit of its container",
		[LT_CAUSE_UNKNOWN] = "in none of these, or not measured",
	};
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(page->canvas);

	title(page, "why a loop is busy");
	for (int i = 0; i < LT_SNAP_CAUSES; i++) {
		char label[32];

		snprintf(label, sizeof(label), "%s %s", glyphs->cause[i], lt_cause_title(i));
		line(page, 0, label, 14, help[i]);
	}
}

static void stalls(struct page *page)
{
	title(page, "stalls");
	line(page, 0, ">1.3s", 14, "at least: it goes on, or its end was not seen");
	line(page, 0, "blocks", 14,
	     "the function of yours that most of its stacks were in, and the share of them");
	line(page, 0, "below", 14,
	     "what this function had called: JSON.parse, a regular expression");
	line(page, 0, "a.ts (b.js)", 14,
	     "a source map tells where it was written, and where it runs");
	line(page, 0, "-", 14, "no stack told a function of yours");
}

static int draw_page(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect window,
		     int scroll)
{
	struct page page = { canvas, { 0, 0, app->width - 1, app->height }, -scroll };
	struct lt_rect before = lt_canvas__clip(canvas, window);

	lt_canvas__fill(canvas, window, 0, " ");
	line(&page, 0, "", 1,
	     "looptop shows how long new work waits for each event loop, and why. The worst is first.");
	title(&page, "keys");
	for (size_t i = 0; i < lt_n_bindings; i++)
		if (lt_bindings[i].label && lt_bindings[i].help)
			line(&page, 0, lt_bindings[i].label, 12, lt_bindings[i].help);
	title(&page, "columns");
	for (int i = 0; i < LT_COL_MAX; i++)
		line(&page, 0, i == LT_COL_NAME ? "PROCESS" : lt_columns[i].title, 12,
		     lt_column_help((enum lt_column_id)i));
	signs(&page);
	causes(&page);
	stalls(&page);
	lt_canvas__unclip(canvas, before);
	return page.y + scroll;
}

static void draw(struct lt_app *app, struct lt_canvas *canvas)
{
	struct lt_rect screen = { 0, 0, app->width, app->height };
	struct lt_rect window = { 0, 0, app->width, app->height - (app->height > 2) };
	int most, y = app->height - 1;

	lt_canvas__fill(canvas, screen, 0, " ");
	most = draw_page(app, canvas, window, app->popup_scroll) - window.h;
	if (app->popup_scroll > most && app->popup_scroll > 0) {
		app->popup_scroll = most > 0 ? most : 0;
		draw_page(app, canvas, window, app->popup_scroll);
	}
	if (window.h == app->height)
		return;
	lt_canvas__text(canvas, 1, y, LT_STYLE_BOLD, "Esc");
	lt_canvas__text(canvas, 5, y, LT_STYLE_DIM, "back");
	if (app->popup_scroll < most)
		lt_canvas__text(canvas, 11, y, LT_STYLE_REVERSE, " j: more ");
}

static void command(struct lt_app *app, enum lt_command cmd, const struct lt_key *key)
{
	int page = app->height > 3 ? app->height - 3 : 1;

	(void)key;
	switch (cmd) {
	case LT_CMD_BACK:
		app->popup = NULL;
		return;
	case LT_CMD_UP:
	case LT_CMD_PAGE_UP:
		app->popup_scroll -= cmd == LT_CMD_UP ? 1 : page;
		break;
	case LT_CMD_DOWN:
	case LT_CMD_PAGE_DOWN:
		app->popup_scroll += cmd == LT_CMD_DOWN ? 1 : page;
		break;
	case LT_CMD_HOME:
	case LT_CMD_END:
		app->popup_scroll = cmd == LT_CMD_HOME ? 0 : 10000;
		break;
	default:
		return;
	}
	if (app->popup_scroll < 0)
		app->popup_scroll = 0;
}

const struct lt_view lt_view_help = {
	.name = "help",
	.where = LT_IN_HELP,
	.draw = draw,
	.command = command,
};
