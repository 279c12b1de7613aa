/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/handles.h"
#include "agent/target/reader.h"
#include "agent/target/recall.h"
#include "agent/util/clock.h"
#include "agent/watch_internal.h"
#include "looptop/err.h"
#include "looptop/log.h"
#include "looptop/metric.h"

const char *const lt_tier_names[LT_TIER_MAX] = { "memory", "wait", "phases", "full" };

const struct lt_target *lt_watch__target(const struct lt_watch *watch)
{
	return watch->target;
}

bool lt_watch__ended(const struct lt_watch *watch)
{
	return watch->ended;
}

void lt_watch__set_seen(struct lt_watch *watch, double seen_time)
{
	watch->seen_time = seen_time;
}

static void miss(struct lt_watch *watch, const char *sentence)
{
	if (watch->n_missing < MISSING_MAX)
		watch->missing[watch->n_missing++] = sentence;
}

static void miss_why(struct lt_watch *watch, char sentence[MISSING_WHY_SIZE], const char *what,
		     const char *why)
{
	snprintf(sentence, MISSING_WHY_SIZE, "%s: %s", what, why);
	miss(watch, sentence);
}

/* What a process with a known runtime lacks by its tier and its probes. */
static void miss_by_kind(struct lt_watch *watch)
{
	static const char *const by_tier[LT_TIER_MAX] = {
		[LT_TIER_MEMORY] = "tier memory: turns, lag, phases and ended stalls need probes",
		[LT_TIER_WAIT] = "tier wait: of the phases only poll_wait is told apart",
		[LT_TIER_PHASES] = NULL, /* what it joins is said by the contract */
		[LT_TIER_FULL] = NULL,
	};
	bool probed = watch->attachment;

	if (by_tier[watch->tier])
		miss(watch, by_tier[watch->tier]);
	if (watch->tier == LT_TIER_MEMORY && strcmp(watch->target->runtime, "node") &&
	    !watch->has_account)
		miss(watch,
		     "libuv keeps no account of idle time in this process (Node asks for it): "
		     "utilization needs probes");
	if (!probed || !lt_attachment__has(watch->attachment, LT_GROUP_POOL))
		miss(watch,
		     "no pool probes: tasks by kind and synchronous fs calls are not counted");
	if (!probed || !lt_attachment__has(watch->attachment, LT_GROUP_GC))
		miss(watch, "no garbage collection probes: pauses are not counted");
	watch->n_missing += lt_watch__miss_jit(watch, watch->missing + watch->n_missing);
}

void lt_watch__collect_missing(struct lt_watch *watch)
{
	bool probed = watch->attachment;

	watch->n_missing = 0;
	if (lt_reader__why_silent(watch->pid))
		miss(watch, lt_reader__why_silent(watch->pid));
	/* The texts change when the budget is held, while the snapshot is still read. */
	memcpy(watch->shown_budget, watch->budget_text, sizeof(watch->shown_budget));
	memcpy(watch->shown_sample, watch->sample_text, sizeof(watch->shown_sample));
	if (watch->shown_budget[0])
		miss(watch, watch->shown_budget);
	if (watch->shown_sample[0])
		miss(watch, watch->shown_sample);
	if (watch->turns_text[0] && !watch->no_handles) {
		memcpy(watch->shown_turns, watch->turns_text, sizeof(watch->shown_turns));
		miss(watch, watch->shown_turns);
	}
	if (watch->target->generic)
		watch->n_missing +=
			lt_watch__miss_generic(watch, watch->missing + watch->n_missing);
	else
		miss_by_kind(watch);
	watch->n_missing += lt_watch__miss_heap(watch, watch->missing + watch->n_missing);
	if (!watch->target->generic)
		watch->n_missing += lt_watch__miss_handles(watch, watch->missing + watch->n_missing);
	if (probed && lt_probe__no_causes(watch->probe))
		miss_why(watch, watch->no_causes, "causes of busy time are unknown",
			 lt_probe__no_causes(watch->probe));
	if (watch->probe && lt_probe__no_stacks(watch->probe))
		miss_why(watch, watch->no_stacks, "stalls have no stack and no function",
			 lt_probe__no_stacks(watch->probe));
	else if (!watch->probe)
		miss(watch, "no stacks: stalls have no function (see looptop check)");
	else if (lt_blame__why_not(watch->target)[0])
		miss(watch, lt_blame__why_not(watch->target));
	else if (watch->blame && lt_blame__doubt(watch->blame)[0])
		miss(watch, lt_blame__doubt(watch->blame));
	for (size_t m = 0; m < watch->target->n_modules; m++) {
		const struct lt_image *image = watch->target->modules[m].image;

		for (size_t i = 0; i < image->n_missing; i++)
			if (watch->probes.jit || !(image->missing_jit & 1u << i))
				miss(watch, image->missing[i]);
	}
}

static enum lt_tier best_tier(const struct lt_target *target)
{
	if (target->generic)
		return LT_TIER_WAIT;
	for (size_t m = 0; m < target->n_modules; m++)
		for (size_t i = 0; i < target->modules[m].image->n_sites; i++)
			if (target->modules[m].image->sites[i].role == LT_ROLE_WAIT_BEGIN)
				return LT_TIER_FULL;
	return LT_TIER_MEMORY;
}

static void begin_measuring(struct lt_watch *watch, const struct lt_options *options, bool named)
{
	enum lt_tier best = best_tier(watch->target);

	watch->named = named;
	watch->cpu_seconds = NAN;
	watch->asked_for = options->n_pids || options->name_glob;
	watch->probes = (struct lt_wish){ .pool = options->pool,
					  .gc = options->gc,
					  .jit = options->jit == LT_JIT_ON,
					  .tasks = options->keep_tasks };
	watch->best = best;
	watch->top = options->tier < best ? options->tier : best;
	watch->keep_tasks = options->keep_tasks;
	watch->read_details = options->names & 1u << LT_NAMES_PROM_CLIENT;
	watch->governor = lt_governor_of(options->budget_ratio);
	watch->turns_per_second = watch->traps_per_turn = watch->predicted_ratio = NAN;
	watch->candidate = (struct lt_candidate){ .named = named, .utilization = NAN };
	if (!named && watch->probe)
		lt_watch__tell_quiet(watch);
}

int lt_watch__new(int pid, struct lt_common *common, bool named, struct lt_watch **ret_watch)
{
	struct lt_watch *watch = calloc(1, sizeof(*watch));
	struct lt_source source;
	struct lt_loop_mem mem;
	int err;

	if (!watch)
		return lt_err(-ENOMEM, "attach to pid %d: out of memory", pid);
	watch->seen_time = lt_wall_now(&watch->opened_ns);
	watch->pid = pid;
	watch->probe = common->probe;
	watch->symfiles = common->symfiles;
	watch->cgroups = common->cgroups;
	watch->n_loops = &common->n_loops;
	watch->probed = &common->probed;
	if (watch->probe)
		lt_probe__follow(watch->probe, pid);
	err = lt_target__open_with(pid, common->images, &watch->target);
	if (err)
		goto fail;
	lt_live__open(&watch->live, pid, watch->target->start_ticks);
	watch->has_account = lt_read_loop(watch->target, 0, &mem) == 0 && mem.metrics_on;
	source = lt_process_memory(pid);
	watch->target->recall = lt_recall__new(&source); /* NULL: it is read piece by piece */
	begin_measuring(watch, common->options, named);
	watch->no_handles = lt_handles__why_not(watch->target);
	if (watch->probe && named) {
		watch->tier = watch->top;
		watch->extras = !watch->target->generic;
		err = lt_watch__attach(watch);
		if (err == -ESRCH)
			lt_err(err, "attach to pid %d: the process has ended", pid);
		if (err)
			goto fail;
	}
	lt_threads__list(&watch->threads, &watch->live);
	lt_watch__look_for_loops(watch);
	*ret_watch = watch;
	return 0;
fail:
	lt_watch__free(watch);
	return err;
}

void lt_watch__free(struct lt_watch *watch)
{
	if (!watch)
		return;
	lt_watch__detach(watch);
	lt_blame__free(watch->blame);
	lt_blame__free(watch->namer);
	if (watch->probe)
		lt_probe__unfollow(watch->probe, watch->pid);
	lt_task_log__free(&watch->tasks[0]);
	lt_task_log__free(&watch->tasks[1]);
	lt_watch__forget_handles(watch);
	lt_runners__clear(&watch->runners);
	free(watch->threads.items);
	free(watch->cgroup_text);
	if (watch->target)
		lt_live__close(&watch->live);
	lt_target__close(watch->target);
	for (int i = 0; i < LT_KIND_MAX; i++)
		free(watch->kinds[i]);
	for (int i = 0; i < LT_GC_MAX; i++)
		free(watch->gcs[i]);
	free(watch);
}

struct lt_cause_known lt_watch__causes_known(const struct lt_watch *watch)
{
	struct lt_cause_known known = { 0 };

	if (!watch->attachment)
		return known;
	known.scheduler = lt_probe__has_causes(watch->probe) &&
			  lt_attachment__has(watch->attachment, LT_GROUP_WAIT);
	known.gc = lt_attachment__has(watch->attachment, LT_GROUP_GC);
	return known;
}

void lt_watch__stack(struct lt_watch *watch, const struct lt_raw_stack *raw)
{
	if (watch->blame)
		lt_blame__sample(watch->blame, raw);
}

void lt_watch__task(struct lt_watch *watch, const struct lt_event *event)
{
	lt_task_log__add(&watch->tasks[watch->filling], event);
}

void lt_watch__explain(struct lt_watch *watch, int tid, uint64_t turn_start_ns, bool ended,
		       struct lt_stall *stall)
{
	if (watch->blame)
		lt_blame__answer(watch->blame, tid, turn_start_ns, ended, stall);
}

/* A loop that is late now: its stack if it sleeps, and the row that shows it. */
static bool look_at_late(struct lt_watch *watch, struct lt_store *store,
			 const struct lt_moment *now, int tid, const struct lt_loop_rec *rec)
{
	struct lt_stall answer = lt_stall_of(0, 0);

	if (rec->turn_start_ns && watch->blame) {
		if (rec->off.why == LT_OFF_SLEEP &&
		    now->now_ns - rec->turn_start_ns > now->stall_ns / 4)
			lt_blame__sleeper(watch->blame, tid, rec->turn_start_ns, rec->isolate,
					  rec->off.since_ns);
		lt_blame__answer(watch->blame, tid, rec->turn_start_ns, false, &answer);
	}
	return lt_store__update(store, now, watch->target->pid, rec, tid, &answer);
}

static bool look_at_turns(struct lt_watch *watch, struct lt_store *store,
			  const struct lt_moment *now, struct lt_loop_rec *scratch,
			  uint64_t *next_ns)
{
	bool changed = false;

	if (watch->ended || watch->gone || watch->tier == LT_TIER_MEMORY)
		return false;
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_key key = { (uint32_t)watch->target->pid, (uint32_t)thread->tid };
		uint64_t stall_ns;

		if (!thread->is_loop || lt_probe__read_loop(watch->probe, &key, scratch))
			continue;
		thread->hits = scratch->hits;
		thread->more_ns = lt_loop_rec__more_ns(scratch);
		changed |= look_at_late(watch, store, now, thread->tid, scratch);
		stall_ns = scratch->turn_start_ns + now->stall_ns + 1;
		if (scratch->turn_start_ns && stall_ns > now->now_ns && stall_ns < *next_ns)
			*next_ns = stall_ns;
	}
	return changed;
}

bool lt_watch__pulse(const struct lt_watch_list *probed, struct lt_store *store,
		     const struct lt_moment *now, struct lt_loop_rec *scratch, uint64_t *next_ns)
{
	struct lt_watch *watch;
	bool changed = false;

	LIST_FOREACH (watch, probed, probed_next)
		changed |= look_at_turns(watch, store, now, scratch, next_ns);
	return changed;
}
