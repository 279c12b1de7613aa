/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What text.c, text_cells.c and text_notes.c share: nothing else includes it. */
#ifndef LOOPTOP_SINK_TEXT_H
#define LOOPTOP_SINK_TEXT_H

#include <stdio.h>

#include "looptop/snapshot.h"

/* What a row of text is about. */
struct lt_text_row {
	const struct lt_snapshot *snapshot;
	const struct lt_process *process;
	const struct lt_loop *loop; /* NULL: the process has none */
	bool first; /* of its process */
};

enum lt_text_state {
	LT_TEXT_KNOWN,
	LT_TEXT_UNKNOWN,
	LT_TEXT_NOT_APPLICABLE
};

/* Fills buf, and sets *value if colour may tell how bad it is. */
typedef enum lt_text_state (*lt_text_cell_fn)(const struct lt_text_row *row, char *buf, size_t size,
					      double *value);

struct lt_text_column {
	const char *group; /* columns side by side with the same group share a heading */
	const char *title;
	int width;
	bool left;
	int drop; /* on a narrow terminal the highest goes first; 0: stays */
	double warn, bad; /* from where on the figure is coloured; 0: never */
	lt_text_cell_fn cell;
};

extern const struct lt_text_column lt_text_columns[];
extern const size_t lt_n_text_columns;

/* "HH:MM:SS" of a Unix time in the local zone; buf has room for 9 bytes at least. */
void lt_text_clock(char *buf, size_t size, double time);

/* Remembers what was told of each process, so that a line appears only when something changed. */
struct lt_text_notes;

struct lt_text_notes *lt_text_notes__new(bool ascii);
void lt_text_notes__free(struct lt_text_notes *notes);

/* What is new before a snapshot's rows: processes, tiers, missing figures. Lines written, or
 * -ENOMEM. */
int lt_text_notes__before(struct lt_text_notes *notes, FILE *out,
			  const struct lt_snapshot *snapshot);
/* What belongs behind the rows: ends, losses. Lines written. */
int lt_text_notes__after(const struct lt_text_notes *notes, FILE *out,
			 const struct lt_snapshot *snapshot);

#endif
