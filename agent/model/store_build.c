/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The snapshot of an interval, from what was read in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/groups.h"
#include "agent/model/store_internal.h"

/* main first (its thread has the process's id), Workers in the order of their
 * threads. */
static int compare_loops(const void *a, const void *b)
{
	const struct lt_loop_state *const *x = a, *const *y = b;
	int tx = lt_loop_state__tid(*x), ty = lt_loop_state__tid(*y);

	return (tx > ty) - (tx < ty);
}

static void put_main_first(struct lt_store_process *process, int pid)
{
	qsort(process->loops, process->n_loops, sizeof(*process->loops), compare_loops);
	for (size_t i = 1; i < process->n_loops; i++) {
		struct lt_loop_state *loop = process->loops[i];

		if (lt_loop_state__tid(loop) != pid)
			continue;
		memmove(process->loops + 1, process->loops, i * sizeof(*process->loops));
		process->loops[0] = loop;
	}
}

static double build_cpu(struct lt_store_process *process)
{
	double total = process->reading.cpu_seconds;
	/* fmax() would make 0 of NAN */
	double cpu =
		process->has_cpu && lt_known(total) ? fmax(total - process->cpu_before, 0) : NAN;

	process->has_cpu = lt_known(total);
	process->cpu_before = total;
	return cpu;
}

/* A cgroup's counters since its start become those of the interval. */
static double advance(double *before, double now)
{
	double gained = lt_known(*before) && lt_known(now) ? fmax(now - *before, 0) : NAN;

	*before = now;
	return gained;
}

static void build_limits(struct lt_store_process *process, struct lt_process *out)
{
	const struct lt_limits_reading *limits = &process->reading.limits;

	out->cpu_limit = limits->cpu_limit;
	out->cpus_allowed = limits->cpus_allowed;
	out->memory_limit_bytes = limits->memory_limit_bytes;
	out->periods = advance(&process->periods_before, limits->periods);
	out->throttled_periods = advance(&process->throttled_before, limits->throttled_periods);
	out->throttled_seconds =
		advance(&process->throttled_seconds_before, limits->throttled_seconds);
}

/* Places for all loops: the same ones in each interval, as a rule. */
static int make_room(struct lt_store_process *process)
{
	struct lt_loop *built;

	if (process->n_loops <= process->built_room)
		return 0;
	built = reallocarray(process->built, process->n_loops, sizeof(*built));
	if (!built)
		return -ENOMEM;
	process->built = built;
	process->built_room = process->n_loops;
	return 0;
}

static int build_process(const struct lt_store *store, struct lt_store_process *process,
			 double interval, struct lt_process *out)
{
	struct lt_moment moment = store->moment;
	double cost_ns = process->reading.hit_cost_ns > 0 ? process->reading.hit_cost_ns
							  : store->snapshot.self.probe_cost_ns;
	double spent_ns = 0;
	int err;

	*out = process->reading.identity;
	moment.tier = process->reading.tier;
	moment.causes_known = process->reading.causes_known;
	moment.gc_probed = process->gc_probed;
	moment.sampled = process->reading.sampled;
	out->cpu_seconds = build_cpu(process);
	out->rss_bytes = process->reading.rss_bytes;
	/* One that has ended, or could not be read, used at least what it had before. */
	if (lt_known(out->total.cpu_seconds))
		process->total = out->total;
	out->total = process->total;
	build_limits(process, out);
	if (process->n_loops) {
		put_main_first(process, out->pid);
		if (make_room(process))
			return -ENOMEM;
	}
	err = lt_pool_state__build(process->pool, &process->pool_reading, &moment, out);
	if (!err)
		err = lt_gc_state__build(process->gc, process->gc_probed, process->gc_kinds,
					 &moment, out);
	if (err)
		return err;
	out->probe_hits = lt_pool_state__hits(process->pool);
	for (size_t i = 0; i < process->n_loops; i++) {
		lt_loop_state__build(process->loops[i], &moment, &process->built[i]);
		out->probe_hits += lt_loop_state__hits(process->loops[i]);
		spent_ns += lt_loop_state__more_ns(process->loops[i]);
	}
	if (out->probe_hits > 0)
		spent_ns += out->probe_hits * cost_ns;
	process->n_built = process->n_loops;
	out->loops = process->built;
	out->n_loops = process->n_loops;
	out->overhead_ratio = spent_ns == 0 ? 0 : spent_ns / 1e9 / interval;
	return 0;
}

static void build_self(struct lt_store *store, const struct lt_self_reading *reading)
{
	struct lt_self *self = &store->snapshot.self;

	self->cpu_seconds =
		store->has_self ? reading->cpu_seconds - store->self_before.cpu_seconds : NAN;
	self->rss_bytes = reading->rss_bytes;
	self->peak_rss_bytes = reading->peak_rss_bytes;
	self->target_memory_bytes = reading->target_memory_bytes;
	self->refused_files =
		store->has_self ? reading->refused_files - store->self_before.refused_files : NAN;
	self->total_refused_files = reading->refused_files;
	self->probe_cost_ns = reading->hit_cost_ns;
	self->total_cpu_seconds = reading->cpu_seconds;
	self->left_to_scan =
		store->has_self ? reading->left_to_scan - store->self_before.left_to_scan : NAN;
	self->total_left_to_scan = reading->left_to_scan;
	for (int i = 0; i < LT_LOST_MAX; i++) {
		self->lost[i] = (double)(reading->lost[i] - store->self_before.lost[i]);
		self->total_lost[i] = (double)reading->lost[i];
	}
	for (int i = 0; i < LT_SNAP_TIER_REASONS; i++) {
		self->tier_changes[i] =
			(double)(reading->tier_changes[i] - store->self_before.tier_changes[i]);
		self->total_tier_changes[i] = (double)reading->tier_changes[i];
	}
	store->self_before = *reading;
	store->has_self = true;
	self->probe_hits = 0;
	self->overhead_ratio = 0;
	self->targets = 0;
}

static int compare_processes(const void *a, const void *b)
{
	const struct lt_store_process *const *x = a, *const *y = b;
	int px = lt_store_process__pid(*x), py = lt_store_process__pid(*y);

	return (px > py) - (px < py);
}

/* Places for all processes; errno is set if there are not. */
static int make_rows(struct lt_store *store)
{
	size_t n = store->n_processes + 1;
	struct lt_process *built;

	if (n <= store->built_room)
		return 0;
	built = reallocarray(store->built, n + n / 4, sizeof(*built));
	if (!built)
		return -ENOMEM;
	store->built = built;
	store->built_room = n + n / 4;
	return 0;
}

static void count_end(struct lt_store *store, const struct lt_process *process)
{
	if (process->ended)
		store->ends[process->end.how][process->end.reason]++;
	else
		store->snapshot.self.targets++;
}

const struct lt_snapshot *lt_store__build(struct lt_store *store,
					  const struct lt_self_reading *reading)
{
	struct lt_snapshot *snapshot = &store->snapshot;
	double interval = store->now_before_ns
				  ? (double)(store->moment.now_ns - store->now_before_ns) / 1e9
				  : NAN;
	size_t n = 0;

	if (make_rows(store))
		return NULL;
	if (store->n_processes)
		qsort(store->processes, store->n_processes, sizeof(*store->processes),
		      compare_processes);
	store->n_sorted = store->n_processes;
	build_self(store, reading);
	for (size_t i = 0; i < store->n_processes; i++) {
		int err;

		if (!store->processes[i]->seen)
			continue;
		err = build_process(store, store->processes[i], interval, &store->built[n]);
		if (err) {
			errno = -err;
			return NULL;
		}
		snapshot->self.probe_hits += store->built[n].probe_hits;
		snapshot->self.overhead_ratio += store->built[n].overhead_ratio;
		count_end(store, &store->built[n]);
		n++;
	}
	if (lt_groups__fill(store->built, n)) {
		errno = ENOMEM;
		return NULL;
	}
	store->hits_total += snapshot->self.probe_hits;
	snapshot->self.total_probe_hits = store->hits_total;
	memcpy(snapshot->self.total_ends, store->ends, sizeof(store->ends));
	snapshot->schema = LT_SNAPSHOT_SCHEMA;
	snapshot->time = store->moment.wall_seconds;
	snapshot->interval_seconds = interval;
	snapshot->sequence++;
	snapshot->host = *store->opts.host;
	snapshot->processes = store->built;
	snapshot->n_processes = n;
	return snapshot;
}
