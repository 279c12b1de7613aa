/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The process' thread pool, its garbage collection and its synchronous file system calls. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

static int labelled(struct lt_canvas *canvas, int x, int y, const char *label, const char *figure,
		    uint8_t style)
{
	x += lt_canvas__text(canvas, x, y, LT_STYLE_DIM, label) + 1;
	return x + lt_canvas__text(canvas, x, y, style, figure);
}

static void draw_threads(struct lt_canvas *canvas, struct lt_rect r, const struct lt_pool *pool,
			 double interval_seconds)
{
	double saturated = pool->saturated_seconds / interval_seconds;
	enum lt_severity severity = lt_severity_saturated(saturated);
	char busy[16], size[16], most[16], ratio[16];
	int x = r.x + 2;

	if (pool->unused) {
		lt_canvas__text(canvas, x, r.y, LT_STYLE_DIM, "not used yet");
		return;
	}
	x += lt_widget_threads(canvas, x, r.y, r.w >= 60 ? 16 : 8, pool->busy, pool->size,
			       (uint8_t)(severity > LT_SEV_OK ? severity : LT_SEV_OK));
	x += x > r.x + 2 ? 2 : 0;
	x += lt_canvas__printf(canvas, x, r.y, 0, "%s of %s busy",
			       lt_fmt_count(busy, sizeof(busy), pool->busy),
			       lt_fmt_count(size, sizeof(size), pool->size));
	x = labelled(canvas, x + 2, r.y, "full", lt_fmt_ratio(ratio, sizeof(ratio), saturated),
		     lt_style_figure(severity));
	lt_canvas__printf(canvas, x, r.y, LT_STYLE_DIM, "  (most %s)",
			  lt_fmt_count(most, sizeof(most), pool->busy_max));
}

/* For how long something has not ended; what is gone in a moment is no news. */
static int draw_oldest(struct lt_canvas *canvas, int x, int y, const char *label, double seconds)
{
	enum lt_severity severity = lt_severity_pool_wait(seconds);
	char more[16];

	if (!(severity > LT_SEV_OK))
		return x;
	return labelled(canvas, x + 2, y, label, lt_fmt_more(more, sizeof(more), seconds),
			lt_style_figure(severity));
}

static void draw_queue(struct lt_canvas *canvas, struct lt_rect r, const struct lt_pool *pool)
{
	char depth[16], most[16], slow[16];
	int x = r.x + 2;

	x = labelled(canvas, x, r.y, "queue", lt_fmt_count(depth, sizeof(depth), pool->queue_depth),
		     pool->queue_depth > 0 ? LT_SEV_ATTENTION : 0);
	x += lt_canvas__printf(canvas, x, r.y, LT_STYLE_DIM, " (most %s)",
			       lt_fmt_count(most, sizeof(most), pool->queue_depth_max));
	x = draw_oldest(canvas, x, r.y, "oldest", pool->oldest_queued_seconds);
	labelled(canvas, x + 2, r.y, "slow",
		 lt_fmt_count(slow, sizeof(slow), pool->slow_queue_depth), 0);
}

/* --- what its threads sleep in ------------------------------------------------------------------------------------ */

#define WAYS_MAX 2 /* lines */

/* Threads that sleep in the same call, on the same thing. */
struct way {
	const struct lt_pool_thread *first;
	int threads;
	double seconds; /* of the one that has slept longest */
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int find_ways(const struct lt_pool *pool, struct way ways[WAYS_MAX])
{
	int n = 0;

	for (size_t i = 0; i < pool->n_threads; i++) {
		const struct lt_pool_thread *thread = &pool->threads[i];
		int k = 0;

		while (k < n && !(same_text(ways[k].first->call, thread->call) &&
				  same_text(ways[k].first->on, thread->on)))
			k++;
		if (k == WAYS_MAX)
			continue;
		if (k == n)
			ways[n++] = (struct way){ .first = thread };
		ways[k].threads++;
		ways[k].seconds = fmax(ways[k].seconds, thread->seconds);
	}
	return n;
}

static void draw_way(struct lt_canvas *canvas, struct lt_rect r, const struct way *way)
{
	const struct lt_pool_thread *thread = way->first;
	char figure[16], text[160];

	snprintf(text, sizeof(text), "%d asleep %s in %s%s%s", way->threads,
		 lt_fmt_more(figure, sizeof(figure), way->seconds),
		 thread->call ? thread->call : "the kernel", thread->on ? " of " : "",
		 thread->on ? thread->on : "");
	lt_canvas__left(canvas, r.x + 2, r.y, r.w - 3,
			lt_style_figure(lt_severity_pool_wait(way->seconds)), text);
}

static bool is_shown(const struct lt_pool_kind *kind)
{
	return kind->total.submitted > 0 || kind->total.completed > 0 || kind->queued > 0 ||
	       kind->running > 0;
}

int lt_pool_lines(const struct lt_pool *pool)
{
	struct way ways[WAYS_MAX];
	int n = 0;

	if (!pool->present)
		return 0;
	for (int i = 0; pool->kinds_known && i < LT_SNAP_KINDS; i++)
		n += is_shown(&pool->kinds[i]);
	return n + find_ways(pool, ways);
}

/* Columns of the table of kinds, from the left edge. */
enum {
	AT_RATE = 8,
	W_RATE = 7,
	AT_WAIT = 16,
	W_WAIT = 9,
	AT_RUN = 25,
	AT_DELIVERY = 33,
	W_FIGURE = 8
};

static void draw_kind(struct lt_canvas *canvas, struct lt_rect r, const char *name,
		      const struct lt_pool_kind *kind, double interval_seconds)
{
	char figure[24];
	struct {
		int at, width;
		double value;
		enum lt_severity severity;
	} cells[] = {
		{ AT_WAIT, W_WAIT, kind->wait.p99, lt_severity_pool_wait(kind->wait.p99) },
		{ AT_RUN, W_FIGURE, kind->run.p99, LT_SEV_NONE },
		{ AT_DELIVERY, W_FIGURE, kind->delivery.p99, LT_SEV_NONE },
	};

	lt_canvas__left(canvas, r.x + 2, r.y, AT_RATE - 2, 0, name);
	lt_fmt_count(figure, sizeof(figure), kind->completed / interval_seconds);
	if (lt_known(kind->completed))
		strcat(figure, "/s");
	lt_canvas__right(canvas, r.x + AT_RATE, r.y, W_RATE, 0, figure);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		bool known = lt_known(cells[i].value);

		/* With no task in the interval there is nothing that could have a length. */
		if (!known && lt_known(kind->completed))
			snprintf(figure, sizeof(figure), "%s",
				 lt_canvas__glyphs(canvas)->not_applicable);
		else
			lt_fmt_seconds(figure, sizeof(figure), cells[i].value);
		lt_canvas__right(canvas, r.x + cells[i].at, r.y, cells[i].width,
				 known ? lt_style_figure(cells[i].severity) : LT_STYLE_DIM, figure);
	}
}

static void draw_kinds(struct lt_canvas *canvas, struct lt_rect line, const struct lt_pool *pool,
		       double interval_seconds)
{
	if (!pool->kinds_known) {
		lt_canvas__text(canvas, line.x + 2, line.y, LT_STYLE_DIM, "tasks by kind: -");
		return;
	}
	lt_canvas__left(canvas, line.x + 2, line.y, AT_RATE - 2, LT_STYLE_DIM, "tasks");
	lt_canvas__right(canvas, line.x + AT_RATE, line.y, W_RATE, LT_STYLE_DIM, "done");
	lt_canvas__right(canvas, line.x + AT_WAIT, line.y, W_WAIT, LT_STYLE_DIM, "wait p99");
	lt_canvas__right(canvas, line.x + AT_RUN, line.y, W_FIGURE, LT_STYLE_DIM, "run p99");
	lt_canvas__right(canvas, line.x + AT_DELIVERY, line.y, W_FIGURE, LT_STYLE_DIM, "deliver");
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		if (!is_shown(&pool->kinds[i]))
			continue;
		line.y++;
		draw_kind(canvas, line, lt_kind_names[i], &pool->kinds[i], interval_seconds);
	}
}

void lt_draw_pool(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		  const struct lt_process *process)
{
	const struct lt_pool *pool = &process->pool;
	struct way ways[WAYS_MAX];
	int n_ways;
	struct lt_rect before = lt_canvas__clip(canvas, r), line = { r.x, r.y + 1, r.w, 1 };

	lt_draw_rule(canvas, r, "thread pool");
	if (!pool->present) {
		lt_canvas__text(canvas, r.x + 2, line.y, LT_STYLE_DIM, "this process has none");
		lt_canvas__unclip(canvas, before);
		return;
	}
	draw_threads(canvas, line, pool, app->keep.interval_seconds);
	line.y++;
	draw_queue(canvas, line, pool);
	n_ways = find_ways(pool, ways);
	for (int i = 0; i < n_ways; i++) {
		line.y++;
		draw_way(canvas, line, &ways[i]);
	}
	line.y++;
	draw_kinds(canvas, line, pool, app->keep.interval_seconds);
	lt_canvas__unclip(canvas, before);
}

/* Columns of the table of pauses, from the left edge. */
enum {
	AT_GC_RATE = 14,
	AT_GC_MAX = 21,
	AT_GC_SHARE = 29,
	W_GC = 8
};

/* Short enough for their column; a kind that is new shows under its own name. */
static const char *gc_title(const char *name)
{
	static const char *const titles[][2] = {
		{ "mark_compact", "mark compact" },
		{ "minor_mark_sweep", "minor sweep" },
		{ "incremental_step", "marking step" },
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i][0], name) == 0)
			return titles[i][1];
	return name;
}

static void draw_gc_kind(struct lt_canvas *canvas, struct lt_rect r, const char *name,
			 const struct lt_gc_kind *gc, double interval_seconds)
{
	double share = gc->seconds / interval_seconds;
	char figure[24];

	lt_canvas__left(canvas, r.x + 2, r.y, AT_GC_RATE - 2, 0, gc_title(name));
	lt_fmt_count(figure, sizeof(figure), gc->count / interval_seconds);
	strcat(figure, "/s");
	lt_canvas__right(canvas, r.x + AT_GC_RATE, r.y, W_RATE, 0, figure);
	if (gc->count > 0)
		lt_fmt_seconds(figure, sizeof(figure), gc->max_seconds);
	else
		snprintf(figure, sizeof(figure), "%s", lt_canvas__glyphs(canvas)->not_applicable);
	lt_canvas__right(canvas, r.x + AT_GC_MAX, r.y, W_GC,
			 gc->count > 0 ? lt_style_figure(lt_severity_lag(gc->max_seconds))
				       : LT_STYLE_DIM,
			 figure);
	lt_canvas__right(canvas, r.x + AT_GC_SHARE, r.y, W_GC,
			 lt_style_figure(lt_severity_gc(share)),
			 lt_fmt_ratio(figure, sizeof(figure), share));
}

static void draw_sync_fs(struct lt_canvas *canvas, struct lt_rect r,
			 const struct lt_process *process, double interval_seconds)
{
	double share = process->sync_fs_seconds / interval_seconds;
	char figure[24];

	lt_canvas__left(canvas, r.x + 2, r.y, AT_GC_RATE - 2, 0, "sync fs");
	if (!lt_known(process->sync_fs_calls)) {
		lt_canvas__right(canvas, r.x + AT_GC_RATE, r.y, W_RATE, LT_STYLE_DIM, "-");
		return;
	}
	lt_fmt_count(figure, sizeof(figure), process->sync_fs_calls / interval_seconds);
	strcat(figure, "/s");
	lt_canvas__right(canvas, r.x + AT_GC_RATE, r.y, W_RATE, 0, figure);
	lt_canvas__right(canvas, r.x + AT_GC_MAX, r.y, W_GC, LT_STYLE_DIM,
			 lt_canvas__glyphs(canvas)->not_applicable);
	lt_canvas__right(canvas, r.x + AT_GC_SHARE, r.y, W_GC,
			 lt_style_figure(lt_severity_gc(share)),
			 lt_fmt_ratio(figure, sizeof(figure), share));
}

void lt_draw_gc(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
		const struct lt_process *process)
{
	struct lt_rect before = lt_canvas__clip(canvas, r), line = { r.x, r.y, r.w, 1 };
	double interval_seconds = app->keep.interval_seconds;

	/* What the figures are is told in the rule: low screens have a line more for the stalls. */
	lt_draw_rule(canvas, r, "gc, sync fs");
	lt_canvas__text(canvas, r.x + AT_GC_RATE + W_RATE - 5, r.y, LT_STYLE_DIM,
			" rate longest of time ");
	for (int i = 0; i < LT_SNAP_GCS && process->gc_known; i++) {
		line.y++;
		draw_gc_kind(canvas, line, lt_gc_names[i], &process->gc[i], interval_seconds);
	}
	if (!process->gc_known) {
		line.y++;
		lt_canvas__text(canvas, r.x + 2, line.y, 0, "pauses");
		lt_canvas__right(canvas, r.x + AT_GC_RATE, line.y, W_RATE, LT_STYLE_DIM, "-");
	}
	line.y++;
	draw_sync_fs(canvas, line, process, interval_seconds);
	lt_canvas__unclip(canvas, before);
}
