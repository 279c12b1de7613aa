/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Rows for people, as vmstat prints them: one for each loop and interval, the headings again when
 * they have scrolled away. "-" is unknown, "·" does not apply.
 */
#include "looptop/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define HEADER_EVERY 24
#define CELL 64

struct text {
	struct lt_sink_opts opts;
	int header_every;
	int rows; /* since the headings */
};

static void *text_open(const struct lt_sink_opts *opts)
{
	struct text *text = calloc(1, sizeof(*text));
	struct winsize size;

	if (!text)
		return NULL;
	text->opts = *opts;
	text->header_every = opts->header_every;
	if (!text->header_every) {
		text->header_every = HEADER_EVERY;
		if (ioctl(fileno(opts->out), TIOCGWINSZ, &size) == 0 && size.ws_row > 4)
			text->header_every = size.ws_row - 2;
	}
	return text;
}

static void header(struct text *text)
{
	fprintf(text->opts.out,
		"%8s %7s %-14s %-9s %6s %8s  %7s %7s %7s  %6s  %-9s %7s  %6s\n"
		"%8s %7s %-14s %-9s %6s %8s  %7s %7s %7s  %6s  %-9s %7s  %6s\n",
		"", "", "", "", "", "", "LAG", "", "", "STALL", "POOL", "WAIT", "GC", "TIME", "PID",
		"PROCESS", "LOOP", "BUSY", "TURNS/s", "p50", "p99", "max", "now", "busy+queue", "p99",
		"time");
}

/* The longest 99th percentile that tasks of any kind waited; NAN when none started. */
static double pool_wait_p99(const struct lt_pool *pool)
{
	double worst = NAN;

	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		double p99 = pool->kinds[i].wait.p99;

		if (lt_known(p99) && !(p99 <= worst))
			worst = p99;
	}
	return worst;
}

static void pool_cells(const struct text *text, const struct lt_process *process, bool first,
		       char *busy, char *wait)
{
	const struct lt_pool *pool = &process->pool;
	const char *none = text->opts.ascii ? "." : "·";
	char threads[16], size[16], queue[16];
	double p99;

	snprintf(busy, CELL, "%s", none);
	snprintf(wait, CELL, "%s", none);
	if (!first || !pool->present)
		return;
	lt_fmt_count(threads, sizeof(threads), pool->busy);
	lt_fmt_count(size, sizeof(size), pool->size);
	lt_fmt_count(queue, sizeof(queue), pool->queue_depth);
	snprintf(busy, CELL, "%s/%s+%s", threads, size, queue);
	if (!pool->kinds_known) {
		snprintf(wait, CELL, "-");
		return;
	}
	p99 = pool_wait_p99(pool);
	if (lt_known(p99))
		lt_fmt_seconds(wait, CELL, p99);
}

/* A cell padded to its width by the characters that it shows, not by its bytes. */
static void cell(FILE *out, const char *value, int width)
{
	int shown = 0;

	for (const char *s = value; *s; s++)
		shown += (*s & 0xc0) != 0x80;
	fprintf(out, "%*s%s", width > shown ? width - shown : 0, "", value);
}

static void seconds(FILE *out, double value, int width)
{
	char buf[CELL];

	cell(out, lt_fmt_seconds(buf, sizeof(buf), value), width);
}

static void row(struct text *text, const char *time_of_day, double interval,
		const struct lt_process *process, const struct lt_loop *loop)
{
	FILE *out = text->opts.out;
	char name[CELL], loop_name[CELL], buf[CELL], busy[CELL], wait[CELL];
	bool first = loop == process->loops;

	if (text->rows++ % text->header_every == 0)
		header(text);
	lt_fmt_cell(name, sizeof(name), process->name, 14, text->opts.ascii);
	lt_fmt_cell(loop_name, sizeof(loop_name), loop->name, 9, text->opts.ascii);
	fprintf(out, "%8s %7d %s %s ", time_of_day, process->pid, name, loop_name);
	cell(out, lt_fmt_ratio(buf, sizeof(buf), loop->utilization), 6);
	fputc(' ', out);
	cell(out, lt_fmt_count(buf, sizeof(buf), loop->turns / interval), 8);
	fputs("  ", out);
	seconds(out, loop->lag.p50, 7);
	fputc(' ', out);
	seconds(out, loop->lag.p99, 7);
	fputc(' ', out);
	seconds(out, loop->lag.max, 7);
	fputs("  ", out);
	if (loop->stalled_seconds > 0 || !lt_known(loop->stalled_seconds))
		seconds(out, loop->stalled_seconds, 6);
	else
		cell(out, text->opts.ascii ? "." : "·", 6);
	pool_cells(text, process, first, busy, wait);
	fprintf(out, "  %s", busy);
	for (size_t n = 0, shown = strlen(busy) - (busy[0] == '\xc2'); n + shown < 10; n++)
		fputc(' ', out);
	cell(out, wait, 7);
	fputs("  ", out);
	if (first)
		cell(out, lt_fmt_ratio(buf, sizeof(buf), process->gc_seconds / interval), 6);
	else
		cell(out, text->opts.ascii ? "." : "·", 6);
	fputc('\n', out);
}

static void process_rows(struct text *text, const char *time_of_day,
			 const struct lt_snapshot *snapshot, const struct lt_process *process)
{
	char name[CELL];

	for (size_t i = 0; i < process->n_loops; i++)
		row(text, time_of_day, snapshot->interval_seconds, process, &process->loops[i]);
	if (process->ended)
		fprintf(text->opts.out, "%8s %7d %s has ended\n", time_of_day, process->pid,
			lt_fmt_text(name, sizeof(name), process->name));
	else if (!process->n_loops)
		fprintf(text->opts.out, "%8s %7d %s: no loop seen yet\n", time_of_day, process->pid,
			lt_fmt_text(name, sizeof(name), process->name));
	if (snapshot->sequence == 2) /* the first that is shown */
		for (size_t i = 0; i < process->n_missing; i++)
			fprintf(text->opts.out, "%8s %7d missing: %s\n", time_of_day, process->pid,
				process->missing[i]);
}

static int text_write(void *state, const struct lt_snapshot *snapshot)
{
	struct text *text = state;
	time_t now = (time_t)snapshot->time;
	char time_of_day[16];
	struct tm tm;

	strftime(time_of_day, sizeof(time_of_day), "%H:%M:%S", localtime_r(&now, &tm));
	errno = 0;
	for (size_t i = 0; i < snapshot->n_processes; i++)
		process_rows(text, time_of_day, snapshot, &snapshot->processes[i]);
	for (int i = 0; i < LT_SNAP_LOST; i++)
		if (snapshot->self.lost[i] > 0)
			fprintf(text->opts.out, "%8s lost: %.0f %s (%s)\n", time_of_day,
				snapshot->self.lost[i], lt_lost_names[i], lt_lost_help[i]);
	if (fflush(text->opts.out) || ferror(text->opts.out))
		return -(errno ? errno : EIO);
	return 0;
}

static int text_close(void *state)
{
	free(state);
	return 0;
}

const struct lt_sink lt_sink_text = { "text", text_open, text_write, text_close };
