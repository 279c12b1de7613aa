/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What is the matter with a process as a whole, in the row of its main loop: it does not answer, it has ended. */
#include <stdio.h>

#include "ui/view/view.h"

/* Its memory cannot be read: in the place of its history, or of what it is blocked by. */
static void draw_silent(struct lt_canvas *canvas, const struct lt_columns_layout *columns, int y)
{
	const struct lt_column_place *place = lt_columns_find(columns, LT_COL_STRIP);

	if (!place)
		place = lt_columns_find(columns, LT_COL_WORST);
	if (place)
		lt_canvas__left(canvas, place->x, y, place->w, LT_SEV_ATTENTION,
				place->w >= 15 ? "does not answer" : "no answer");
}

/* In the place of what it was blocked by: its history is worth a look now. */
static void draw_ended(struct lt_canvas *canvas, const struct lt_columns_layout *columns, int y,
		       const struct lt_process *process)
{
	const struct lt_column_place *place = lt_columns_find(columns, LT_COL_WORST);
	char text[LT_END_TEXT_SIZE + 16], how[LT_END_TEXT_SIZE];

	if (!place)
		place = lt_columns_find(columns, LT_COL_STRIP);
	if (!place)
		return;
	snprintf(text, sizeof(text), "ended: %s ", lt_end__text(how, &process->end));
	if (lt_canvas__measure(canvas, text) > place->w)
		snprintf(text, sizeof(text), "%s ", how);
	lt_canvas__left(canvas, place->x, y, place->w, LT_SEV_ATTENTION | LT_STYLE_DIM, text);
}

void lt_draw_state(struct lt_canvas *canvas, const struct lt_columns_layout *columns, int y,
		   const struct lt_row *row)
{
	if (row->source.child)
		return;
	if (row->source.process->ended)
		draw_ended(canvas, columns, y, row->source.process);
	else if (row->source.process->silent && !row->gone)
		draw_silent(canvas, columns, y);
}
