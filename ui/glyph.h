/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The characters that the screen is drawn with, for UTF-8 and for ASCII terminals. All are one cell. */
#ifndef LOOPTOP_UI_GLYPH_H
#define LOOPTOP_UI_GLYPH_H

#include <stdbool.h>

#define LT_GLYPH_LEVELS 8
#define LT_GLYPH_SHADES 4

struct lt_glyphs {
	const char *rise[LT_GLYPH_LEVELS + 1]; /* 0: nothing; from the bottom up */
	const char *bar[LT_GLYPH_LEVELS + 1]; /* 0: nothing; from the left */
	const char *shade[LT_GLYPH_SHADES + 1]; /* 0: nothing; ever denser */
	const char *phase[9]; /* of a stacked bar, by phase; the last: unknown */
	const char *cause[6]; /* of a stacked bar, by cause */
	const char *track; /* the rest of a bar */
	const char *horizontal, *vertical;
	const char *corner[4]; /* top left, top right, bottom left, bottom right */
	const char *tree, *tree_last; /* before a child: one that has others below, the last */
	const char *marker; /* the selected row */
	const char *warning;
	const char *descending, *ascending;
	const char *thread_busy, *thread_idle;
	const char *not_applicable;
	const char *separator; /* between words of a header */
	const char *more;
};

const struct lt_glyphs *lt_glyphs_for(bool ascii);

#endif
