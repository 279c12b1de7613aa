/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/groups.h"

_Static_assert(LT_SNAP_LOST == LT_LOST_MAX, "causes of loss in the snapshot are those of the ABI");

#define LOOPS_MAX 4096

struct lt_store_process {
	struct lt_process_reading reading;
	bool seen; /* in this interval */
	bool has_cpu;
	double cpu_before;
	struct lt_process_total total; /* the latest that was known */
	double periods_before, throttled_before, throttled_seconds_before;
	struct lt_loop_state **loops;
	size_t n_loops;
	struct lt_loop *built; /* the loops' places in the snapshot */
	struct lt_pool_state *pool;
	struct lt_gc_state *gc;
	struct lt_pool_reading pool_reading;
	bool gc_probed;
	const struct lt_gc_rec *gc_kinds[LT_GC_MAX];
};

struct lt_store {
	struct lt_store_opts opts;
	struct lt_moment moment;
	uint64_t now_before_ns;
	struct lt_store_process **processes;
	size_t n_processes;
	struct lt_process *built;
	struct lt_self_reading self_before;
	bool has_self;
	double hits_total;
	struct lt_snapshot snapshot;
};

struct lt_store *lt_store__new(const struct lt_store_opts *opts)
{
	struct lt_store *store = calloc(1, sizeof(*store));

	if (store)
		store->opts = *opts;
	return store;
}

static void free_process(struct lt_store_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++)
		lt_loop_state__free(process->loops[i]);
	free(process->loops);
	free(process->built);
	lt_pool_state__free(process->pool);
	lt_gc_state__free(process->gc);
	free(process);
}

void lt_store__free(struct lt_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n_processes; i++)
		free_process(store->processes[i]);
	free(store->processes);
	free(store->built);
	free(store);
}

/* Removes loops that were not read since the last begin, or had ended then. */
static void sweep_loops(struct lt_store_process *process)
{
	size_t kept = 0;

	for (size_t i = 0; i < process->n_loops; i++) {
		bool ended = process->built && process->built[i].ended;

		if (!lt_loop_state__is_gone(process->loops[i]) && !ended) {
			process->loops[kept] = process->loops[i];
			lt_loop_state__begin(process->loops[kept++]);
		} else {
			lt_loop_state__free(process->loops[i]);
		}
	}
	process->n_loops = kept;
}

void lt_store__begin(struct lt_store *store, uint64_t now_ns, double wall_seconds,
		     uint32_t epoch_closed)
{
	size_t kept = 0;

	for (size_t i = 0; i < store->n_processes; i++) {
		struct lt_store_process *process = store->processes[i];

		if (!process->seen || process->reading.identity.ended) {
			free_process(process);
			continue;
		}
		process->seen = false;
		sweep_loops(process);
		free(process->built);
		process->built = NULL;
		store->processes[kept++] = process;
	}
	store->n_processes = kept;
	store->now_before_ns = store->moment.now_ns;
	store->moment = (struct lt_moment){ .now_ns = now_ns,
					    .wall_seconds = wall_seconds,
					    .epoch_closed = epoch_closed,
					    .stall_ns = store->opts.stall_ns };
}

static struct lt_store_process *find_process(const struct lt_store *store, int pid,
					     double start_time)
{
	for (size_t i = 0; i < store->n_processes; i++) {
		const struct lt_process *identity = &store->processes[i]->reading.identity;

		if (identity->pid == pid && identity->start_time == start_time)
			return store->processes[i];
	}
	return NULL;
}

static struct lt_store_process *add_process(struct lt_store *store)
{
	struct lt_store_process **processes, *process = calloc(1, sizeof(*process));

	processes = reallocarray(store->processes, store->n_processes + 1, sizeof(*processes));
	if (processes)
		store->processes = processes;
	if (process) {
		process->periods_before = process->throttled_before = NAN;
		process->throttled_seconds_before = NAN;
		process->total.cpu_seconds = NAN;
		process->total.cpu_user_seconds = process->total.cpu_system_seconds = NAN;
		process->pool = lt_pool_state__new();
		process->gc = lt_gc_state__new();
	}
	if (!process || !processes || !process->pool || !process->gc) {
		if (process)
			free_process(process);
		errno = ENOMEM;
		return NULL;
	}
	processes[store->n_processes++] = process;
	return process;
}

struct lt_store_process *lt_store__process(struct lt_store *store,
					   const struct lt_process_reading *reading)
{
	const struct lt_process *identity = &reading->identity;
	struct lt_store_process *process = find_process(store, identity->pid, identity->start_time);

	if (!process)
		process = add_process(store);
	if (!process)
		return NULL;
	if (process->reading.attachment != reading->attachment) {
		lt_pool_state__restart(process->pool);
		lt_gc_state__restart(process->gc);
	}
	process->reading = *reading;
	process->seen = true;
	process->pool_reading = (struct lt_pool_reading){ 0 };
	process->gc_probed = false;
	memset(process->gc_kinds, 0, sizeof(process->gc_kinds));
	return process;
}

static struct lt_loop_state *find_loop(const struct lt_store_process *process, int tid)
{
	for (size_t i = 0; i < process->n_loops; i++)
		if (lt_loop_state__tid(process->loops[i]) == tid)
			return process->loops[i];
	return NULL;
}

struct lt_loop_state *lt_store__loop(struct lt_store_process *process, int tid, const char *name)
{
	struct lt_loop_state **loops, *loop = find_loop(process, tid);

	if (loop)
		return loop;
	loops = process->n_loops < LOOPS_MAX
			? reallocarray(process->loops, process->n_loops + 1, sizeof(*loops))
			: NULL;
	if (loops)
		process->loops = loops;
	loop = loops ? lt_loop_state__new(tid, name) : NULL;
	if (!loop) {
		errno = ENOMEM;
		return NULL;
	}
	loops[process->n_loops++] = loop;
	return loop;
}

struct lt_loop_state *lt_store__find_loop(struct lt_store *store, int pid, int tid)
{
	for (size_t i = 0; i < store->n_processes; i++)
		if (store->processes[i]->reading.identity.pid == pid)
			return find_loop(store->processes[i], tid);
	return NULL;
}

static struct lt_loop *find_built(const struct lt_store_process *process, int tid)
{
	for (size_t i = 0; process->built && i < process->n_loops; i++)
		if (process->built[i].tid == tid)
			return &process->built[i];
	return NULL;
}

bool lt_store__update(struct lt_store *store, const struct lt_moment *now, int pid,
		      const struct lt_loop_rec *rec, int tid, const struct lt_stall *answer)
{
	for (size_t i = 0; i < store->n_processes; i++) {
		struct lt_store_process *process = store->processes[i];
		struct lt_loop_state *loop = find_loop(process, tid);
		struct lt_loop *built = find_built(process, tid);
		struct lt_moment moment = *now;

		if (process->reading.identity.pid != pid || !loop || !built || built->ended)
			continue;
		moment.stall_ns = store->opts.stall_ns;
		moment.tier = process->reading.tier;
		moment.causes_known = process->reading.causes_known;
		moment.gc_probed = process->gc_probed;
		if (answer)
			lt_loop_state__answer(loop, answer);
		return lt_loop_state__update(loop, &moment, rec, built);
	}
	return false;
}

void lt_store__pool(struct lt_store_process *process, const struct lt_pool_reading *reading)
{
	process->pool_reading = *reading;
}

void lt_store__gc(struct lt_store_process *process, bool probed,
		  const struct lt_gc_rec *const kinds[LT_GC_MAX])
{
	process->gc_probed = probed;
	memcpy(process->gc_kinds, kinds, sizeof(process->gc_kinds));
}

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

static int build_process(const struct lt_store *store, struct lt_store_process *process,
			 double interval, struct lt_process *out)
{
	struct lt_moment moment = store->moment;
	double cost_ns = process->reading.hit_cost_ns > 0 ? process->reading.hit_cost_ns :
							    store->snapshot.self.probe_cost_ns;
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
		process->built = calloc(process->n_loops, sizeof(*process->built));
		if (!process->built)
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
	self->probe_cost_ns = reading->hit_cost_ns;
	self->total_cpu_seconds = reading->cpu_seconds;
	self->left_to_scan = store->has_self ?
				     reading->left_to_scan - store->self_before.left_to_scan :
				     NAN;
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
	int px = (*x)->reading.identity.pid, py = (*y)->reading.identity.pid;

	return (px > py) - (px < py);
}

const struct lt_snapshot *lt_store__build(struct lt_store *store,
					  const struct lt_self_reading *reading)
{
	struct lt_snapshot *snapshot = &store->snapshot;
	double interval = store->now_before_ns
				  ? (double)(store->moment.now_ns - store->now_before_ns) / 1e9
				  : NAN;
	size_t n = 0;

	free(store->built);
	store->built = calloc(store->n_processes + 1, sizeof(*store->built));
	if (!store->built)
		return NULL;
	if (store->n_processes)
		qsort(store->processes, store->n_processes, sizeof(*store->processes),
		      compare_processes);
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
		snapshot->self.targets += !store->built[n].ended;
		n++;
	}
	if (lt_groups__fill(store->built, n)) {
		errno = ENOMEM;
		return NULL;
	}
	store->hits_total += snapshot->self.probe_hits;
	snapshot->self.total_probe_hits = store->hits_total;
	snapshot->schema = LT_SNAPSHOT_SCHEMA;
	snapshot->time = store->moment.wall_seconds;
	snapshot->interval_seconds = interval;
	snapshot->sequence++;
	snapshot->host = *store->opts.host;
	snapshot->processes = store->built;
	snapshot->n_processes = n;
	return snapshot;
}
