/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/govern.h"
#include "agent/model/cause.h"
#include "agent/probe/guard.h"
#include "agent/probes.h"
#include "agent/self_reading.h"
#include "agent/signals.h"
#include "agent/target/cgroup.h"
#include "agent/target/images.h"
#include "agent/target/reader.h"
#include "agent/targets.h"
#include "agent/util/clock.h"
#include "agent/util/privilege.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define PULSE_MIN_NS  10000000ull
#define PULSE_MAX_NS  1000000000ull
#define PULSE_CLOSEST 8 /* two looks are never closer than this part of the interval */
#define PULSE_LOOK_NS 50000000ull /* the longest interval where new processes are looked for */

struct lt_pipeline {
	struct lt_options options;
	struct utsname uname;
	struct lt_host host;
	struct lt_images *images;
	struct lt_probes probes;
	struct lt_store *store;
	struct lt_targets targets;
	struct lt_govern govern;
	bool retry_heaps;
	uint64_t pulse_ns; /* at which late turns are looked at next */
	const struct lt_snapshot *latest;
	uint64_t tick_ns; /* when that was taken */
	struct lt_rest rest; /* functions NULL: nobody wants to know */
	struct lt_event *events; /* of the interval */
	size_t n_events, events_capacity;
};

/* Before a target is looked into; of those that are named, /proc and the headers of files were read (agent/probes.c). If not all can be given up that was told: measuring goes on. */
static void give_up_privileges(const struct lt_probes *probes)
{
	lt_privilege__enter(LT_DUTY_MAIN,
			    probes->probe ? lt_capabilities__attaching(&probes->features) : 0);
}

int lt_pipeline__new(const struct lt_options *options, enum lt_start start,
		     struct lt_pipeline **ret_pipeline)
{
	struct lt_pipeline *pipeline = calloc(1, sizeof(*pipeline));
	struct lt_store_opts store_opts;
	int err;

	if (!pipeline)
		return lt_err(-ENOMEM, "start: out of memory");
	pipeline->options = *options;
	uname(&pipeline->uname);
	pipeline->host = (struct lt_host){ pipeline->uname.nodename, pipeline->uname.release,
					   (int)sysconf(_SC_NPROCESSORS_ONLN) };
	store_opts = (struct lt_store_opts){ .stall_ns = (uint64_t)(options->stall_seconds * 1e9),
					     .host = &pipeline->host };
	pipeline->store = lt_store__new(&store_opts);
	pipeline->targets.by_rule = !options->n_pids && !options->name_glob && options->tier_auto &&
				    !options->all_tiers;
	pipeline->images = lt_images__new();
	pipeline->targets.common.images = pipeline->images;
	err = pipeline->store && pipeline->images ?
		      lt_probes__load(&pipeline->options, &pipeline->probes) :
		      -ENOMEM;
	pipeline->targets.common.options = &pipeline->options;
	pipeline->targets.common.probe = pipeline->probes.probe;
	pipeline->govern = (struct lt_govern){ .tiers.total_ratio = options->total_budget_ratio,
					       .hit_cost_ns = pipeline->probes.features.hit_cost_ns,
					       .interval_seconds = options->interval_seconds };
	if (!err) {
		give_up_privileges(&pipeline->probes);
		err = lt_targets__open(&pipeline->targets, start);
	}
	if (err) {
		lt_pipeline__free(pipeline);
		return err;
	}
	/* The first interval begins now: the ground that the next ones stand on. */
	lt_pipeline__tick(pipeline);
	*ret_pipeline = pipeline;
	return 0;
}

void lt_pipeline__free(struct lt_pipeline *pipeline)
{
	if (!pipeline)
		return;
	lt_guard__end(pipeline->probes.guard); /* all at once, not target by target */
	lt_targets__close(&pipeline->targets);
	lt_images__free(pipeline->images);
	lt_probes__free(&pipeline->probes);
	lt_store__free(pipeline->store);
	free(pipeline->events);
	free(pipeline);
}

size_t lt_pipeline__targets(const struct lt_pipeline *pipeline)
{
	return pipeline->targets.n;
}

void lt_pipeline__set_tier(struct lt_pipeline *pipeline, enum lt_tier tier, bool is_auto)
{
	bool named = pipeline->options.n_pids || pipeline->options.name_glob;

	pipeline->targets.by_rule = is_auto && !named;
	pipeline->options.tier = tier;
	for (size_t i = 0; i < pipeline->targets.n; i++)
		lt_watch__set_tier(pipeline->targets.watches[i], tier, pipeline->targets.by_rule);
	pipeline->govern.changes[LT_REASON_ASKED] += pipeline->targets.n;
}

void lt_pipeline__look_at(struct lt_pipeline *pipeline, int pid)
{
	pipeline->govern.looked_at = pid;
}

void lt_pipeline__open(struct lt_pipeline *pipeline, int pid)
{
	bool always = pipeline->options.jit == LT_JIT_ON;

	for (size_t i = 0; i < pipeline->targets.n; i++) {
		struct lt_watch *watch = pipeline->targets.watches[i];

		lt_watch__set_jit(watch, always || (pipeline->options.jit == LT_JIT_AUTO &&
						    lt_watch__target(watch)->pid == pid));
	}
}

static int on_record(void *ctx, const struct lt_loop_key *key, const struct lt_loop_rec *rec)
{
	struct lt_pipeline *pipeline = ctx;
	struct lt_watch *watch = lt_targets__find(&pipeline->targets, key->tgid);

	if (watch)
		lt_watch__record(watch, key, rec);
	return 0;
}

static void on_stack(void *ctx, const struct lt_raw_stack *stack)
{
	struct lt_pipeline *pipeline = ctx;
	struct lt_watch *watch = lt_targets__find(&pipeline->targets, stack->tgid);

	if (watch)
		lt_watch__stack(watch, stack);
}

static void keep_event(void *ctx, const struct lt_event *event)
{
	struct lt_pipeline *pipeline = ctx;
	struct lt_watch *watch = lt_targets__find(&pipeline->targets, event->tgid);

	if (event->type == LT_EVENT_TASK) {
		if (watch)
			lt_watch__task(watch, event);
		return;
	}
	if (event->type == LT_EVENT_DEOPT) {
		if (watch)
			lt_watch__deopt(watch, event);
		return;
	}
	if (event->type == LT_EVENT_COLLECTED) {
		if (watch)
			lt_watch__collected(watch, (int)event->tid, event->start_ns);
		return;
	}
	if (event->type == LT_EVENT_EXEC || event->type == LT_EVENT_FORK ||
	    event->type == LT_EVENT_ENDED) {
		if (watch && event->type != LT_EVENT_FORK)
			lt_watch__gone(watch, event);
		if (pipeline->targets.arrivals)
			lt_arrivals__event(pipeline->targets.arrivals, event);
		return;
	}
	if (pipeline->n_events == pipeline->events_capacity) {
		size_t capacity = pipeline->events_capacity ? 2 * pipeline->events_capacity : 64;
		struct lt_event *events =
			reallocarray(pipeline->events, capacity, sizeof(*pipeline->events));

		if (!events)
			return;
		pipeline->events = events;
		pipeline->events_capacity = capacity;
	}
	pipeline->events[pipeline->n_events++] = *event;
}

/* A stall that has ended, with what it was spent on. */
static void deliver_stall(struct lt_pipeline *pipeline, const struct lt_event *event,
			  struct lt_loop_state *loop, double start_time)
{
	struct lt_watch *watch = lt_targets__find(&pipeline->targets, event->tgid);
	double seconds = (double)event->duration_ns / 1e9;
	struct lt_stall stall = lt_stall_of(start_time, seconds);
	struct lt_cause_parts parts = { .gc = (double)event->gc_ns / 1e9 };
	struct lt_cause_known known = { 0 };

	if (watch)
		known = lt_watch__causes_known(watch);
	for (int i = 0; i < LT_OFF_MAX; i++)
		parts.off[i] = (double)event->off_ns[i] / 1e9;
	stall.cut_short = event->kind;
	parts.unseen = lt_loop_state__unseen(loop, event->start_ns);
	lt_cause__split(&parts, seconds, known, stall.cause_seconds);
	stall.cause = lt_cause__main(stall.cause_seconds);
	if (watch)
		lt_watch__explain(watch, (int)event->tid, event->start_ns, true, &stall);
	lt_loop_state__stall(loop, &stall);
}

/* Stalls that have ended, to the loops that had them. */
static void deliver_events(struct lt_pipeline *pipeline)
{
	uint64_t now_ns;
	double wall_seconds = lt_wall_now(&now_ns);

	for (size_t i = 0; i < pipeline->n_events; i++) {
		const struct lt_event *event = &pipeline->events[i];
		struct lt_loop_state *loop;

		if (event->type != LT_EVENT_STALL)
			continue;
		loop = lt_store__find_loop(pipeline->store, (int)event->tgid, (int)event->tid);
		if (loop)
			deliver_stall(pipeline, event, loop,
				      wall_seconds - (double)(now_ns - event->start_ns) / 1e9);
	}
	pipeline->n_events = 0;
}

static void drain(struct lt_pipeline *pipeline)
{
	struct lt_drain handlers = { .event = keep_event, .stack = on_stack, .ctx = pipeline };

	lt_probe__drain(pipeline->probes.probe, &handlers);
}

static uint64_t pulse_interval_ns(const struct lt_pipeline *pipeline)
{
	uint64_t interval_ns = (uint64_t)(pipeline->options.stall_seconds * 1e9 / 3);

	if (interval_ns < PULSE_MIN_NS)
		return PULSE_MIN_NS;
	if (pipeline->targets.arrivals && interval_ns > PULSE_LOOK_NS)
		return PULSE_LOOK_NS;
	return interval_ns < PULSE_MAX_NS ? interval_ns : PULSE_MAX_NS;
}

/* Which turns are late now. True if the latest snapshot has changed; *next_ns is lowered to when one that runs
 * becomes a stall. */
static bool look_at_turns(struct lt_pipeline *pipeline, struct lt_moment *moment, uint64_t *next_ns)
{
	struct lt_loop_rec *scratch = malloc(sizeof(*scratch));
	bool changed = false;

	moment->wall_seconds = lt_wall_now(&moment->now_ns);
	if (scratch)
		changed = lt_watch__pulse(&pipeline->targets.common.probed, pipeline->store, moment,
					  scratch, next_ns);
	free(scratch);
	return changed;
}

/*
 * At every third of the threshold, however long the last look took, and when a turn that is late now becomes a
 * stall: then it can be told of at once, and within half a threshold even if the function's name takes its time.
 * What may take longer, attaching above all, comes after that.
 */
static bool pulse(struct lt_pipeline *pipeline)
{
	uint64_t begin_ns = lt_now_ns(), interval_ns = pulse_interval_ns(pipeline);
	uint64_t next_ns = begin_ns + interval_ns,
		 soonest_ns = begin_ns + interval_ns / PULSE_CLOSEST;
	struct lt_moment moment = { .stall_ns = (uint64_t)(pipeline->options.stall_seconds * 1e9) };
	bool changed = false;

	lt_reader__poll();
	if (pipeline->probes.probe) {
		drain(pipeline);
		changed = look_at_turns(pipeline, &moment, &next_ns);
		lt_govern__run(&pipeline->govern, pipeline->targets.watches, pipeline->targets.n,
			       NULL, moment.now_ns);
	}
	for (size_t i = 0; pipeline->retry_heaps && i < pipeline->targets.n; i++)
		lt_watch__retry_heaps(pipeline->targets.watches[i]);
	lt_targets__look(&pipeline->targets);
	pipeline->pulse_ns = next_ns > soonest_ns ? next_ns : soonest_ns;
	return changed;
}

void lt_pipeline__set_rest(struct lt_pipeline *pipeline, const struct lt_rest *rest)
{
	pipeline->rest = *rest;
}

static bool sleep_until(struct lt_pipeline *pipeline, uint64_t deadline_ns, int fd)
{
	const struct lt_rest *rest = &pipeline->rest;
	bool reached;

	if (rest->begin)
		rest->begin(rest->ctx);
	reached = lt_sleep_until(deadline_ns, fd);
	if (rest->end)
		rest->end(rest->ctx);
	return reached;
}

bool lt_pipeline__wait(struct lt_pipeline *pipeline, uint64_t deadline_ns, int fd,
		       bool *ret_changed)
{
	*ret_changed = false;
	while (pipeline->pulse_ns < deadline_ns) {
		if (!sleep_until(pipeline, pipeline->pulse_ns, fd))
			return false;
		*ret_changed = pulse(pipeline);
		if (*ret_changed)
			return false;
	}
	return sleep_until(pipeline, deadline_ns, fd);
}

const struct lt_snapshot *lt_pipeline__latest(const struct lt_pipeline *pipeline)
{
	return pipeline->latest;
}

uint64_t lt_pipeline__tick_ns(const struct lt_pipeline *pipeline)
{
	return pipeline->tick_ns;
}

static size_t count_loops(const struct lt_snapshot *snapshot)
{
	size_t n = 0;

	for (size_t i = 0; snapshot && i < snapshot->n_processes; i++)
		n += snapshot->processes[i].n_loops;
	return n;
}

/* What was counted since may be anything: there is no row of it. */
static const struct lt_snapshot *lose_probes(void)
{
	lt_err(-EOWNERDEAD,
	       "measure: somebody has killed lt-probes, the process that holds our probes: they are gone "
	       "from all targets (start looptop again)");
	errno = EOWNERDEAD;
	return NULL;
}

const struct lt_snapshot *lt_pipeline__tick(struct lt_pipeline *pipeline)
{
	const struct lt_snapshot *snapshot;
	struct lt_self_reading self;
	uint32_t epoch = 0;
	uint64_t now_ns;
	double wall_seconds;

	lt_reader__poll();
	lt_targets__drop_ended(&pipeline->targets);
	lt_targets__look(&pipeline->targets);
	if (pipeline->probes.probe)
		epoch = lt_probe__close_epoch(pipeline->probes.probe);
	wall_seconds = lt_wall_now(&now_ns);
	pipeline->tick_ns = now_ns;
	lt_store__begin(pipeline->store, now_ns, wall_seconds, epoch);
	lt_cgroups__begin_round(pipeline->targets.common.cgroups);
	for (size_t i = 0; i < pipeline->targets.n; i++)
		lt_watch__begin(pipeline->targets.watches[i], pipeline->store);
	if (pipeline->probes.probe) {
		/* Events first: a stall that ends between the two is told by the next interval alone. */
		drain(pipeline);
		lt_probe__each_loop(pipeline->probes.probe, on_record, pipeline);
		deliver_events(pipeline);
	}
	if (pipeline->probes.guard && !lt_guard__alive(pipeline->probes.guard))
		return lose_probes();
	pipeline->retry_heaps = false;
	for (size_t i = 0; i < pipeline->targets.n; i++)
		pipeline->retry_heaps |= lt_watch__finish(pipeline->targets.watches[i]);
	lt_self__read(pipeline->probes.probe, pipeline->probes.guard, &pipeline->probes.features, &pipeline->govern,
		      &self);
	snapshot = pipeline->latest = lt_store__build(pipeline->store, &self);
	pipeline->targets.common.n_loops = count_loops(snapshot);
	if (snapshot)
		lt_govern__run(&pipeline->govern, pipeline->targets.watches, pipeline->targets.n,
			       snapshot, now_ns);
	return snapshot;
}
