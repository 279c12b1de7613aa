/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/arrivals.h"
#include "agent/govern.h"
#include "agent/model/cause.h"
#include "agent/signals.h"
#include "agent/util/clock.h"
#include "agent/watch.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define TARGETS_MAX	  512
#define TARGETS_NAMED_MIN 16 /* tables for so many, when targets are named */
#define PULSE_MIN_NS	  10000000ull
#define PULSE_MAX_NS	  1000000000ull
#define PULSE_LOOK_NS	  50000000ull /* the longest, where new processes are looked for */

struct lt_pipeline {
	struct lt_options options;
	struct utsname uname;
	struct lt_host host;
	struct lt_features features;
	struct lt_probe *probe; /* NULL: memory only */
	struct lt_store *store;
	struct lt_arrivals *arrivals; /* NULL: targets are named */
	struct lt_watch *watches[TARGETS_MAX];
	size_t n_watches;
	struct lt_govern govern;
	bool by_rule; /* who was not named has probes only while the rule wants it */
	const struct lt_snapshot *latest;
	struct lt_event *events; /* of the interval */
	size_t n_events, events_capacity;
};

static struct lt_watch *find_watch(struct lt_pipeline *pipeline, uint32_t tgid)
{
	for (size_t i = 0; i < pipeline->n_watches; i++)
		if ((uint32_t)lt_watch__target(pipeline->watches[i])->pid == tgid)
			return pipeline->watches[i];
	return NULL;
}

static int add_watch(struct lt_pipeline *pipeline, int pid)
{
	int err;

	if (pipeline->n_watches == TARGETS_MAX)
		return lt_err(-ENOSPC, "attach to pid %d: %d targets are the most", pid,
			      TARGETS_MAX);
	err = lt_watch__new(pid, &pipeline->options, !pipeline->by_rule, pipeline->probe,
			    &pipeline->watches[pipeline->n_watches]);
	if (!err)
		pipeline->n_watches++;
	return err;
}

/* Attaches to a process that was found. It may end meanwhile, which is no error then. */
static void add_found(struct lt_pipeline *pipeline, const struct lt_found *found, bool demote)
{
	uint64_t begin_ns = lt_now_ns();
	int err;

	lt_log_demote(demote);
	err = add_watch(pipeline, found->pid);
	lt_log_demote(false);
	if (!err)
		lt_watch__set_seen(pipeline->watches[pipeline->n_watches - 1], found->seen_time);
	else if (err != -ESRCH && demote)
		lt_err(err, "attach to pid %d: %s (looptop check %d says more)", found->pid,
		       strerror(-err), found->pid);
	lt_arrivals__spent(pipeline->arrivals, lt_now_ns() - begin_ns);
}

/* Attaches to what was found since; at the start to all of it. */
static void add_arrivals(struct lt_pipeline *pipeline, bool all)
{
	struct lt_found found;

	while (lt_arrivals__next(pipeline->arrivals, all, &found)) {
		/* The one that had this pid before gets its last row first. */
		if (find_watch(pipeline, (uint32_t)found.pid))
			lt_arrivals__later(pipeline->arrivals, found.pid);
		else
			add_found(pipeline, &found, !all);
	}
}

static void look_around(struct lt_pipeline *pipeline)
{
	struct lt_probe *probe = pipeline->probe;

	if (!pipeline->arrivals)
		return;
	lt_arrivals__look(pipeline->arrivals, probe && lt_probe__tells_begins(probe),
			  probe ? lt_probe__begins_left(probe) : 0);
	add_arrivals(pipeline, false);
}

/* Those named must be there; one that is not is an error unless others are. */
static int add_named(struct lt_pipeline *pipeline)
{
	int first_error = 0;

	for (size_t i = 0; i < pipeline->options.n_pids; i++) {
		int err = add_watch(pipeline, pipeline->options.pids[i]);

		if (err && !first_error)
			first_error = err;
	}
	return pipeline->n_watches ? 0 : first_error;
}

static int add_targets(struct lt_pipeline *pipeline, bool wait_for_targets)
{
	int err;

	if (pipeline->options.n_pids)
		return add_named(pipeline);
	pipeline->arrivals = lt_arrivals__new(pipeline->options.name_glob);
	if (!pipeline->arrivals)
		return lt_err(-ENOMEM, "look for processes: out of memory");
	err = lt_arrivals__look_at_all(pipeline->arrivals);
	if (err)
		return lt_err(err, "look for processes: %s", strerror(-err));
	add_arrivals(pipeline, true);
	if (pipeline->n_watches || wait_for_targets)
		return 0;
	if (pipeline->options.name_glob)
		return lt_err(
			-ESRCH,
			"look for processes: none with an event loop is named %s (see looptop "
			"list)",
			pipeline->options.name_glob);
	return lt_err(
		-ESRCH,
		"look for processes: none has an event loop that may be looked at (name one by "
		"its pid, or see looptop check)");
}

static int load_probes(struct lt_pipeline *pipeline)
{
	unsigned targets = pipeline->options.n_pids ? (unsigned)pipeline->options.n_pids : 64;
	struct lt_probe_opts opts = {
		.stall_ns = (uint64_t)(pipeline->options.stall_seconds * 1e9),
		.max_targets = targets < TARGETS_NAMED_MIN ? TARGETS_NAMED_MIN : targets,
		.tell_begins = !pipeline->options.n_pids,
	};

	pipeline->features.hit_cost_ns = NAN;
	if (pipeline->options.tier == LT_TIER_MEMORY)
		return 0;
	lt_features__probe(&pipeline->features, pipeline->options.perf_only);
	return lt_probe__new(&opts, &pipeline->features, &pipeline->probe);
}

int lt_pipeline__new(const struct lt_options *options, bool wait_for_targets,
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
	pipeline->by_rule = !options->n_pids && !options->name_glob && options->tier_auto &&
			    !options->all_tiers;
	err = pipeline->store ? load_probes(pipeline) : -ENOMEM;
	pipeline->govern = (struct lt_govern){ .tiers.total_ratio = options->total_budget_ratio,
					       .hit_cost_ns = pipeline->features.hit_cost_ns,
					       .interval_seconds = options->interval_seconds };
	if (!err)
		err = add_targets(pipeline, wait_for_targets);
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
	for (size_t i = 0; i < pipeline->n_watches; i++)
		lt_watch__free(pipeline->watches[i]);
	lt_probe__free(pipeline->probe);
	lt_store__free(pipeline->store);
	lt_arrivals__free(pipeline->arrivals);
	free(pipeline->events);
	free(pipeline);
}

size_t lt_pipeline__targets(const struct lt_pipeline *pipeline)
{
	return pipeline->n_watches;
}

void lt_pipeline__set_tier(struct lt_pipeline *pipeline, enum lt_tier tier, bool is_auto)
{
	bool named = pipeline->options.n_pids || pipeline->options.name_glob;

	pipeline->by_rule = is_auto && !named;
	pipeline->options.tier = tier;
	for (size_t i = 0; i < pipeline->n_watches; i++)
		lt_watch__set_tier(pipeline->watches[i], tier, pipeline->by_rule);
	pipeline->govern.changes[LT_REASON_ASKED] += pipeline->n_watches;
}

void lt_pipeline__look_at(struct lt_pipeline *pipeline, int pid)
{
	pipeline->govern.looked_at = pid;
}

static int on_record(void *ctx, const struct lt_loop_key *key, const struct lt_loop_rec *rec)
{
	struct lt_watch *watch = find_watch(ctx, key->tgid);

	if (watch)
		lt_watch__record(watch, key, rec);
	return 0;
}

static void on_stack(void *ctx, const struct lt_raw_stack *stack)
{
	struct lt_watch *watch = find_watch(ctx, stack->tgid);

	if (watch)
		lt_watch__stack(watch, stack);
}

static void keep_event(void *ctx, const struct lt_event *event)
{
	struct lt_pipeline *pipeline = ctx;
	struct lt_watch *watch = find_watch(pipeline, event->tgid);

	if (event->type == LT_EVENT_TASK) {
		if (watch)
			lt_watch__task(watch, event);
		return;
	}
	if (event->type == LT_EVENT_EXEC || event->type == LT_EVENT_FORK ||
	    event->type == LT_EVENT_ENDED) {
		if (watch && event->type != LT_EVENT_FORK)
			lt_watch__gone(watch, event->start_ns);
		if (pipeline->arrivals)
			lt_arrivals__event(pipeline->arrivals, event);
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
	struct lt_watch *watch = find_watch(pipeline, event->tgid);
	double seconds = (double)event->duration_ns / 1e9;
	struct lt_stall stall = lt_stall_of(start_time, seconds);
	struct lt_cause_parts parts = { .gc = (double)event->gc_ns / 1e9 };
	struct lt_cause_known known = { 0 };

	if (watch)
		known = lt_watch__causes_known(watch);
	for (int i = 0; i < LT_OFF_MAX; i++)
		parts.off[i] = (double)event->off_ns[i] / 1e9;
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

	lt_probe__drain(pipeline->probe, &handlers);
}

static void read_self(const struct lt_pipeline *pipeline, struct lt_self_reading *ret_self)
{
	struct rusage usage;
	FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	getrusage(RUSAGE_SELF, &usage);
	*ret_self = (struct lt_self_reading){
		.cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		.rss_bytes = NAN,
		.hit_cost_ns = pipeline->features.hit_cost_ns,
		.left_to_scan = NAN,
	};
	if (statm && fscanf(statm, "%*u %lu", &pages) == 1)
		ret_self->rss_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
	if (statm)
		fclose(statm);
	if (pipeline->probe)
		lt_probe__lost(pipeline->probe, ret_self->lost);
	if (pipeline->probe && lt_probe__tells_begins(pipeline->probe))
		ret_self->left_to_scan = (double)lt_probe__begins_left(pipeline->probe);
	memcpy(ret_self->tier_changes, pipeline->govern.changes, sizeof(ret_self->tier_changes));
}

/* Ended targets have had their last row. */
static void drop_ended(struct lt_pipeline *pipeline)
{
	size_t kept = 0;

	for (size_t i = 0; i < pipeline->n_watches; i++) {
		if (lt_watch__ended(pipeline->watches[i]))
			lt_watch__free(pipeline->watches[i]);
		else
			pipeline->watches[kept++] = pipeline->watches[i];
	}
	pipeline->n_watches = kept;
}

static bool pulse(struct lt_pipeline *pipeline)
{
	struct lt_moment moment = { .stall_ns = (uint64_t)(pipeline->options.stall_seconds * 1e9) };
	struct lt_loop_rec *scratch;
	bool changed = false;

	if (pipeline->probe)
		drain(pipeline);
	look_around(pipeline);
	if (!pipeline->probe)
		return false;
	scratch = malloc(sizeof(*scratch));
	if (!scratch)
		return false;
	moment.wall_seconds = lt_wall_now(&moment.now_ns);
	for (size_t i = 0; i < pipeline->n_watches; i++)
		changed |= lt_watch__pulse(pipeline->watches[i], pipeline->store, &moment, scratch);
	free(scratch);
	lt_govern__run(&pipeline->govern, pipeline->watches, pipeline->n_watches, NULL,
		       moment.now_ns);
	return changed;
}

static uint64_t pulse_interval_ns(const struct lt_pipeline *pipeline)
{
	/* A stall is seen before it is half its threshold late, with time left to tell of it. */
	uint64_t pulse_ns = (uint64_t)(pipeline->options.stall_seconds * 1e9 / 3);

	if (pulse_ns < PULSE_MIN_NS)
		return PULSE_MIN_NS;
	if (pipeline->arrivals && pulse_ns > PULSE_LOOK_NS)
		return PULSE_LOOK_NS;
	return pulse_ns < PULSE_MAX_NS ? pulse_ns : PULSE_MAX_NS;
}

bool lt_pipeline__wait(struct lt_pipeline *pipeline, uint64_t deadline_ns, int fd,
		       bool *ret_changed)
{
	uint64_t pulse_ns = pulse_interval_ns(pipeline);

	*ret_changed = false;
	for (;;) {
		uint64_t next_ns = lt_now_ns() + pulse_ns;

		if (next_ns >= deadline_ns)
			return lt_sleep_until(deadline_ns, fd);
		if (!lt_sleep_until(next_ns, fd))
			return false;
		*ret_changed = pulse(pipeline);
		if (*ret_changed)
			return false;
	}
}

const struct lt_snapshot *lt_pipeline__latest(const struct lt_pipeline *pipeline)
{
	return pipeline->latest;
}

const struct lt_snapshot *lt_pipeline__tick(struct lt_pipeline *pipeline)
{
	const struct lt_snapshot *snapshot;
	struct lt_self_reading self;
	uint32_t epoch = 0;
	uint64_t now_ns;
	double wall_seconds;

	drop_ended(pipeline);
	look_around(pipeline);
	if (pipeline->probe)
		epoch = lt_probe__close_epoch(pipeline->probe);
	wall_seconds = lt_wall_now(&now_ns);
	lt_store__begin(pipeline->store, now_ns, wall_seconds, epoch);
	for (size_t i = 0; i < pipeline->n_watches; i++)
		lt_watch__begin(pipeline->watches[i], pipeline->store);
	if (pipeline->probe) {
		/* Events first: a stall that ends between the two is told by the next interval alone. */
		drain(pipeline);
		lt_probe__each_loop(pipeline->probe, on_record, pipeline);
		deliver_events(pipeline);
	}
	for (size_t i = 0; i < pipeline->n_watches; i++)
		lt_watch__finish(pipeline->watches[i]);
	read_self(pipeline, &self);
	snapshot = pipeline->latest = lt_store__build(pipeline->store, &self);
	if (snapshot)
		lt_govern__run(&pipeline->govern, pipeline->watches, pipeline->n_watches, snapshot,
			       now_ns);
	return snapshot;
}
