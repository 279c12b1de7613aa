/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The terminal: the only part that knows curses. It takes the terminal, puts a canvas on it, reads
 * keys and the mouse, and gives the terminal back on every way out, crashes included.
 */
#ifndef LOOPTOP_UI_TERM_H
#define LOOPTOP_UI_TERM_H

#include "ui/canvas.h"
#include "ui/keys.h"
#include "ui/theme.h"

struct lt_term;

/* NULL with errno set, and the error logged. Only one at a time: it holds the process' signals. */
struct lt_term *lt_term__new(enum lt_theme theme);
void lt_term__free(struct lt_term *term);

/* True if the terminal's encoding is UTF-8. */
bool lt_term__utf8(const struct lt_term *term);

/* Readable when there is a key, a new size, or the program has been continued. */
int lt_term__fd(const struct lt_term *term);

void lt_term__size(const struct lt_term *term, int *ret_width, int *ret_height);

/* Puts the canvas on the screen. */
void lt_term__draw(struct lt_term *term, const struct lt_canvas *canvas);

enum lt_term_event {
	LT_TERM_NOTHING,
	LT_TERM_KEY,
	LT_TERM_RESIZED,
	LT_TERM_CLOSED
};

/* The next event, without waiting; ret_key is written for LT_TERM_KEY only. */
enum lt_term_event lt_term__next(struct lt_term *term, struct lt_key *ret_key);

#endif
