/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Sizes to rectangles. */
#include "ui/layout.h"

#define LEAD	      2 /* the marker of the selected row and a space */
#define NAME_MOST     30
#define STRIP_MOST    60
#define WORST_MOST    64 /* before the strip and the name get what is left */
#define DETAIL_HEIGHT 9

/* What the flexible columns get beyond their least, before those of wide screens get room. */
#define STRIP_MORE 10
#define NAME_MORE  6
#define WORST_MORE 16
#define MORE	   (STRIP_MORE + NAME_MORE + WORST_MORE)

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

/* Takes `h` lines from the top of what is left. */
static struct lt_rect take_top(struct lt_rect *rest, int h)
{
	struct lt_rect r = { rest->x, rest->y, rest->w, least(h, rest->h) };

	rest->y += r.h;
	rest->h -= r.h;
	return r;
}

static struct lt_rect take_bottom(struct lt_rect *rest, int h)
{
	h = least(h, rest->h);
	rest->h -= h;
	return (struct lt_rect){ rest->x, rest->y + rest->h, rest->w, h };
}

struct lt_frame lt_layout_main(int width, int height, size_t n_rows)
{
	struct lt_rect rest = { 0, 0, most(width, 0), most(height, 0) };
	struct lt_frame frame = { 0 };
	int rows = n_rows < 500 ? (int)n_rows : 500, spare, detail = DETAIL_HEIGHT;

	frame.blocker = height >= LT_BLOCKER_LEAST && n_rows;
	rows += frame.blocker;
	/* Wide enough for the causes in one line. */
	detail += width >= LT_CAUSES_WIDTH;
	frame.header = take_top(&rest, height >= 8 ? 2 : height >= 3 ? 1 : 0);
	frame.hint = take_top(&rest, height >= 16 ? 1 : 0);
	frame.heading = take_top(&rest, height >= 5 ? 1 : 0);
	frame.footer = take_bottom(&rest, height >= 6 ? 1 : 0);
	/* The list goes first: the detail takes only lines that it would leave empty. */
	spare = rest.h - most(rows, 3) - 1;
	if (width >= 60 && spare >= detail)
		frame.detail = take_bottom(&rest, spare >= LT_DETAIL_TALLER ? LT_DETAIL_TALLER
						  : spare >= LT_DETAIL_TALL ? LT_DETAIL_TALL
									    : detail);
	frame.body = rest;
	return frame;
}

/* From left to right on screen. */
static const enum lt_column_id order[] = {
	LT_COL_PID,	 LT_COL_NAME,	  LT_COL_BUSY,	LT_COL_STRIP,	  LT_COL_LAG_P50,
	LT_COL_LAG_P99,	 LT_COL_LAG_MAX,  LT_COL_POOL,	LT_COL_POOL_WAIT, LT_COL_GC,	LT_COL_HEAP,
	LT_COL_TURN_P99, LT_COL_LATE_P99, LT_COL_TURNS, LT_COL_CPU,	  LT_COL_RSS,
	LT_COL_COST,	 LT_COL_TIER,	  LT_COL_WORST,
};

/* In this order they get room; the lag p99 is what one comes for. */
static const enum lt_column_id wanted[] = {
	LT_COL_LAG_P99, LT_COL_NAME,	  LT_COL_BUSY,	LT_COL_PID, LT_COL_LAG_MAX, LT_COL_POOL,
	LT_COL_STRIP,	LT_COL_POOL_WAIT, LT_COL_WORST, LT_COL_GC,  LT_COL_HEAP,
};

/* And these when the strip is already a good one. */
static const enum lt_column_id extra[] = {
	LT_COL_LAG_P50,	 LT_COL_CPU,  LT_COL_RSS,  LT_COL_TURN_P99, LT_COL_TURNS,
	LT_COL_LATE_P99, LT_COL_TIER, LT_COL_COST,
};

_Static_assert(sizeof(order) / sizeof(order[0]) == LT_COL_MAX, "every column has its place");
_Static_assert(sizeof(wanted) / sizeof(wanted[0]) + sizeof(extra) / sizeof(extra[0]) == LT_COL_MAX,
	       "every column gets room some time");

/* Chooses columns; widths[id] is 0 for those left out. Returns the columns that are left over. */
static int choose(int width, int widths[LT_COL_MAX])
{
	int room = width - LEAD;

	/* On the narrowest screens the name gives way. */
	widths[LT_COL_LAG_P99] = least(lt_columns[LT_COL_LAG_P99].width, most(room - 1, 0));
	room -= widths[LT_COL_LAG_P99] + 1;
	widths[LT_COL_NAME] = most(least(lt_columns[LT_COL_NAME].width, room - 1), 0);
	room -= widths[LT_COL_NAME] ? widths[LT_COL_NAME] + 1 : 0;
	for (size_t i = 2; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int w = lt_columns[wanted[i]].width;

		if (room < w + 1)
			break;
		widths[wanted[i]] = w;
		room -= w + 1;
	}
	return room;
}

static void share_out(int room, int widths[LT_COL_MAX])
{
	int give, strip, name;

	if (!widths[LT_COL_STRIP]) {
		widths[LT_COL_NAME] += widths[LT_COL_NAME] ? most(room, 0) : 0;
		return;
	}
	give = least(room, MORE);
	strip = give * STRIP_MORE / MORE;
	name = give * NAME_MORE / MORE;
	widths[LT_COL_STRIP] += widths[LT_COL_WORST] ? strip : give - name;
	widths[LT_COL_NAME] += name;
	widths[LT_COL_WORST] += widths[LT_COL_WORST] ? give - strip - name : 0;
	room -= give;
	for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++) {
		int w = lt_columns[extra[i]].width;

		if (room < w + 1)
			break;
		widths[extra[i]] = w;
		room -= w + 1;
	}
	give = least(room, most(WORST_MOST - widths[LT_COL_WORST], 0));
	widths[LT_COL_WORST] += widths[LT_COL_WORST] ? give : 0;
	room -= widths[LT_COL_WORST] ? give : 0;
	give = least(room, most(STRIP_MOST - widths[LT_COL_STRIP], 0));
	widths[LT_COL_STRIP] += give;
	room -= give;
	give = least(room, most(NAME_MOST - widths[LT_COL_NAME], 0));
	widths[LT_COL_NAME] += give;
	widths[LT_COL_WORST] += widths[LT_COL_WORST] ? room - give : 0;
}

struct lt_columns_layout lt_layout_columns(int width)
{
	struct lt_columns_layout layout = { .n = 0 };
	int widths[LT_COL_MAX] = { 0 };
	int x = LEAD;

	if (width < LEAD + 2) {
		layout.places[0] = (struct lt_column_place){ LT_COL_LAG_P99, 0, most(width, 0) };
		layout.n = width > 0;
		return layout;
	}
	share_out(choose(width, widths), widths);
	for (size_t i = 0; i < LT_COL_MAX; i++) {
		if (!widths[order[i]])
			continue;
		layout.places[layout.n++] =
			(struct lt_column_place){ order[i], x, widths[order[i]] };
		x += widths[order[i]] + 1;
	}
	return layout;
}

const struct lt_column_place *lt_columns_find(const struct lt_columns_layout *layout,
					      enum lt_column_id id)
{
	for (int i = 0; i < layout->n; i++)
		if (layout->places[i].id == id)
			return &layout->places[i];
	return NULL;
}

/* Two rectangles side by side, `left` columns for the first and a gap of two; or one under the other. */
static void pair(struct lt_rect *rest, bool wide, int left, int h_a, int h_b, struct lt_rect *a,
		 struct lt_rect *b)
{
	struct lt_rect both;

	if (!wide) {
		*a = take_top(rest, h_a);
		*b = take_top(rest, h_b);
		return;
	}
	both = take_top(rest, most(h_a, h_b));
	*a = (struct lt_rect){ both.x, both.y, left, both.h };
	*b = (struct lt_rect){ both.x + left + 2, both.y, both.w - left - 2, both.h };
}

struct lt_process_layout lt_layout_process(int width, int height,
					   const struct lt_process_content *content)
{
	struct lt_process_layout layout = { 0 };
	/* A roll of paper as long as needed. */
	struct lt_rect rest = { 0, 0, most(width, 0), 100000 };
	bool wide = width >= 76;
	/* On a low screen the causes are told in figures only. */
	int why_h = content->causes + (height >= LT_DETAIL_TALL || !content->causes);
	int loop_h = 4 + most(content->legend, 1) + why_h + content->heap;
	int holds_h = height >= LT_DETAIL_TALL ? content->holds : least(content->holds, 1);
	int pool_h = 4 + content->kinds, gc_h = 1 + content->gcs + 1;
	int missing_h = content->missing ? content->missing + 1 : 0;
	/* What is left beside the parts of fixed height makes the pictures taller, then the stalls. */
	int fixed = loop_h + holds_h + (wide ? most(pool_h, gc_h) : pool_h + gc_h) + missing_h;
	int spare = height - fixed - 1 - most(3, least(content->stalls, 8));
	int picture = spare >= 12 ? 12 : spare >= 7 ? 7 : spare >= 6 ? 6 : 5;
	int stalls = height - fixed - 1 - (wide ? picture : 2 * picture);

	layout.loop = take_top(&rest, loop_h);
	layout.holds = take_top(&rest, holds_h);
	pair(&rest, wide, width - most(32, width / 3) - 2, picture, picture, &layout.heat,
	     &layout.hist);
	pair(&rest, wide, most(41, (width - 2) / 2 - 2), pool_h, gc_h, &layout.pool, &layout.gc);
	stalls = least(most(content->stalls, 1), most(stalls, 5));
	layout.stalls = take_top(&rest, 1 + stalls);
	layout.missing = take_top(&rest, missing_h);
	layout.height = rest.y;
	return layout;
}
