/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/sink/stall_seen.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/util/array.h"

/* Two readings of when one stall began differ by less. */
#define SAME_STALL_SECONDS 0.05

/* A stall that runs is told again when it is twice as long, but not before. */
#define LONG_SECONDS 1.0

/* Snapshots without a loop after which it is forgotten. */
#define FORGET_AFTER 3

struct seen_loop {
	int pid, tid;
	double process_start;
	uint64_t look; /* at which it was there last */
	double running_start, running_seconds; /* as told last; 0: none */
	bool function_told;
};

struct lt_stall_seen {
	uint64_t sequence; /* of the latest snapshot */
	bool again; /* it comes once more: only running stalls may be new */
	uint64_t looks;
	struct seen_loop *loops;
	size_t n, room;
};

struct lt_stall_seen *lt_stall_seen__new(void)
{
	return calloc(1, sizeof(struct lt_stall_seen));
}

void lt_stall_seen__free(struct lt_stall_seen *seen)
{
	if (!seen)
		return;
	free(seen->loops);
	free(seen);
}

static struct seen_loop *get(struct lt_stall_seen *seen, const struct lt_process *process,
			     const struct lt_loop *loop)
{
	struct seen_loop *loops;

	for (size_t i = 0; i < seen->n; i++)
		if (seen->loops[i].tid == loop->tid && seen->loops[i].pid == process->pid &&
		    seen->loops[i].process_start == process->start_time)
			return &seen->loops[i];
	loops = lt_array_room(seen->loops, seen->n, &seen->room, 8, sizeof(*loops));
	if (!loops)
		return NULL;
	seen->loops = loops;
	seen->loops[seen->n] = (struct seen_loop){ .pid = process->pid,
						   .tid = loop->tid,
						   .process_start = process->start_time };
	return &seen->loops[seen->n++];
}

/* Whether a running stall has something new to tell: that it is there, its function, its length. */
static bool is_news(struct seen_loop *loop, const struct lt_stall *stall)
{
	bool same = loop->running_seconds > 0 &&
		    fabs(loop->running_start - stall->start_time) <= SAME_STALL_SECONDS;
	bool named = stall->where != NULL;

	if (same && (loop->function_told || !named) &&
	    stall->seconds < fmax(LONG_SECONDS, 2 * loop->running_seconds))
		return false;
	loop->running_start = stall->start_time;
	loop->running_seconds = stall->seconds;
	loop->function_told = named;
	return true;
}

static int look_at(const struct lt_stall_seen *seen, struct seen_loop *loop,
		   const struct lt_stall_news *news, lt_stall_tell_fn tell, void *ctx)
{
	const struct lt_stall *stall = news->stall;

	if (stall->ongoing)
		return is_news(loop, stall) ? tell(ctx, news) : 0;
	if (seen->again)
		return 0; /* told when its snapshot came first */
	loop->running_seconds = 0;
	return tell(ctx, news);
}

static void forget(struct lt_stall_seen *seen)
{
	size_t n = 0;

	for (size_t i = 0; i < seen->n; i++)
		if (seen->looks - seen->loops[i].look <= FORGET_AFTER)
			seen->loops[n++] = seen->loops[i];
	seen->n = n;
}

int lt_stall_seen__look(struct lt_stall_seen *seen, const struct lt_snapshot *snapshot,
			lt_stall_tell_fn tell, void *ctx)
{
	int err = 0;

	seen->looks++;
	seen->again = seen->sequence == snapshot->sequence;
	seen->sequence = snapshot->sequence;
	for (size_t i = 0; i < snapshot->n_processes && !err; i++) {
		const struct lt_process *process = &snapshot->processes[i];

		for (size_t k = 0; k < process->n_loops && !err; k++) {
			const struct lt_loop *loop = &process->loops[k];
			struct seen_loop *known = get(seen, process, loop);

			if (!known)
				return -ENOMEM;
			known->look = seen->looks;
			for (size_t s = 0; s < loop->n_stalls && !err; s++)
				err = look_at(seen, known,
					      &(struct lt_stall_news){ snapshot, process, loop,
								       &loop->stalls[s] },
					      tell, ctx);
		}
	}
	forget(seen);
	return err;
}
