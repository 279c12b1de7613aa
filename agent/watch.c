/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/governor.h"
#include "agent/target/cgroup.h"
#include "agent/target/process.h"
#include "agent/threads.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define MISSING_MAX 40

/* A new Worker's loop is looked for on its stack in so many intervals; it must be asleep to be seen. */
#define LOOK_TRIES 10

static const char *const tier_names[LT_TIER_MAX] = { "memory", "wait", "phases", "full" };

struct lt_watch {
	struct lt_target *target;
	struct lt_probe *probe; /* NULL: memory only */
	struct lt_attachment *attachment; /* NULL: no probes at all */
	enum lt_tier wish; /* the highest tier that may be used */
	enum lt_tier tier;
	struct lt_governor governor;
	bool ended;
	struct lt_threads threads;
	int workers; /* how many have been named */
	struct lt_store_process *process; /* of this interval */
	const char *missing[MISSING_MAX];
	size_t n_missing;
	char budget_text[120];
	struct lt_proc_rec proc_rec;
	struct lt_pool_mem pool_mem;
	struct lt_task_rec *kinds[LT_KIND_MAX];
	struct lt_gc_rec *gcs[LT_GC_MAX];
};

const struct lt_target *lt_watch__target(const struct lt_watch *watch)
{
	return watch->target;
}

bool lt_watch__ended(const struct lt_watch *watch)
{
	return watch->ended;
}

static void name_loop(struct lt_watch *watch, struct lt_thread_state *thread)
{
	char comm[LT_COMM_SIZE] = "";

	if (thread->name[0])
		return;
	if (thread->tid == watch->target->pid) {
		snprintf(thread->name, sizeof(thread->name), "main");
		return;
	}
	watch->workers++;
	lt_thread_name(watch->target->pid, thread->tid, comm);
	if (lt_is_own_name(comm, watch->target->comm))
		snprintf(thread->name, sizeof(thread->name), "%s", comm);
	else
		snprintf(thread->name, sizeof(thread->name), "worker-%d", watch->workers);
}

/*
 * Which threads run a loop that is worth a row: the main one, and in Node those whose loop has a
 * check handle, as every JavaScript environment has; Node's own helper threads have loops without.
 */
static bool confirm_loop(struct lt_watch *watch, struct lt_thread_state *thread, uint64_t loop_ptr,
			 struct lt_loop_mem *mem)
{
	bool node = watch->target->runtime && !strcmp(watch->target->runtime, "node");
	int err = lt_read_loop(watch->target, thread->tid == watch->target->pid && !loop_ptr ? 0 :
										       loop_ptr,
			       mem);

	if (thread->tid == watch->target->pid) {
		thread->is_loop = thread->is_loop || !err;
	} else if (!thread->is_loop) {
		thread->is_loop = !err && (mem->has_check || !node);
	}
	if (!thread->is_loop)
		return false;
	if (!err)
		thread->loop_ptr = mem->loop_ptr;
	name_loop(watch, thread);
	return !err;
}

/* Finds the loops of threads that have not shown one yet, and gives them their records. */
static void look_for_loops(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		bool main_thread = thread->tid == watch->target->pid;
		uint64_t loop_ptr = 0;
		struct lt_loop_mem mem;

		if (thread->is_loop || !thread->here || thread->tries >= LOOK_TRIES)
			continue;
		thread->tries++;
		if (!main_thread && lt_find_thread_loop(watch->target, thread->tid, &loop_ptr))
			continue;
		if (confirm_loop(watch, thread, loop_ptr, &mem) && watch->attachment &&
		    lt_attachment__has(watch->attachment, LT_GROUP_WAIT))
			lt_attachment__seed_loop(watch->attachment, thread->tid, &mem);
	}
}

/* Threads that have ended go when their last records are read; their loops get a last row. */
static void drop_threads(struct lt_watch *watch)
{
	size_t kept = 0;

	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_key key = { (uint32_t)watch->target->pid, (uint32_t)thread->tid };
		struct lt_loop_state *loop;

		if (thread->here) {
			watch->threads.items[kept++] = *thread;
			continue;
		}
		loop = thread->is_loop ? lt_store__loop(watch->process, thread->tid, thread->name) : NULL;
		if (loop)
			lt_loop_state__end(loop);
		if (watch->probe)
			lt_probe__forget_loop(watch->probe, &key);
	}
	watch->threads.n = kept;
}

static void miss(struct lt_watch *watch, const char *sentence)
{
	if (watch->n_missing < MISSING_MAX)
		watch->missing[watch->n_missing++] = sentence;
}

static void collect_missing(struct lt_watch *watch)
{
	static const char *const by_tier[LT_TIER_MAX] = {
		[LT_TIER_MEMORY] = "tier memory: turns, lag, phases and ended stalls need probes",
		[LT_TIER_WAIT] = "tier wait: of the phases only poll_wait is told apart",
		[LT_TIER_PHASES] = NULL, /* what it joins is said by the contract */
		[LT_TIER_FULL] = NULL,
	};
	bool probed = watch->attachment;

	watch->n_missing = 0;
	if (watch->budget_text[0])
		miss(watch, watch->budget_text);
	if (by_tier[watch->tier])
		miss(watch, by_tier[watch->tier]);
	if (!probed || !lt_attachment__has(watch->attachment, LT_GROUP_POOL))
		miss(watch, "no pool probes: tasks by kind and synchronous fs calls are not counted");
	if (!probed || !lt_attachment__has(watch->attachment, LT_GROUP_GC))
		miss(watch, "no garbage collection probes: pauses are not counted");
	for (size_t m = 0; m < watch->target->n_modules; m++) {
		const struct lt_image *image = watch->target->modules[m].image;

		for (size_t i = 0; i < image->n_missing; i++)
			miss(watch, image->missing[i]);
	}
}

static enum lt_tier best_tier(const struct lt_target *target)
{
	for (size_t m = 0; m < target->n_modules; m++)
		for (size_t i = 0; i < target->modules[m].image->n_sites; i++)
			if (target->modules[m].image->sites[i].role == LT_ROLE_WAIT_BEGIN)
				return LT_TIER_FULL;
	return LT_TIER_MEMORY;
}

int lt_watch__new(int pid, const struct lt_options *options, struct lt_probe *probe,
		  struct lt_watch **ret_watch)
{
	struct lt_watch *watch = calloc(1, sizeof(*watch));
	struct lt_wish wish = { .tier = options->tier, .pool = options->pool, .gc = options->gc };
	int err;

	if (!watch)
		return lt_err(-ENOMEM, "attach to pid %d: out of memory", pid);
	err = lt_target__open(pid, &watch->target);
	if (err)
		goto fail;
	if (wish.tier > best_tier(watch->target))
		wish.tier = best_tier(watch->target);
	watch->wish = watch->tier = wish.tier;
	watch->governor = lt_governor_of(options->budget_ratio);
	if (options->tier == LT_TIER_MEMORY) /* asked for: no probe at all */
		probe = NULL;
	watch->probe = probe;
	if (probe) {
		err = lt_attachment__new(probe, watch->target, &wish, &watch->attachment);
		if (err)
			goto fail;
	}
	lt_threads__list(&watch->threads, watch->target->pid);
	look_for_loops(watch);
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
	lt_attachment__free(watch->attachment);
	lt_target__close(watch->target);
	for (int i = 0; i < LT_KIND_MAX; i++)
		free(watch->kinds[i]);
	for (int i = 0; i < LT_GC_MAX; i++)
		free(watch->gcs[i]);
	free(watch);
}

static const char *text_or_null(const char *text)
{
	return text && text[0] ? text : NULL;
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

static void read_limits(const struct lt_watch *watch, struct lt_limits_reading *ret_limits)
{
	struct lt_cgroup_limits limits;

	lt_cgroup_limits(watch->target->pid, &limits); /* all unknown if it fails */
	*ret_limits = (struct lt_limits_reading){
		.cpu_limit = limits.cpu_limit,
		.periods = limits.periods,
		.throttled_periods = limits.throttled_periods,
		.throttled_seconds = limits.throttled_seconds,
		.memory_limit_bytes = limits.memory_limit_bytes,
	};
}

void lt_watch__begin(struct lt_watch *watch, struct lt_store *store)
{
	const struct lt_target *target = watch->target;
	struct lt_process_reading reading = { .tier = watch->tier, .cpu_seconds = NAN, .rss_bytes = NAN };
	uint64_t rss_bytes;
	double cpu_seconds;

	watch->ended = !lt_target__alive(target);
	if (!watch->ended)
		lt_threads__list(&watch->threads, watch->target->pid);
	collect_missing(watch);
	reading.identity = (struct lt_process){
		.pid = target->pid,
		.start_time = target->start_time,
		.name = target->name,
		.exe = text_or_null(target->exe),
		.runtime = target->runtime,
		.runtime_version = text_or_null(target->runtime_version),
		.libuv_version = text_or_null(target->uv_version),
		.container = text_or_null(target->container),
		.cgroup = text_or_null(target->cgroup),
		.tier = tier_names[watch->tier],
		.ended = watch->ended,
		.missing = watch->missing,
		.n_missing = watch->n_missing,
	};
	if (!watch->ended && lt_process_usage(target->pid, &cpu_seconds, &rss_bytes) == 0) {
		reading.cpu_seconds = cpu_seconds;
		reading.rss_bytes = (double)rss_bytes;
	}
	reading.causes_known = lt_watch__causes_known(watch).scheduler;
	read_limits(watch, &reading.limits);
	watch->process = lt_store__process(store, &reading);
	if (!watch->ended)
		look_for_loops(watch);
}

void lt_watch__record(struct lt_watch *watch, const struct lt_loop_key *key,
		      const struct lt_loop_rec *rec)
{
	struct lt_thread_state *thread = lt_threads__add(&watch->threads, (int)key->tid);
	struct lt_loop_state *loop;
	struct lt_loop_mem mem;

	if (!watch->process || !thread || watch->tier == LT_TIER_MEMORY)
		return;
	if (!thread->is_loop && !watch->ended)
		confirm_loop(watch, thread, rec->loop_ptr, &mem);
	if (!thread->is_loop)
		return;
	loop = lt_store__loop(watch->process, thread->tid, thread->name);
	if (loop)
		lt_loop_state__record(loop, rec);
}

static void read_memory(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_state *loop;
		struct lt_loop_mem mem;

		if (!thread->is_loop || !thread->here ||
		    lt_read_loop(watch->target, thread->loop_ptr, &mem))
			continue;
		loop = lt_store__loop(watch->process, thread->tid, thread->name);
		if (loop)
			lt_loop_state__memory(loop, &mem);
	}
}

/* A place for a record that is kept until the snapshot is built, made when it is first needed. */
static void *room(void **place, size_t size)
{
	if (!*place)
		*place = malloc(size);
	return *place;
}

static void read_pool(struct lt_watch *watch)
{
	struct lt_pool_reading reading = { 0 };

	if (!watch->ended && lt_read_pool(watch->target, &watch->pool_mem) == 0)
		reading.mem = &watch->pool_mem;
	if (watch->attachment && lt_attachment__read_proc(watch->attachment, &watch->proc_rec) == 0)
		reading.rec = &watch->proc_rec;
	reading.probed = watch->attachment && lt_attachment__has(watch->attachment, LT_GROUP_POOL);
	for (int i = 0; reading.probed && i < LT_KIND_MAX; i++) {
		void *rec = room((void **)&watch->kinds[i], sizeof(*watch->kinds[i]));

		if (rec && lt_attachment__read_kind(watch->attachment, (enum lt_kind)i, rec) == 0)
			reading.kinds[i] = rec;
	}
	lt_store__pool(watch->process, &reading);
}

static void read_gc(struct lt_watch *watch)
{
	const struct lt_gc_rec *kinds[LT_GC_MAX] = { NULL };
	bool probed = watch->attachment && lt_attachment__has(watch->attachment, LT_GROUP_GC);

	for (int i = 0; probed && i < LT_GC_MAX; i++) {
		void *rec = room((void **)&watch->gcs[i], sizeof(*watch->gcs[i]));

		if (rec && lt_attachment__read_gc(watch->attachment, (enum lt_gc)i, rec) == 0)
			kinds[i] = rec;
	}
	lt_store__gc(watch->process, probed, kinds);
}

void lt_watch__finish(struct lt_watch *watch)
{
	if (!watch->process)
		return;
	if (!watch->ended) {
		read_memory(watch);
		drop_threads(watch);
	}
	read_pool(watch);
	read_gc(watch);
}

static int change_tier(struct lt_watch *watch, enum lt_tier tier)
{
	int err = 0;

	if (!watch->attachment || tier == watch->tier)
		return 0;
	err = lt_attachment__set_tier(watch->attachment, tier);
	if (err)
		return err;
	if (tier == LT_TIER_MEMORY || watch->tier == LT_TIER_MEMORY) {
		for (size_t i = 0; i < watch->threads.n; i++) {
			struct lt_loop_key key = { (uint32_t)watch->target->pid,
						   (uint32_t)watch->threads.items[i].tid };

			lt_probe__forget_loop(watch->probe, &key);
			watch->threads.items[i].tries = 0;
		}
	}
	watch->tier = tier;
	return 0;
}

void lt_watch__govern(struct lt_watch *watch, double overhead_ratio, double interval_seconds)
{
	enum lt_tier tier;

	if (!watch->attachment || watch->ended)
		return;
	tier = lt_governor__decide(&watch->governor, watch->tier, watch->wish, overhead_ratio,
				   interval_seconds);
	if (tier == watch->tier || change_tier(watch, tier))
		return;
	watch->budget_text[0] = '\0';
	if (tier < watch->wish)
		snprintf(watch->budget_text, sizeof(watch->budget_text),
			 "tier %s: the probes cost %.1f %% of a core, over the budget of %.1f %%",
			 tier_names[tier], overhead_ratio * 100, watch->governor.budget_ratio * 100);
}

void lt_watch__set_tier(struct lt_watch *watch, enum lt_tier tier)
{
	enum lt_tier best = best_tier(watch->target);

	watch->wish = tier < best ? tier : best;
	if (change_tier(watch, watch->wish) == 0)
		watch->budget_text[0] = '\0';
}
