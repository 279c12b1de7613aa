/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Rings of stalls by process; a process of which nothing more comes is forgotten after a while. */
#include "ui/stall_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "ui/arena.h"

/* Snapshots after which a process that is no longer told of is forgotten. */
#define FORGET_AFTER 120

/* Two readings of when one stall began differ by less. */
#define SAME_STALL_SECONDS 0.05

#define NAME_MOST	   256 /* bytes of a function's name */
#define FILE_MOST	   1024 /* of a path; of a longer one the end is kept */

struct ring {
	int pid;
	double start_time;
	uint64_t seen; /* snapshots before the latest that told of it */
	uint64_t pushed; /* stalls ever */
	struct lt_past_stall stalls[LT_HISTORY_STALLS];
};

struct lt_stall_log {
	uint64_t updates;
	uint64_t snapshots, sequence; /* how many different ones; of the latest */
	uint64_t numbers;
	size_t stack_bytes; /* of all copies */
	struct ring **rings;
	size_t n_rings;
};

struct lt_stall_log *lt_stall_log__new(void)
{
	return calloc(1, sizeof(struct lt_stall_log));
}

static void drop_copies(struct lt_stall_log *log, struct lt_past_stall *past)
{
	log->stack_bytes -= past->copies_bytes;
	free(past->copies);
	past->copies = NULL;
	past->copies_bytes = 0;
	past->stall.stack = past->stall.where = past->stall.below = NULL;
	past->stall.n_stack = 0;
}

static void free_ring(struct lt_stall_log *log, struct ring *ring)
{
	for (size_t i = 0; i < LT_HISTORY_STALLS; i++)
		drop_copies(log, &ring->stalls[i]);
	free(ring);
}

void lt_stall_log__free(struct lt_stall_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->n_rings; i++)
		free_ring(log, log->rings[i]);
	free(log->rings);
	free(log);
}

static struct ring *find_ring(const struct lt_stall_log *log, int pid, double start_time)
{
	for (size_t i = 0; i < log->n_rings; i++)
		if (log->rings[i]->pid == pid && log->rings[i]->start_time == start_time)
			return log->rings[i];
	return NULL;
}

static struct ring *get_ring(struct lt_stall_log *log, int pid, double start_time)
{
	struct ring *ring = find_ring(log, pid, start_time), **rings;

	if (ring)
		return ring;
	rings = realloc(log->rings, (log->n_rings + 1) * sizeof(*rings));
	if (!rings)
		return NULL;
	log->rings = rings;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return NULL;
	ring->pid = pid;
	ring->start_time = start_time;
	log->rings[log->n_rings++] = ring;
	return ring;
}

static size_t kept(const struct ring *ring)
{
	return ring->pushed < LT_HISTORY_STALLS ? (size_t)ring->pushed : LT_HISTORY_STALLS;
}

/* The stall that came `age` stalls before the latest. */
static const struct lt_past_stall *at_age(const struct ring *ring, size_t age)
{
	return &ring->stalls[(ring->pushed - 1 - age) % LT_HISTORY_STALLS];
}

/* The end of a path says more than its beginning. */
static char *copy_path(struct lt_arena *arena, const char *src)
{
	size_t length = src ? strlen(src) : 0;

	if (length > FILE_MOST)
		src += length - FILE_MOST;
	while (length > FILE_MOST && ((unsigned char)*src & 0xc0) == 0x80)
		src++;
	return lt_arena__text(arena, src);
}

static struct lt_stack_frame copy_frame(struct lt_arena *arena, const struct lt_stack_frame *src)
{
	const char *name = src->function ? src->function : "-";
	struct lt_stack_frame frame = *src;

	frame.function = lt_arena__text_n(arena, name, strnlen(name, NAME_MOST));
	frame.file = copy_path(arena, src->file);
	frame.original_file = copy_path(arena, src->original_file);
	return frame;
}

/* `where` or `below`: the copy's own frame if it has it, otherwise a copy beside the stack. */
static const struct lt_stack_frame *copy_named(struct lt_arena *arena, const struct lt_stall *stall,
					       const struct lt_stack_frame *from,
					       const struct lt_stack_frame *named)
{
	struct lt_stack_frame *room, frame;

	if (!named)
		return NULL;
	for (size_t i = 0; i < stall->n_stack; i++)
		if (&from[i] == named)
			return stall->stack ? &stall->stack[i] : NULL;
	room = lt_arena__take(arena, sizeof(*room));
	frame = copy_frame(arena, named);
	if (room)
		*room = frame;
	return room;
}

static struct lt_stall copy_stall(struct lt_arena *arena, const struct lt_stall *src, size_t most)
{
	struct lt_stall stall = *src;
	struct lt_stack_frame *stack;

	stall.n_stack = !src->stack ? 0 : src->n_stack < most ? src->n_stack : most;
	stack = lt_arena__take(arena, stall.n_stack * sizeof(*stack));
	for (size_t i = 0; i < stall.n_stack; i++) {
		struct lt_stack_frame frame = copy_frame(arena, &src->stack[i]);

		if (stack)
			stack[i] = frame;
	}
	stall.stack = stall.n_stack ? stack : NULL;
	stall.where = copy_named(arena, &stall, src->stack, src->where);
	stall.below = copy_named(arena, &stall, src->stack, src->below);
	return stall;
}

/* Puts a copy of src with at most so many frames into past, of which src may be the present stall.
 * -ENOMEM: then without its stack. */
static int set_stall(struct lt_stall_log *log, struct lt_past_stall *past,
		     const struct lt_stall *src, size_t most)
{
	struct lt_arena arena = { 0 };
	struct lt_stall plain = copy_stall(&arena, src, most);

	if (arena.used)
		arena.base = malloc(arena.used);
	if (arena.base) {
		arena.used = 0;
		plain = copy_stall(&arena, src, most);
	}
	drop_copies(log, past);
	past->stall = plain;
	past->copies = arena.base;
	past->copies_bytes = arena.base ? arena.used : 0;
	log->stack_bytes += past->copies_bytes;
	if (arena.base || !arena.used)
		return 0;
	drop_copies(log, past);
	return -ENOMEM;
}

static bool same_stall(const struct lt_past_stall *past, const struct lt_stall *stall)
{
	return fabs(past->stall.start_time - stall->start_time) <= SAME_STALL_SECONDS;
}

/* It has ended, and all of it was told. A snapshot that comes again tells it again. */
static bool told_all(const struct lt_past_stall *past, const struct lt_stall *stall)
{
	return !past->stall.ongoing && !past->lost && !stall->ongoing &&
	       past->stall.start_time == stall->start_time && past->stall.seconds == stall->seconds;
}

/* The entry of a stall that was told of before. */
static struct lt_past_stall *find_told(struct ring *ring, int tid, const struct lt_stall *stall)
{
	for (size_t i = 0; i < kept(ring); i++) {
		struct lt_past_stall *past = &ring->stalls[i];
		bool unended = past->stall.ongoing || past->lost;

		if (past->tid == tid &&
		    ((unended && same_stall(past, stall)) || told_all(past, stall)))
			return past;
	}
	return NULL;
}

/* What is told of a stall now, with the stack of it that is known already. */
static struct lt_stall with_known_stack(const struct lt_stall *stall, const struct lt_stall *known)
{
	struct lt_stall told = *stall;

	told.samples = known->samples;
	told.starvation = known->starvation;
	told.where = known->where;
	told.below = known->below;
	told.stack = known->stack;
	told.n_stack = known->n_stack;
	return told;
}

static int push_stall(struct lt_stall_log *log, struct ring *ring, const struct lt_loop *loop,
		      const struct lt_stall *stall, double time)
{
	struct lt_past_stall *past = find_told(ring, loop->tid, stall);
	bool known = past && past->stall.samples > 0 && !(stall->samples > 0);
	struct lt_stall told = known ? with_known_stack(stall, &past->stall) : *stall;

	if (past && told_all(past, stall) && past->stall.samples == stall->samples)
		return 0;
	if (!past) {
		past = &ring->stalls[ring->pushed++ % LT_HISTORY_STALLS];
		past->number = ++log->numbers;
	}
	if (!known) {
		past->stack_dropped = false;
		past->frames_left_out = stall->stack && stall->n_stack > LT_HISTORY_FRAMES
						? stall->n_stack - LT_HISTORY_FRAMES
						: 0;
	}
	past->tid = loop->tid;
	past->lost = false;
	past->told_time = time;
	past->told_update = log->updates;
	lt_fmt_text(past->loop_name, sizeof(past->loop_name), loop->name ? loop->name : "-");
	return set_stall(log, past, &told, LT_HISTORY_FRAMES);
}

/* What ran and is not told of any more has ended, nobody knows when. */
static void end_untold(struct ring *ring, uint64_t update, double time)
{
	for (size_t i = 0; i < kept(ring); i++) {
		struct lt_past_stall *past = &ring->stalls[i];

		if (!past->stall.ongoing || past->told_update == update)
			continue;
		past->stall.ongoing = false;
		past->lost = true;
		past->told_time = time;
		past->told_update = update;
	}
}

static bool has_stalls(const struct lt_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++)
		if (process->loops[i].n_stalls)
			return true;
	return false;
}

/* Most processes never have one, and a ring is large. */
static int update_process(struct lt_stall_log *log, const struct lt_process *process, double time)
{
	struct ring *ring = has_stalls(process) ? get_ring(log, process->pid, process->start_time)
						: find_ring(log, process->pid, process->start_time);
	int err = 0;

	if (!ring)
		return has_stalls(process) ? -ENOMEM : 0;
	ring->seen = log->snapshots;
	for (size_t i = 0; i < process->n_loops; i++)
		for (size_t j = 0; j < process->loops[i].n_stalls && !err; j++)
			err = push_stall(log, ring, &process->loops[i],
					 &process->loops[i].stalls[j], time);
	return err;
}

/* Drops the stack that nobody told of for the longest time; what blocked stays. */
static bool drop_oldest_stack(struct lt_stall_log *log)
{
	struct lt_past_stall *oldest = NULL;

	for (size_t i = 0; i < log->n_rings; i++)
		for (size_t j = 0; j < kept(log->rings[i]); j++) {
			struct lt_past_stall *past = &log->rings[i]->stalls[j];

			if (past->stall.n_stack && (!oldest || past->number < oldest->number))
				oldest = past;
		}
	if (!oldest)
		return false;
	oldest->stack_dropped = true;
	set_stall(log, oldest, &oldest->stall, 0);
	return true;
}

static void forget(struct lt_stall_log *log, const struct lt_keep *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n_rings; i++)
		if (log->snapshots - log->rings[i]->seen > FORGET_AFTER &&
		    !(keep && lt_keep__find(keep, log->rings[i]->pid, log->rings[i]->start_time)))
			free_ring(log, log->rings[i]);
		else
			log->rings[n++] = log->rings[i];
	log->n_rings = n;
}

int lt_stall_log__update(struct lt_stall_log *log, const struct lt_snapshot *snapshot, const struct lt_keep *keep)
{
	int err = 0;

	log->updates++;
	log->snapshots += snapshot->sequence != log->sequence;
	log->sequence = snapshot->sequence;
	for (size_t i = 0; i < snapshot->n_processes && !err; i++)
		err = update_process(log, &snapshot->processes[i], snapshot->time);
	for (size_t i = 0; i < log->n_rings; i++)
		end_untold(log->rings[i], log->updates, snapshot->time);
	forget(log, keep);
	while (log->stack_bytes > LT_HISTORY_STACK_BYTES && drop_oldest_stack(log))
		;
	return err;
}

/* A later snapshot has told of it than the reader wants to know of. */
static bool told_later(const struct lt_past_stall *past, double until)
{
	return past->told_time > until;
}

bool lt_past_stall__ongoing(const struct lt_past_stall *past, double until)
{
	if (told_later(past, until))
		return past->stall.start_time + past->stall.seconds > until;
	return past->stall.ongoing;
}

double lt_past_stall__seconds(const struct lt_past_stall *past, double until)
{
	if (told_later(past, until) && lt_past_stall__ongoing(past, until))
		return until - past->stall.start_time;
	return past->stall.seconds;
}

size_t lt_stall_log__list(const struct lt_stall_log *log, int pid, double start_time, double until,
			  const struct lt_past_stall **stalls, size_t room)
{
	const struct ring *ring = find_ring(log, pid, start_time);
	size_t n = 0;

	for (int pass = 0; ring && pass < 2; pass++)
		for (size_t age = 0; age < kept(ring) && n < room; age++) {
			const struct lt_past_stall *past = at_age(ring, age);

			if (past->stall.start_time <= until &&
			    lt_past_stall__ongoing(past, until) == (pass == 0))
				stalls[n++] = past;
		}
	return n;
}

const struct lt_past_stall *lt_stall_log__running(const struct lt_stall_log *log,
						  struct lt_loop_id id, double until)
{
	const struct ring *ring = find_ring(log, id.pid, id.start_time);

	for (size_t age = 0; ring && age < kept(ring); age++) {
		const struct lt_past_stall *past = at_age(ring, age);

		if (past->tid == id.tid && past->stall.start_time <= until &&
		    lt_past_stall__ongoing(past, until))
			return past;
	}
	return NULL;
}

const struct lt_past_stall *lt_stall_log__worst(const struct lt_stall_log *log,
						struct lt_loop_id id, double until, double seconds)
{
	const struct ring *ring = find_ring(log, id.pid, id.start_time);
	const struct lt_past_stall *worst = NULL;
	double longest = 0;

	for (size_t age = 0; ring && age < kept(ring); age++) {
		const struct lt_past_stall *past = at_age(ring, age);
		double length = lt_past_stall__seconds(past, until);

		if (past->tid != id.tid || !(past->stall.start_time <= until) ||
		    !(past->stall.start_time + length >= until - seconds) || !(length > longest))
			continue;
		worst = past;
		longest = length;
	}
	return worst;
}
