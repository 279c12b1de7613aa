/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One target that is being watched: its probes, its loops, its tier, and reading them all. */
#ifndef LOOPTOP_WATCH_H
#define LOOPTOP_WATCH_H

#include <sys/queue.h>

#include "agent/model/cause.h"
#include "agent/model/governor.h"
#include "agent/model/store.h"
#include "agent/model/tiers.h"
#include "agent/options.h"
#include "agent/probe/probe.h"

struct lt_symfiles;
struct lt_watch;

struct lt_cgroups;
struct lt_images;

LIST_HEAD(lt_watch_list, lt_watch);

/* What all targets have in common; borrowed. */
struct lt_common {
	const struct lt_options *options;
	struct lt_probe *probe; /* NULL: memory only */
	struct lt_images *images;
	struct lt_cgroups *cgroups;
	struct lt_symfiles *symfiles; /* of programs and libraries, for the stacks of stalls */
	size_t n_loops; /* of all targets, in the latest interval */
	struct lt_watch_list probed; /* those that have probes now: they enter and leave it by themselves */
};

/*
 * Opens, and attaches if the process was named; otherwise it stays at tier memory until the host's rule
 * (model/tiers.h) wants more. 0, or -errno with the error logged.
 */
int lt_watch__new(int pid, struct lt_common *common, bool named, struct lt_watch **ret_watch);
void lt_watch__free(struct lt_watch *watch);

const struct lt_target *lt_watch__target(const struct lt_watch *watch);
bool lt_watch__ended(const struct lt_watch *watch);

/* When it was seen first, if that was before it was opened; Unix time. */
void lt_watch__set_seen(struct lt_watch *watch, double seen_time);

/* LT_EVENT_ENDED or LT_EVENT_EXEC: the process has ended, or runs another program since then. It gets its last row. */
void lt_watch__gone(struct lt_watch *watch, const struct lt_event *event);

/* Before the kernel's records are read: is it there, which threads does it have. */
void lt_watch__begin(struct lt_watch *watch, struct lt_store *store);

/* A loop's record from the kernel. */
void lt_watch__record(struct lt_watch *watch, const struct lt_loop_key *key,
		      const struct lt_loop_rec *rec);

/* A stack, and a delivered task, from the kernel. */
void lt_watch__stack(struct lt_watch *watch, const struct lt_raw_stack *raw);
void lt_watch__task(struct lt_watch *watch, const struct lt_event *event);

/* A function that was deoptimised. */
void lt_watch__deopt(struct lt_watch *watch, const struct lt_event *event);

/* Whether compilations and deoptimisations are counted from now on, as long as the budget allows it. */
void lt_watch__set_jit(struct lt_watch *watch, bool on);

/* Between two ticks: the heaps are read that the latest tick could not read, because a collection ran. */
void lt_watch__retry_heaps(struct lt_watch *watch);

/* A full collection ended on that thread: its heap is read at once. */
void lt_watch__collected(struct lt_watch *watch, int tid, uint64_t when_ns);

/* Adds to a stall what its stacks say (blame.h). */
void lt_watch__explain(struct lt_watch *watch, int tid, uint64_t turn_start_ns, bool ended,
		       struct lt_stall *stall);

/*
 * Between two ticks, for all that have probes: which turns are late now. True if the latest snapshot has changed.
 * *next_ns is lowered to when a turn that runs becomes a stall.
 */
bool lt_watch__pulse(const struct lt_watch_list *probed, struct lt_store *store,
		     const struct lt_moment *now, struct lt_loop_rec *scratch, uint64_t *next_ns);

/* After them: memory, pool, garbage collection. True: there is a heap for lt_watch__retry_heaps(). */
bool lt_watch__finish(struct lt_watch *watch);

/* What its probes cost since the last time, and what is known of it: process is its row, or NULL between two
 * intervals. */
struct lt_candidate lt_watch__describe(struct lt_watch *watch, const struct lt_process *process,
				       double interval_seconds, struct lt_load *load,
				       double hit_cost_ns);

/* Holds the budget: measures more or less from now on, by what the host decided. True with the reason if
 * something has changed. */
bool lt_watch__govern(struct lt_watch *watch, const struct lt_candidate *candidate,
		      struct lt_load *load, enum lt_tier_reason *ret_reason);

/* Which causes of its busy time are measured now. */
struct lt_cause_known lt_watch__causes_known(const struct lt_watch *watch);

/* The highest tier from now on; by_rule: for one that nobody named, only while the rule wants it. */
void lt_watch__set_tier(struct lt_watch *watch, enum lt_tier tier, bool by_rule);

#endif
