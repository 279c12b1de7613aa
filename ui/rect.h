/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A rectangle of cells. */
#ifndef LOOPTOP_UI_RECT_H
#define LOOPTOP_UI_RECT_H

#include <stdbool.h>

struct lt_rect {
	int x, y, w, h;
};

static inline bool lt_rect_empty(struct lt_rect r)
{
	return r.w <= 0 || r.h <= 0;
}

static inline bool lt_rect_has(struct lt_rect r, int x, int y)
{
	return x >= r.x && y >= r.y && x < r.x + r.w && y < r.y + r.h;
}

static inline struct lt_rect lt_rect_intersect(struct lt_rect a, struct lt_rect b)
{
	int x = a.x > b.x ? a.x : b.x, y = a.y > b.y ? a.y : b.y;
	int right = a.x + a.w < b.x + b.w ? a.x + a.w : b.x + b.w;
	int bottom = a.y + a.h < b.y + b.h ? a.y + a.h : b.y + b.h;

	return (struct lt_rect){ x, y, right > x ? right - x : 0, bottom > y ? bottom - y : 0 };
}

#endif
