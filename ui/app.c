/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* State and commands. What a key means is in keys.c, what a view does with a command in its file. */
#include "ui/app.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

static const char *const tiers[] = { "auto", "memory", "wait", "phases", "full" };
#define N_TIERS (sizeof(tiers) / sizeof(tiers[0]))

static const double intervals[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60 };
#define LONGEST_INTERVAL 120.0 /* seconds; with some reserve */
#define N_INTERVALS	 (sizeof(intervals) / sizeof(intervals[0]))

int lt_app__init(struct lt_app *app, const struct lt_ui_opts *opts)
{
	*app = (struct lt_app){
		.view = &lt_view_main,
		.interval_seconds = opts->interval_seconds > 0 ? opts->interval_seconds : 1,
		.version = opts->version,
	};
	lt_table__init(&app->table);
	for (size_t i = 0; opts->tier && i < N_TIERS; i++)
		if (strcmp(tiers[i], opts->tier) == 0)
			app->tier = i;
	app->history = lt_history__new();
	return app->history ? 0 : -ENOMEM;
}

void lt_app__free(struct lt_app *app)
{
	lt_keep__free(&app->keep);
	lt_history__free(app->history);
	lt_table__free(&app->table);
}

const char *lt_app__tier(const struct lt_app *app)
{
	return tiers[app->tier];
}

int lt_app__looks_at(const struct lt_app *app)
{
	if (app->view != &lt_view_main)
		return app->open.pid;
	return app->table.chosen ? app->table.selected_id.pid : 0;
}

int lt_app__opened(const struct lt_app *app)
{
	return app->view != &lt_view_main ? app->open.pid : 0;
}

void lt_app__message(struct lt_app *app, const char *text)
{
	lt_fmt_text(app->message, sizeof(app->message), text);
	app->message_time = app->keep.time;
}

void lt_app__resort(struct lt_app *app)
{
	if (lt_table__rebuild(&app->table, &app->keep, lt_history__stalls(app->history)))
		lt_app__message(app, "out of memory: the list is not complete");
}

/* The end of the stalls that run, if it is near: no figure from a target moves the clock. */
static double latest_moment(const struct lt_snapshot *snapshot, double time)
{
	for (size_t i = 0; i < snapshot->n_processes; i++)
		for (size_t j = 0; j < snapshot->processes[i].n_loops; j++) {
			const struct lt_loop *loop = &snapshot->processes[i].loops[j];

			for (size_t k = 0; k < loop->n_stalls; k++) {
				double end = loop->stalls[k].start_time + loop->stalls[k].seconds;

				if (loop->stalls[k].ongoing && end > time &&
				    end < snapshot->time + LONGEST_INTERVAL)
					time = end;
			}
		}
	return time;
}

/* A snapshot that comes again has its stalls as they are now: they tell how late it is. */
static struct lt_snapshot as_of_now(struct lt_app *app, const struct lt_snapshot *snapshot)
{
	struct lt_snapshot now = *snapshot;

	if (snapshot->sequence == app->sequence)
		now.time = latest_moment(snapshot, app->time);
	app->sequence = now.sequence;
	app->time = now.time;
	return now;
}

bool lt_app__update(struct lt_app *app, const struct lt_snapshot *snapshot)
{
	struct lt_snapshot now = as_of_now(app, snapshot);
	int err = lt_history__update(app->history, &now, &app->keep);

	if (app->paused)
		return false;
	if (!err)
		err = lt_keep__update(&app->keep, &now);
	if (err)
		lt_app__message(app, "out of memory: the screen is not complete");
	/* A message that came before the first snapshot has its time from now on. */
	if (app->message_time <= 0)
		app->message_time = now.time;
	if (fabs(now.time - app->message_time) > LT_APP_MESSAGE_SECONDS)
		app->message[0] = '\0';
	app->open_known = lt_keep__find(&app->keep, app->open.pid, app->open.start_time);
	lt_app__resort(app);
	return true;
}

void lt_app__open(struct lt_app *app, const struct lt_row *row)
{
	if (!row)
		return;
	app->open = row->id;
	app->open_known = true;
	app->scroll = 0;
	app->view = &lt_view_process;
}

/* The next longer or shorter of the usual intervals. */
static enum lt_ui_action step_interval(struct lt_app *app, bool longer)
{
	double now = app->interval_seconds;

	for (size_t i = 0; i < N_INTERVALS; i++) {
		double step = intervals[longer ? i : N_INTERVALS - 1 - i];

		if (longer ? step > now * 1.0001 : step < now * 0.9999) {
			app->interval_seconds = step;
			return LT_UI_INTERVAL_CHANGED;
		}
	}
	return LT_UI_NONE;
}

/* Removes the last character, which may be of several bytes. */
static void chop(char *text)
{
	size_t n = strlen(text);

	while (n && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	if (n)
		text[n - 1] = '\0';
}

/* While the filter is being typed. Keys that move go on to the list; false: not for the filter. */
static bool filter_key(struct lt_app *app, const struct lt_key *key)
{
	char *filter = app->table.filter;

	switch (key->type) {
	case LT_KEY_CHAR:
		if (strlen(filter) + strlen(key->text) < LT_FILTER_SIZE)
			strcat(filter, key->text);
		break;
	case LT_KEY_BACKSPACE:
		if (!*filter)
			app->filtering = false;
		chop(filter);
		break;
	case LT_KEY_ESC:
		*filter = '\0';
		app->filtering = false;
		break;
	case LT_KEY_ENTER:
		app->filtering = false;
		break;
	default:
		return false;
	}
	lt_app__resort(app);
	return true;
}

static void help(struct lt_app *app)
{
	app->popup = &lt_view_help;
	app->popup_scroll = 0;
}

enum lt_ui_action lt_app__key(struct lt_app *app, const struct lt_key *key)
{
	const struct lt_view *view = app->popup ? app->popup : app->view;
	enum lt_command command;

	if (app->filtering && filter_key(app, key))
		return LT_UI_NONE;
	if (key->type == LT_KEY_NONE)
		return LT_UI_NONE;
	app->message[0] = '\0';
	command = lt_command_of(key, view->where);
	switch (command) {
	case LT_CMD_QUIT:
		return LT_UI_QUIT;
	case LT_CMD_HELP:
		help(app);
		return LT_UI_NONE;
	case LT_CMD_PAUSE:
		app->paused = !app->paused;
		return LT_UI_NONE;
	case LT_CMD_SLOWER:
	case LT_CMD_FASTER:
		return step_interval(app, command == LT_CMD_SLOWER);
	case LT_CMD_TIER:
		app->tier = (app->tier + 1) % N_TIERS;
		return LT_UI_TIER;
	default:
		view->command(app, command, key);
		return LT_UI_NONE;
	}
}

void lt_app__draw(struct lt_app *app, struct lt_canvas *canvas)
{
	app->width = lt_canvas__width(canvas);
	app->height = lt_canvas__height(canvas);
	lt_canvas__clear(canvas);
	app->view->draw(app, canvas);
	if (app->popup)
		app->popup->draw(app, canvas);
}
