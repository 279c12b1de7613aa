/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Rings of samples by loop; those of which nothing more comes are dropped. */
#include "ui/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Snapshots after which a loop that is no longer told of is forgotten. */
#define FORGET_AFTER 120

const double lt_history_edges[LT_HISTORY_EDGES] = {
	1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3,
};

struct track {
	struct lt_loop_id id;
	uint64_t seen; /* number of the update */
	uint64_t pushed; /* samples ever */
	struct lt_sample ring[LT_HISTORY_SAMPLES];
};

struct lt_history {
	uint64_t updates;
	uint64_t sequence; /* of the latest snapshot */
	struct track **tracks;
	size_t n_tracks;
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

void lt_history__free(struct lt_history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->n_tracks; i++)
		free(history->tracks[i]);
	free(history->tracks);
	lt_stall_log__free(history->stalls);
	free(history);
}

static struct track *find_track(const struct lt_history *history, struct lt_loop_id id)
{
	for (size_t i = 0; i < history->n_tracks; i++) {
		struct track *track = history->tracks[i];

		if (track->id.tid == id.tid && track->id.pid == id.pid &&
		    track->id.start_time == id.start_time)
			return track;
	}
	return NULL;
}

static struct track *get_track(struct lt_history *history, struct lt_loop_id id)
{
	struct track *track = find_track(history, id), **tracks;

	if (track)
		return track;
	tracks = realloc(history->tracks, (history->n_tracks + 1) * sizeof(*tracks));
	if (!tracks)
		return NULL;
	history->tracks = tracks;
	track = calloc(1, sizeof(*track));
	if (!track)
		return NULL;
	track->id = id;
	history->tracks[history->n_tracks++] = track;
	return track;
}

static void push_sample(struct track *track, const struct lt_snapshot *snapshot,
			const struct lt_loop *loop)
{
	struct lt_sample *sample = &track->ring[track->pushed++ % LT_HISTORY_SAMPLES];
	bool known = loop->turn_hist && loop->lag_base_seconds > 0;

	*sample = (struct lt_sample){
		.time = snapshot->time,
		.seconds = (float)snapshot->interval_seconds,
		.busy = (float)loop->utilization,
		.lag_p99 = (float)loop->lag.p99,
		.stalled = (float)loop->stalled_seconds,
		.heap = loop->heap.present ? (float)loop->heap.used_bytes : NAN,
	};
	for (int i = 0; i < LT_HISTORY_EDGES; i++)
		sample->over[i] =
			known ? (float)(lt_hist__excess(loop->turn_hist, lt_history_edges[i]) /
					loop->lag_base_seconds)
			      : NAN;
}

static int update_process(struct lt_history *history, const struct lt_snapshot *snapshot,
			  const struct lt_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_loop *loop = &process->loops[i];
		struct track *track =
			get_track(history, (struct lt_loop_id){ process->pid, process->start_time,
								loop->tid });

		if (!track)
			return -ENOMEM;
		track->seen = history->updates;
		push_sample(track, snapshot, loop);
	}
	return 0;
}

static void forget(struct lt_history *history)
{
	size_t n = 0;

	for (size_t i = 0; i < history->n_tracks; i++)
		if (history->updates - history->tracks[i]->seen > FORGET_AFTER)
			free(history->tracks[i]);
		else
			history->tracks[n++] = history->tracks[i];
	history->n_tracks = n;
}

int lt_history__update(struct lt_history *history, const struct lt_snapshot *snapshot)
{
	int err = lt_stall_log__update(history->stalls, snapshot);

	/* It comes again with stalls that have gone on: the same interval is no sample more. */
	if (snapshot->sequence == history->sequence)
		return err;
	history->sequence = snapshot->sequence;
	history->updates++;
	for (size_t i = 0; i < snapshot->n_processes && !err; i++)
		err = update_process(history, snapshot, &snapshot->processes[i]);
	forget(history);
	return err;
}

/* Number of samples in the ring, and through ret_end the number of the first one after `until`. */
static size_t samples_until(const struct track *track, double until, uint64_t *ret_end)
{
	uint64_t least =
		track->pushed > LT_HISTORY_SAMPLES ? track->pushed - LT_HISTORY_SAMPLES : 0;
	uint64_t end = track->pushed;

	while (end > least && track->ring[(end - 1) % LT_HISTORY_SAMPLES].time > until)
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
	return &track->ring[(end - 1 - age) % LT_HISTORY_SAMPLES];
}

static double greater(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static void add_sample(struct lt_history_column *column, const struct lt_sample *sample,
		       double *seconds)
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
	if (isnan(sample->over[0]) || after <= 0)
		return;
	for (int i = 0; i < LT_HISTORY_EDGES; i++) {
		double have = isnan(column->over[i]) ? 0 : column->over[i] * before;

		column->over[i] = (have + (double)(sample->over[i] * sample->seconds)) / after;
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
		add_sample(&columns[at], &track->ring[number % LT_HISTORY_SAMPLES], &seconds);
	}
}

const struct lt_stall_log *lt_history__stalls(const struct lt_history *history)
{
	return history->stalls;
}
