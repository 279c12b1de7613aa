/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What loop.c, which takes readings, and loop_build.c, which makes figures of them, share: nothing else
 * includes it. */
#ifndef LOOPTOP_MODEL_LOOP_INTERNAL_H
#define LOOPTOP_MODEL_LOOP_INTERNAL_H

#include "agent/model/cause.h"
#include "agent/model/jit.h"
#include "agent/model/loop.h"

/* The cumulative figures of a record, brought up to the moment of its reading.
 * Seconds. */
struct account {
	double busy, idle;
	double phase[LT_PHASE_MAX];
	struct lt_cause_parts parts; /* of busy */
};

/* What there is only of a loop that has probes: it is large, and most loops of a busy host have none. */
struct lt_probed {
	struct lt_loop_rec rec;
	struct lt_series turn, lateness;
	struct lt_hist shown; /* the interval's turns with the running stall */
};

struct lt_loop_state {
	int tid;
	char name[32];
	bool has_record, has_memory, has_heap; /* in this interval */
	bool had_record, had_memory; /* in an earlier one */
	struct lt_probed *probed; /* NULL: no record, or none any more */
	struct lt_packed turn_total, lateness_total; /* of the records before, while probed is NULL */
	struct lt_loop_mem mem, mem_before;
	uint64_t mem_before_ns; /* until when mem_before was accounted for, */
	double idle_before; /* and its idle time until then, in seconds */
	struct lt_heap heap; /* of this interval */
	struct account before;
	bool has_handles; /* in this interval */
	struct lt_handles_mem handles;
	bool has_jit; /* in this interval */
	struct lt_jit_reading jit_reading;
	struct lt_jit_state jit;
	uint64_t now_before_ns; /* 0: first interval */
	uint64_t turn_start_before_ns;
	double iterations_before, turns_before, hits_before, hits;
	double more_ns_before, more_ns; /* what it cost beside its hits */
	uint64_t stalls_before, stall_ns_before;
	double observed_before; /* by the probes that were there before, seconds */
	unsigned unread; /* intervals in a row */
	bool ended; /* its thread has, says who looks at threads */
	struct lt_stall_list stalls;
	struct lt_stall answer; /* what is known of the running stall; its times are not used */
	bool has_answer;
	struct lt_loop_total total;
};

/* loop.c: nobody counts any more, and the next record counts from nothing: only the totals are kept. */
void lt_loop_state__pack(struct lt_loop_state *loop);

#endif
