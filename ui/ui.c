/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Joins the dashboard (app.c) to the terminal (term.c). */
#include "ui/ui.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "looptop/err.h"
#include "ui/app.h"
#include "ui/rescue.h"
#include "ui/term.h"

struct lt_ui {
	struct lt_term *term;
	struct lt_canvas *canvas;
	struct lt_app app;
};

static int find_theme(const struct lt_ui_opts *opts)
{
	const char *no_colour = getenv("NO_COLOR");
	int theme = lt_theme_find(opts->theme ? opts->theme : "default");

	if (theme < 0)
		return lt_err(-EINVAL,
			      "dashboard: no theme is called '%s': there are default and mono",
			      opts->theme);
	return opts->no_colour || (no_colour && *no_colour) ? LT_THEME_MONO : theme;
}

static void draw(struct lt_ui *ui)
{
	int width, height;

	lt_term__size(ui->term, &width, &height);
	if (lt_canvas__resize(ui->canvas, width, height))
		return;
	lt_app__draw(&ui->app, ui->canvas);
	lt_term__draw(ui->term, ui->canvas);
}

struct lt_ui *lt_ui__new(const struct lt_ui_opts *opts)
{
	struct lt_ui *ui = calloc(1, sizeof(*ui));
	int err, theme;

	if (!ui)
		return NULL;
	theme = find_theme(opts);
	err = theme < 0 ? theme : lt_app__init(&ui->app, opts);
	if (err)
		goto out;
	ui->term = lt_term__new((enum lt_theme)theme);
	if (!ui->term) {
		err = -errno;
		goto out;
	}
	ui->canvas = lt_canvas__new(opts->ascii || !lt_term__utf8(ui->term));
	if (!ui->canvas) {
		err = -ENOMEM;
		goto out;
	}
	draw(ui);
	return ui;
out:
	lt_ui__free(ui);
	errno = -err;
	return NULL;
}

void lt_ui__give_terminal_back(void)
{
	lt_rescue_now();
}

void lt_ui__free(struct lt_ui *ui)
{
	if (!ui)
		return;
	lt_term__free(ui->term);
	lt_canvas__free(ui->canvas);
	lt_app__free(&ui->app);
	free(ui);
}

int lt_ui__fd(const struct lt_ui *ui)
{
	return lt_term__fd(ui->term);
}

void lt_ui__update(struct lt_ui *ui, const struct lt_snapshot *snapshot)
{
	if (lt_app__update(&ui->app, snapshot))
		draw(ui);
}

enum lt_ui_action lt_ui__input(struct lt_ui *ui)
{
	enum lt_ui_action action = LT_UI_NONE;
	bool any = false;
	struct lt_key key;

	while (action == LT_UI_NONE) {
		enum lt_term_event event = lt_term__next(ui->term, &key);

		if (event == LT_TERM_NOTHING)
			break;
		any = true;
		if (event == LT_TERM_CLOSED)
			return LT_UI_QUIT;
		if (event == LT_TERM_KEY)
			action = lt_app__key(&ui->app, &key);
	}
	if (any)
		draw(ui);
	return action;
}

double lt_ui__interval(const struct lt_ui *ui)
{
	return ui->app.interval_seconds;
}

const char *lt_ui__tier(const struct lt_ui *ui)
{
	return lt_app__tier(&ui->app);
}

int lt_ui__looks_at(const struct lt_ui *ui)
{
	return lt_app__looks_at(&ui->app);
}

int lt_ui__opened(const struct lt_ui *ui)
{
	return lt_app__opened(&ui->app);
}

void lt_ui__message(struct lt_ui *ui, const char *text)
{
	lt_app__message(&ui->app, text);
	draw(ui);
}
