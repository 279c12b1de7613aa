/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A grid of cells in memory. Views draw on it and know no terminal; everything outside the clip
 * rectangle is dropped, so that no view can draw over another or off the screen.
 */
#ifndef LOOPTOP_UI_CANVAS_H
#define LOOPTOP_UI_CANVAS_H

#include <stdint.h>

#include "ui/glyph.h"
#include "ui/rect.h"
#include "ui/theme.h"

#define LT_CANVAS_MAX_WIDTH  1000
#define LT_CANVAS_MAX_HEIGHT 500

struct lt_cell {
	char text[9]; /* one character in UTF-8, with a mark that combines if there is room */
	uint8_t width; /* 1 or 2; 0: the right half of the wide character before it */
	uint8_t style;
};

struct lt_canvas;

/* An empty canvas of 0 × 0; NULL with errno. */
struct lt_canvas *lt_canvas__new(bool ascii);
void lt_canvas__free(struct lt_canvas *canvas);

/* Takes this size (within the bounds above) and clears. 0 or -ENOMEM, with the old size kept. */
int lt_canvas__resize(struct lt_canvas *canvas, int width, int height);
void lt_canvas__clear(struct lt_canvas *canvas);

int lt_canvas__width(const struct lt_canvas *canvas);
int lt_canvas__height(const struct lt_canvas *canvas);
bool lt_canvas__ascii(const struct lt_canvas *canvas);
const struct lt_glyphs *lt_canvas__glyphs(const struct lt_canvas *canvas);

/* The cell at (x, y), which must be inside. */
const struct lt_cell *lt_canvas__cell(const struct lt_canvas *canvas, int x, int y);

/* Narrows drawing to r within the present clip; returns the present one, for lt_canvas__unclip. */
struct lt_rect lt_canvas__clip(struct lt_canvas *canvas, struct lt_rect r);
void lt_canvas__unclip(struct lt_canvas *canvas, struct lt_rect before);

/* Draws text of its own length; returns the columns it takes. What is not printable becomes '?'. */
int lt_canvas__text(struct lt_canvas *canvas, int x, int y, uint8_t style, const char *text);
int lt_canvas__printf(struct lt_canvas *canvas, int x, int y, uint8_t style, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Draws text in exactly `cells` columns: cut with "…", or filled up with spaces at its right. */
void lt_canvas__left(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		     const char *text);
/* As that, with the spaces at its left. */
void lt_canvas__right(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		      const char *text);

/* Columns that the text takes. */
int lt_canvas__measure(const struct lt_canvas *canvas, const char *text);

/* Fills a rectangle with one character. */
void lt_canvas__fill(struct lt_canvas *canvas, struct lt_rect r, uint8_t style, const char *glyph);

/* Adds style bits to what stands in a rectangle. */
void lt_canvas__tint(struct lt_canvas *canvas, struct lt_rect r, uint8_t bits);

#endif
