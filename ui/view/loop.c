/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One loop: how busy it is, where the time goes, its lag in figures. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define LABEL	 8 /* columns of the labels at the left */
#define FIGURE	 6 /* columns of a share */
#define N_PHASES LT_SNAP_PHASES

/* As people say it; the descriptor table's names are for scripts. */
static const char *phase_title(int phase)
{
	const char *name = lt_phase_names[phase];

	return strcmp(name, "poll_wait") == 0	     ? "waiting"
	       : strcmp(name, "poll_callbacks") == 0 ? "callbacks"
						     : name;
}

static bool waits(int phase)
{
	return phase < N_PHASES && strcmp(lt_phase_names[phase], "poll_wait") == 0;
}

/* The order of bar and legend: waiting last, so that the bar fills from the left as the loop gets
 * busier. N_PHASES is what is in no known phase. */
static void phase_order(int order[N_PHASES + 1])
{
	int n = 0;

	for (int i = 0; i <= N_PHASES; i++)
		if (!waits(i))
			order[n++] = i;
	for (int i = 0; i < N_PHASES; i++)
		if (waits(i))
			order[n++] = i;
}

/* Shares of the observed time by phase; the last is what is in no known phase. False: none is
 * known. */
static bool phase_shares(const struct lt_loop *loop, double shares[N_PHASES + 1])
{
	double all = loop->busy_seconds + loop->idle_seconds, rest = 1;
	bool any = false;

	if (!(all > 0))
		return false;
	for (int i = 0; i < N_PHASES; i++) {
		shares[i] = loop->phase_seconds[i] / all;
		any |= lt_known(shares[i]);
		rest -= lt_known(shares[i]) ? shares[i] : 0;
	}
	shares[N_PHASES] = rest > 0.005 ? rest : NAN;
	return any;
}

/* Where the legend's entries stand, by the width and by which phases are known. */
struct entry {
	int phase, x, line;
};

static const char *entry_title(int phase)
{
	return phase == N_PHASES ? "unknown" : phase_title(phase);
}

/* Returns how many there are. */
static int lay_legend(const double shares[N_PHASES + 1], int width, struct entry *entries)
{
	int order[N_PHASES + 1], n = 0, x = LABEL, line = 0;

	phase_order(order);
	for (int i = 0; i <= N_PHASES; i++) {
		/* "█ callbacks 100 %" */
		int cells = 2 + (int)strlen(entry_title(order[i])) + 1 + FIGURE;

		if (!lt_known(shares[order[i]]))
			continue;
		if (x + cells > width && x > LABEL) {
			x = LABEL;
			line++;
		}
		entries[n++] = (struct entry){ order[i], x, line };
		x += cells + 1;
	}
	return n;
}

int lt_phase_lines(const struct lt_loop *loop, int width)
{
	struct entry entries[N_PHASES + 1];
	double shares[N_PHASES + 1];
	int n = 0;

	if (loop && phase_shares(loop, shares))
		n = lay_legend(shares, width, entries);
	return n && entries[n - 1].line ? 2 : 1;
}

static uint8_t phase_style(int phase, const struct lt_loop *loop)
{
	if (phase == N_PHASES || waits(phase)) /* not the loop's work, or not known */
		return LT_STYLE_DIM;
	return (uint8_t)lt_severity_busy(loop->utilization);
}

static void draw_legend(struct lt_canvas *canvas, struct lt_rect r, const double *shares,
			const struct lt_loop *loop)
{
	struct entry entries[N_PHASES + 1];
	int n = lay_legend(shares, r.w, entries);
	char figure[16];

	for (int i = 0; i < n && entries[i].line < r.h; i++) {
		const char *title = entry_title(entries[i].phase);
		int x = r.x + entries[i].x, y = r.y + entries[i].line;

		lt_canvas__text(canvas, x, y, phase_style(entries[i].phase, loop),
				lt_canvas__glyphs(canvas)->phase[entries[i].phase]);
		lt_canvas__text(canvas, x + 2, y, 0, title);
		lt_fmt_ratio(figure, sizeof(figure), shares[entries[i].phase]);
		lt_canvas__right(canvas, x + 3 + (int)strlen(title), y, FIGURE, 0, figure);
	}
}

void lt_draw_phases(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	struct lt_segment segments[N_PHASES + 1];
	double shares[N_PHASES + 1];
	int order[N_PHASES + 1];

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "where");
	if (!phase_shares(loop, shares)) {
		lt_canvas__text(canvas, r.x + LABEL, r.y, LT_STYLE_DIM, "-");
		lt_canvas__unclip(canvas, before);
		return;
	}
	phase_order(order);
	for (int i = 0; i <= N_PHASES; i++)
		segments[i] = (struct lt_segment){ shares[order[i]],
						   lt_canvas__glyphs(canvas)->phase[order[i]],
						   phase_style(order[i], loop) };
	lt_widget_stack(canvas, r.x + LABEL, r.y, r.w - LABEL - 1, segments, N_PHASES + 1);
	draw_legend(canvas, (struct lt_rect){ r.x, r.y + 1, r.w, r.h - 1 }, shares, loop);
	lt_canvas__unclip(canvas, before);
}

/* Labels and figures one after the other, each figure in a place of fixed width; those that have
 * no room are left out. */
struct figures {
	struct lt_canvas *canvas;
	int x, y, end;
};

static void add_figure(struct figures *at, const char *label, double seconds,
		       enum lt_severity severity)
{
	uint8_t style = lt_known(seconds) ? lt_style_figure(severity) : LT_STYLE_DIM;
	int width = (int)strlen(label) + 8;
	char figure[16];

	if (at->x + width > at->end) {
		at->end = at->x;
		return;
	}
	lt_canvas__text(at->canvas, at->x, at->y, LT_STYLE_DIM, label);
	lt_fmt_seconds(figure, sizeof(figure), seconds);
	lt_canvas__left(at->canvas, at->x + width - 7, at->y, 7, style, figure);
	at->x += width + 1;
}

static void draw_busy(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop,
		      double interval_seconds)
{
	int bar = r.w >= 110 ? r.w / 3 : r.w >= 60 ? 22 : r.w - LABEL - 8;
	int x = r.x + LABEL;
	struct figures figures;
	char figure[16];

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "busy");
	lt_widget_bar(canvas, x, r.y, bar, loop->utilization, lt_severity_busy(loop->utilization));
	x += bar > 0 ? bar + 1 : 0;
	lt_canvas__right(canvas, x, r.y, 6, lt_style_figure(lt_severity_busy(loop->utilization)),
			 lt_fmt_ratio(figure, sizeof(figure), loop->utilization));
	x += 9;
	if (loop->stalled_seconds > 0) {
		lt_fmt_seconds(figure, sizeof(figure), loop->stalled_seconds);
		lt_canvas__printf(canvas, x, r.y,
				  (uint8_t)lt_severity_stall(loop->stalled_seconds) | LT_STYLE_BOLD,
				  "%s blocked %s now", lt_canvas__glyphs(canvas)->warning, figure);
		return;
	}
	figures = (struct figures){ canvas, x, r.y, r.x + r.w };
	add_figure(&figures, "turn p99", loop->turn.p99, LT_SEV_NONE);
	add_figure(&figures, "max", loop->turn.max, LT_SEV_NONE);
	lt_fmt_count(figure, sizeof(figure), loop->turns / interval_seconds);
	if (figures.x + 14 > figures.end)
		return;
	lt_canvas__text(canvas, figures.x, r.y, LT_STYLE_DIM, "turns");
	lt_canvas__printf(canvas, figures.x + 6, r.y, 0, "%s%s", figure,
			  lt_known(loop->turns) ? "/s" : "");
}

static void draw_lag(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	const struct lt_lag *lag = &loop->lag;
	struct figures figures = { canvas, r.x + LABEL, r.y, r.x + r.w };

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "lag");
	add_figure(&figures, "p50", lag->p50, lt_severity_lag(lag->p50));
	add_figure(&figures, "p99", lag->p99, lt_severity_lag(lag->p99));
	add_figure(&figures, "p99.9", lag->p999, lt_severity_lag(lag->p999));
	add_figure(&figures, "max", lag->max, lt_severity_lag(lag->max));
	add_figure(&figures, "timers late p99", loop->timer_lateness.p99, LT_SEV_NONE);
	add_figure(&figures, "p90", lag->p90, lt_severity_lag(lag->p90));
	add_figure(&figures, "mean", lag->mean, lt_severity_lag(lag->mean));
}

/* The process' loops as tabs in the rule. */
static void draw_tabs(struct lt_canvas *canvas, struct lt_rect r, const struct lt_subject *subject)
{
	const struct lt_process *process = subject->process;
	int x = r.x + 2, end = r.x + r.w - 2;
	size_t first = 0;

	lt_draw_rule(canvas, r, "");
	if (subject->named) {
		int width = lt_canvas__measure(canvas, process->name) + 2;

		width = width < r.w / 2 ? width : r.w / 2;
		lt_canvas__text(canvas, x, r.y, 0, " ");
		lt_canvas__left(canvas, x + 1, r.y, width - 1, LT_STYLE_BOLD, process->name);
		x += width + 1;
	}
	/* So that the open one is among those that fit. */
	for (size_t i = 0; i < process->n_loops; i++)
		if (process->loops[i].tid == subject->id.tid && i > 3)
			first = i - 3;
	for (size_t i = first; i < process->n_loops; i++) {
		const struct lt_loop *loop = &process->loops[i];
		bool open = loop->tid == subject->id.tid;
		uint8_t style = open ? LT_STYLE_BOLD : LT_STYLE_DIM;
		int width = lt_canvas__measure(canvas, loop->name) + 2;

		if (loop->stalled_seconds > 0 && !loop->ended)
			style |= lt_style_figure(lt_severity_stall(loop->stalled_seconds));
		if (x + width > end)
			break;
		lt_canvas__printf(canvas, x, r.y, style, open ? "[%s]" : " %s ", loop->name);
		x += width;
	}
}

void lt_draw_loop(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_subject *subject)
{
	struct lt_rect before = lt_canvas__clip(canvas, r), line = { r.x, r.y, r.w, 1 };
	int legend = lt_phase_lines(subject->loop, r.w);

	draw_tabs(canvas, line, subject);
	line.y++;
	if (!subject->loop) {
		lt_canvas__text(canvas, r.x + 2, line.y, LT_STYLE_DIM, "no loop is known here yet");
	} else {
		draw_busy(canvas, line, subject->loop, app->keep.interval_seconds);
		line.y++;
		draw_lag(canvas, line, subject->loop);
		line.y++;
		lt_draw_phases(canvas, (struct lt_rect){ r.x, line.y, r.w, 1 + legend },
			       subject->loop);
		line.y += 1 + legend;
		line.h = r.y + r.h - line.y;
		if (subject->loop->heap.present) {
			line.h--;
			lt_draw_heap(app, canvas, (struct lt_rect){ r.x, line.y + line.h, r.w, 1 },
				     subject);
		}
		lt_draw_causes(canvas, line, subject->loop,
			       line.h > lt_cause_lines(subject->loop, r.w));
	}
	lt_canvas__unclip(canvas, before);
}
