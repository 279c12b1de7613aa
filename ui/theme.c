/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Themes are tables; severities are thresholds. No other file knows a colour or a threshold. */
#include "ui/theme.h"

#include <math.h>
#include <string.h>

static const char *const names[LT_THEME_MAX] = {
	[LT_THEME_DEFAULT] = "default",
	[LT_THEME_MONO] = "mono",
};

/* Readable on dark and on light backgrounds alike. */
static const int colours_256[LT_SEV_MAX] = { -1, 71, 178, 208, 196 };
static const int colours_16[LT_SEV_MAX] = { -1, 2, 11, 9, 9 };
static const int colours_8[LT_SEV_MAX] = { -1, 2, 3, 1, 1 };

int lt_theme_find(const char *name)
{
	for (int i = 0; i < LT_THEME_MAX; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static struct lt_paint mono(uint8_t style)
{
	enum lt_severity severity = style & LT_STYLE_SEVERITY;

	return (struct lt_paint){
		.foreground = -1,
		.bold = (style & LT_STYLE_BOLD) || severity >= LT_SEV_ATTENTION,
		.dim = (style & LT_STYLE_DIM) && severity < LT_SEV_ATTENTION,
		.underline = (style & LT_STYLE_UNDERLINE) || severity == LT_SEV_BAD,
		.reverse = (style & LT_STYLE_REVERSE) || severity == LT_SEV_CRITICAL,
	};
}

struct lt_paint lt_theme_paint(enum lt_theme theme, int colours, uint8_t style)
{
	enum lt_severity severity = style & LT_STYLE_SEVERITY;
	struct lt_paint paint = {
		.foreground = -1,
		.bold = style & LT_STYLE_BOLD,
		.dim = style & LT_STYLE_DIM,
		.reverse = style & LT_STYLE_REVERSE,
		.underline = style & LT_STYLE_UNDERLINE,
	};

	if (severity >= LT_SEV_MAX)
		severity = LT_SEV_NONE;
	if (theme == LT_THEME_MONO || colours < 8)
		return mono((uint8_t)((style & ~LT_STYLE_SEVERITY) | severity));
	paint.foreground = colours >= 256  ? colours_256[severity]
			   : colours >= 16 ? colours_16[severity]
					   : colours_8[severity];
	paint.bold |= severity == LT_SEV_CRITICAL;
	/* Bad and critical are the same red where there are so few colours. */
	paint.reverse ^= severity == LT_SEV_CRITICAL && colours < 256;
	return paint;
}

/* Unknown is no severity. */
static enum lt_severity grade(double value, double attention, double bad, double critical)
{
	if (isnan(value))
		return LT_SEV_NONE;
	return value >= critical    ? LT_SEV_CRITICAL
	       : value >= bad	    ? LT_SEV_BAD
	       : value >= attention ? LT_SEV_ATTENTION
				    : LT_SEV_OK;
}

enum lt_severity lt_severity_lag(double seconds)
{
	return grade(seconds, 0.02, 0.1, 1);
}

enum lt_severity lt_severity_busy(double ratio)
{
	return grade(ratio, 0.7, 0.9, INFINITY);
}

enum lt_severity lt_severity_stall(double seconds)
{
	return grade(seconds, 0, 0.1, 1);
}

enum lt_severity lt_severity_gc(double ratio)
{
	return grade(ratio, 0.1, 0.25, 0.5);
}

enum lt_severity lt_severity_heap(double ratio)
{
	return grade(ratio, 0.8, 0.9, 0.97);
}

enum lt_severity lt_severity_pool_wait(double seconds)
{
	return grade(seconds, 0.02, 0.1, 1);
}

enum lt_severity lt_severity_saturated(double ratio)
{
	return grade(ratio, 0.1, 0.5, INFINITY);
}

enum lt_severity lt_severity_cost(double ratio)
{
	return grade(ratio, 0.01, 0.05, INFINITY);
}
