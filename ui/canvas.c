/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The grid of cells. Characters are measured by agent/util/fmt, never by the locale. */
#include "ui/canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"

struct lt_canvas {
	int width, height;
	bool ascii;
	struct lt_rect clip;
	struct lt_cell *cells;
};

static const struct lt_cell blank = { " ", 1, 0 };

struct lt_canvas *lt_canvas__new(bool ascii)
{
	struct lt_canvas *canvas = calloc(1, sizeof(*canvas));

	if (canvas)
		canvas->ascii = ascii;
	return canvas;
}

void lt_canvas__free(struct lt_canvas *canvas)
{
	if (!canvas)
		return;
	free(canvas->cells);
	free(canvas);
}

static int clamp(int value, int least, int most)
{
	return value < least ? least : value > most ? most : value;
}

int lt_canvas__resize(struct lt_canvas *canvas, int width, int height)
{
	struct lt_cell *cells;

	width = clamp(width, 0, LT_CANVAS_MAX_WIDTH);
	height = clamp(height, 0, LT_CANVAS_MAX_HEIGHT);
	if (!canvas->cells || width != canvas->width || height != canvas->height) {
		cells = malloc(((size_t)width * (size_t)height + 1) * sizeof(*cells));
		if (!cells)
			return -ENOMEM;
		free(canvas->cells);
		canvas->cells = cells;
		canvas->width = width;
		canvas->height = height;
	}
	lt_canvas__clear(canvas);
	return 0;
}

void lt_canvas__clear(struct lt_canvas *canvas)
{
	canvas->clip = (struct lt_rect){ 0, 0, canvas->width, canvas->height };
	for (int i = 0; i < canvas->width * canvas->height; i++)
		canvas->cells[i] = blank;
}

int lt_canvas__width(const struct lt_canvas *canvas)
{
	return canvas->width;
}

int lt_canvas__height(const struct lt_canvas *canvas)
{
	return canvas->height;
}

bool lt_canvas__ascii(const struct lt_canvas *canvas)
{
	return canvas->ascii;
}

const struct lt_glyphs *lt_canvas__glyphs(const struct lt_canvas *canvas)
{
	return lt_glyphs_for(canvas->ascii);
}

static struct lt_cell *cell_at(struct lt_canvas *canvas, int x, int y)
{
	return &canvas->cells[y * canvas->width + x];
}

const struct lt_cell *lt_canvas__cell(const struct lt_canvas *canvas, int x, int y)
{
	return &canvas->cells[y * canvas->width + x];
}

struct lt_rect lt_canvas__clip(struct lt_canvas *canvas, struct lt_rect r)
{
	struct lt_rect before = canvas->clip;

	canvas->clip = lt_rect_intersect(before, r);
	return before;
}

void lt_canvas__unclip(struct lt_canvas *canvas, struct lt_rect before)
{
	canvas->clip = before;
}

/* One character of a text, as it will stand in a cell. */
struct piece {
	char text[8];
	int width; /* 0: combines with the one before */
	size_t bytes; /* of the source */
};

static size_t sequence_length(const char *s)
{
	unsigned char lead = (unsigned char)*s;
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2, n = 1;

	while (n < want && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* lt_fmt_cell knows what is printable and how wide: two cells hold any one character, and the
 * spaces that it fills up with tell the width. */
static struct piece next_piece(const char *s, bool ascii)
{
	struct piece piece = { .text = "?", .width = 1, .bytes = 1 };
	char one[5], cell[16];
	size_t length;

	if ((unsigned char)*s < 0x80) {
		if (*s >= ' ' && *s != 0x7f)
			piece.text[0] = *s;
		return piece;
	}
	piece.bytes = sequence_length(s);
	memcpy(one, s, piece.bytes);
	one[piece.bytes] = '\0';
	lt_fmt_cell(cell, sizeof(cell), one, 2, ascii);
	if (cell[0] == '?')
		return piece;
	length = strlen(cell);
	piece.width = 2;
	while (length && piece.width && cell[length - 1] == ' ') {
		length--;
		piece.width--;
	}
	memcpy(piece.text, cell, length);
	piece.text[length] = '\0';
	return piece;
}

/* Half of a wide character that is drawn over leaves a space. */
static void split_wide(struct lt_canvas *canvas, int x, int y)
{
	struct lt_cell *cell = cell_at(canvas, x, y);

	if (cell->width == 0 && x > 0) {
		memcpy(cell_at(canvas, x - 1, y)->text, " ", 2);
		cell_at(canvas, x - 1, y)->width = 1;
	}
	if (cell->width == 2 && x + 1 < canvas->width) {
		memcpy(cell_at(canvas, x + 1, y)->text, " ", 2);
		cell_at(canvas, x + 1, y)->width = 1;
	}
}

static void put(struct lt_canvas *canvas, int x, int y, uint8_t style, const struct piece *piece)
{
	struct lt_cell *cell;

	for (int i = 0; i < piece->width; i++)
		if (!lt_rect_has(canvas->clip, x + i, y)) {
			/* A wide character that is cut in half becomes spaces. */
			if (piece->width == 2 && lt_rect_has(canvas->clip, x + 1 - i, y))
				put(canvas, x + 1 - i, y, style,
				    &(struct piece){ .text = " ", .width = 1 });
			return;
		}
	split_wide(canvas, x, y);
	cell = cell_at(canvas, x, y);
	snprintf(cell->text, sizeof(cell->text), "%s", piece->text);
	cell->width = (uint8_t)piece->width;
	cell->style = style;
	if (piece->width == 2) {
		split_wide(canvas, x + 1, y);
		*cell_at(canvas, x + 1, y) = (struct lt_cell){ "", 0, style };
	}
}

static void combine(struct lt_canvas *canvas, int x, int y, const struct piece *piece)
{
	struct lt_cell *cell;
	size_t used;

	if (!lt_rect_has(canvas->clip, x, y))
		return;
	cell = cell_at(canvas, x, y);
	used = strlen(cell->text);
	if (used && used + strlen(piece->text) < sizeof(cell->text))
		strcpy(cell->text + used, piece->text);
}

int lt_canvas__text(struct lt_canvas *canvas, int x, int y, uint8_t style, const char *text)
{
	int start = x, last = -1;

	while (*text) {
		struct piece piece = next_piece(text, canvas->ascii);

		if (piece.width) {
			put(canvas, x, y, style, &piece);
			last = x;
		} else if (last >= 0) {
			combine(canvas, last, y, &piece);
		}
		x += piece.width;
		text += piece.bytes;
	}
	return x - start;
}

int lt_canvas__printf(struct lt_canvas *canvas, int x, int y, uint8_t style, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return lt_canvas__text(canvas, x, y, style, text);
}

int lt_canvas__measure(const struct lt_canvas *canvas, const char *text)
{
	int width = 0;

	while (*text) {
		struct piece piece = next_piece(text, canvas->ascii);

		width += piece.width;
		text += piece.bytes;
	}
	return width;
}

void lt_canvas__left(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		     const char *text)
{
	char buf[4 * LT_CANVAS_MAX_WIDTH + 5];

	if (cells <= 0)
		return;
	lt_fmt_cell(buf, sizeof(buf), text, clamp(cells, 0, LT_CANVAS_MAX_WIDTH), canvas->ascii);
	lt_canvas__text(canvas, x, y, style, buf);
}

void lt_canvas__right(struct lt_canvas *canvas, int x, int y, int cells, uint8_t style,
		      const char *text)
{
	int width = lt_canvas__measure(canvas, text);

	if (width >= cells) {
		lt_canvas__left(canvas, x, y, cells, style, text);
		return;
	}
	lt_canvas__fill(canvas, (struct lt_rect){ x, y, cells - width, 1 }, style, " ");
	lt_canvas__text(canvas, x + cells - width, y, style, text);
}

void lt_canvas__fill(struct lt_canvas *canvas, struct lt_rect r, uint8_t style, const char *glyph)
{
	struct piece piece = next_piece(*glyph ? glyph : " ", canvas->ascii);

	r = lt_rect_intersect(r, canvas->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			put(canvas, x, y, style, &piece);
}

void lt_canvas__tint(struct lt_canvas *canvas, struct lt_rect r, uint8_t bits)
{
	r = lt_rect_intersect(r, canvas->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			cell_at(canvas, x, y)->style |= bits;
}
