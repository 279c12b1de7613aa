/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A rule looks at what was collected of one process, makes findings or none, and returns whether it could
 * look at all. They run in the order of their table: one that would only say again what another has said
 * of the same time asks lt_diagnosis__has().
 */
#ifndef LOOPTOP_DOCTOR_RULES_H
#define LOOPTOP_DOCTOR_RULES_H

#include "agent/doctor/estimate.h"
#include "agent/doctor/finding.h"

struct lt_case {
	struct lt_diagnosis *diagnosis;
	const struct lt_doctor *doctor;
	const struct lt_dr_process *process;
};

struct lt_rule {
	const char *what; /* is looked at: a line of the report */
	const char *needs; /* what is missing where it cannot be */
	bool (*look)(const struct lt_case *c);
	bool of_runtime; /* what it is about is known of Node.js and libuv only */
};

/* Is nothing known of the process but its system calls? Advice then speaks of no runtime's means. */
bool lt_is_generic(const struct lt_dr_process *process);

/* A process that ended (rules_end.c). */
bool lt_rule__ended(const struct lt_case *c);
/* Code that blocks, by function (rules_code.c). */
bool lt_rule__blockers(const struct lt_case *c);
bool lt_rule__sync_fs(const struct lt_case *c);
/* A pool in which nothing ends, or less than comes (rules_queue.c). */
bool lt_rule__stuck(const struct lt_case *c);
bool lt_rule__backlog(const struct lt_case *c);
/* The pool (rules_pool.c). */
bool lt_rule__pool(const struct lt_case *c);
bool lt_rule__dns(const struct lt_case *c);
bool lt_rule__delivery(const struct lt_case *c);
/* Sentences on what waits and what runs. */
void lt_pool__see_unfinished(struct lt_finding *finding, const struct lt_dr_process *process);
/* Says whether more threads would help it, and, estimate: how much. */
void lt_pool__advise_size(const struct lt_case *c, struct lt_finding *finding, bool estimate);
/* Garbage collection (rules_gc.c), and memory (rules_memory.c). */
bool lt_rule__gc(const struct lt_case *c);
bool lt_rule__growth(const struct lt_case *c);
bool lt_rule__memory_limit(const struct lt_case *c);
bool lt_rule__heap_limit(const struct lt_case *c);
/* Not the process' own code (rules_cpu.c). */
bool lt_rule__throttled(const struct lt_case *c);
bool lt_rule__starved(const struct lt_case *c);
bool lt_rule__timers(const struct lt_case *c);
/* Streams that do not drain (rules_streams.c). */
bool lt_rule__backpressure(const struct lt_case *c);
/* Code that is optimised for nothing (rules_jit.c). */
bool lt_rule__deopts(const struct lt_case *c);
/* How the load is spread (rules_load.c). */
bool lt_rule__uneven_workers(const struct lt_case *c);
bool lt_rule__uneven_siblings(const struct lt_case *c);
bool lt_rule__busy(const struct lt_case *c);

/* Lag before and after, for the figure that says it: p99, and the worst turn where p99 does not move. */
void lt_finding__lag(struct lt_finding *finding, const struct lt_dr_loop *loop,
		     const struct lt_lag_figures *after, const char *cure);

/* The loop on which most of this cause was; NULL: of none is it known. */
const struct lt_dr_loop *lt_worst_loop(const struct lt_dr_process *process, enum lt_cause cause);

/* Busy share of the time that a loop was watched; NAN: unknown. */
double lt_loop_utilization(const struct lt_dr_loop *loop);

#endif
