/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The dashboard without a terminal: what it knows, what keys do to it, what it draws on a canvas.
 * Only ui.c joins it to a terminal; the tests drive it in memory.
 */
#ifndef LOOPTOP_UI_APP_H
#define LOOPTOP_UI_APP_H

#include "ui/canvas.h"
#include "ui/history.h"
#include "ui/keep.h"
#include "ui/keys.h"
#include "ui/table.h"
#include "ui/ui.h"
#include "ui/widget/widget.h"

#define LT_APP_MESSAGE_SECONDS 10.0

struct lt_view;

struct lt_app {
	struct lt_keep keep; /* what the screen shows */
	struct lt_history *history;
	uint64_t sequence; /* of the latest snapshot, also while the screen is paused */
	double time; /* how far it tells */
	struct lt_table table;
	const struct lt_view *view; /* the main list, or one process */
	const struct lt_view *popup; /* over it: help, sort menu; or NULL */
	bool filtering; /* keys go to the filter */
	bool paused;
	double interval_seconds;
	size_t tier; /* index of its name */
	enum lt_strip_of strip;
	const char *version;
	char message[256];
	double message_time; /* of the snapshot at which it came */
	struct lt_loop_id open; /* the process and loop that are open */
	bool open_known; /* the process was in the latest snapshot drawn */
	struct {
		bool chosen; /* somebody chose a stall: the cursor stays on it */
		uint64_t number, expanded; /* the chosen one; the open one, 0: none */
		int line; /* of what is open under the chosen one; 0: the stall's own */
		int top; /* the first line on screen */
	} stalls; /* the list of the open process' stalls */
	int scroll, popup_scroll; /* lines of the process view, of the popup */
	size_t sort_choice; /* in the sort menu */
	int width, height; /* of the latest screen drawn */
};

/* 0 or -ENOMEM, -EINVAL. opts is borrowed for the life of the app. */
int lt_app__init(struct lt_app *app, const struct lt_ui_opts *opts);
void lt_app__free(struct lt_app *app);

/* Takes over a snapshot, or what has changed in the latest one; true if the screen must be drawn anew. */
bool lt_app__update(struct lt_app *app, const struct lt_snapshot *snapshot);
enum lt_ui_action lt_app__key(struct lt_app *app, const struct lt_key *key);
void lt_app__message(struct lt_app *app, const char *text);

/* Draws the whole screen. */
void lt_app__draw(struct lt_app *app, struct lt_canvas *canvas);

/* The pid of the process that is open, or that somebody has selected; 0: none. */
int lt_app__looks_at(const struct lt_app *app);

/* The pid of the process that is open; 0: none. */
int lt_app__opened(const struct lt_app *app);

/* For the views. */
const char *lt_app__tier(const struct lt_app *app);
void lt_app__open(struct lt_app *app, const struct lt_row *row);
void lt_app__resort(struct lt_app *app);

#endif
