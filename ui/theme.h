/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Styles of cells, and what a terminal makes of them. Colour means severity and nothing else; a
 * theme turns a style into colours and attributes for a terminal with 0, 8, 16 or 256 colours.
 */
#ifndef LOOPTOP_UI_THEME_H
#define LOOPTOP_UI_THEME_H

#include <stdbool.h>
#include <stdint.h>

/* OK is for what is drawn (bars, strips): figures that are well stay plain. */
enum lt_severity {
	LT_SEV_NONE,
	LT_SEV_OK,
	LT_SEV_ATTENTION,
	LT_SEV_BAD,
	LT_SEV_CRITICAL,
	LT_SEV_MAX,
};

/* A style is a severity and any of these bits. */
#define LT_STYLE_SEVERITY  0x07
#define LT_STYLE_BOLD	   0x08
#define LT_STYLE_DIM	   0x10
#define LT_STYLE_REVERSE   0x20
#define LT_STYLE_UNDERLINE 0x40

/* What the terminal is told: a colour number or -1 for its own, and attributes. */
struct lt_paint {
	int foreground;
	bool bold, dim, reverse, underline;
};

enum lt_theme {
	LT_THEME_DEFAULT,
	LT_THEME_MONO,
	LT_THEME_MAX
};

/* The theme of this name ("default", "mono"), or -1. */
int lt_theme_find(const char *name);

struct lt_paint lt_theme_paint(enum lt_theme theme, int colours, uint8_t style);

/* What the figures mean, in one place: where attention begins, what is bad, what is critical. */
enum lt_severity lt_severity_lag(double seconds);
enum lt_severity lt_severity_busy(double ratio);
enum lt_severity lt_severity_stall(double seconds);
enum lt_severity lt_severity_gc(double ratio);
enum lt_severity lt_severity_heap(double ratio);
enum lt_severity lt_severity_pool_wait(double seconds);
enum lt_severity lt_severity_saturated(double ratio);
enum lt_severity lt_severity_cost(double ratio);

/* The style of a figure: plain when all is well. */
static inline uint8_t lt_style_figure(enum lt_severity severity)
{
	return severity <= LT_SEV_OK ? 0 : (uint8_t)severity;
}

#endif
