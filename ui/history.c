/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Rings of samples by loop; those of which nothing more comes are dropped. */
#include "ui/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then */
#include <uthash.h>

/* Snapshots after which a loop that is no longer told of is forgotten. */
#define FORGET_AFTER 120
#define PIECE	     25 /* samples */

_Static_assert(LT_HISTORY_SAMPLES % PIECE == 0, "the ring has whole pieces");

const double lt_history_edges[LT_HISTORY_EDGES] = {
	1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3,
};

/* The table of tracks compares keys byte by byte: no holes. */
struct key {
	int pid, tid;
	double start_time;
};

/* At each edge the share of an interval at which new work would have waited longer. */
struct above {
	float edges[LT_HISTORY_EDGES];
};

/* Room comes in small pieces: that of all loops of a large host at once would stall the screen. */
struct piece {
	struct lt_sample samples[PIECE];
	struct above *above; /* of each; owned; NULL: unknown in all of them */
};

struct track {
	struct key key;
	uint64_t seen; /* number of the update */
	uint64_t pushed; /* samples ever */
	struct piece *pieces[LT_HISTORY_SAMPLES / PIECE]; /* owned; a ring of them */
	UT_hash_handle hh;
};

struct lt_history {
	uint64_t updates;
	uint64_t sequence; /* of the latest snapshot */
	struct track *tracks;
	struct lt_stall_log *stalls;
};

struct lt_history *lt_history__new(void)
{
	struct lt_history *history = calloc(1, sizeof(*history));

	if (history)
		history->stalls = lt_stall_log__new();
	if (history && !history->stalls) {
		free(history);
		return NULL;
	}
	return history;
}

static void free_track(struct lt_history *history, struct track *track)
{
	HASH_DEL(history->tracks, track);
	for (size_t i = 0; i < LT_HISTORY_SAMPLES / PIECE && track->pieces[i]; i++) {
		free(track->pieces[i]->above);
		free(track->pieces[i]);
	}
	free(track);
}

void lt_history__free(struct lt_history *history)
{
	struct track *track, *next;

	if (!history)
		return;
	HASH_ITER(hh, history->tracks, track, next)
	free_track(history, track);
	lt_stall_log__free(history->stalls);
	free(history);
}

static struct track *find_track(const struct lt_history *history, struct lt_loop_id id)
{
	struct key key = { id.pid, id.tid, id.start_time };
	struct track *track;

	HASH_FIND(hh, history->tracks, &key, sizeof(key), track);
	return track;
}

static struct track *get_track(struct lt_history *history, struct lt_loop_id id)
{
	struct track *track = find_track(history, id);

	if (track)
		return track;
	track = calloc(1, sizeof(*track));
	if (!track)
		return NULL;
	track->key = (struct key){ id.pid, id.tid, id.start_time };
	HASH_ADD(hh, history->tracks, key, sizeof(track->key), track);
	if (track->hh.tbl)
		return track;
	free(track);
	return NULL;
}

/* The sample of that number, in which there is room for it. */
static struct lt_sample *sample_of(const struct track *track, uint64_t number)
{
	return &track->pieces[number % LT_HISTORY_SAMPLES / PIECE]->samples[number % PIECE];
}

/* NULL: unknown. */
static struct above *above_of(const struct track *track, uint64_t number)
{
	struct above *above = track->pieces[number % LT_HISTORY_SAMPLES / PIECE]->above;

	return above ? &above[number % PIECE] : NULL;
}

/* Room for the next sample, and for what is above the edges if that is known. */
static int make_room(struct track *track, bool known)
{
	struct piece **piece = &track->pieces[track->pushed % LT_HISTORY_SAMPLES / PIECE];

	if (!*piece)
		*piece = calloc(1, sizeof(**piece));
	if (!*piece)
		return -ENOMEM;
	if (!known || (*piece)->above)
		return 0;
	(*piece)->above = calloc(PIECE, sizeof(struct above));
	for (size_t i = 0; (*piece)->above && i < PIECE; i++)
		(*piece)->above[i].edges[0] = NAN;
	return (*piece)->above ? 0 : -ENOMEM;
}

static int push_sample(struct track *track, const struct lt_snapshot *snapshot,
		       const struct lt_loop *loop)
{
	bool known = loop->turn_hist && loop->lag_base_seconds > 0;
	uint64_t number = track->pushed;
	struct above *above;

	if (make_room(track, known))
		return -ENOMEM;
	track->pushed++;
	*sample_of(track, number) = (struct lt_sample){
		.time = snapshot->time,
		.seconds = (float)snapshot->interval_seconds,
		.busy = (float)loop->utilization,
		.lag_p99 = (float)loop->lag.p99,
		.stalled = (float)loop->stalled_seconds,
		.heap = loop->heap.present ? (float)loop->heap.used_bytes : NAN,
	};
	above = above_of(track, number);
	if (!above)
		return 0;
	for (int i = 0; i < LT_HISTORY_EDGES; i++)
		above->edges[i] =
			known ? (float)(lt_hist__excess(loop->turn_hist, lt_history_edges[i]) /
					loop->lag_base_seconds)
			      : NAN;
	return 0;
}

static int update_process(struct lt_history *history, const struct lt_snapshot *snapshot,
			  const struct lt_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_loop *loop = &process->loops[i];
		struct track *track =
			get_track(history, (struct lt_loop_id){ process->pid, process->start_time,
								loop->tid });

		if (!track || push_sample(track, snapshot, loop))
			return -ENOMEM;
		track->seen = history->updates;
	}
	return 0;
}

static void forget(struct lt_history *history, const struct lt_keep *keep)
{
	struct track *track, *next;

	HASH_ITER(hh, history->tracks, track, next)
	if (history->updates - track->seen > FORGET_AFTER &&
	    !(keep && lt_keep__find(keep, track->key.pid, track->key.start_time)))
		free_track(history, track);
}

int lt_history__update(struct lt_history *history, const struct lt_snapshot *snapshot, const struct lt_keep *keep)
{
	int err = lt_stall_log__update(history->stalls, snapshot, keep);

	/* It comes again with stalls that have gone on: the same interval is no sample more. */
	if (snapshot->sequence == history->sequence)
		return err;
	history->sequence = snapshot->sequence;
	history->updates++;
	for (size_t i = 0; i < snapshot->n_processes && !err; i++)
		err = update_process(history, snapshot, &snapshot->processes[i]);
	forget(history, keep);
	return err;
}

/* Number of samples in the ring, and through ret_end the number of the first one after `until`. */
static size_t samples_until(const struct track *track, double until, uint64_t *ret_end)
{
	uint64_t least =
		track->pushed > LT_HISTORY_SAMPLES ? track->pushed - LT_HISTORY_SAMPLES : 0;
	uint64_t end = track->pushed;

	while (end > least && sample_of(track, end - 1)->time > until)
		end--;
	*ret_end = end;
	return (size_t)(end - least);
}

const struct lt_sample *lt_history__sample(const struct lt_history *history, struct lt_loop_id id,
					   double until, size_t age)
{
	const struct track *track = find_track(history, id);
	uint64_t end;

	if (!track || age >= samples_until(track, until, &end))
		return NULL;
	return sample_of(track, end - 1 - age);
}

static double greater(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static void add_sample(struct lt_history_column *column, const struct lt_sample *sample,
		       const struct above *above, double *seconds)
{
	double before = *seconds, after = before + (double)sample->seconds;

	if (!column->any) {
		*column = (struct lt_history_column){
			.any = true, .busy = NAN, .lag_p99 = NAN, .stalled = NAN, .heap = NAN
		};
		for (int i = 0; i < LT_HISTORY_EDGES; i++)
			column->over[i] = NAN;
		before = 0;
		after = (double)sample->seconds;
	}
	column->begin_time = sample->time - (double)sample->seconds;
	column->busy = greater(column->busy, (double)sample->busy);
	column->lag_p99 = greater(column->lag_p99, (double)sample->lag_p99);
	column->stalled = greater(column->stalled, (double)sample->stalled);
	column->heap = greater(column->heap, (double)sample->heap);
	if (!above || isnan(above->edges[0]) || after <= 0)
		return;
	for (int i = 0; i < LT_HISTORY_EDGES; i++) {
		double have = isnan(column->over[i]) ? 0 : column->over[i] * before;

		column->over[i] = (have + (double)(above->edges[i] * sample->seconds)) / after;
	}
	*seconds = after;
}

void lt_history__columns(const struct lt_history *history, struct lt_loop_id id, double until,
			 size_t per_column, struct lt_history_column *columns, size_t n)
{
	const struct track *track = find_track(history, id);
	double seconds = 0;
	uint64_t end, group = UINT64_MAX;
	size_t have, at = n;

	memset(columns, 0, n * sizeof(*columns));
	if (!track || !per_column)
		return;
	have = samples_until(track, until, &end);
	for (size_t age = 0; age < have; age++) {
		uint64_t number = end - 1 - age;

		if (number / per_column != group) {
			group = number / per_column;
			if (at-- == 0)
				return;
			seconds = 0;
		}
		add_sample(&columns[at], sample_of(track, number), above_of(track, number),
			   &seconds);
	}
}

const struct lt_stall_log *lt_history__stalls(const struct lt_history *history)
{
	return history->stalls;
}
