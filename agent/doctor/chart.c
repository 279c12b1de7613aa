/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/chart.h"

#include "agent/util/fmt.h"
#include "looptop/metric.h"

/* In units of the view box; the page scales it. */
enum {
	WIDTH = 720,
	HEIGHT = 130,
	LEFT = 54,
	RIGHT = 8,
	TOP = 10,
	BOTTOM = 22
};

#define LAG_LOW	 1e-4 /* seconds: the scale's lower end */
#define LAG_HIGH 1e1

void lt_html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static double x_of(const struct lt_dr_process *process, double time)
{
	double all = process->last_time - process->first_time;
	double share = all > 0 ? (time - process->first_time) / all : 0;

	return LEFT + fmin(fmax(share, 0), 1) * (WIDTH - LEFT - RIGHT);
}

static double y_of(double level)
{
	return HEIGHT - BOTTOM - fmin(fmax(level, 0), 1) * (HEIGHT - TOP - BOTTOM);
}

static double lag_level(double seconds)
{
	return seconds > LAG_LOW ? log10(seconds / LAG_LOW) / log10(LAG_HIGH / LAG_LOW) : 0;
}

static void begin(FILE *out, const char *label)
{
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	lt_html_text(out, label);
	fputs("\">\n", out);
}

static void grid_line(FILE *out, double level, const char *label)
{
	fprintf(out,
		"<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
		"<text class=\"axis\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s</text>\n",
		LEFT, WIDTH - RIGHT, y_of(level), y_of(level), LEFT - 6, y_of(level) + 4, label);
}

static void end(FILE *out, const struct lt_dr_process *process)
{
	fprintf(out,
		"<text class=\"axis\" x=\"%d\" y=\"%d\">0 s</text>"
		"<text class=\"axis\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%.0f s</text></svg>\n",
		LEFT, HEIGHT - 6, WIDTH - RIGHT, HEIGHT - 6,
		process->last_time - process->first_time);
}

static void bar(FILE *out, const char *class, double x0, double x1, double low, double high)
{
	double gap = x1 - x0 > 3 ? 0.6 : 0;

	if (high > low)
		fprintf(out,
			"<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
			class, x0, y_of(high), fmax(x1 - x0 - gap, 0.3), y_of(low) - y_of(high));
}

void lt_chart_lag(FILE *out, const struct lt_dr_process *process, const struct lt_dr_loop *loop)
{
	begin(out, "event-loop lag over time");
	for (double x = LAG_LOW * 10; x < LAG_HIGH * 1.01; x *= 10)
		grid_line(out, lag_level(x), LT_SECONDS(x));
	for (size_t i = 0; i < loop->n_points; i++) {
		const struct lt_loop_point *point = &loop->points[i];
		double x0 = x_of(process, point->time - point->width),
		       x1 = x_of(process, point->time);

		bar(out, "worst", x0, x1, 0, lag_level((double)point->lag_max));
		bar(out, "p99", x0, x1, 0, lag_level((double)point->lag_p99));
	}
	end(out, process);
}

void lt_chart_causes(FILE *out, const struct lt_dr_process *process, const struct lt_dr_loop *loop)
{
	begin(out, "what the loop's time went on");
	grid_line(out, 0.5, "50 %");
	grid_line(out, 1, "100 %");
	for (size_t i = 0; i < loop->n_points; i++) {
		const struct lt_loop_point *point = &loop->points[i];
		double x0 = x_of(process, point->time - point->width),
		       x1 = x_of(process, point->time);
		double from = 0;
		bool known = false;

		for (int cause = 0; cause < LT_SNAP_CAUSES; cause++) {
			double share = (double)point->cause_seconds[cause] / point->width;

			if (!(share > 0))
				continue;
			known = true;
			bar(out, lt_cause_names[cause], x0, x1, from, from + share);
			from += share;
		}
		if (!known && point->busy > 0)
			bar(out, "busy", x0, x1, 0, (double)point->busy / point->width);
	}
	end(out, process);
}

void lt_chart_pool(FILE *out, const struct lt_dr_process *process)
{
	double most = fmax(process->pool_size, 4);

	for (size_t i = 0; i < process->n_points; i++) {
		const struct lt_pool_point *point = &process->points[i];

		most = fmax(most, (double)point->depth_max + (double)point->busy_max);
	}
	begin(out, "tasks in the thread pool");
	grid_line(out, 1, LT_COUNT(most));
	for (size_t i = 0; i < process->n_points; i++) {
		const struct lt_pool_point *point = &process->points[i];
		double x0 = x_of(process, point->time - point->width),
		       x1 = x_of(process, point->time);
		double busy = (double)point->busy_max / most;
		double queue = (double)point->depth_max / most;

		if (busy > 0)
			bar(out, "threads", x0, x1, 0, busy);
		if (queue > 0)
			bar(out, "queue", x0, x1, fmax(busy, 0), fmax(busy, 0) + queue);
	}
	if (process->pool_size > 0)
		fprintf(out, "<line class=\"size\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
			LEFT, WIDTH - RIGHT, y_of(process->pool_size / most),
			y_of(process->pool_size / most));
	end(out, process);
}

static void pair_of_bars(FILE *out, const struct lt_estimate *estimate, double most)
{
	double full = 420;
	double before = full * estimate->before / most, after = full * estimate->after / most;

	fputs("<div class=\"estimate\"><div>", out);
	lt_html_text(out, estimate->cure);
	fprintf(out,
		": %s</div><svg viewBox=\"0 0 560 34\" role=\"img\" aria-label=\"before and after\">\n",
		estimate->figure);
	fprintf(out,
		"<rect class=\"before\" x=\"0\" y=\"2\" width=\"%.1f\" height=\"12\"/>"
		"<text class=\"axis\" x=\"%.1f\" y=\"13\">%s now</text>\n",
		fmax(before, 1), before + 6, LT_SECONDS(estimate->before));
	fprintf(out,
		"<rect class=\"after\" x=\"0\" y=\"18\" width=\"%.1f\" height=\"12\"/>"
		"<text class=\"axis\" x=\"%.1f\" y=\"29\">%s then</text></svg></div>\n",
		fmax(after, 1), after + 6, LT_SECONDS(estimate->after));
}

void lt_chart_estimates(FILE *out, const struct lt_finding *finding)
{
	for (size_t i = 0; i < finding->n_estimates; i++)
		if (finding->estimates[i].before > 0)
			pair_of_bars(out, &finding->estimates[i], finding->estimates[i].before);
}
