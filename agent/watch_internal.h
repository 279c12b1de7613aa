/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the files of a watch share, and nobody else sees. */
#ifndef LOOPTOP_WATCH_INTERNAL_H
#define LOOPTOP_WATCH_INTERNAL_H

#include "agent/blame.h"
#include "agent/model/deopts.h"
#include "agent/model/governor.h"
#include "agent/model/tiers.h"
#include "agent/runners.h"
#include "agent/target/live.h"
#include "agent/task_log.h"
#include "agent/threads.h"
#include "agent/watch.h"

#define MISSING_MAX 40
#define MISSING_WHY_SIZE 128
#define MISSING_HEAP_SIZE 192

struct lt_watch {
	int pid;
	struct lt_target *target; /* NULL only until it is opened */
	struct lt_live live;
	struct lt_cgroups *cgroups; /* of all targets */
	const size_t *n_loops; /* likewise */
	struct lt_probe *probe; /* NULL: memory only */
	struct lt_symfiles *symfiles;
	struct lt_attachment *attachment; /* NULL: no probes at all */
	struct lt_watch_list *probed; /* of all targets: in which it is as long as it has an attachment */
	LIST_ENTRY(lt_watch) probed_next;
	unsigned attachments; /* how many there have been */
	bool named; /* by the user: measured whatever it does */
	bool asked_for; /* by its pid or name, not found */
	bool refused; /* attaching has failed: not tried again */
	struct lt_wish probes; /* that there may be */
	enum lt_tier best; /* that the file allows */
	enum lt_tier top; /* the highest tier that may be used now */
	enum lt_tier tier;
	bool extras; /* the probes of pool and garbage collection are there, if they may */
	struct lt_walk_cfg walk;
	struct lt_governor governor;
	uint64_t opened_ns; /* CLOCK_MONOTONIC: what happened to its pid before is not of this process */
	double seen_time; /* Unix time */
	bool gone; /* the kernel has told of its end */
	struct lt_end end; /* then */
	struct lt_candidate candidate; /* what the latest interval said of it */
	double turns_per_second; /* of all its loops; NAN: unknown */
	bool noted; /* an interval has told it, or that it is not known */
	double traps_per_turn; /* as measured at the tier top; NAN: not yet */
	uint64_t extras_metered;
	double predicted_ratio;
	bool told_dropped; /* budget_text says why less is measured than is wished for */
	bool ended;
	bool silent; /* it does not answer: nothing is read from it */
	bool heaps_missed; /* some loop's heap_missed */
	bool details_now; /* in the latest interval its heaps and what it holds open are read */
	uint64_t details_ns; /* when they are read next */
	char turns_text[160]; /* why they are not read in each interval */
	char *cgroup_text; /* owned; NULL: not known */
	int cpus_allowed;
	double cpu_seconds; /* of all its threads at the latest look; NAN: not known exactly */
	uint64_t cpu_ns; /* before that look */
	bool has_slept; /* it has not run since then: what its memory said it still says */
	bool has_pool;
	bool has_account; /* its main loop adds up idle time: Node asks libuv to, others rarely do */
	struct lt_threads threads;
	int workers; /* how many have been named */
	struct lt_store_process *process; /* of this interval */
	const char *missing[MISSING_MAX];
	size_t n_missing;
	char budget_text[200], sample_text[160];
	char shown_budget[200], shown_sample[160], shown_turns[160]; /* in the latest snapshot */
	const char *heap_why; /* why the heap of a loop is unknown, or NULL */
	char no_heap[MISSING_HEAP_SIZE];
	bool heap_found; /* of a loop at least */
	bool heap_has_available; /* what is available in its spaces can be read; all heaps of a process are alike */
	const char *no_handles; /* why they are not read; NULL: they are */
	bool handles_torn; /* in the interval before: some loop's could not be */
	char no_causes[MISSING_WHY_SIZE], no_stacks[MISSING_WHY_SIZE]; /* for missing */
	struct lt_proc_rec proc_rec;
	struct lt_pool_mem pool_mem;
	bool knows_unfinished; /* the probes know all tasks that were there before them */
	struct lt_pool_unfinished unfinished;
	unsigned find_agrees; /* looks in a row in which the probes had as many as memory */
	bool pool_was_full; /* at the look before */
	unsigned find_tries; /* how often those were looked for */
	struct lt_runners runners; /* what the pool's threads do, where no probe tells */
	struct lt_task_rec *kinds[LT_KIND_MAX];
	struct lt_gc_rec *gcs[LT_GC_MAX];
	struct lt_sampler *sampler; /* NULL: no stacks */
	struct lt_blame *blame; /* likewise */
	struct lt_blame *namer; /* of deoptimised functions, where there are no stacks; or NULL */
	struct lt_deopts deopts[2]; /* one is filled, the other is in the latest snapshot */
	int deopts_filling;
	uint64_t naming_ns; /* CPU time that their names took in this interval */
	bool jit_refused; /* the probes of compilation could not be put in */
	struct lt_task_log tasks[2]; /* one is filled, the other is in the latest snapshot */
	int filling;
	bool keep_tasks;
	bool read_details; /* what of the process's usage costs more to read */
};

/* watch.c */
extern const char *const lt_tier_names[LT_TIER_MAX];
void lt_watch__collect_missing(struct lt_watch *watch);

/* watch_tier.c: puts in the first probes, if there may be any from the start. */
int lt_watch__attach(struct lt_watch *watch);
void lt_watch__detach(struct lt_watch *watch);
void lt_watch__tell_quiet(struct lt_watch *watch);

/* watch_generic.c: for targets in which no runtime was recognised. */
void lt_watch__name_thread(struct lt_watch *watch, struct lt_thread_state *thread);
void lt_watch__look_at_waiting(struct lt_watch *watch, struct lt_thread_state *thread);
size_t lt_watch__miss_generic(const struct lt_watch *watch, const char **missing);
/* What one hit costs, where that is not what it costs at a site; NAN: it is. */
double lt_watch__hit_cost_ns(const struct lt_watch *watch);
/* Is it unknown what the thread has done since its record was made? */
bool lt_watch__is_blind(const struct lt_watch *watch, const struct lt_thread_state *thread,
			const struct lt_loop_rec *rec);

/* watch_heap.c: the sizes of the heaps, for this interval's rows. */
void lt_watch__read_heaps(struct lt_watch *watch);
/* Why a heap's figures are null, stored into missing; how many. */
size_t lt_watch__miss_heap(struct lt_watch *watch, const char **missing);
/* watch_handles.c: reads what a loop holds open. loop NULL: there is no row for it. */
void lt_watch__read_handles(struct lt_watch *watch, struct lt_thread_state *thread,
			    struct lt_loop_state *loop);
size_t lt_watch__miss_handles(struct lt_watch *watch, const char **missing);
void lt_watch__forget_handles(struct lt_watch *watch);

/* watch_pool.c: the pool's counters in memory; then its figures, for this interval's row. What is read of its threads
 * must be of that moment: not read ahead (recall.h). */
void lt_watch__read_pool_memory(struct lt_watch *watch);
void lt_watch__read_pool(struct lt_watch *watch);
/* Tells the programs of the tasks that were there before the probes. */
void lt_watch__find_tasks(struct lt_watch *watch);
/* A place for a record that is kept until the snapshot is built, made when it is first needed; NULL: out of memory. */
void *lt_watch__room(void **place, size_t size);

/* watch_jit.c: what was compiled, for this interval's rows. */
void lt_watch__read_jit(struct lt_watch *watch);
size_t lt_watch__miss_jit(const struct lt_watch *watch, const char **missing);

/* watch_end.c: it has ended: says how, in this interval's row. */
void lt_watch__tell_end(struct lt_watch *watch);

/* watch_threads.c: the thread runs a loop, which gets its name and its clock. */
void lt_watch__take_thread(struct lt_watch *watch, struct lt_thread_state *thread);

/* watch_threads.c: gives the loops that are known their records and clocks. */
void lt_watch__seed_loops(struct lt_watch *watch);

/* watch_threads.c: finds the loops of threads that have not shown one yet, and gives them their records. */
void lt_watch__look_for_loops(struct lt_watch *watch);

/*
 * Whether a thread runs a loop that is worth a row: the main one does, and in Node those whose loop has a check
 * handle, as every JavaScript environment has; Node's own helper threads have loops without. loop_ptr 0: not known.
 * True: *mem has what its account says.
 */
bool lt_watch__confirm_loop(struct lt_watch *watch, struct lt_thread_state *thread,
			    uint64_t loop_ptr, struct lt_loop_mem *mem);
void lt_watch__list_threads(struct lt_watch *watch);
/* Threads that have ended go when their last records are read; their loops get a last row. */
void lt_watch__drop_threads(struct lt_watch *watch);

#endif
