/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One loop: its state, and the readings of an interval. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/model/loop_internal.h"

_Static_assert(LT_SNAP_PHASES == LT_PHASE_MAX, "phases of the snapshot are those of the ABI");

struct lt_loop_state *lt_loop_state__new(int tid, const char *name)
{
	struct lt_loop_state *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->tid = tid;
	snprintf(loop->name, sizeof(loop->name), "%s", name);
	loop->total.busy_seconds = loop->total.idle_seconds = NAN;
	loop->total.iterations = loop->total.turns = NAN;
	loop->total.stalls = loop->total.stall_seconds = NAN;
	loop->total.observed_seconds = NAN;
	for (int i = 0; i < LT_PHASE_MAX; i++)
		loop->total.phase_seconds[i] = NAN;
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		loop->total.cause_seconds[i] = NAN;
	loop->jit = lt_jit_state_of_new();
	return loop;
}

void lt_loop_state__free(struct lt_loop_state *loop)
{
	if (!loop)
		return;
	lt_stall_list__free(&loop->stalls);
	lt_packed__free(&loop->turn_total);
	lt_packed__free(&loop->lateness_total);
	free(loop->probed);
	free(loop);
}

int lt_loop_state__tid(const struct lt_loop_state *loop)
{
	return loop->tid;
}

void lt_loop_state__begin(struct lt_loop_state *loop)
{
	loop->unread = lt_loop_state__was_read(loop) ? 0 : loop->unread + 1;
	loop->has_record = loop->has_memory = false;
	loop->has_heap = loop->has_handles = loop->has_jit = false;
	lt_stall_list__clear(&loop->stalls);
	loop->has_answer = false;
	loop->hits = loop->more_ns = 0;
}

void lt_loop_state__end(struct lt_loop_state *loop)
{
	loop->ended = true;
}

bool lt_loop_state__is_gone(const struct lt_loop_state *loop)
{
	return !lt_loop_state__was_read(loop) && loop->unread > 0;
}

bool lt_loop_state__was_read(const struct lt_loop_state *loop)
{
	return loop->has_record || loop->has_memory;
}

double lt_loop_state__hits(const struct lt_loop_state *loop)
{
	return loop->hits;
}

double lt_loop_state__more_ns(const struct lt_loop_state *loop)
{
	return loop->more_ns;
}

double lt_loop_rec__more_ns(const struct lt_loop_rec *rec)
{
	double each_ns = rec->cost.timed ? (double)rec->cost.timed_ns / (double)rec->cost.timed : 0;

	return (double)rec->cost.events * each_ns + (double)rec->cost.sample_ns;
}

/* A new record for the same thread: its probes were taken out and put in again,
 * or it is another. */
static void restart(struct lt_loop_state *loop)
{
	loop->before = (struct account){ 0 };
	lt_series__restart(&loop->probed->turn);
	lt_series__restart(&loop->probed->lateness);
	if (lt_known(loop->total.observed_seconds))
		loop->observed_before = loop->total.observed_seconds;
	loop->more_ns_before = 0;
	loop->hits_before = loop->turns_before = loop->iterations_before = 0;
	loop->turn_start_before_ns = 0;
	loop->stalls_before = loop->stall_ns_before = 0;
}

/* Room for a record, with the totals of those before. */
static int unpack(struct lt_loop_state *loop)
{
	loop->probed = calloc(1, sizeof(*loop->probed));
	if (!loop->probed)
		return -ENOMEM;
	lt_hist__unpack(&loop->turn_total, &loop->probed->turn.total);
	lt_hist__unpack(&loop->lateness_total, &loop->probed->lateness.total);
	lt_packed__free(&loop->turn_total);
	lt_packed__free(&loop->lateness_total);
	return 0;
}

void lt_loop_state__pack(struct lt_loop_state *loop)
{
	/* If memory runs out it stays as large as it is. */
	if (!loop->probed || lt_hist__pack(&loop->probed->turn.total, &loop->turn_total))
		return;
	if (lt_hist__pack(&loop->probed->lateness.total, &loop->lateness_total)) {
		lt_packed__free(&loop->turn_total);
		return;
	}
	free(loop->probed);
	loop->probed = NULL;
}

int lt_loop_state__record(struct lt_loop_state *loop, const struct lt_loop_rec *rec)
{
	bool again = loop->probed && rec->first_ns == loop->probed->rec.first_ns;

	if (!loop->probed && unpack(loop))
		return -ENOMEM;
	if (loop->had_record && !again)
		restart(loop);
	loop->probed->rec = *rec;
	loop->has_record = true;
	return 0;
}

void lt_loop_state__memory(struct lt_loop_state *loop, const struct lt_loop_mem *mem)
{
	loop->mem = *mem;
	loop->has_memory = true;
}

void lt_loop_state__heap(struct lt_loop_state *loop, const struct lt_heap *heap)
{
	loop->heap = *heap;
	loop->has_heap = true;
}

void lt_loop_state__handles(struct lt_loop_state *loop, const struct lt_handles_mem *handles)
{
	loop->handles = *handles;
	loop->has_handles = true;
}

void lt_loop_state__same_handles(struct lt_loop_state *loop)
{
	loop->has_handles = loop->handles.read_ns;
}

void lt_loop_state__jit(struct lt_loop_state *loop, const struct lt_jit_reading *reading)
{
	loop->jit_reading = *reading;
	loop->has_jit = true;
}

int lt_loop_state__stall(struct lt_loop_state *loop, const struct lt_stall *stall)
{
	return lt_stall_list__add(&loop->stalls, stall);
}

double lt_loop_state__unseen(const struct lt_loop_state *loop, uint64_t start_ns)
{
	bool before = loop->has_record && loop->probed->rec.first_ns > start_ns;

	return before ? (double)(loop->probed->rec.first_ns - start_ns) / 1e9 : 0;
}

void lt_loop_state__answer(struct lt_loop_state *loop, const struct lt_stall *answer)
{
	loop->answer = *answer;
	loop->has_answer = true;
}
