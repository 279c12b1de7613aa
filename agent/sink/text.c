/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Snapshots as rows for people, as vmstat prints them: one for each loop and interval, the header
 * again before it scrolls away, figures in their columns from row to row. "-" is unknown, a dot is
 * not applicable. On a narrow terminal the least needed columns are left out.
 */
#include "agent/sink/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/sink/out.h"
#include "agent/util/fmt.h"
#include "looptop/sink.h"

#define DEFAULT_WIDTH  100
#define DEFAULT_HEIGHT 24
#define CELL_MAX       96 /* bytes */

struct text {
	FILE *out;
	struct lt_text_notes *notes;
	bool colour, ascii;
	int header_every; /* as the caller set it */
	int since_header; /* lines; -1: no header yet */
};

static void terminal_size(FILE *out, int *ret_width, int *ret_height)
{
	struct winsize size = { 0 };
	int fd = fileno(out);

	if (fd < 0) /* stdout, with a writer of its own (agent/util/stop.h) */
		fd = STDOUT_FILENO;
	*ret_width = DEFAULT_WIDTH;
	*ret_height = DEFAULT_HEIGHT;
	if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		return;
	*ret_width = size.ws_col;
	*ret_height = size.ws_row;
}

/* Columns with a drop above this are left out. */
static int keep_up_to(int width)
{
	int keep = 9, needed;

	do {
		keep--;
		needed = -1;
		for (size_t i = 0; i < lt_n_text_columns; i++)
			if (lt_text_columns[i].drop <= keep)
				needed += lt_text_columns[i].width + 1;
	} while (needed > width && keep > 0);
	return keep;
}

/* The space before a column. */
static void gap(FILE *out, bool *first)
{
	if (!*first)
		fputc(' ', out);
	*first = false;
}

/* A heading over several columns, in the middle of a line over them. */
static void put_group(FILE *out, const char *group, int width)
{
	int text = group ? (int)strlen(group) : 0, side = (width - text) / 2;

	for (int i = 0; i < width; i++) {
		if (i >= side && i < side + text)
			fputc(group[i - side], out);
		else
			fputc(text && side > 2 && i != side - 1 && i != side + text ? '-' : ' ',
			      out);
	}
}

/* One past the last column that has a group: no blanks are written behind it. */
static size_t groups_end(void)
{
	size_t n = lt_n_text_columns;

	while (n && !lt_text_columns[n - 1].group)
		n--;
	return n;
}

static void put_groups(struct text *text, int keep)
{
	size_t end = groups_end();
	bool first = true;

	for (size_t i = 0; i < end; i++) {
		const char *group = lt_text_columns[i].group;
		int width = lt_text_columns[i].width;

		if (lt_text_columns[i].drop > keep)
			continue;
		for (; group && i + 1 < end && lt_text_columns[i + 1].group &&
		       !strcmp(lt_text_columns[i + 1].group, group);
		     i++)
			if (lt_text_columns[i + 1].drop <= keep)
				width += lt_text_columns[i + 1].width + 1;
		gap(text->out, &first);
		put_group(text->out, group, width);
	}
	fputc('\n', text->out);
}

static void put_header(struct text *text, int keep)
{
	bool first = true;

	put_groups(text, keep);
	for (size_t i = 0; i < lt_n_text_columns; i++) {
		if (lt_text_columns[i].drop > keep)
			continue;
		gap(text->out, &first);
		fprintf(text->out, "%*s",
			lt_text_columns[i].left ? -lt_text_columns[i].width
						: lt_text_columns[i].width,
			lt_text_columns[i].title);
	}
	fputc('\n', text->out);
	text->since_header = 0;
}

static void put_cell(const struct text *text, const struct lt_text_column *column,
		     const struct lt_text_row *row)
{
	char buf[CELL_MAX] = "", padded[CELL_MAX];
	double value = NAN;
	enum lt_text_state state = column->cell(row, buf, sizeof(buf), &value);
	const char *shown = state == LT_TEXT_KNOWN     ? buf
			    : state == LT_TEXT_UNKNOWN ? "-"
			    : text->ascii	       ? "."
						       : "\xc2\xb7";
	int cells = state == LT_TEXT_KNOWN ? (int)strlen(buf) : 1;
	const char *sgr = !text->colour || state != LT_TEXT_KNOWN     ? NULL
			  : column->bad > 0 && value >= column->bad   ? "\033[1;31m"
			  : column->warn > 0 && value >= column->warn ? "\033[33m"
								      : NULL;

	if (column->left) {
		fputs(lt_fmt_cell(padded, sizeof(padded), shown, column->width, text->ascii),
		      text->out);
		return;
	}
	fprintf(text->out, "%*s%s%s%s", cells < column->width ? column->width - cells : 0, "",
		sgr ? sgr : "", shown, sgr ? "\033[0m" : "");
}

static void put_row(struct text *text, const struct lt_text_row *row, int keep)
{
	bool first = true;

	for (size_t i = 0; i < lt_n_text_columns; i++) {
		if (lt_text_columns[i].drop > keep)
			continue;
		gap(text->out, &first);
		put_cell(text, &lt_text_columns[i], row);
	}
	fputc('\n', text->out);
	text->since_header++;
}

static void put_process(struct text *text, struct lt_text_row *row, int width, int every)
{
	const struct lt_process *process = row->process;
	int keep = keep_up_to(width);

	/* A process without a loop has a row all the same. */
	for (size_t i = 0; i == 0 || i < process->n_loops; i++) {
		if (text->since_header < 0 || text->since_header >= every)
			put_header(text, keep);
		row->first = i == 0;
		row->loop = process->n_loops ? &process->loops[i] : NULL;
		put_row(text, row, keep);
	}
}

static void *text_open(const struct lt_sink_opts *opts)
{
	struct text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	*text = (struct text){ .out = opts->out,
			       .colour = opts->colour,
			       .ascii = opts->ascii,
			       .header_every = opts->header_every,
			       .since_header = -1,
			       .notes = lt_text_notes__new(opts->ascii) };
	if (!text->notes) {
		free(text);
		return NULL;
	}
	return text;
}

static int text_write(void *state, const struct lt_snapshot *snapshot)
{
	struct text *text = state;
	struct lt_text_row row = { .snapshot = snapshot };
	int width, height, every, lines;

	/* Asked each time: a terminal may be resized. Two lines of header, one for the cursor. */
	terminal_size(text->out, &width, &height);
	every = text->header_every > 0 ? text->header_every : height > 4 ? height - 3 : 1;
	lt_out_begin();
	lines = lt_text_notes__before(text->notes, text->out, snapshot);
	if (lines < 0)
		return lines;
	if (text->since_header >= 0)
		text->since_header += lines;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		row.process = &snapshot->processes[i];
		put_process(text, &row, width, every);
	}
	lines = lt_text_notes__after(text->notes, text->out, snapshot);
	if (text->since_header >= 0)
		text->since_header += lines;
	return lt_out_end(text->out);
}

static int text_close(void *state)
{
	struct text *text = state;
	int err = lt_out_end(text->out);

	lt_text_notes__free(text->notes);
	free(text);
	return err;
}

const struct lt_sink lt_sink_text = {
	.name = "text",
	.open = text_open,
	.write = text_write,
	.close = text_close,
};
