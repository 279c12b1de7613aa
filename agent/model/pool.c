/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/pool.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(LT_SNAP_KINDS == LT_KIND_MAX, "kinds of the snapshot are those of the ABI");
_Static_assert(LT_SNAP_GCS == LT_GC_MAX, "GC kinds of the snapshot are those of the ABI");

struct kind {
	uint64_t submitted, started, completed, cancelled;
	struct {
		double submitted, started, completed, cancelled;
	} total;
	struct lt_series wait, run, delivery;
};

struct lt_pool_state {
	struct kind *kinds[LT_KIND_MAX]; /* NULL: none was seen yet */
	struct lt_proc_rec rec; /* of the interval before */
	double saturated_before; /* seconds, running span included */
	double saturated_total;
	double sync_calls_total, sync_seconds_total;
	double hits;
};

struct lt_pool_state *lt_pool_state__new(void)
{
	return calloc(1, sizeof(struct lt_pool_state));
}

void lt_pool_state__free(struct lt_pool_state *pool)
{
	if (!pool)
		return;
	for (int i = 0; i < LT_KIND_MAX; i++)
		free(pool->kinds[i]);
	free(pool);
}

void lt_pool_state__restart(struct lt_pool_state *pool)
{
	for (int i = 0; i < LT_KIND_MAX; i++) {
		struct kind *kind = pool->kinds[i];

		if (!kind)
			continue;
		kind->submitted = kind->started = kind->completed = kind->cancelled = 0;
		lt_series__restart(&kind->wait);
		lt_series__restart(&kind->run);
		lt_series__restart(&kind->delivery);
	}
	pool->rec = (struct lt_proc_rec){ 0 };
	pool->saturated_before = 0;
}

double lt_pool_state__hits(const struct lt_pool_state *pool)
{
	return pool->hits;
}

static double advance(uint64_t *before, uint64_t now)
{
	double by = (double)(now - *before);

	*before = now;
	return by;
}

static void build_kind(struct kind *kind, const struct lt_task_rec *rec,
		       const struct lt_moment *moment, struct lt_pool_kind *out)
{
	out->submitted = advance(&kind->submitted, rec->submitted);
	out->started = advance(&kind->started, rec->started);
	out->completed = advance(&kind->completed, rec->completed);
	out->cancelled = advance(&kind->cancelled, rec->cancelled);
	lt_series__advance(&kind->wait, &rec->wait, moment->epoch_closed);
	lt_series__advance(&kind->run, &rec->run, moment->epoch_closed);
	lt_series__advance(&kind->delivery, &rec->delivery, moment->epoch_closed);
	out->wait = lt_dist_of(&kind->wait.interval);
	out->run = lt_dist_of(&kind->run.interval);
	out->delivery = lt_dist_of(&kind->delivery.interval);
	out->total.submitted = kind->total.submitted += out->submitted;
	out->total.started = kind->total.started += out->started;
	out->total.completed = kind->total.completed += out->completed;
	out->total.cancelled = kind->total.cancelled += out->cancelled;
	out->total.wait = &kind->wait.total;
	out->total.run = &kind->run.total;
	out->total.delivery = &kind->delivery.total;
}

/* Counted, and there were none: zero, with no quantiles. */
static void no_tasks(struct lt_pool_kind *out)
{
	static const struct lt_hist empty;

	*out = (struct lt_pool_kind){ 0 };
	out->wait = out->run = out->delivery = lt_dist_of(&empty);
}

static void unknown_tasks(struct lt_pool_kind *out)
{
	*out = (struct lt_pool_kind){ .submitted = NAN, .started = NAN,	  .completed = NAN,
				      .cancelled = NAN, .queued = NAN, .running = NAN };
	out->total.submitted = out->total.started = NAN;
	out->total.completed = out->total.cancelled = NAN;
	out->wait = out->run = out->delivery = lt_dist_unknown();
}

static int build_kinds(struct lt_pool_state *pool, const struct lt_pool_reading *reading,
		       const struct lt_moment *moment, struct lt_pool *out)
{
	for (int i = 0; i < LT_KIND_MAX; i++) {
		if (!reading->probed) {
			unknown_tasks(&out->kinds[i]);
			continue;
		}
		if (!reading->kinds[i]) {
			if (reading->hidden_kinds >> i & 1)
				unknown_tasks(&out->kinds[i]);
			else
				no_tasks(&out->kinds[i]);
			continue;
		}
		if (!pool->kinds[i])
			pool->kinds[i] = calloc(1, sizeof(*pool->kinds[i]));
		if (!pool->kinds[i])
			return -ENOMEM;
		build_kind(pool->kinds[i], reading->kinds[i], moment, &out->kinds[i]);
	}
	return 0;
}

/*
 * Tasks that have not ended. The probes know those that they have seen and those that were found when they came; the
 * pool's own counters (NAN: they were not read) say when there are none at all, and then one that left unseen gets no older.
 */
static double age(uint64_t since_ns, double counted, bool knows_all, const struct lt_moment *moment)
{
	if (counted == 0)
		return 0;
	if (since_ns)
		return moment->now_ns > since_ns ? (double)(moment->now_ns - since_ns) / 1e9 : 0;
	return knows_all ? 0 : NAN;
}

static void build_unfinished(const struct lt_pool_reading *reading, const struct lt_moment *moment,
			     struct lt_pool *out)
{
	const struct lt_pool_unfinished *unfinished = reading->unfinished;
	double queued = reading->mem ? out->queue_depth : NAN;
	double running = reading->mem ? out->busy : NAN;

	out->oldest_queued_seconds = out->oldest_running_seconds = NAN;
	for (int i = 0; i < LT_KIND_MAX; i++) {
		bool known = unfinished && reading->probed && reading->knows_unfinished &&
			     !(reading->hidden_kinds >> i & 1);
		bool told = unfinished && reading->probed;

		out->kinds[i].queued = told && queued == 0 ? 0 : known ? unfinished->queued[i] : NAN;
		out->kinds[i].running = told && running == 0 ? 0 : known ? unfinished->running[i] : NAN;
	}
	if (!unfinished)
		return;
	out->oldest_queued_seconds =
		age(unfinished->oldest_queued_ns, queued, reading->knows_unfinished, moment);
	out->oldest_running_seconds =
		age(unfinished->oldest_running_ns, running, reading->knows_unfinished, moment);
}

/* Signed times are summed in ns (abi.h); a span that runs lacks its end. */
static double saturated_seconds(const struct lt_proc_rec *rec, uint64_t now_ns)
{
	int64_t ns = (int64_t)(rec->saturated_ns + (rec->saturated ? now_ns : 0));

	return ns > 0 ? (double)ns / 1e9 : 0;
}

/* The closed interval's maximum, a late note for the one before included
 * (abi.h); 0: none. */
static double closed_max(const __u64 max[2], const __u32 epochs[2], const __u64 max_before[2],
			 const __u32 epochs_before[2], uint32_t epoch)
{
	uint64_t closed = lt_closed_max(max, epochs, epoch, 0);
	uint32_t late = (epoch - 1) & 1;

	if (epochs[late] == epoch - 1 &&
	    (epochs_before[late] != epoch - 1 || max_before[late] != max[late]) &&
	    max[late] > closed)
		closed = max[late];
	return (double)closed;
}

static void build_from_probes(struct lt_pool_state *pool, const struct lt_proc_rec *rec,
			      const struct lt_moment *moment, struct lt_pool *out)
{
	double saturated = saturated_seconds(rec, moment->now_ns);

	if (!lt_known(out->size) && rec->pool_size)
		out->size = (double)rec->pool_size;
	if (!lt_known(out->busy))
		out->busy = LT_POOL_BUSY(rec->pool_state);
	if (!lt_known(out->queue_depth))
		out->queue_depth = LT_POOL_DEPTH(rec->pool_state);
	if (!lt_known(out->slow_queue_depth))
		out->slow_queue_depth = LT_POOL_SLOW(rec->pool_state);
	out->busy_max =
		fmax(out->busy, closed_max(rec->max_busy, rec->max_busy_epoch, pool->rec.max_busy,
					   pool->rec.max_busy_epoch, moment->epoch_closed));
	if (out->size > 0)
		out->busy_max = fmin(out->busy_max, out->size);
	out->queue_depth_max =
		fmax(out->queue_depth,
		     closed_max(rec->max_depth, rec->max_depth_epoch, pool->rec.max_depth,
				pool->rec.max_depth_epoch, moment->epoch_closed));
	if (!lt_known(out->size) && !out->unused) /* full of what? */
		return;
	out->saturated_seconds = fmax(saturated - pool->saturated_before, 0);
	pool->saturated_total += out->saturated_seconds;
	pool->saturated_before = saturated;
	out->total_saturated_seconds = pool->saturated_total;
}

static void build_from_memory(const struct lt_pool_mem *mem, struct lt_pool *out)
{
	out->unused = !mem->size;
	out->size = mem->size ? mem->size : NAN;
	out->busy = (double)mem->size - mem->idle;
	if (mem->queue_depth >= 0)
		out->queue_depth = mem->queue_depth;
	if (mem->slow_queue_depth >= 0)
		out->slow_queue_depth = mem->slow_queue_depth;
}

int lt_pool_state__build(struct lt_pool_state *pool, const struct lt_pool_reading *reading,
			 const struct lt_moment *moment, struct lt_process *ret_process)
{
	struct lt_pool *out = &ret_process->pool;
	const struct lt_proc_rec *rec = reading->rec;

	out->present = reading->mem || reading->probed;
	out->kinds_known = reading->probed;
	out->tasks = reading->tasks;
	out->n_tasks = reading->n_tasks;
	out->tasks_left_out = reading->tasks_left_out;
	out->threads = reading->threads;
	out->n_threads = reading->n_threads;
	out->size = out->busy = out->busy_max = NAN;
	out->queue_depth = out->queue_depth_max = out->slow_queue_depth = NAN;
	out->saturated_seconds = out->total_saturated_seconds = NAN;
	ret_process->sync_fs_calls = ret_process->sync_fs_seconds = NAN;
	ret_process->total_sync_fs_calls = ret_process->total_sync_fs_seconds = NAN;
	pool->hits = rec ? (double)(rec->hits - pool->rec.hits) : 0;
	if (reading->mem)
		build_from_memory(reading->mem, out);
	if (reading->probed && rec) {
		build_from_probes(pool, rec, moment, out);
		ret_process->sync_fs_calls = (double)(rec->sync_calls - pool->rec.sync_calls);
		ret_process->sync_fs_seconds = (double)(rec->sync_ns - pool->rec.sync_ns) / 1e9;
		ret_process->total_sync_fs_calls = pool->sync_calls_total +=
			ret_process->sync_fs_calls;
		ret_process->total_sync_fs_seconds = pool->sync_seconds_total +=
			ret_process->sync_fs_seconds;
	}
	if (rec)
		pool->rec = *rec;
	if (build_kinds(pool, reading, moment, out))
		return -ENOMEM;
	build_unfinished(reading, moment, out);
	return 0;
}

struct lt_gc_state {
	struct lt_series *kinds[LT_GC_MAX]; /* NULL: no pause was seen yet */
};

struct lt_gc_state *lt_gc_state__new(void)
{
	return calloc(1, sizeof(struct lt_gc_state));
}

void lt_gc_state__free(struct lt_gc_state *gc)
{
	if (!gc)
		return;
	for (int i = 0; i < LT_GC_MAX; i++)
		free(gc->kinds[i]);
	free(gc);
}

void lt_gc_state__restart(struct lt_gc_state *gc)
{
	for (int i = 0; i < LT_GC_MAX; i++)
		if (gc->kinds[i])
			lt_series__restart(gc->kinds[i]);
}

int lt_gc_state__build(struct lt_gc_state *gc, bool probed,
		       const struct lt_gc_rec *const kinds[LT_GC_MAX],
		       const struct lt_moment *moment, struct lt_process *ret_process)
{
	ret_process->gc_known = probed;
	ret_process->gc_seconds = probed ? 0 : NAN;
	for (int i = 0; i < LT_GC_MAX; i++) {
		struct lt_gc_kind *out = &ret_process->gc[i];

		*out = (struct lt_gc_kind){ .dist = lt_dist_unknown() };
		if (!probed) {
			out->count = out->seconds = out->max_seconds = NAN;
			continue;
		}
		if (!kinds[i]) {
			static const struct lt_hist empty;

			out->dist = lt_dist_of(&empty);
			continue;
		}
		if (!gc->kinds[i])
			gc->kinds[i] = calloc(1, sizeof(*gc->kinds[i]));
		if (!gc->kinds[i])
			return -ENOMEM;
		lt_series__advance(gc->kinds[i], &kinds[i]->pause, moment->epoch_closed);
		out->count = gc->kinds[i]->interval.count;
		out->seconds = gc->kinds[i]->interval.sum;
		out->max_seconds = gc->kinds[i]->interval.max;
		out->dist = lt_dist_of(&gc->kinds[i]->interval);
		out->total = &gc->kinds[i]->total;
		ret_process->gc_seconds += out->seconds;
	}
	return 0;
}
