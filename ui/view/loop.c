/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One loop: how busy it is, where the time goes, its lag in figures. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define LABEL 8 /* columns of the labels at the left */
#define LEGEND_ENTRY 18 /* columns of a legend's entry, "█ callbacks 100 %" */
#define N_PHASES LT_SNAP_PHASES

/* As people say it; the descriptor table's names are for scripts. */
static const char *phase_title(int phase)
{
	const char *name = lt_phase_names[phase];

	return strcmp(name, "poll_wait") == 0	   ? "waiting" :
	       strcmp(name, "poll_callbacks") == 0 ? "callbacks" :
						     name;
}

static bool waits(int phase)
{
	return strcmp(lt_phase_names[phase], "poll_wait") == 0;
}

/* Shares of the observed time by phase; the last is what is in no known phase. False: unknown. */
static bool phase_shares(const struct lt_loop *loop, double shares[N_PHASES + 1])
{
	double all = loop->busy_seconds + loop->idle_seconds, rest = 1;

	if (!(all > 0))
		return false;
	for (int i = 0; i < N_PHASES; i++) {
		shares[i] = loop->phase_seconds[i] / all;
		if (lt_known(shares[i]))
			rest -= shares[i];
	}
	shares[N_PHASES] = rest > 0.005 ? rest : NAN;
	return true;
}

int lt_phase_lines(const struct lt_loop *loop, int width)
{
	double shares[N_PHASES + 1];
	int per_line = (width - LABEL) / LEGEND_ENTRY, known = 0;

	if (!loop || !phase_shares(loop, shares))
		return 1;
	for (int i = 0; i <= N_PHASES; i++)
		known += lt_known(shares[i]);
	return per_line > 0 && known > per_line ? 2 : 1;
}

static uint8_t phase_style(int phase, const struct lt_loop *loop)
{
	if (phase == N_PHASES || waits(phase))
		return LT_STYLE_DIM;
	return (uint8_t)lt_severity_busy(loop->utilization);
}

static void draw_legend(struct lt_canvas *canvas, struct lt_rect r, const double *shares,
			const struct lt_loop *loop)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	int x = r.x + LABEL, y = r.y;
	char figure[16];

	for (int i = 0; i <= N_PHASES && y < r.y + r.h; i++) {
		if (!lt_known(shares[i]))
			continue;
		if (x + LEGEND_ENTRY - 1 > r.x + r.w && x > r.x + LABEL) {
			x = r.x + LABEL;
			if (++y >= r.y + r.h)
				return;
		}
		lt_canvas__text(canvas, x, y, phase_style(i, loop), glyphs->phase[i]);
		lt_canvas__printf(canvas, x + 2, y, 0, "%-9s %5s",
				  i == N_PHASES ? "unknown" : phase_title(i),
				  lt_fmt_ratio(figure, sizeof(figure), shares[i]));
		x += LEGEND_ENTRY;
	}
}

void lt_draw_phases(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);
	struct lt_segment segments[N_PHASES + 1];
	double shares[N_PHASES + 1];

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "where");
	if (!phase_shares(loop, shares)) {
		lt_canvas__text(canvas, r.x + LABEL, r.y, LT_STYLE_DIM, "-");
		lt_canvas__unclip(canvas, before);
		return;
	}
	for (int i = 0; i <= N_PHASES; i++)
		segments[i] = (struct lt_segment){ shares[i], lt_canvas__glyphs(canvas)->phase[i],
						   phase_style(i, loop) };
	/* Waiting last, so that the bar fills from the left as the loop gets busier. */
	for (int i = 0; i < N_PHASES; i++)
		if (waits(i)) {
			struct lt_segment wait = segments[i];

			memmove(&segments[i], &segments[i + 1],
				(size_t)(N_PHASES - i) * sizeof(wait));
			segments[N_PHASES] = wait;
			break;
		}
	lt_widget_stack(canvas, r.x + LABEL, r.y, r.w - LABEL - 1, segments, N_PHASES + 1);
	draw_legend(canvas, (struct lt_rect){ r.x, r.y + 1, r.w, r.h - 1 }, shares, loop);
	lt_canvas__unclip(canvas, before);
}

/* A label and a figure in a place of fixed width; returns the column behind it. */
static int figure_at(struct lt_canvas *canvas, int x, int y, const char *label, double seconds,
		     enum lt_severity severity)
{
	char figure[16];
	uint8_t style = lt_style_figure(severity);

	x += lt_canvas__text(canvas, x, y, LT_STYLE_DIM, label) + 1;
	lt_fmt_seconds(figure, sizeof(figure), seconds);
	lt_canvas__left(canvas, x, y, 7, lt_known(seconds) ? style : LT_STYLE_DIM, figure);
	return x + 8;
}

static void draw_busy(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop,
		      double interval_seconds)
{
	int bar = r.w >= 110 ? r.w / 3 : r.w >= 60 ? 22 : r.w - LABEL - 8;
	int x = r.x + LABEL;
	char figure[16];

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "busy");
	lt_widget_bar(canvas, x, r.y, bar, loop->utilization,
		      lt_severity_busy(loop->utilization));
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
	x = figure_at(canvas, x, r.y, "turn p99", loop->turn.p99, LT_SEV_NONE);
	x = figure_at(canvas, x, r.y, "max", loop->turn.max, LT_SEV_NONE);
	lt_fmt_count(figure, sizeof(figure), loop->turns / interval_seconds);
	lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, "turns");
	lt_canvas__printf(canvas, x + 6, r.y, 0, lt_known(loop->turns) ? "%s/s" : "%s", figure);
}

static void draw_lag(struct lt_canvas *canvas, struct lt_rect r, const struct lt_loop *loop)
{
	const struct lt_lag *lag = &loop->lag;
	int x = r.x + LABEL;

	lt_canvas__text(canvas, r.x + 2, r.y, LT_STYLE_DIM, "lag");
	x = figure_at(canvas, x, r.y, "p50", lag->p50, lt_severity_lag(lag->p50));
	x = figure_at(canvas, x, r.y, "p99", lag->p99, lt_severity_lag(lag->p99));
	x = figure_at(canvas, x, r.y, "p99.9", lag->p999, lt_severity_lag(lag->p999));
	x = figure_at(canvas, x, r.y, "max", lag->max, lt_severity_lag(lag->max));
	x = figure_at(canvas, x, r.y, "timers late p99", loop->timer_lateness.p99, LT_SEV_NONE);
	x = figure_at(canvas, x, r.y, "p90", lag->p90, lt_severity_lag(lag->p90));
	figure_at(canvas, x, r.y, "mean", lag->mean, lt_severity_lag(lag->mean));
}

/* The process' loops as tabs in the rule. */
static void draw_tabs(struct lt_canvas *canvas, struct lt_rect r, const struct lt_subject *subject)
{
	const struct lt_process *process = subject->process;
	int x = r.x + 2, end = r.x + r.w - 2;
	size_t first = 0;

	lt_draw_rule(canvas, r, "");
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
	}
	lt_canvas__unclip(canvas, before);
}
