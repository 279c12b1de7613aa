/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The dashboard as the rest of the program sees it: it takes the terminal, gets snapshots and
 * input, and gives the terminal back. The caller polls lt_ui__fd beside its own descriptors.
 */
#ifndef LOOPTOP_UI_UI_H
#define LOOPTOP_UI_UI_H

#include <stdbool.h>

#include "looptop/snapshot.h"

struct lt_ui_opts {
	bool ascii; /* no characters beyond ASCII, whatever the locale says */
	bool no_colour; /* also set by NO_COLOR in the environment */
	const char *theme; /* "default" or "mono"; NULL: default */
	double interval_seconds; /* the interval at the start */
	const char *tier; /* the tier asked for at the start; NULL: "auto" */
	const char *version; /* for the header; may be NULL */
};

enum lt_ui_action {
	LT_UI_NONE,
	LT_UI_QUIT,
	LT_UI_INTERVAL_CHANGED, /* ask lt_ui__interval() */
	LT_UI_TIER, /* ask lt_ui__tier() */
};

struct lt_ui;

/*
 * Takes the terminal and draws a first screen. NULL with errno set, and the error logged: ENOTTY
 * when stdin or stdout is no terminal, EINVAL for an unknown theme or a terminal that terminfo
 * does not know. Handlers are set for SIGWINCH, SIGCONT and for the signals that end the program,
 * and restore the terminal first; SIGINT, SIGTERM, SIGHUP and SIGQUIT are left alone where the
 * caller has its own handler already. Only one at a time.
 */
struct lt_ui *lt_ui__new(const struct lt_ui_opts *opts);

/* Readable when there is input or the size has changed: then call lt_ui__input. */
int lt_ui__fd(const struct lt_ui *ui);

/* Copies what it keeps of the snapshot and draws, unless the screen is paused. Between two intervals
 * the latest snapshot may come again, with what its loops are stalled by now. */
void lt_ui__update(struct lt_ui *ui, const struct lt_snapshot *snapshot);

/* Handles one pending action's worth of input and draws; call again until it returns LT_UI_NONE. */
enum lt_ui_action lt_ui__input(struct lt_ui *ui);

/* The interval in seconds, from 0.1 to 60. */
double lt_ui__interval(const struct lt_ui *ui);

/* "auto", "memory", "wait", "phases" or "full". */
const char *lt_ui__tier(const struct lt_ui *ui);

/* The pid of the process that is open, or that the user has selected; 0: none. */
int lt_ui__looks_at(const struct lt_ui *ui);

/* The pid of the process that is open; 0: none. */
int lt_ui__opened(const struct lt_ui *ui);

/* Shows one line for a while, for instance from the log. */
void lt_ui__message(struct lt_ui *ui, const char *text);

/* Gives the terminal back from a signal handler, for who ends the program there. */
void lt_ui__give_terminal_back(void);

/* Gives the terminal back. Accepts NULL. */
void lt_ui__free(struct lt_ui *ui);

#endif
