/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One loop over time: its readings become the figures of each interval. */
#ifndef LOOPTOP_MODEL_LOOP_H
#define LOOPTOP_MODEL_LOOP_H

#include "agent/model/jit.h"
#include "agent/model/series.h"
#include "agent/model/stall.h"
#include "looptop/runtime.h"

/* The moment of a reading and what holds for the whole interval. */
struct lt_moment {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	double wall_seconds; /* Unix time of now_ns */
	uint32_t epoch_closed;
	uint64_t stall_ns; /* the stall threshold */
	enum lt_tier tier; /* of the process */
	bool causes_known; /* the scheduler is watched */
	bool gc_probed; /* of the process */
	bool sampled; /* the process has probes for a part of the time only, again and again */
};

struct lt_loop_state;

struct lt_loop_state *lt_loop_state__new(int tid, const char *name);
void lt_loop_state__free(struct lt_loop_state *loop);
int lt_loop_state__tid(const struct lt_loop_state *loop);

/* Forgets the stalls and readings of the interval before. */
void lt_loop_state__begin(struct lt_loop_state *loop);
bool lt_loop_state__was_read(const struct lt_loop_state *loop);
/* Unread in two intervals in a row: one reading may fail, for instance when it is torn. */
bool lt_loop_state__is_gone(const struct lt_loop_state *loop);

/* The readings of this interval: one or more. Copied. */
int lt_loop_state__record(struct lt_loop_state *loop, const struct lt_loop_rec *rec);
void lt_loop_state__memory(struct lt_loop_state *loop, const struct lt_loop_mem *mem);
void lt_loop_state__heap(struct lt_loop_state *loop, const struct lt_heap *heap);
void lt_loop_state__handles(struct lt_loop_state *loop, const struct lt_handles_mem *handles);
/* What it held open at the latest look, if there was one, holds for this interval too. */
void lt_loop_state__same_handles(struct lt_loop_state *loop);
void lt_loop_state__jit(struct lt_loop_state *loop, const struct lt_jit_reading *reading);
/* Its thread has ended: this interval's row is its last. */
void lt_loop_state__end(struct lt_loop_state *loop);
/* A stall that ended in this interval. What it points at must live until the next begin. */
int lt_loop_state__stall(struct lt_loop_state *loop, const struct lt_stall *stall);
/* How much of a turn that began at start_ns was before the loop was watched, in seconds. */
double lt_loop_state__unseen(const struct lt_loop_state *loop, uint64_t start_ns);
/* What is known by now of the stall that is running: function, stack, samples. The same rule. */
void lt_loop_state__answer(struct lt_loop_state *loop, const struct lt_stall *answer);

/* Fills the loop's place in the snapshot; what it points at lives until the next begin. */
void lt_loop_state__build(struct lt_loop_state *loop, const struct lt_moment *moment,
			  struct lt_loop *ret_loop);

/* Between two builds: brings the running stall in a built row up to the moment, from a new record. True if
 * it has changed. */
bool lt_loop_state__update(struct lt_loop_state *loop, const struct lt_moment *moment,
			   const struct lt_loop_rec *rec, struct lt_loop *out);

/* Probe hits in the interval. */
double lt_loop_state__hits(const struct lt_loop_state *loop);
/* What else the thread cost in the interval, in nanoseconds of its CPU. */
double lt_loop_state__more_ns(const struct lt_loop_state *loop);

/* What a record's thread ever cost beside its probe hits: scheduler events, by those that were timed, and samples. The
 * kernel's way to the programs, some 50 ns each, is not in it. Nanoseconds. */
double lt_loop_rec__more_ns(const struct lt_loop_rec *rec);

#endif
