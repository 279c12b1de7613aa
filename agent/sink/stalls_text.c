/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Stalls for people: a block for each, its stack innermost first. */
#include "agent/sink/stalls.h"

#include <string.h>

#include "agent/sink/text.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define FRAMES_SHOWN   40
#define FUNCTION_CELLS 36
#define TEXT_MAX       600

/* Styles, as the terminal has them. */
#define BOLD "1"
#define DIM  "2"
#define RED  "1;31"

/* Printable, in a style if there are colours. */
static void put(const struct lt_stalls *stalls, const char *style, const char *text)
{
	char clean[TEXT_MAX];

	lt_fmt_text(clean, sizeof(clean), text);
	for (char *c = clean; stalls->ascii && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	if (stalls->colour && style)
		fprintf(stalls->out, "\033[%sm%s\033[0m", style, clean);
	else
		fputs(clean, stalls->out);
}

/* "cpu 180ms, gc 32ms", the largest first; "cause unknown" if nothing was measured. */
static void put_causes(const struct lt_stalls *stalls, const struct lt_stall *stall)
{
	double left[LT_SNAP_CAUSES];
	char figure[16];
	bool any = false;

	memcpy(left, stall->cause_seconds, sizeof(left));
	for (int n = 0; n < LT_SNAP_CAUSES; n++) {
		int most = 0;

		for (int i = 1; i < LT_SNAP_CAUSES; i++)
			if (!(left[most] >= left[i]) && lt_known(left[i]))
				most = i;
		if (!(left[most] >= 0.001 * stall->seconds) || !(left[most] > 0))
			break;
		fprintf(stalls->out, "%s%s %s", any ? ", " : "", lt_cause_names[most],
			lt_fmt_seconds(figure, sizeof(figure), left[most]));
		any = true;
		left[most] = NAN;
	}
	if (!any)
		fputs("cause not measured", stalls->out);
}

static void put_place(const struct lt_stalls *stalls, const struct lt_stack_frame *frame)
{
	char at[48] = "";

	if (!frame->file) {
		put(stalls, DIM, frame->type == LT_FRAME_BUILTIN ? "V8 builtin" : "");
		return;
	}
	if (frame->original_file) {
		if (frame->original_line > 0)
			snprintf(at, sizeof(at), ":%d:%d", frame->original_line,
				 frame->original_column);
		put(stalls, NULL, frame->original_file);
		fputs(at, stalls->out);
		put(stalls, DIM, " from ");
	}
	if (frame->type == LT_FRAME_NATIVE && strrchr(frame->file, '/')) {
		put(stalls, DIM, strrchr(frame->file, '/') + 1);
		return;
	}
	at[0] = '\0';
	if (frame->line > 0)
		snprintf(at, sizeof(at), ":%d:%d", frame->line, frame->column);
	put(stalls, frame->user && !frame->original_file ? NULL : DIM, frame->file);
	put(stalls, frame->user && !frame->original_file ? NULL : DIM, at);
}

static void put_what(const struct lt_stalls *stalls, const struct lt_stall *stall)
{
	char ratio[16];

	fputs("    ", stalls->out);
	if (!stall->where) {
		put(stalls, DIM,
		    stall->samples > 0 ? "no function of the application on the stack"
				       : "no stack was taken");
		fputc('\n', stalls->out);
		return;
	}
	fputs("in ", stalls->out);
	put(stalls, BOLD, stall->where->function);
	fputs(" (", stalls->out);
	put_place(stalls, stall->where);
	fputc(')', stalls->out);
	if (stall->below) {
		fputs(", ", stalls->out);
		put(stalls, BOLD, stall->below->function);
		fputs(" below it", stalls->out);
	}
	if (stall->starvation == LT_STARVED_BY_NEXT_TICK)
		fputs("; process.nextTick callbacks without end", stalls->out);
	if (stall->starvation == LT_STARVED_BY_MICROTASKS)
		fputs("; promise callbacks without end", stalls->out);
	fprintf(stalls->out, "; %s of %.0f sample%s\n",
		lt_fmt_ratio(ratio, sizeof(ratio), stall->where->share), stall->samples,
		stall->samples == 1 ? "" : "s");
}

static void put_stack(const struct lt_stalls *stalls, const struct lt_stall *stall)
{
	for (size_t i = 0; stall->stack && i < stall->n_stack && i < FRAMES_SHOWN; i++) {
		const struct lt_stack_frame *frame = &stall->stack[i];
		char function[4 * FUNCTION_CELLS + 5];

		lt_fmt_cell(function, sizeof(function), frame->function, FUNCTION_CELLS,
			    stalls->ascii);
		fprintf(stalls->out, "    %s ", frame == stall->where ? ">" : " ");
		put(stalls, frame == stall->where ? BOLD : frame->user ? NULL : DIM, function);
		fputc(' ', stalls->out);
		put_place(stalls, frame);
		fputc('\n', stalls->out);
	}
	if (stall->stack && stall->n_stack > FRAMES_SHOWN)
		fprintf(stalls->out, "      and %zu more callers\n", stall->n_stack - FRAMES_SHOWN);
}

static void put_time(const struct lt_stalls *stalls, double time)
{
	char clock[16];

	lt_text_clock(clock, sizeof(clock), time);
	fprintf(stalls->out, "%s.%03d  ", clock, isfinite(time) ? (int)(1000 * (time - floor(time))) : 0);
}

int lt_stalls_end_text(struct lt_stalls *stalls, const struct lt_snapshot *snapshot, const struct lt_process *process)
{
	char text[LT_END_TEXT_SIZE];

	if (stalls->any)
		fputc('\n', stalls->out);
	stalls->any = true;
	put_time(stalls, lt_known(process->end.time) ? process->end.time : snapshot->time);
	put(stalls, NULL, process->name ? process->name : "-");
	fprintf(stalls->out, "[%d]  ", process->pid);
	put(stalls, RED, "has ended");
	fprintf(stalls->out, ": %s\n", lt_end__text(text, &process->end));
	return 0;
}

int lt_stalls_tell_text(void *ctx, const struct lt_stall_news *news)
{
	struct lt_stalls *stalls = ctx;
	const struct lt_stall *stall = news->stall;
	char figure[16];

	if (stalls->any)
		fputc('\n', stalls->out);
	stalls->any = true;
	put_time(stalls, stall->start_time);
	put(stalls, NULL, news->process->name ? news->process->name : "-");
	fprintf(stalls->out, "[%d] ", news->process->pid);
	put(stalls, NULL, news->loop->name ? news->loop->name : "-");
	fputs("  ", stalls->out);
	lt_fmt_seconds(figure, sizeof(figure), stall->seconds);
	put(stalls, RED, stall->ongoing ? "still blocked after " : "blocked for ");
	put(stalls, RED, figure);
	if (stall->cut_short)
		put(stalls, RED, news->process->ended ? ", when the process ended" : ", when its thread ended");
	fputs("  (", stalls->out);
	put_causes(stalls, stall);
	fputs(")\n", stalls->out);
	put_what(stalls, stall);
	put_stack(stalls, stall);
	return 0;
}
