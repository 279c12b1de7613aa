/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The report for people, on a terminal or in a mail. */
#include <errno.h>
#include <string.h>

#include "agent/doctor/report.h"

#define WIDTH	  100 /* lines are broken before */
#define TAG_WIDTH 10

struct pen {
	FILE *out;
	bool colour, ascii;
};

#define BOLD  "1"
#define DIM   "2"
#define RED   "1;31"
#define GREEN "32"

static void put(const struct pen *pen, const char *style, const char *text)
{
	if (pen->colour && style)
		fprintf(pen->out, "\033[%sm", style);
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		/* One '?' for a character of several bytes. */
		if (!pen->ascii || byte < 0x80)
			fputc(byte, pen->out);
		else if (byte >= 0xc0)
			fputc('?', pen->out);
	}
	if (pen->colour && style)
		fputs("\033[0m", pen->out);
}

static int cells_of(const char *text, size_t bytes)
{
	int cells = 0;

	for (size_t i = 0; i < bytes; i++)
		cells += ((unsigned char)text[i] & 0xc0) != 0x80;
	return cells;
}

/* A tag, and text beside it, broken at spaces. */
static void paragraph(const struct pen *pen, const char *tag, const char *style, const char *text)
{
	char word[LT_FINDING_TEXT];
	int x = 0;

	fprintf(pen->out, "   %-*s", TAG_WIDTH, tag);
	while (*text) {
		size_t n = strcspn(text, " ");
		int cells = cells_of(text, n);

		if (n >= sizeof(word))
			n = sizeof(word) - 1;
		memcpy(word, text, n);
		word[n] = '\0';
		text += n;
		text += strspn(text, " ");
		if (x > 0 && x + 1 + cells > WIDTH - 3 - TAG_WIDTH) {
			fprintf(pen->out, "\n%*s", 3 + TAG_WIDTH, "");
			x = 0;
		}
		if (x > 0)
			fputc(' ', pen->out);
		put(pen, style, word);
		x += (x > 0) + cells;
	}
	fputc('\n', pen->out);
}

static void write_finding(const struct pen *pen, size_t number, const struct lt_finding *finding,
			  bool name_process)
{
	char text[2 * LT_FINDING_TEXT];

	fprintf(pen->out, "\n%zu. ", number);
	put(pen, RED, finding->title);
	fputs("  ", pen->out);
	put(pen, DIM, finding->id);
	fputc('\n', pen->out);
	if (name_process)
		paragraph(pen, "process", NULL,
			  lt_report_process(finding->process, text, sizeof(text)));
	if (finding->loop && finding->process->n_loops > 1)
		paragraph(pen, "loop", NULL, finding->loop->name);
	for (size_t i = 0; i < finding->n_seen; i++)
		paragraph(pen, i ? "" : "seen", NULL, finding->seen[i]);
	for (size_t i = 0; i < finding->n_estimates;) {
		const char *tag = i ? "" : "cured";

		paragraph(pen, tag, GREEN,
			  lt_report_estimate(finding, &i, pen->ascii, text, sizeof(text)));
	}
	if (finding->caveat[0])
		paragraph(pen, finding->n_estimates ? "but" : "note", NULL, finding->caveat);
	paragraph(pen, "why", NULL, finding->why);
	for (size_t i = 0; i < finding->n_advice; i++)
		paragraph(pen, i ? "" : "do", NULL, finding->advice[i]);
}

static void write_loops(const struct pen *pen, const struct lt_dr_process *process)
{
	for (size_t i = 0; i < process->n_loops && i < 8; i++) {
		const struct lt_dr_loop *loop = process->loops[i];
		struct lt_lag_figures lag = lt_estimate__now(loop);

		fprintf(pen->out, "   %-12.12s busy %s, lag p99 %s, longest turn %s\n", loop->name,
			LT_RATIO(lt_loop_utilization(loop)), LT_SECONDS(lag.p99),
			LT_SECONDS(lag.max));
	}
	if (process->n_loops > 8)
		fprintf(pen->out, "   and %zu more loops\n", process->n_loops - 8);
}

static void write_checked(const struct pen *pen, const struct lt_diagnosis *diagnosis)
{
	char text[2 * LT_FINDING_TEXT];
	bool any = false;

	fputs("\nLooked at\n", pen->out);
	for (size_t i = 0; i < diagnosis->n_checked; i++)
		if (!diagnosis->checked[i].reason)
			paragraph(pen, "", NULL, diagnosis->checked[i].what);
	for (size_t i = 0; i < diagnosis->n_checked; i++) {
		const struct lt_checked *checked = &diagnosis->checked[i];

		if (!checked->reason)
			continue;
		if (!any)
			fputs("Not looked at\n", pen->out);
		any = true;
		snprintf(text, sizeof(text), "%s (%s)", checked->what, checked->reason);
		paragraph(pen, "", DIM, text);
	}
}

int lt_doctor__text(const struct lt_doctor *doctor, FILE *out, bool colour, bool ascii)
{
	struct pen pen = { out, colour, ascii };
	struct lt_diagnosis *diagnosis = lt_diagnosis__new(doctor);
	struct lt_report_notes notes;
	char text[LT_FINDING_TEXT];

	if (!diagnosis)
		return -ENOMEM;
	for (size_t i = 0; i < doctor->n_processes; i++) {
		put(&pen, BOLD, lt_report_process(doctor->processes[i], text, sizeof(text)));
		fprintf(out, ", watched for %s\n", LT_SECONDS(doctor->processes[i]->seconds));
		write_loops(&pen, doctor->processes[i]);
	}
	if (!diagnosis->n_findings) {
		fputc('\n', out);
		put(&pen, GREEN, "Nothing found that holds it back.");
		fputc('\n', out);
	}
	for (size_t i = 0; i < diagnosis->n_findings; i++)
		write_finding(&pen, i + 1, &diagnosis->findings[i], doctor->n_processes > 1);
	lt_report_notes(doctor, diagnosis, &notes);
	if (notes.n)
		fputc('\n', out);
	for (size_t i = 0; i < notes.n; i++)
		paragraph(&pen, "note", NULL, notes.text[i]);
	for (size_t i = 0; i < doctor->n_processes; i++)
		for (size_t k = 0; k < doctor->processes[i]->n_missing; k++)
			paragraph(&pen, "missing", DIM, doctor->processes[i]->missing[k]);
	write_checked(&pen, diagnosis);
	lt_diagnosis__free(diagnosis);
	return ferror(out) ? -(errno ? errno : EIO) : 0;
}
