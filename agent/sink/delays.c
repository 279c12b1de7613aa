/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Two earlier totals of each main loop are kept, half a window apart: what came since the older one
 * is the window. Time is counted as it was observed: a loop whose turns are known for a part of the
 * time has the window of that part.
 */
#include "agent/sink/delays.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/util/array.h"
#include "agent/util/delay.h"

struct total {
	double observed_seconds;
	struct lt_hist turns;
};

struct entry {
	int pid;
	double start_time;
	bool here; /* in the latest snapshot, and known */
	struct total older, newer;
	bool known;
	struct lt_delay delay;
};

struct lt_delays {
	struct entry **entries;
	size_t n, room;
};

struct lt_delays *lt_delays__new(void)
{
	return calloc(1, sizeof(struct lt_delays));
}

void lt_delays__free(struct lt_delays *delays)
{
	if (!delays)
		return;
	for (size_t i = 0; i < delays->n; i++)
		free(delays->entries[i]);
	free(delays->entries);
	free(delays);
}

static struct entry *find(const struct lt_delays *delays, const struct lt_process *process)
{
	for (size_t i = 0; i < delays->n; i++)
		if (delays->entries[i]->pid == process->pid &&
		    delays->entries[i]->start_time == process->start_time)
			return delays->entries[i];
	return NULL;
}

/* One that was measured for long before begins now, so that it tells of no longer window than others. */
static struct entry *add(struct lt_delays *delays, const struct lt_process *process,
			 const struct lt_loop_total *total)
{
	struct entry **entries = lt_array_room(delays->entries, delays->n, &delays->room, 16,
					       sizeof(struct entry *));
	struct entry *entry = entries ? calloc(1, sizeof(*entry)) : NULL;

	if (entries)
		delays->entries = entries;
	if (!entry)
		return NULL;
	entry->pid = process->pid;
	entry->start_time = process->start_time;
	if (total->observed_seconds > LT_DELAYS_SECONDS_MIN) {
		entry->newer = (struct total){ total->observed_seconds, *total->turn };
		entry->older = entry->newer;
	}
	delays->entries[delays->n++] = entry;
	return entry;
}

static const struct lt_loop *main_loop(const struct lt_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++)
		if (process->loops[i].tid == process->pid)
			return &process->loops[i];
	return NULL;
}

static void look_at(struct entry *entry, const struct lt_loop_total *total)
{
	const struct lt_hist *older = &entry->older.turns;
	struct lt_hist turns;

	entry->here = true;
	if (total->observed_seconds - entry->newer.observed_seconds >= LT_DELAYS_SECONDS_MIN) {
		entry->older = entry->newer;
		entry->newer = (struct total){ total->observed_seconds, *total->turn };
	}
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		turns.bucket_count[i] = total->turn->bucket_count[i] - older->bucket_count[i];
		turns.bucket_sum[i] = total->turn->bucket_sum[i] - older->bucket_sum[i];
	}
	entry->known = lt_delay_of(&turns, total->observed_seconds - entry->older.observed_seconds,
				   &entry->delay);
}

/* Those that were not seen go; one that is measured again later begins anew. */
static void sweep(struct lt_delays *delays)
{
	size_t kept = 0;

	for (size_t i = 0; i < delays->n; i++) {
		if (delays->entries[i]->here)
			delays->entries[kept++] = delays->entries[i];
		else
			free(delays->entries[i]);
	}
	delays->n = kept;
}

int lt_delays__look(struct lt_delays *delays, const struct lt_snapshot *snapshot)
{
	for (size_t i = 0; i < delays->n; i++)
		delays->entries[i]->here = false;
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct lt_process *process = &snapshot->processes[i];
		const struct lt_loop *loop = main_loop(process);
		struct entry *entry;

		if (!loop || !loop->total.turn || !lt_known(loop->total.observed_seconds))
			continue;
		entry = find(delays, process);
		if (!entry)
			entry = add(delays, process, &loop->total);
		if (!entry)
			return -ENOMEM;
		look_at(entry, &loop->total);
	}
	sweep(delays);
	return 0;
}

bool lt_delays__get(const struct lt_delays *delays, const struct lt_process *process,
		    struct lt_delay *ret_delay)
{
	const struct entry *entry = find(delays, process);

	if (!entry || !entry->known)
		return false;
	*ret_delay = entry->delay;
	return true;
}
