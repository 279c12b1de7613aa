/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reading one target: what it uses, the kernel's records, its memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/cgroup.h"
#include "agent/target/process.h"
#include "agent/target/reader.h"
#include "agent/target/recall.h"
#include "agent/util/clock.h"
#include "agent/watch_internal.h"

#define CGROUP_MAX     4096
#define LOOPS_FEW      100 /* of the host */
#define LOOPS_A_SECOND 250 /* of so many loops details are read in a second */
#define TICK_NS	       10000000ull /* what has run for less may not be in its CPU clock yet (kernel/sched/cputime.c) */
#define SOONER_NS      50000000ull /* a tick that comes a little early is the turn's */

static const char *text_or_null(const char *text)
{
	return text && text[0] ? text : NULL;
}

/* Where it is, and on which CPUs it may run. It stays there as a rule: this is read when details are. */
static void read_place(struct lt_watch *watch)
{
	char text[CGROUP_MAX];

	free(watch->cgroup_text);
	watch->cgroup_text = NULL;
	if (lt_live__cgroup(&watch->live, text, sizeof(text)) >= 0)
		watch->cgroup_text = strdup(text);
	watch->cpus_allowed = lt_process_cpus(watch->target->pid);
}

static void read_limits(struct lt_watch *watch, struct lt_limits_reading *ret_limits)
{
	struct lt_cgroup_limits limits;

	if (!watch->cgroup_text || watch->details_now)
		read_place(watch);
	limits = lt_cgroups__limits(watch->cgroups, watch->cgroup_text);
	*ret_limits = (struct lt_limits_reading){
		.cpu_limit = limits.cpu_limit,
		.cpus_allowed = watch->cpus_allowed > 0 ? watch->cpus_allowed : NAN,
		.periods = limits.periods,
		.throttled_periods = limits.throttled_periods,
		.throttled_seconds = limits.throttled_seconds,
		.memory_limit_bytes = limits.memory_limit_bytes,
	};
}

/* Whether it is there, and what it uses. */
static void read_usage(struct lt_watch *watch, struct lt_process_reading *reading)
{
	struct lt_usage usage = { NAN, NAN, NAN, NAN, false }, now;
	struct lt_usage_details details = { NAN, NAN, NAN, NAN };
	struct lt_process *identity = &reading->identity;
	int pid = watch->target->pid;
	uint64_t begin_ns = lt_now_ns();
	int err = watch->gone ? -ESRCH : lt_live__usage(&watch->live, &now);

	watch->ended = err == -ESRCH;
	watch->has_slept = !err && now.cpu_seconds == watch->cpu_seconds;
	watch->cpu_seconds = err || now.in_ticks ? NAN : now.cpu_seconds;
	watch->cpu_ns = begin_ns;
	if (!err)
		usage = now;
	if (!watch->ended && watch->read_details)
		lt_process_details(pid, &details);
	reading->cpu_seconds = usage.cpu_seconds;
	reading->rss_bytes = usage.rss_bytes;
	identity->total = (struct lt_process_total){ usage.cpu_seconds, usage.user_seconds,
						     usage.system_seconds };
	identity->virtual_bytes = details.virtual_bytes;
	identity->data_bytes = details.data_bytes;
	identity->open_fds = details.open_fds;
	identity->max_fds = details.max_fds;
}

void lt_watch__begin(struct lt_watch *watch, struct lt_store *store)
{
	const struct lt_target *target = watch->target;
	struct lt_process_reading reading = { .tier = watch->tier };

	if (watch->blame)
		lt_blame__begin(watch->blame);
	watch->silent = lt_reader__is_silent(watch->pid);
	lt_watch__collect_missing(watch);
	reading.identity = (struct lt_process){
		.pid = target->pid,
		.start_time = target->start_time,
		.seen_time = watch->seen_time,
		.name = target->name,
		.exe = text_or_null(target->exe),
		.runtime = target->runtime,
		.runtime_version = text_or_null(target->runtime_version),
		.libuv_version = text_or_null(target->uv_version),
		.container = text_or_null(target->container),
		.pod = text_or_null(target->pod),
		.hostname = text_or_null(target->hostname),
		.parent_pid = target->parent_pid,
		.place = target->place,
		.cgroup = text_or_null(target->cgroup),
		.tier = lt_tier_names[watch->tier],
		.silent = watch->silent,
		.missing = watch->missing,
		.n_missing = watch->n_missing,
	};
	read_usage(watch, &reading);
	reading.identity.ended = watch->ended;
	reading.sampled = watch->sample_text[0];
	reading.attachment = watch->attachments;
	reading.hit_cost_ns = lt_watch__hit_cost_ns(watch);
	reading.causes_known = lt_watch__causes_known(watch).scheduler;
	read_limits(watch, &reading.limits);
	watch->process = lt_store__process(store, &reading);
	if (watch->ended)
		return;
	lt_watch__list_threads(watch);
	/* Their number of tries is for those that answer. */
	if (!watch->silent)
		lt_watch__look_for_loops(watch);
}

void lt_watch__record(struct lt_watch *watch, const struct lt_loop_key *key,
		      const struct lt_loop_rec *rec)
{
	struct lt_thread_state *thread = lt_threads__add(&watch->threads, (int)key->tid);
	struct lt_stall answer = lt_stall_of(0, 0);
	struct lt_loop_state *loop;
	struct lt_loop_mem mem;

	if (!watch->process || !thread || watch->tier == LT_TIER_MEMORY)
		return;
	if (!thread->is_loop && !watch->ended)
		lt_watch__confirm_loop(watch, thread, rec->loop_ptr, &mem);
	if (!thread->is_loop)
		return;
	thread->hits = rec->hits;
	thread->more_ns = lt_loop_rec__more_ns(rec);
	if (lt_watch__is_blind(watch, thread, rec))
		return;
	loop = lt_store__loop(watch->process, thread->tid, thread->name);
	if (!loop)
		return;
	lt_loop_state__record(loop, rec);
	if (!rec->turn_start_ns || !watch->blame)
		return;
	lt_blame__answer(watch->blame, thread->tid, rec->turn_start_ns, false, &answer);
	lt_loop_state__answer(loop, &answer);
}

/* Its loop's account, as it is now. */
static bool read_account(struct lt_watch *watch, struct lt_thread_state *thread)
{
	bool in_brief = thread->has_mem && !watch->details_now;

	if (in_brief && watch->has_slept) {
		if (watch->cpu_ns - TICK_NS > thread->mem.read_ns)
			thread->mem.read_ns = watch->cpu_ns - TICK_NS;
		return true;
	}
	thread->has_mem =
		!lt_read_loop_again(watch->target, thread->loop_ptr, in_brief, &thread->mem);
	return thread->has_mem;
}

static void read_memory(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_state *loop;

		if (!thread->is_loop || !thread->here || !read_account(watch, thread))
			continue;
		loop = lt_store__loop(watch->process, thread->tid, thread->name);
		if (!loop)
			continue;
		lt_loop_state__memory(loop, &thread->mem);
		if (thread->tid == watch->target->pid)
			watch->has_account = thread->mem.metrics_on;
		lt_watch__read_handles(watch, thread, loop);
	}
}

static void read_gc(struct lt_watch *watch)
{
	const struct lt_gc_rec *kinds[LT_GC_MAX] = { NULL };
	bool probed = watch->attachment && lt_attachment__has(watch->attachment, LT_GROUP_GC);

	for (int i = 0; probed && i < LT_GC_MAX; i++) {
		void *rec = lt_watch__room((void **)&watch->gcs[i], sizeof(*watch->gcs[i]));

		if (rec && lt_attachment__read_gc(watch->attachment, (enum lt_gc)i, rec) == 0)
			kinds[i] = rec;
	}
	lt_store__gc(watch->process, probed, kinds);
}

/*
 * What costs most to read of a loop is read in each interval as long as there are few loops; with more of them they
 * take turns, but for those that somebody looks at.
 */
static void take_turn(struct lt_watch *watch)
{
	uint64_t now_ns = lt_now_ns(), seconds = 1 + *watch->n_loops / LOOPS_A_SECOND;
	bool special = watch->asked_for || watch->candidate.looked_at || watch->attachment;

	watch->turns_text[0] = '\0';
	watch->details_now = special || seconds == 1 || now_ns + SOONER_NS >= watch->details_ns;
	if (special || seconds == 1)
		return;
	snprintf(watch->turns_text, sizeof(watch->turns_text),
		 "what its loops hold open and the sizes of its heaps are read every %lu s: there are %zu "
		 "loops",
		 seconds, *watch->n_loops);
	if (!watch->details_now)
		return;
	/* Those that were found together must not come together. */
	if (!watch->details_ns)
		seconds = 1 + (uint64_t)watch->pid % seconds;
	watch->details_ns = now_ns + seconds * 1000000000;
}

/* Where we read ourselves, and there are few loops, each reading is a call of its own. */
static bool reads_ahead(const struct lt_watch *watch)
{
	return watch->target->recall && (lt_reader__is_used() || *watch->n_loops > LOOPS_FEW);
}

bool lt_watch__finish(struct lt_watch *watch)
{
	if (!watch->process)
		return false;
	if (watch->ended) {
		lt_watch__tell_end(watch);
	} else {
		take_turn(watch);
		if (reads_ahead(watch))
			lt_recall__begin(watch->target->recall, watch->details_now);
		read_memory(watch);
		lt_watch__read_heaps(watch);
	}
	lt_watch__read_jit(watch);
	if (!watch->ended)
		lt_watch__drop_threads(watch);
	lt_watch__read_pool_memory(watch);
	if (!watch->ended && reads_ahead(watch))
		lt_recall__end(watch->target->recall);
	lt_watch__read_pool(watch);
	read_gc(watch);
	return watch->heaps_missed;
}
