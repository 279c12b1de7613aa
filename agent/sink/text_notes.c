/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The lines between the rows of text: a process that is new, changed its tier, misses figures or
 * has ended, and what was lost. A process is written NAME[PID], so that a filter for the PID as a
 * word finds rows only.
 */
#include "agent/sink/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/util/array.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define NOTE_TEXT_MAX 256
/* A storm: so many deoptimisations of one function in an interval, so many a second, for so many intervals in a row. */
#define STORM_DEOPTS	 5
#define STORM_PER_SECOND (1.0 / 3)
#define STORM_INTERVALS	 3
#define REMADE_PART	 0.5 /* of what is thrown out in an interval; names may come in the next one */
#define BLOCKED_SECONDS	 5 /* a stream that does not drain for so long is worth a line */

struct told {
	int pid;
	double start_time;
	uint64_t tier, missing; /* hashes of the texts that were written */
	bool seen;
	bool blocked; /* it was told that a stream is */
	unsigned storms; /* intervals in a row with a function that was deoptimised often */
};

struct lt_text_notes {
	bool ascii;
	bool none_told; /* that there is nothing to measure */
	struct told *told;
	size_t n, room;
};

struct lt_text_notes *lt_text_notes__new(bool ascii)
{
	struct lt_text_notes *notes = calloc(1, sizeof(*notes));

	if (notes)
		notes->ascii = ascii;
	return notes;
}

void lt_text_notes__free(struct lt_text_notes *notes)
{
	if (!notes)
		return;
	free(notes->told);
	free(notes);
}

void lt_text_clock(char *buf, size_t size, double time)
{
	time_t seconds = isfinite(time) && fabs(time) < 1e15 ? (time_t)time : 0;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(buf, size, "%H:%M:%S", &tm))
		snprintf(buf, size, "--:--:--");
}

/* FNV-1a: only to notice a change. */
static uint64_t hash(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return (h ^ 0xff) * 0x100000001b3;
}

static uint64_t hash_missing(const struct lt_process *process)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < process->n_missing; i++)
		h = hash(h, process->missing[i]);
	return h;
}

static struct told *find(struct lt_text_notes *notes, const struct lt_process *process)
{
	for (size_t i = 0; i < notes->n; i++)
		if (notes->told[i].pid == process->pid &&
		    notes->told[i].start_time == process->start_time)
			return &notes->told[i];
	return NULL;
}

static struct told *add(struct lt_text_notes *notes, const struct lt_process *process)
{
	struct told *told = lt_array_room(notes->told, notes->n, &notes->room, 8, sizeof(*told));

	if (!told)
		return NULL;
	notes->told = told;
	notes->told[notes->n] =
		(struct told){ .pid = process->pid, .start_time = process->start_time };
	return &notes->told[notes->n++];
}

/* Processes that are not in the snapshot are forgotten. */
static void sweep(struct lt_text_notes *notes)
{
	size_t kept = 0;

	for (size_t i = 0; i < notes->n; i++)
		if (notes->told[i].seen)
			notes->told[kept++] = notes->told[i];
	notes->n = kept;
}

static void put_text(const struct lt_text_notes *notes, FILE *out, const char *before,
		     const char *text)
{
	char clean[NOTE_TEXT_MAX];

	if (!text)
		return;
	fputs(before, out);
	for (const char *s = lt_fmt_text(clean, sizeof(clean), text); *s; s++) {
		bool plain = !notes->ascii || (*s & 0x80) == 0;

		if (plain)
			fputc(*s, out);
		else if ((*s & 0xc0) != 0x80) /* one mark for each character */
			fputc('?', out);
	}
}

static void begin_note(const struct lt_text_notes *notes, FILE *out,
		       const struct lt_snapshot *snapshot, const struct lt_process *process)
{
	char clock[16];

	lt_text_clock(clock, sizeof(clock), snapshot->time);
	fprintf(out, "%s %s ", clock, notes->ascii ? "-" : "\xe2\x80\x93");
	if (!process)
		return;
	put_text(notes, out, "", process->name ? process->name : "?");
	fprintf(out, "[%d]", process->pid);
}

static int note_tier(const struct lt_text_notes *notes, FILE *out,
		     const struct lt_snapshot *snapshot, const struct lt_process *process,
		     struct told *told)
{
	uint64_t now = hash(0, process->tier);
	bool first = !told->tier;

	if (now == told->tier)
		return 0;
	told->tier = now;
	begin_note(notes, out, snapshot, process);
	if (first) {
		put_text(notes, out, ": ", process->runtime ? process->runtime : "unknown runtime");
		put_text(notes, out, " ", process->runtime_version);
		put_text(notes, out, ", container ", process->container);
		put_text(notes, out, ", host ", process->hostname);
		put_text(notes, out, ", pod ", process->pod);
	}
	put_text(notes, out, first ? ", tier " : ": now at tier ",
		 process->tier ? process->tier : "-");
	fputc('\n', out);
	return 1;
}

static int note_missing(const struct lt_text_notes *notes, FILE *out,
			const struct lt_snapshot *snapshot, const struct lt_process *process,
			struct told *told)
{
	uint64_t now = hash_missing(process);

	if (now == told->missing)
		return 0;
	told->missing = now;
	for (size_t i = 0; i < process->n_missing; i++) {
		begin_note(notes, out, snapshot, process);
		put_text(notes, out, ": missing: ", process->missing[i]);
		fputc('\n', out);
	}
	return (int)process->n_missing;
}

/* The loop whose stream has been blocked for the longest time, if that is long. */
static const struct lt_loop *blocked_loop(const struct lt_process *process)
{
	const struct lt_loop *worst = NULL;

	for (size_t i = 0; i < process->n_loops; i++) {
		double seconds = process->loops[i].streams.longest_blocked_seconds;

		if (seconds >= BLOCKED_SECONDS &&
		    (!worst || seconds > worst->streams.longest_blocked_seconds))
			worst = &process->loops[i];
	}
	return worst;
}

/* Once, until all of them drain. */
static int note_streams(const struct lt_text_notes *notes, FILE *out,
			const struct lt_snapshot *snapshot, const struct lt_process *process,
			struct told *told)
{
	const struct lt_loop *loop = blocked_loop(process);
	bool before = told->blocked;
	char seconds[16], bytes[16];

	told->blocked = loop != NULL;
	if (!loop || before)
		return 0;
	lt_fmt_seconds(seconds, sizeof(seconds), loop->streams.longest_blocked_seconds);
	lt_fmt_bytes(bytes, sizeof(bytes), loop->streams.worst.queued_bytes);
	begin_note(notes, out, snapshot, process);
	put_text(notes, out, ": ", loop->name);
	fprintf(out, " writes to somebody who does not read: fd %d", loop->streams.worst.fd);
	put_text(notes, out, " to ", loop->streams.worst.peer);
	fprintf(out, ", blocked for %s, %s queued\n", seconds, bytes);
	return 1;
}

/* What is thrown out in a storm is made anew; code that is only left for better code of its loop is not. */
static bool is_remade(const struct lt_jit *jit)
{
	return lt_jit__optimised(jit) >= REMADE_PART * jit->functions[0].count;
}

/* The loop with the function that was deoptimised most often, if that is often. */
static const struct lt_loop *stormy_loop(const struct lt_process *process, double seconds)
{
	const double least = fmax(STORM_DEOPTS, STORM_PER_SECOND * seconds);
	const struct lt_loop *worst = NULL;

	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_jit *jit = &process->loops[i].jit;

		if (!jit->n_functions || jit->functions[0].count < least || !is_remade(jit))
			continue;
		if (!worst || jit->functions[0].count > worst->jit.functions[0].count)
			worst = &process->loops[i];
	}
	return worst;
}

/* Once, until there is an interval without. */
static int note_deopts(const struct lt_text_notes *notes, FILE *out,
		       const struct lt_snapshot *snapshot, const struct lt_process *process,
		       struct told *told)
{
	const struct lt_loop *loop = stormy_loop(process, snapshot->interval_seconds);
	const struct lt_stack_frame *where;
	const char *file;
	char count[16];
	int line;

	told->storms = loop ? told->storms + 1 : 0;
	if (told->storms != STORM_INTERVALS)
		return 0;
	where = &loop->jit.functions[0].where;
	file = where->original_file ? where->original_file : where->file;
	line = where->original_file ? where->original_line : where->line;
	lt_fmt_count(count, sizeof(count), loop->jit.deopts);
	begin_note(notes, out, snapshot, process);
	put_text(notes, out, ": ", loop->name);
	fprintf(out, ": %s deoptimisations, most often of ", count);
	put_text(notes, out, "", where->function);
	put_text(notes, out, " at ", file);
	if (file && line)
		fprintf(out, ":%d", line);
	fputc('\n', out);
	return 1;
}

int lt_text_notes__before(struct lt_text_notes *notes, FILE *out,
			  const struct lt_snapshot *snapshot)
{
	int lines = 0;

	for (size_t i = 0; i < notes->n; i++)
		notes->told[i].seen = false;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct lt_process *process = &snapshot->processes[i];
		struct told *told = find(notes, process);

		if (!told)
			told = add(notes, process);
		if (!told)
			return -ENOMEM;
		told->seen = true;
		lines += note_tier(notes, out, snapshot, process, told);
		lines += note_missing(notes, out, snapshot, process, told);
		lines += note_streams(notes, out, snapshot, process, told);
		lines += note_deopts(notes, out, snapshot, process, told);
	}
	sweep(notes);
	if (!snapshot->n_processes && !notes->none_told) {
		begin_note(notes, out, snapshot, NULL);
		fputs("no event loop to measure\n", out);
		lines++;
	}
	notes->none_told = !snapshot->n_processes;
	return lines;
}

static int note_lost(const struct lt_text_notes *notes, FILE *out,
		     const struct lt_snapshot *snapshot)
{
	int n = 0;

	for (size_t i = 0; i < LT_SNAP_LOST; i++) {
		char count[16];

		if (!(snapshot->self.lost[i] > 0))
			continue;
		if (!n++) {
			begin_note(notes, out, snapshot, NULL);
			fputs("lost: ", out);
		}
		lt_fmt_count(count, sizeof(count), snapshot->self.lost[i]);
		fprintf(out, "%s%s %s", n > 1 ? ", " : "", count, lt_lost_names[i]);
	}
	if (n)
		fputc('\n', out);
	return n > 0;
}

/* With its age, if it is known when it ended. */
static int note_end(const struct lt_text_notes *notes, FILE *out, const struct lt_snapshot *snapshot,
		    const struct lt_process *process)
{
	char text[LT_END_TEXT_SIZE], age[16];

	begin_note(notes, out, snapshot, process);
	fprintf(out, ": has ended: %s", lt_end__text(text, &process->end));
	if (lt_known(process->end.time) && process->end.time >= process->start_time)
		fprintf(out, " (%s after its start)",
			lt_fmt_seconds(age, sizeof(age), process->end.time - process->start_time));
	fputc('\n', out);
	return 1;
}

int lt_text_notes__after(const struct lt_text_notes *notes, FILE *out,
			 const struct lt_snapshot *snapshot)
{
	int lines = note_lost(notes, out, snapshot);

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct lt_process *process = &snapshot->processes[i];

		for (size_t j = 0; !process->ended && j < process->n_loops; j++) {
			if (!process->loops[j].ended)
				continue;
			begin_note(notes, out, snapshot, process);
			put_text(notes, out, ": has ended: loop ", process->loops[j].name);
			fputc('\n', out);
			lines++;
		}
		if (process->ended) {
			lines += note_end(notes, out, snapshot, process);
		}
	}
	return lines;
}
