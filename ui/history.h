/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The last minutes of each loop: a ring of samples, one a snapshot; and the latest stalls. It goes
 * on while the screen is paused; readers say up to which moment they want to look.
 */
#ifndef LOOPTOP_UI_HISTORY_H
#define LOOPTOP_UI_HISTORY_H

#include "ui/stall_log.h"

#define LT_HISTORY_SAMPLES 600
#define LT_HISTORY_EDGES   10 /* two for each power of ten, from 100 µs to 3 s */

/* How long a new piece of work waits, in seconds: lower edges of the heat strip's rows. */
extern const double lt_history_edges[LT_HISTORY_EDGES];

struct lt_sample {
	double time; /* Unix time of its end */
	float seconds; /* its length */
	float busy, lag_p99; /* NAN: unknown */
	float heap; /* bytes in use at its end */
	float stalled; /* length of the stall that ran at its end */
};

struct lt_history;

struct lt_history *lt_history__new(void);
void lt_history__free(struct lt_history *history);

/* Adds a snapshot's samples and stalls; of one whose sequence it has already, only the stalls. What
 * keep (or NULL) has stays, also when nothing more comes of it. 0 or -ENOMEM. */
int lt_history__update(struct lt_history *history, const struct lt_snapshot *snapshot, const struct lt_keep *keep);

/* The sample `age` snapshots before the latest one at or before `until`, or NULL. */
const struct lt_sample *lt_history__sample(const struct lt_history *history, struct lt_loop_id id,
					   double until, size_t age);

/* One column of a strip: `per_column` samples taken together. */
struct lt_history_column {
	bool any; /* there are samples in it */
	double begin_time;
	double busy, lag_p99, stalled, heap; /* the greatest; NAN: unknown */
	double over[LT_HISTORY_EDGES]; /* share of time at which new work would wait longer, the mean; NAN */
};

/*
 * Fills columns[0 … n), the newest last. Columns hold fixed samples: as time goes on they move as
 * a whole and do not change, but for the newest.
 */
void lt_history__columns(const struct lt_history *history, struct lt_loop_id id, double until,
			 size_t per_column, struct lt_history_column *columns, size_t n);

/* The stalls of the same snapshots. */
const struct lt_stall_log *lt_history__stalls(const struct lt_history *history);

#endif
