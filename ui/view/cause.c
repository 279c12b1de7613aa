/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Why a loop is busy: its busy time by cause, as a bar and in figures. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define FIGURE	   6 /* columns of a share; the first is nearly always free */
#define LABEL	   8 /* columns of the label at the left */
#define FULL_WIDTH 106 /* from here on all of them have their full names in one line */
#define N_CAUSES   LT_SNAP_CAUSES

/* As people say it, and shorter; the descriptor table's names are for scripts. */
static const struct {
	const char *name, *title, *brief;
} titles[] = {
	{ "sync_io", "sync I/O", "I/O" },
	{ "runqueue", "run queue", "queue" },
	{ "throttled", "throttled", "quota" },
	{ "unknown", "unknown", "" }, /* its sign is a question mark */
};

static const char *title_of(int cause, bool brief)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i].name, lt_cause_names[cause]) == 0)
			return brief ? titles[i].brief : titles[i].title;
	return lt_cause_names[cause];
}

const char *lt_cause_title(int cause)
{
	return title_of(cause, false);
}

const char *lt_stall_cause(const struct lt_stall *stall)
{
	int cause = (int)stall->cause;

	if (cause < 0 || cause >= N_CAUSES || cause == LT_CAUSE_UNKNOWN ||
	    !(stall->cause_seconds[cause] > 0))
		return NULL;
	return lt_cause_title(cause);
}

/* Shares of the observed time, so that they add up to "busy"; what is in no cause is unknown. False:
 * none is known. */
static bool cause_shares(const struct lt_loop *loop, double shares[N_CAUSES])
{
	double all = loop->busy_seconds + loop->idle_seconds, rest = loop->busy_seconds / all;
	bool any = false;

	if (!(all > 0))
		return false;
	for (int i = 0; i < N_CAUSES; i++) {
		shares[i] = loop->cause_seconds[i] / all;
		any |= lt_known(shares[i]);
		rest -= lt_known(shares[i]) ? shares[i] : 0;
	}
	if (rest > 0.005)
		shares[LT_CAUSE_UNKNOWN] =
			lt_known(shares[LT_CAUSE_UNKNOWN]) ? shares[LT_CAUSE_UNKNOWN] + rest : rest;
	return any;
}

/* Walks over the places of the legend's entries, which depend on the width only. */
struct legend {
	struct lt_rect r;
	bool brief;
	int x, line;
};

static struct legend legend_of(struct lt_rect r)
{
	return (struct legend){ r, r.w < FULL_WIDTH, LABEL, 0 };
}

/* The width of an entry, "█ cpu 100 %" or "█ cpu <0.1%". Moves on to the next line if this one has no
 * room for it. */
static int legend_entry(struct legend *legend, int cause)
{
	int name = (int)strlen(title_of(cause, legend->brief));
	int width = 2 + name + !legend->brief + FIGURE;

	if (legend->x + width > legend->r.w && legend->x > LABEL) {
		legend->x = LABEL;
		legend->line++;
	}
	return width;
}

int lt_cause_lines(const struct lt_loop *loop, int width)
{
	struct legend legend = legend_of((struct lt_rect){ 0, 0, width, 1 });
	double shares[N_CAUSES];

	if (!loop || !cause_shares(loop, shares))
		return 0;
	for (int i = 0; i < N_CAUSES; i++)
		legend.x += legend_entry(&legend, i) + 1;
	return legend.line + 1;
}

static uint8_t cause_style(int cause, const struct lt_loop *loop)
{
	return cause == LT_CAUSE_UNKNOWN ? LT_STYLE_DIM
					 : (uint8_t)lt_severity_busy(loop->utilization);
}

static void draw_legend(struct lt_canvas *canvas, struct lt_rect r, const double *shares,
			const struct lt_loop *loop)
{
	struct legend legend = legend_of(r);

	for (int i = 0; i < N_CAUSES; i++) {
		int width = legend_entry(&legend, i), x = r.x + legend.x, y = r.y + legend.line;
		const char *name = title_of(i, legend.brief);
		char figure[16];

		lt_canvas__text(canvas, x, y, cause_style(i, loop),
				lt_canvas__glyphs(canvas)->cause[i]);
		lt_canvas__text(canvas, x + 2, y, 0, name);
		lt_fmt_ratio(figure, sizeof(figure), shares[i]);
		lt_canvas__right(canvas, x + width - FIGURE, y, FIGURE,
				 lt_known(shares[i]) ? 0 : LT_STYLE_DIM, figure);
		legend.x += width + 1;
	}
}

static void draw_bar(struct lt_canvas *canvas, struct lt_rect r, const double *shares,
		     const struct lt_loop *loop)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	struct lt_segment segments[N_CAUSES + 1];
	double rest = 1;

	for (int i = 0; i < N_CAUSES; i++) {
		segments[i] =
			(struct lt_segment){ shares[i], glyphs->cause[i], cause_style(i, loop) };
		rest -= shares[i] > 0 ? shares[i] : 0;
	}
	segments[N_CAUSES] = (struct lt_segment){ rest, glyphs->track, LT_STYLE_DIM };
	lt_widget_stack(canvas, r.x + LABEL, r.y, r.w - LABEL - 1, segments, N_CAUSES + 1);
}

void lt_draw_causes(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop,
		    bool bar)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	double shares[N_CAUSES];

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "why");
	if (!cause_shares(loop, shares)) {
		lt_canvas__text(canvas, r.x + LABEL, r.y, LT_STYLE_DIM, "-");
	} else {
		if (bar)
			draw_bar(canvas, r, shares, loop);
		draw_legend(canvas, (struct lt_rect){ r.x, r.y + bar, r.w, r.h - bar }, shares,
			    loop);
	}
	lt_canvas__unclip(canvas, before);
}
