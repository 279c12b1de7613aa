/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Rings of samples by loop and of stalls by process; those of which nothing more comes are dropped. */
#include "ui/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"

/* Snapshots after which a loop or process that is no longer told of is forgotten. */
#define FORGET_AFTER 120

/* Two readings of when one stall began differ by less. */
#define SAME_STALL_SECONDS 0.05

const double lt_history_edges[LT_HISTORY_EDGES] = {
	1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3,
};

struct track {
	struct lt_loop_id id;
	uint64_t seen; /* number of the update */
	uint64_t pushed; /* samples ever */
	struct lt_sample ring[LT_HISTORY_SAMPLES];
};

struct stall_log {
	int pid;
	double start_time;
	uint64_t seen;
	uint64_t pushed;
	struct lt_past_stall ring[LT_HISTORY_STALLS];
};

struct lt_history {
	uint64_t updates;
	struct track **tracks;
	size_t n_tracks;
	struct stall_log **logs;
	size_t n_logs;
};

struct lt_history *lt_history__new(void)
{
	return calloc(1, sizeof(struct lt_history));
}

void lt_history__free(struct lt_history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->n_tracks; i++)
		free(history->tracks[i]);
	for (size_t i = 0; i < history->n_logs; i++)
		free(history->logs[i]);
	free(history->tracks);
	free(history->logs);
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

static struct stall_log *find_log(const struct lt_history *history, int pid, double start_time)
{
	for (size_t i = 0; i < history->n_logs; i++) {
		struct stall_log *log = history->logs[i];

		if (log->pid == pid && log->start_time == start_time)
			return log;
	}
	return NULL;
}

/* Appends to an array of pointers. */
static void *append(void ***array, size_t *n, size_t size)
{
	void *entry = calloc(1, size), **grown;

	if (!entry)
		return NULL;
	grown = realloc(*array, (*n + 1) * sizeof(*grown));
	if (!grown) {
		free(entry);
		return NULL;
	}
	grown[(*n)++] = entry;
	*array = grown;
	return entry;
}

static struct track *get_track(struct lt_history *history, struct lt_loop_id id)
{
	struct track *track = find_track(history, id);
	void **array = (void **)history->tracks;

	if (track)
		return track;
	track = append(&array, &history->n_tracks, sizeof(*track));
	history->tracks = (struct track **)array;
	if (track)
		track->id = id;
	return track;
}

static struct stall_log *get_log(struct lt_history *history, int pid, double start_time)
{
	struct stall_log *log = find_log(history, pid, start_time);
	void **array = (void **)history->logs;

	if (log)
		return log;
	log = append(&array, &history->n_logs, sizeof(*log));
	history->logs = (struct stall_log **)array;
	if (log) {
		log->pid = pid;
		log->start_time = start_time;
	}
	return log;
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
	};
	for (int i = 0; i < LT_HISTORY_EDGES; i++)
		sample->over[i] =
			known ? (float)(lt_hist__excess(loop->turn_hist, lt_history_edges[i]) /
					loop->lag_base_seconds)
			      : NAN;
}

/* The latest entry of this loop that still ran. */
static struct lt_past_stall *running(struct stall_log *log, int tid)
{
	size_t n = log->pushed < LT_HISTORY_STALLS ? (size_t)log->pushed : LT_HISTORY_STALLS;

	for (size_t i = 1; i <= n; i++) {
		struct lt_past_stall *past = &log->ring[(log->pushed - i) % LT_HISTORY_STALLS];

		if (past->tid == tid && past->stall.ongoing)
			return past;
	}
	return NULL;
}

static void push_stall(struct stall_log *log, const struct lt_loop *loop,
		       const struct lt_stall *stall)
{
	struct lt_past_stall *past = running(log, loop->tid);

	if (!past || fabs(past->stall.start_time - stall->start_time) > SAME_STALL_SECONDS)
		past = &log->ring[log->pushed++ % LT_HISTORY_STALLS];
	*past = (struct lt_past_stall){ .tid = loop->tid, .stall = *stall };
	lt_fmt_text(past->loop_name, sizeof(past->loop_name), loop->name ? loop->name : "-");
}

static void push_stalls(struct stall_log *log, const struct lt_loop *loop)
{
	struct lt_past_stall *past = running(log, loop->tid);
	bool told = false;

	for (size_t i = 0; past && i < loop->n_stalls; i++)
		told |= fabs(past->stall.start_time - loop->stalls[i].start_time) <=
			SAME_STALL_SECONDS;
	if (past && !told) {
		past->stall.ongoing = false;
		past->lost = true;
	}
	for (size_t i = 0; i < loop->n_stalls; i++)
		push_stall(log, loop, &loop->stalls[i]);
}

static int update_process(struct lt_history *history, const struct lt_snapshot *snapshot,
			  const struct lt_process *process)
{
	struct stall_log *log = get_log(history, process->pid, process->start_time);

	if (!log)
		return -ENOMEM;
	log->seen = history->updates;
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_loop *loop = &process->loops[i];
		struct track *track =
			get_track(history, (struct lt_loop_id){ process->pid, process->start_time,
								loop->tid });

		if (!track)
			return -ENOMEM;
		track->seen = history->updates;
		push_sample(track, snapshot, loop);
		push_stalls(log, loop);
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
	n = 0;
	for (size_t i = 0; i < history->n_logs; i++)
		if (history->updates - history->logs[i]->seen > FORGET_AFTER)
			free(history->logs[i]);
		else
			history->logs[n++] = history->logs[i];
	history->n_logs = n;
}

int lt_history__update(struct lt_history *history, const struct lt_snapshot *snapshot)
{
	int err = 0;

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
			.any = true, .busy = NAN, .lag_p99 = NAN, .stalled = NAN
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

size_t lt_history__stalls(const struct lt_history *history, int pid, double start_time,
			  double until, struct lt_past_stall *stalls, size_t room)
{
	const struct stall_log *log = find_log(history, pid, start_time);
	size_t n = 0, have;

	if (!log)
		return 0;
	have = log->pushed < LT_HISTORY_STALLS ? (size_t)log->pushed : LT_HISTORY_STALLS;
	for (size_t i = 1; i <= have && n < room; i++) {
		const struct lt_past_stall *past =
			&log->ring[(log->pushed - i) % LT_HISTORY_STALLS];

		if (past->stall.start_time <= until)
			stalls[n++] = *past;
	}
	return n;
}
