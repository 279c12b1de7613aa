/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The latest stalls of each process, with copies of their stacks: bounded for each process, for
 * each stall and in all. It goes on while the screen is paused; readers say up to which moment
 * they want to look. What is returned is valid until the next update.
 */
#ifndef LOOPTOP_UI_STALL_LOG_H
#define LOOPTOP_UI_STALL_LOG_H

#include "looptop/snapshot.h"
#include "ui/keep.h"

#define LT_HISTORY_STALLS      200 /* of one process */
#define LT_HISTORY_FRAMES      64 /* of one stall, the innermost */
#define LT_HISTORY_STACK_BYTES (16u << 20) /* of all stacks; beyond it the oldest are dropped */

#define LT_WORST_SECONDS       60.0 /* how far back the list looks for what blocked a loop most */

struct lt_loop_id {
	int pid;
	double start_time;
	int tid;
};

/* A stall with the loop it was on. Its stack, texts included, is a copy. */
struct lt_past_stall {
	uint64_t number; /* 1, 2, …: it stays the same while the stall is kept */
	int tid;
	char loop_name[24];
	struct lt_stall stall;
	bool lost; /* it ran, and its end was never told: at least this long */
	bool stack_dropped; /* there was one, but there are too many to keep */
	size_t frames_left_out; /* of its stack, at the outer end */
	double told_time; /* of the snapshot that told of it last */
	uint64_t told_update; /* and its number */
	void *copies; /* owns what stall points to */
	size_t copies_bytes;
};

struct lt_stall_log;

struct lt_stall_log *lt_stall_log__new(void);
void lt_stall_log__free(struct lt_stall_log *log);

/* Adds a snapshot's stalls; the same one may come again, with stalls that have gone on. Those of what keep (or NULL) has
 * stay, also when nothing more comes of it. 0 or -ENOMEM. */
int lt_stall_log__update(struct lt_stall_log *log, const struct lt_snapshot *snapshot, const struct lt_keep *keep);

/* The process' stalls that began at or before `until`: those that ran then, then the others, each
 * the newest first; returns how many. */
size_t lt_stall_log__list(const struct lt_stall_log *log, int pid, double start_time, double until,
			  const struct lt_past_stall **stalls, size_t room);

/* The stall in which this loop was at `until`, or NULL. */
const struct lt_past_stall *lt_stall_log__running(const struct lt_stall_log *log,
						  struct lt_loop_id id, double until);

/* The longest stall of this loop of which a part is in the last `seconds` before `until`, or NULL. */
const struct lt_past_stall *lt_stall_log__worst(const struct lt_stall_log *log,
						struct lt_loop_id id, double until, double seconds);

/* As it was at `until`, when a later snapshot may have told more of it already. */
bool lt_past_stall__ongoing(const struct lt_past_stall *past, double until);
double lt_past_stall__seconds(const struct lt_past_stall *past, double until);

#endif
