/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One process: its loops one at a time, its pool, GC, stalls. Longer than the screen, it scrolls. */
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/view/view.h"

#define FAR 100000 /* lines: more than any view has */

/* The open process and loop; a loop that has gone gives way to the first one. */
static bool find_subject(struct lt_app *app, struct lt_subject *ret_subject)
{
	const struct lt_kept *kept = lt_keep__find(&app->keep, app->open.pid, app->open.start_time);
	const struct lt_process *process = kept ? kept->process : NULL;

	if (!process)
		return false;
	*ret_subject = (struct lt_subject){ .process = process, .id = app->open };
	for (size_t i = 0; i < process->n_loops; i++)
		if (process->loops[i].tid == app->open.tid)
			ret_subject->loop = &process->loops[i];
	if (!ret_subject->loop && process->n_loops) {
		ret_subject->loop = &process->loops[0];
		ret_subject->id.tid = app->open.tid = process->loops[0].tid;
	}
	return true;
}

static void append(char *text, size_t size, const char *before, const char *what, const char *value)
{
	size_t used = strlen(text);

	if (value && used < size)
		snprintf(text + used, size - used, "%s%s%s", used ? before : "", what, value);
}

void lt_draw_process_title(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect r,
			   const struct lt_process *process, bool gone)
{
	const char *separator = lt_canvas__ascii(canvas) ? " - " : " · ";
	char what[256] = "", figure[16];
	int x = r.x + 1, end = r.x + r.w - 1;

	if (gone) {
		char how[LT_END_TEXT_SIZE], text[LT_END_TEXT_SIZE + 8] = "ended";

		if (process->ended)
			snprintf(text, sizeof(text), "ended: %s", lt_end__text(how, &process->end));
		if (lt_canvas__measure(canvas, text) > r.w / 2)
			snprintf(text, sizeof(text), "ended");
		end -= lt_canvas__measure(canvas, text) + 2;
		lt_canvas__text(canvas, end + 2, r.y, LT_SEV_ATTENTION, text);
	} else if (process->silent && r.w >= 40) {
		end -= 17;
		lt_canvas__text(canvas, end + 2, r.y, LT_SEV_ATTENTION, "does not answer");
	} else if (r.w >= 60) {
		end -= 20;
		lt_fmt_ratio(figure, sizeof(figure),
			     process->cpu_seconds / app->keep.interval_seconds);
		lt_canvas__printf(canvas, end + 2, r.y, LT_STYLE_DIM, "cpu %-6s", figure);
		lt_fmt_bytes(figure, sizeof(figure), process->rss_bytes);
		lt_canvas__printf(canvas, end + 13, r.y, LT_STYLE_DIM, "%6s", figure);
	}
	append(what, sizeof(what), separator, "", process->runtime);
	append(what, sizeof(what), " ", "", process->runtime_version);
	append(what, sizeof(what), separator, "tier ", process->tier);
	append(what, sizeof(what), separator, "libuv ", process->libuv_version);
	append(what, sizeof(what), separator, "container ", process->container);
	append(what, sizeof(what), separator, "host ", process->hostname);
	append(what, sizeof(what), separator, "pod ", process->pod);
	append(what, sizeof(what), separator, "", process->exe);
	x += lt_canvas__printf(canvas, x, r.y, 0, "%d ", process->pid);
	if (end > x)
		lt_canvas__left(canvas, x, r.y, end - x, LT_STYLE_BOLD, process->name);
	x += lt_canvas__measure(canvas, process->name) + 3;
	if (end > x)
		lt_canvas__left(canvas, x, r.y, end - x, LT_STYLE_DIM, what);
}

static struct lt_rect moved(struct lt_rect r, struct lt_rect window, int scroll)
{
	return (struct lt_rect){ r.x + window.x, r.y + window.y - scroll, r.w, r.h };
}

static void draw_missing(struct lt_canvas *canvas, struct lt_rect r,
			 const struct lt_process *process)
{
	struct lt_rect before = lt_canvas__clip(canvas, r);

	lt_draw_rule(canvas, r, "not known, and why");
	for (size_t i = 0; i < process->n_missing; i++)
		lt_canvas__left(canvas, r.x + 2, r.y + 1 + (int)i, r.w - 3, LT_STYLE_DIM,
				process->missing[i]);
	lt_canvas__unclip(canvas, before);
}

/* What there is to show of a process, and where. */
struct plan {
	const struct lt_past_stall *stalls[LT_HISTORY_STALLS];
	size_t n_stalls;
	bool missing;
	struct lt_process_layout parts;
};

static void make_plan(const struct lt_app *app, struct lt_rect window,
		      const struct lt_subject *subject, struct plan *plan)
{
	const struct lt_process *process = subject->process;
	struct lt_process_content content = {
		.legend = lt_phase_lines(subject->loop, window.w),
		.causes = lt_cause_lines(subject->loop, window.w),
		.heap = subject->loop && subject->loop->heap.present,
		.holds = lt_hold_lines(subject->loop),
		.kinds = lt_pool_lines(&process->pool),
		.gcs = process->gc_known ? LT_SNAP_GCS : 1,
		.missing = process->n_missing < 20 ? (int)process->n_missing : 20,
	};

	plan->n_stalls = lt_stall_log__list(lt_history__stalls(app->history), process->pid,
					    process->start_time, app->keep.time, plan->stalls,
					    LT_HISTORY_STALLS);
	plan->missing = content.missing;
	content.stalls = (int)plan->n_stalls;
	plan->parts = lt_layout_process(window.w, window.h, &content);
}

int lt_draw_process(const struct lt_app *app, struct lt_canvas *canvas, struct lt_rect window,
		    const struct lt_subject *subject, int scroll)
{
	const struct lt_process *process = subject->process;
	struct lt_rect before = lt_canvas__clip(canvas, window);
	struct lt_process_layout parts;
	struct plan plan;
	int most;

	make_plan(app, window, subject, &plan);
	parts = plan.parts;
	most = parts.height > window.h ? parts.height - window.h : 0;
	scroll = scroll < most ? scroll : most;
	lt_draw_loop(app, canvas, moved(parts.loop, window, scroll), subject);
	lt_draw_holds(canvas, moved(parts.holds, window, scroll), subject->loop);
	lt_draw_heat(app, canvas, moved(parts.heat, window, scroll), subject);
	lt_draw_hist(canvas, moved(parts.hist, window, scroll), subject->loop);
	lt_draw_pool(app, canvas, moved(parts.pool, window, scroll), process);
	lt_draw_gc(app, canvas, moved(parts.gc, window, scroll), process);
	lt_draw_stalls(app, canvas, moved(parts.stalls, window, scroll), process, plan.stalls,
		       plan.n_stalls);
	if (plan.missing)
		draw_missing(canvas, moved(parts.missing, window, scroll), process);
	lt_canvas__unclip(canvas, before);
	return most;
}

static void draw_window(struct lt_app *app, struct lt_canvas *canvas, struct lt_rect window,
			const struct lt_subject *subject)
{
	int most = lt_draw_process(app, canvas, window, subject, app->scroll);

	app->scroll = app->scroll < most ? app->scroll : most;
	if (app->scroll < most)
		lt_canvas__text(canvas, window.x + window.w - 10, window.y + window.h - 1,
				LT_STYLE_REVERSE, " j: more ");
}

static struct lt_rect window_of(const struct lt_app *app, const struct lt_frame *frame)
{
	return (struct lt_rect){ 0, frame->header.h, app->width,
				 app->height - frame->header.h - frame->footer.h };
}

static void draw(struct lt_app *app, struct lt_canvas *canvas)
{
	struct lt_frame frame = lt_layout_main(app->width, app->height, 0);
	struct lt_rect window = window_of(app, &frame);
	struct lt_subject subject;
	const struct lt_kept *kept;

	lt_draw_footer(app, canvas, frame.footer, LT_IN_PROCESS);
	if (frame.header.h > 1)
		lt_draw_cost_line(app, canvas, (struct lt_rect){ 0, 1, app->width, 1 });
	if (!find_subject(app, &subject)) {
		lt_canvas__left(canvas, 1, 0, app->width - 1, LT_SEV_ATTENTION,
				"This process has ended. Esc: back to the list");
		return;
	}
	kept = lt_keep__find(&app->keep, app->open.pid, app->open.start_time);
	if (frame.header.h)
		lt_draw_process_title(app, canvas, (struct lt_rect){ 0, 0, app->width, 1 },
				      subject.process, kept->gone);
	draw_window(app, canvas, window, &subject);
}

static void change_loop(struct lt_app *app, size_t step)
{
	struct lt_subject subject;

	if (!find_subject(app, &subject) || !subject.process->n_loops)
		return;
	for (size_t i = 0; i < subject.process->n_loops; i++)
		if (subject.process->loops[i].tid == subject.id.tid) {
			size_t n = subject.process->n_loops;

			app->open.tid = subject.process->loops[(i + n + step) % n].tid;
			return;
		}
}

/* Beyond the end is cut to it when it is drawn. */
static void scroll_by(struct lt_app *app, int lines)
{
	app->scroll = app->scroll + lines > 0 ? app->scroll + lines : 0;
}

/* A click on one of the stalls opens it. */
static void click(struct lt_app *app, const struct lt_key *key)
{
	struct lt_frame frame = lt_layout_main(app->width, app->height, 0);
	struct lt_rect window = window_of(app, &frame), r;
	struct lt_subject subject;
	struct plan plan;
	size_t at;

	if (!find_subject(app, &subject) || !lt_rect_has(window, key->x, key->y))
		return;
	make_plan(app, window, &subject, &plan);
	r = moved(plan.parts.stalls, window, app->scroll);
	/* On the rule it is beyond all of them. */
	at = (size_t)(key->y - r.y - 1);
	if (lt_rect_has(r, key->x, key->y) && at < plan.n_stalls)
		lt_open_stalls(app, plan.stalls[at]->number);
}

static void command(struct lt_app *app, enum lt_command cmd, const struct lt_key *key)
{
	int page = app->height > 4 ? app->height - 4 : 1;

	switch (cmd) {
	case LT_CMD_OPEN:
		if (key->type != LT_KEY_DOUBLE_CLICK)
			lt_open_stalls(app, 0);
		return;
	case LT_CMD_BACK:
		app->view = &lt_view_main;
		return;
	case LT_CMD_NEXT_LOOP:
		return change_loop(app, 1);
	case LT_CMD_PREVIOUS_LOOP:
		return change_loop(app, (size_t)-1);
	case LT_CMD_UP:
	case LT_CMD_DOWN:
		return scroll_by(app, cmd == LT_CMD_UP ? -1 : 1);
	case LT_CMD_PAGE_UP:
	case LT_CMD_PAGE_DOWN:
		return scroll_by(app, cmd == LT_CMD_PAGE_UP ? -page : page);
	case LT_CMD_HOME:
	case LT_CMD_END:
		return scroll_by(app, cmd == LT_CMD_HOME ? -FAR : FAR);
	default:
		if (key->type == LT_KEY_CLICK)
			click(app, key);
	}
}

const struct lt_view lt_view_process = {
	.name = "process",
	.where = LT_IN_PROCESS,
	.draw = draw,
	.command = command,
};
