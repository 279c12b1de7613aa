/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What is around every view: header, footer, rules. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

bool lt_has_message(const struct lt_app *app)
{
	return app->message[0];
}

char *lt_span_text(char *buf, size_t size, double seconds)
{
	if (seconds < 10)
		snprintf(buf, size, "%.3g s", seconds);
	else if (seconds < 120)
		snprintf(buf, size, "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(buf, size, "%.0f min", seconds / 60);
	else
		snprintf(buf, size, "%.0f h", seconds / 3600);
	return buf;
}

char *lt_clock_text(char *buf, size_t size, double unix_time)
{
	bool known = unix_time >= 0 && unix_time < 1e11;
	time_t seconds = known ? (time_t)unix_time : 0;
	struct tm tm;

	if (!known || !localtime_r(&seconds, &tm) || !strftime(buf, size, "%H:%M:%S", &tm))
		snprintf(buf, size, "--:--:--");
	return buf;
}

void lt_draw_rule(struct lt_canvas *canvas, struct lt_rect r, const char *title)
{
	const struct lt_glyphs *glyphs = lt_canvas__glyphs(canvas);
	struct lt_rect before;

	if (lt_rect_empty(r))
		return;
	lt_canvas__fill(canvas, (struct lt_rect){ r.x, r.y, r.w, 1 }, LT_STYLE_DIM,
			glyphs->horizontal);
	before = lt_canvas__clip(canvas, r);
	if (*title)
		lt_canvas__printf(canvas, r.x + 2, r.y, LT_STYLE_BOLD, " %s ", title);
	lt_canvas__unclip(canvas, before);
}

/* Words one after the other at the left, or gathered for the right end of a line. */
struct words {
	struct lt_canvas *canvas;
	int x, y, end; /* a word that would end behind this ends the line before it */
};

static void word(struct words *words, int gap, uint8_t style, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void word(struct words *words, int gap, uint8_t style, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int width;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	width = lt_canvas__measure(words->canvas, text);
	/* And nothing after what had no room: a figure must not follow another's label. */
	if (words->x + gap + width > words->end) {
		words->end = words->x;
		return;
	}
	words->x += gap;
	words->x += lt_canvas__text(words->canvas, words->x, words->y, style, text);
}

static const char *plural(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

void lt_draw_header(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	const struct lt_keep *keep = &app->keep;
	const struct lt_table *table = &app->table;
	const char *dot = lt_canvas__glyphs(canvas)->separator;
	struct words words = { canvas, r.x + 1, r.y, r.x + r.w };
	char counts[80], stalled[40];
	int width, counts_x;

	if (lt_rect_empty(r))
		return;
	snprintf(counts, sizeof(counts), "%zu %s  %zu %s  ", table->n_processes,
		 plural(table->n_processes, "process", "processes"), table->n_loops,
		 plural(table->n_loops, "loop", "loops"));
	snprintf(stalled, sizeof(stalled), "%zu stalled", table->n_stalled);
	width = (int)(strlen(counts) + strlen(stalled)) + 1;
	/* On the narrowest screens what is blocked comes before everything else. */
	if (r.w < 10 + width) {
		if (table->n_stalled)
			word(&words, 0, LT_SEV_CRITICAL, "%s", stalled);
		word(&words, table->n_stalled ? 2 : 0, LT_STYLE_BOLD, "looptop");
		return;
	}
	word(&words, 0, LT_STYLE_BOLD, "looptop");
	counts_x = words.end - width;
	words.end = counts_x - 2;
	if (app->version)
		word(&words, 1, LT_STYLE_DIM, "%s", app->version);
	if (keep->any) {
		word(&words, 3, 0, "%s", keep->host_name);
		word(&words, 1, LT_STYLE_DIM, "%s Linux %s", dot, keep->host_kernel);
		word(&words, 1, LT_STYLE_DIM, "%s %d %s", dot, keep->cpus,
		     plural((size_t)keep->cpus, "cpu", "cpus"));
	}
	lt_canvas__text(canvas, counts_x, r.y, 0, counts);
	lt_canvas__text(canvas, counts_x + (int)strlen(counts), r.y,
			table->n_stalled ? LT_SEV_CRITICAL : LT_STYLE_DIM, stalled);
}

/* Since the start, so that a short loss is not overlooked; in colour while it goes on. By cause if
 * there is room for all of them, otherwise as one sum. */
static void lost_words(const struct lt_keep *keep, struct words *words)
{
	char causes[160] = "", count[16];
	bool now = false;
	double sum = 0;

	for (int i = 0; i < LT_SNAP_LOST; i++) {
		double lost = keep->self.total_lost[i];
		size_t used = strlen(causes);

		now |= keep->self.lost[i] > 0;
		sum += lost;
		if (lost > 0)
			snprintf(causes + used, sizeof(causes) - used, "%s%s %s", used ? ", " : "",
				 lt_lost_names[i], lt_fmt_count(count, sizeof(count), lost));
	}
	if (words->x + 8 + (int)strlen(causes) > words->end || !causes[0])
		lt_fmt_count(causes, sizeof(causes), sum);
	word(words, 2, now ? LT_SEV_ATTENTION : sum > 0 ? 0 : LT_STYLE_DIM, "lost %s", causes);
}

static double own_cpu(const struct lt_keep *keep)
{
	return keep->self.cpu_seconds / keep->interval_seconds;
}

/* "every 1 s  12:00:03", at the right; returns the column where it begins. */
static int draw_clock(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	char clock[16], every[24], span[16];
	int x;

	lt_clock_text(clock, sizeof(clock), app->keep.any ? app->keep.time : NAN);
	snprintf(every, sizeof(every), "every %s",
		 lt_span_text(span, sizeof(span), app->interval_seconds));
	x = r.x + r.w - 1 - (int)strlen(clock);
	lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, clock);
	x -= 2 + (int)strlen(every);
	lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, every);
	if (!app->paused)
		return x;
	x -= 10;
	lt_canvas__text(canvas, x, r.y, LT_STYLE_REVERSE | LT_STYLE_BOLD, " PAUSED ");
	return x;
}

void lt_draw_cost_line(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r)
{
	const struct lt_keep *keep = &app->keep;
	struct words words = { canvas, r.x + 1, r.y, r.x + r.w };
	char figure[16];

	if (lt_rect_empty(r) || r.w < 30)
		return;
	words.end = draw_clock(app, canvas, r) - 1;
	if (!keep->any) {
		word(&words, 0, LT_STYLE_DIM, "tier %s", lt_app__tier(app));
		return;
	}
	word(&words, 0, LT_STYLE_DIM, "cost");
	word(&words, 1, lt_style_figure(lt_severity_cost(keep->self.overhead_ratio)), "%-6s",
	     lt_fmt_ratio(figure, sizeof(figure), keep->self.overhead_ratio));
	lost_words(keep, &words);
	word(&words, 3, LT_STYLE_DIM, "own cpu");
	word(&words, 1, 0, "%-6s", lt_fmt_ratio(figure, sizeof(figure), own_cpu(keep)));
	word(&words, 2, LT_STYLE_DIM, "tier %s", lt_app__tier(app));
}

void lt_draw_footer(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		    unsigned where)
{
	struct words words = { canvas, r.x + 1, r.y, r.x + r.w };

	if (lt_rect_empty(r))
		return;
	if (lt_has_message(app)) {
		lt_canvas__left(canvas, r.x + 1, r.y, r.w - 1, LT_SEV_ATTENTION, app->message);
		return;
	}
	for (size_t i = 0; i < lt_n_bindings; i++) {
		const struct lt_binding *binding = &lt_bindings[i];
		int width;

		if (!binding->brief || !(binding->where & where))
			continue;
		width = (int)(strlen(binding->label) + strlen(binding->brief)) + 1;
		if (words.x + width > words.end)
			break;
		word(&words, 0, LT_STYLE_BOLD, "%s", binding->label);
		word(&words, 1, LT_STYLE_DIM, "%s", binding->brief);
		words.x += 2;
	}
}
