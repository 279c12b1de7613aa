/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Processes and loops that come and go, pool and GC figures, and what is unknown. */
#include "agent/model/store.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull

struct fixture {
	struct lt_store *store;
	struct lt_host host;
	struct lt_self_reading self;
	struct lt_proc_rec proc;
	struct lt_task_rec task;
	struct lt_gc_rec gc;
	struct lt_loop_rec rec;
	uint64_t now;
	uint32_t epoch;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));
	struct lt_store_opts opts = { .stall_ns = 100 * MS };

	if (!fx)
		return -1;
	fx->host = (struct lt_host){ "here", "6.1", 2 };
	fx->now = 1000 * MS;
	fx->self.hit_cost_ns = 1000;
	opts.host = &fx->host;
	fx->store = lt_store__new(&opts);
	*state = fx;
	return fx->store ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	lt_store__free(fx->store);
	free(fx);
	return 0;
}

static void assert_close(double got, double want, double absolute)
{
	if (!(fabs(got - want) <= absolute))
		fail_msg("got %.12g, want %.12g", got, want);
}

static void begin(struct fixture *fx)
{
	fx->now += 1000 * MS;
	lt_store__begin(fx->store, fx->now, 1.7e9 + (double)fx->now / 1e9, ++fx->epoch);
}

static const struct lt_snapshot *build(struct fixture *fx)
{
	const struct lt_snapshot *snapshot = lt_store__build(fx->store, &fx->self);

	assert_non_null(snapshot);
	return snapshot;
}

static struct lt_store_process *process(struct fixture *fx, int pid, double cpu_seconds)
{
	struct lt_process_reading reading = {
		.identity = { .pid = pid, .start_time = 5, .name = "a.js", .tier = "full" },
		.tier = LT_TIER_FULL,
		.cpu_seconds = cpu_seconds,
		.rss_bytes = 4096,
	};
	struct lt_store_process *added = lt_store__process(fx->store, &reading);

	assert_non_null(added);
	return added;
}

/* A record of a loop that has waited since `since`. */
static void loop_of(struct fixture *fx, struct lt_store_process *of, int tid, uint64_t since)
{
	struct lt_loop_rec *rec = &fx->rec;
	struct lt_loop_state *loop = lt_store__loop(of, tid, tid % 2 ? "odd" : "even");

	assert_non_null(loop);
	*rec = (struct lt_loop_rec){ .first_ns = since,
				     .last_ns = since,
				     .hits = 1,
				     .waits = 1,
				     .wait_start_ns = since,
				     .wait_timeout_ns = -1,
				     .phase = LT_PHASE_POLL_WAIT };
	assert_int_equal(lt_loop_state__record(loop, rec), 0);
}

static void add(struct lt_hist_rec *hist, uint32_t epoch, uint64_t ns)
{
	uint32_t i = lt_hist_index(ns);

	hist->count[i]++;
	hist->sum_ns[i] += ns;
	if (hist->max_epoch[epoch & 1] != epoch || hist->max_ns[epoch & 1] < ns)
		hist->max_ns[epoch & 1] = ns;
	hist->max_epoch[epoch & 1] = epoch;
}

static void test_snapshot(void **state)
{
	struct fixture *fx = *state;
	const struct lt_snapshot *snapshot;

	begin(fx);
	build(fx);
	begin(fx);
	snapshot = build(fx);
	assert_int_equal(snapshot->schema, LT_SNAPSHOT_SCHEMA);
	assert_int_equal(snapshot->sequence, 2);
	assert_int_equal(snapshot->n_processes, 0);
	assert_close(snapshot->interval_seconds, 1, 1e-9);
	assert_close(snapshot->time, 1.7e9 + (double)fx->now / 1e9, 1e-6);
	assert_string_equal(snapshot->host.name, "here");
	assert_true(snapshot->self.targets == 0);
}

static void test_order(void **state)
{
	static const int tids[] = { 77, 50, 61, 9 };
	struct fixture *fx = *state;
	const struct lt_snapshot *snapshot;
	struct lt_store_process *big;

	begin(fx);
	big = process(fx, 50, 1);
	for (int i = 0; i < 4; i++)
		loop_of(fx, big, tids[i], fx->now - 1);
	process(fx, 7, 1);
	snapshot = build(fx);
	assert_int_equal(snapshot->n_processes, 2);
	assert_int_equal(snapshot->processes[0].pid, 7);
	assert_int_equal(snapshot->processes[0].n_loops, 0);
	assert_int_equal(snapshot->processes[1].n_loops, 4);
	assert_int_equal(snapshot->processes[1].loops[0].tid, 50); /* main */
	assert_int_equal(snapshot->processes[1].loops[1].tid, 9);
	assert_int_equal(snapshot->processes[1].loops[2].tid, 61);
	assert_int_equal(snapshot->processes[1].loops[3].tid, 77);
	assert_true(snapshot->self.targets == 2);
}

static void test_come_and_go(void **state)
{
	struct fixture *fx = *state;
	struct lt_store_process *one;
	uint64_t since = fx->now;

	begin(fx);
	one = process(fx, 50, 1);
	loop_of(fx, one, 50, since);
	loop_of(fx, one, 51, since);
	process(fx, 60, 1);
	assert_int_equal(build(fx)->n_processes, 2);
	begin(fx);
	one = process(fx, 50, 1);
	loop_of(fx, one, 50, since);
	assert_int_equal(build(fx)->n_processes, 1);
	for (int i = 0; i < 2; i++) { /* one reading may fail */
		begin(fx);
		one = process(fx, 50, 1);
		loop_of(fx, one, 50, since);
		if (i == 0)
			build(fx);
	}
	assert_int_equal(build(fx)->processes[0].n_loops, 1);
	assert_null(lt_store__find_loop(fx->store, 50, 51));
	assert_null(lt_store__find_loop(fx->store, 60, 60));
	assert_non_null(lt_store__find_loop(fx->store, 50, 50));
	begin(fx);
	assert_int_equal(build(fx)->n_processes, 0);
}

/* An interval in which the loop of process 50 is read with these counters. */
static const struct lt_snapshot *costing(struct fixture *fx, uint64_t since, uint64_t hits,
					 struct lt_cost_rec cost)
{
	struct lt_store_process *one;

	begin(fx);
	one = process(fx, 50, 7.25);
	loop_of(fx, one, 50, since);
	fx->rec.hits = hits;
	fx->rec.cost = cost;
	assert_int_equal(lt_loop_state__record(lt_store__loop(one, 50, "main"), &fx->rec), 0);
	return build(fx);
}

static void test_cpu_and_overhead(void **state)
{
	struct fixture *fx = *state;
	const struct lt_snapshot *snapshot;
	struct lt_cost_rec cost = { 0 };
	uint64_t first;

	begin(fx);
	process(fx, 50, 7);
	snapshot = build(fx);
	assert_true(isnan(snapshot->processes[0].cpu_seconds));
	first = fx->now;
	snapshot = costing(fx, first, 5000, cost);
	assert_close(snapshot->processes[0].cpu_seconds, 0.25, 1e-9);
	assert_close(snapshot->processes[0].rss_bytes, 4096, 0);
	assert_close(snapshot->processes[0].probe_hits, 5000, 0);
	assert_close(snapshot->processes[0].overhead_ratio, 0.005, 1e-9);
	/* Its switches at 200 ns each, and its samples. */
	cost = (struct lt_cost_rec){
		.events = 6400, .timed = 100, .timed_ns = 20000, .sample_ns = 720000
	};
	snapshot = costing(fx, first, 5000, cost);
	assert_close(snapshot->processes[0].probe_hits, 0, 0);
	assert_close(snapshot->processes[0].overhead_ratio, 0.002, 1e-9);
	cost.events *= 2;
	cost.timed *= 2;
	cost.timed_ns *= 2;
	snapshot = costing(fx, first, 10000, cost);
	assert_close(snapshot->processes[0].overhead_ratio, 0.005 + 0.00128, 1e-9);
	assert_close(snapshot->self.probe_hits, 5000, 0);
	assert_close(snapshot->self.total_probe_hits, 10000, 0);
}

static void test_lost(void **state)
{
	struct fixture *fx = *state;
	const struct lt_snapshot *snapshot;

	begin(fx);
	fx->self.lost[LT_LOST_RING_FULL] = 3;
	build(fx);
	begin(fx);
	fx->self.lost[LT_LOST_RING_FULL] = 10;
	snapshot = build(fx);
	assert_close(snapshot->self.lost[LT_LOST_RING_FULL], 7, 0);
	assert_close(snapshot->self.total_lost[LT_LOST_RING_FULL], 10, 0);
	assert_close(snapshot->self.lost[LT_LOST_MAP_FULL], 0, 0);
}

/* A pid that is used again is another process. */
static void test_pid_reused(void **state)
{
	struct fixture *fx = *state;
	struct lt_process_reading reading = { .identity = { .pid = 50, .start_time = 9 },
					      .tier = LT_TIER_FULL,
					      .cpu_seconds = 1 };

	begin(fx);
	process(fx, 50, 100);
	build(fx);
	begin(fx);
	assert_non_null(lt_store__process(fx->store, &reading));
	assert_true(isnan(build(fx)->processes[0].cpu_seconds));
}

/* --- pool and GC ------------------------------------------------------------------------------- */

static const struct lt_process *pool_interval(struct fixture *fx, struct lt_pool_reading reading)
{
	begin(fx);
	lt_store__pool(process(fx, 50, 1), &reading);
	return &build(fx)->processes[0];
}

static void test_pool_unknown(void **state)
{
	const struct lt_process *out = pool_interval(*state, (struct lt_pool_reading){ 0 });
	const struct lt_pool *pool = &out->pool;

	assert_false(pool->present);
	assert_false(pool->kinds_known);
	assert_true(isnan(pool->size) && isnan(pool->busy) && isnan(pool->busy_max));
	assert_true(isnan(pool->queue_depth) && isnan(pool->queue_depth_max));
	assert_true(isnan(pool->slow_queue_depth) && isnan(pool->saturated_seconds));
	assert_true(isnan(pool->total_saturated_seconds));
	assert_true(isnan(out->sync_fs_calls) && isnan(out->total_sync_fs_seconds));
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_pool_kind *kind = &pool->kinds[i];

		assert_true(isnan(kind->submitted) && isnan(kind->completed));
		assert_true(isnan(kind->wait.count) && isnan(kind->total.submitted));
		assert_null(kind->total.wait);
	}
}

static void test_pool_memory(void **state)
{
	struct lt_pool_mem mem = { .size = 4, .idle = 1, .queue_depth = 5, .slow_queue_depth = 2 };
	const struct lt_pool *pool =
		&pool_interval(*state, (struct lt_pool_reading){ .mem = &mem })->pool;

	assert_true(pool->present && !pool->kinds_known);
	assert_true(pool->size == 4 && pool->busy == 3);
	assert_true(pool->queue_depth == 5 && pool->slow_queue_depth == 2);
	assert_true(isnan(pool->saturated_seconds) && isnan(pool->kinds[0].submitted));
	mem.queue_depth = mem.slow_queue_depth = -1;
	pool = &pool_interval(*state, (struct lt_pool_reading){ .mem = &mem })->pool;
	assert_true(isnan(pool->queue_depth) && isnan(pool->slow_queue_depth));
}

static void test_pool_probed(void **state)
{
	struct fixture *fx = *state;
	struct lt_pool_mem mem = { .size = 4, .idle = 4 };
	struct lt_pool_reading reading = { .probed = true, .rec = &fx->proc, .mem = &mem };
	const struct lt_process *out = pool_interval(fx, reading);
	const struct lt_pool_kind *fs = &out->pool.kinds[LT_KIND_FS];

	/* Counted, and there was nothing: 0, not unknown. */
	assert_true(out->pool.kinds_known && fs->submitted == 0 && fs->wait.count == 0);
	assert_true(isnan(fs->wait.p99) && out->sync_fs_calls == 0);
	reading.kinds[LT_KIND_FS] = &fx->task;
	for (int interval = 1; interval < 4; interval++) {
		uint32_t epoch = fx->epoch + 1;

		fx->task.submitted += 10;
		fx->task.started += 9;
		fx->task.completed += 8;
		fx->task.cancelled += 1;
		add(&fx->task.wait, epoch, 2 * MS);
		add(&fx->task.run, epoch, 3 * MS);
		add(&fx->task.delivery, epoch, 4 * MS);
		fx->proc.sync_calls += 5;
		fx->proc.sync_ns += 6 * MS;
		fx->proc.max_busy[epoch & 1] = 3;
		fx->proc.max_busy_epoch[epoch & 1] = epoch;
		fx->proc.max_depth[epoch & 1] = 17;
		fx->proc.max_depth_epoch[epoch & 1] = epoch;
		out = pool_interval(fx, reading);
		fs = &out->pool.kinds[LT_KIND_FS];
		assert_true(fs->submitted == 10 && fs->started == 9 && fs->completed == 8);
		assert_true(fs->cancelled == 1 && fs->total.submitted == 10 * interval);
		assert_close(fs->wait.max, 0.002, 1e-9);
		assert_close(fs->run.max, 0.003, 1e-9);
		assert_close(fs->delivery.max, 0.004, 1e-9);
		assert_close(fs->total.run->count, interval, 0);
		assert_true(out->sync_fs_calls == 5 && out->total_sync_fs_calls == 5 * interval);
		assert_close(out->sync_fs_seconds, 0.006, 1e-9);
		assert_true(out->pool.busy == 0 && out->pool.busy_max == 3);
		assert_true(out->pool.queue_depth_max == 17);
	}
	out = pool_interval(fx, reading);
	assert_true(out->pool.kinds[LT_KIND_FS].submitted == 0 && out->pool.queue_depth_max == 0);
}

/* Each end is counted once, by how and why, and is in the last row alone. */
static void test_ends(void **state)
{
	static const struct lt_end killed = { .time = 1.7e9, .how = LT_END_SIGNAL, .code = -1, .signal = 9,
					      .reason = LT_END_OOM_KILLER };
	struct fixture *fx = *state;
	const struct lt_snapshot *snapshot;
	struct lt_process_reading reading = {
		.identity = { .pid = 8, .start_time = 5, .name = "b.js", .tier = "full", .ended = true },
		.tier = LT_TIER_FULL,
		.cpu_seconds = NAN,
		.rss_bytes = NAN,
	};
	struct lt_store_process *ending;

	begin(fx);
	process(fx, 8, 1);
	process(fx, 9, 1);
	snapshot = build(fx);
	assert_close(snapshot->self.targets, 2, 0);
	assert_close(snapshot->self.total_ends[LT_END_SIGNAL][LT_END_OOM_KILLER], 0, 0);
	begin(fx);
	ending = lt_store__process(fx->store, &reading);
	lt_store__end(ending, &killed);
	process(fx, 9, 2);
	snapshot = build(fx);
	assert_int_equal(snapshot->n_processes, 2);
	assert_true(snapshot->processes[0].ended);
	assert_int_equal(snapshot->processes[0].end.signal, 9);
	assert_close(snapshot->self.targets, 1, 0);
	for (int i = 0; i < 3; i++) {
		begin(fx);
		process(fx, 9, 3);
		snapshot = build(fx);
		assert_int_equal(snapshot->n_processes, 1);
		for (int how = 0; how < LT_SNAP_END_HOWS; how++)
			for (int reason = 0; reason < LT_SNAP_END_REASONS; reason++)
				assert_close(snapshot->self.total_ends[how][reason],
					     how == LT_END_SIGNAL && reason == LT_END_OOM_KILLER, 0);
	}
}

/* What has not ended: its age; 0 if there is none, and unknown where some may not have been found. */
static void test_pool_unfinished(void **state)
{
	struct fixture *fx = *state;
	struct lt_pool_mem mem = { .size = 4, .idle = 0, .queue_depth = 7 };
	struct lt_pool_unfinished unfinished = { .queued[LT_KIND_FS] = 7, .running[LT_KIND_DNS] = 4 };
	struct lt_pool_reading reading = { .probed = true, .rec = &fx->proc, .mem = &mem,
					   .unfinished = &unfinished, .knows_unfinished = true };
	const struct lt_pool *pool;
	bool more;

	begin(fx);
	build(fx);
	unfinished.oldest_queued_ns = fx->now;
	unfinished.oldest_running_ns = fx->now - 1000 * MS;
	pool = &pool_interval(fx, reading)->pool;
	assert_close(pool->oldest_queued_seconds, 1, 1e-9);
	assert_close(pool->oldest_running_seconds, 2, 1e-9);
	assert_true(pool->kinds[LT_KIND_FS].queued == 7 && pool->kinds[LT_KIND_FS].running == 0);
	assert_true(pool->kinds[LT_KIND_DNS].queued == 0 && pool->kinds[LT_KIND_DNS].running == 4);
	assert_close(lt_pool__wait(pool, &more), 1, 1e-9);
	assert_true(more);
	/* None is known of. */
	unfinished = (struct lt_pool_unfinished){ 0 };
	pool = &pool_interval(fx, reading)->pool;
	assert_true(pool->oldest_queued_seconds == 0 && pool->oldest_running_seconds == 0);
	reading.knows_unfinished = false;
	pool = &pool_interval(fx, reading)->pool;
	assert_true(isnan(pool->oldest_queued_seconds) && isnan(pool->oldest_running_seconds));
	/* The pool's counters say that there is none: whatever left unseen gets no older. */
	unfinished.oldest_queued_ns = unfinished.oldest_running_ns = 1;
	unfinished.queued[LT_KIND_FS] = unfinished.running[LT_KIND_FS] = 1;
	mem = (struct lt_pool_mem){ .size = 4, .idle = 4 };
	pool = &pool_interval(fx, reading)->pool;
	assert_true(pool->oldest_queued_seconds == 0 && pool->oldest_running_seconds == 0);
	assert_true(pool->kinds[LT_KIND_FS].queued == 0 && pool->kinds[LT_KIND_FS].running == 0);
	/* Without probes the kinds are not told, and neither is an age that is not certain. */
	reading.probed = false;
	mem = (struct lt_pool_mem){ .size = 4, .queue_depth = 3 };
	unfinished = (struct lt_pool_unfinished){ .oldest_running_ns = fx->now };
	pool = &pool_interval(fx, reading)->pool;
	assert_true(isnan(pool->oldest_queued_seconds) && isnan(pool->kinds[0].queued));
	assert_close(pool->oldest_running_seconds, 1, 1e-9);
	reading.unfinished = NULL;
	pool = &pool_interval(fx, reading)->pool;
	assert_true(isnan(pool->oldest_running_seconds));
}

/* Tasks that are counted as another kind: unknown, not 0; a distribution of them, too. */
static void test_pool_hidden(void **state)
{
	struct fixture *fx = *state;
	struct lt_pool_reading reading = { .probed = true,
					   .rec = &fx->proc,
					   .hidden_kinds = 1u << LT_KIND_ZLIB };
	const struct lt_pool *pool = &pool_interval(fx, reading)->pool;

	assert_true(isnan(pool->kinds[LT_KIND_ZLIB].submitted));
	assert_true(isnan(pool->kinds[LT_KIND_ZLIB].total.completed));
	assert_true(isnan(pool->kinds[LT_KIND_ZLIB].run.count));
	assert_true(pool->kinds[LT_KIND_FS].submitted == 0);
}

/* A saturated span over three intervals: sums of signed times (abi.h). */
/* Other probes count from nothing: figures are of them alone, totals go on. */
static void test_probes_put_in_again(void **state)
{
	struct fixture *fx = *state;
	struct lt_pool_reading reading = { .probed = true, .rec = &fx->proc };
	const struct lt_gc_rec *kinds[LT_GC_MAX] = { &fx->gc };
	const struct lt_process *out = NULL;

	reading.kinds[LT_KIND_FS] = &fx->task;
	for (unsigned attachment = 1; attachment <= 3; attachment++) {
		struct lt_process_reading of = {
			.identity = { .pid = 50, .start_time = 5, .name = "a.js", .tier = "full" },
			.tier = LT_TIER_FULL,
			.attachment = attachment,
		};
		struct lt_store_process *added;

		fx->task = (struct lt_task_rec){ .submitted = 7, .started = 7, .completed = 6 };
		fx->proc = (struct lt_proc_rec){ .hits = 30, .sync_calls = 2, .sync_ns = 3 * MS };
		fx->gc = (struct lt_gc_rec){ 0 };
		begin(fx);
		add(&fx->task.wait, fx->epoch, 2 * MS);
		add(&fx->gc.pause, fx->epoch, 4 * MS);
		added = lt_store__process(fx->store, &of);
		lt_store__pool(added, &reading);
		lt_store__gc(added, true, kinds);
		out = &build(fx)->processes[0];
		assert_close(out->probe_hits, 30, 0);
		assert_close(out->sync_fs_calls, 2, 0);
		assert_close(out->pool.kinds[LT_KIND_FS].submitted, 7, 0);
		assert_close(out->pool.kinds[LT_KIND_FS].wait.count, 1, 0);
		assert_close(out->gc[0].count, 1, 0);
		assert_close(out->pool.kinds[LT_KIND_FS].total.submitted, 7 * attachment, 0);
		assert_close(out->pool.kinds[LT_KIND_FS].total.wait->count, attachment, 0);
		assert_close(out->total_sync_fs_calls, 2 * attachment, 0);
		assert_close(out->gc[0].total->count, attachment, 0);
	}
}

static void test_tier_changes(void **state)
{
	struct fixture *fx = *state;

	begin(fx);
	fx->self.tier_changes[LT_REASON_BUDGET] = 2;
	build(fx);
	begin(fx);
	fx->self.tier_changes[LT_REASON_BUDGET] = 5;
	assert_close(build(fx)->self.tier_changes[LT_REASON_BUDGET], 3, 0);
	assert_close(build(fx)->self.total_tier_changes[LT_REASON_BUDGET], 5, 0);
	assert_close(build(fx)->self.total_tier_changes[LT_REASON_LATE], 0, 0);
}

static void test_pool_saturated(void **state)
{
	struct fixture *fx = *state;
	struct lt_pool_reading reading = { .probed = true, .rec = &fx->proc };
	const struct lt_pool *pool;

	fx->proc.pool_size = 4;
	pool = &pool_interval(fx, reading)->pool;
	assert_true(pool->saturated_seconds == 0);
	fx->proc.saturated_ns -= fx->now + 400 * MS;
	fx->proc.saturated = 1;
	pool = &pool_interval(fx, reading)->pool;
	assert_close(pool->saturated_seconds, 0.6, 1e-9);
	pool = &pool_interval(fx, reading)->pool;
	assert_close(pool->saturated_seconds, 1, 1e-9);
	fx->proc.saturated_ns += fx->now + 250 * MS;
	fx->proc.saturated = 0;
	pool = &pool_interval(fx, reading)->pool;
	assert_close(pool->saturated_seconds, 0.25, 1e-9);
	assert_close(pool->total_saturated_seconds, 1.85, 1e-9);
}

static const struct lt_process *gc_interval(struct fixture *fx, bool probed, bool with)
{
	const struct lt_gc_rec *kinds[LT_GC_MAX] = { NULL };

	kinds[LT_GC_MARK_COMPACT] = with ? &fx->gc : NULL;
	begin(fx);
	lt_store__gc(process(fx, 50, 1), probed, kinds);
	return &build(fx)->processes[0];
}

static void test_gc(void **state)
{
	struct fixture *fx = *state;
	const struct lt_process *out = gc_interval(fx, false, false);

	assert_false(out->gc_known);
	assert_true(isnan(out->gc_seconds) && isnan(out->gc[0].count) &&
		    isnan(out->gc[0].dist.sum));
	assert_null(out->gc[0].total);
	out = gc_interval(fx, true, false);
	assert_true(out->gc_known && out->gc_seconds == 0 && out->gc[0].count == 0);
	add(&fx->gc.pause, fx->epoch + 1, 30 * MS);
	add(&fx->gc.pause, fx->epoch + 1, 10 * MS);
	out = gc_interval(fx, true, true);
	assert_true(out->gc[LT_GC_MARK_COMPACT].count == 2 && out->gc[LT_GC_SCAVENGE].count == 0);
	assert_close(out->gc[LT_GC_MARK_COMPACT].seconds, 0.04, 1e-9);
	assert_close(out->gc[LT_GC_MARK_COMPACT].max_seconds, 0.03, 1e-9);
	assert_close(out->gc_seconds, 0.04, 1e-9);
	out = gc_interval(fx, true, true);
	assert_true(out->gc[LT_GC_MARK_COMPACT].count == 0 && out->gc_seconds == 0);
	assert_close(out->gc[LT_GC_MARK_COMPACT].total->count, 2, 0);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_snapshot),
		CASE(test_order),
		CASE(test_come_and_go),
		CASE(test_cpu_and_overhead),
		CASE(test_lost),
		CASE(test_pid_reused),
		CASE(test_pool_unknown),
		CASE(test_pool_memory),
		CASE(test_pool_probed),
		CASE(test_pool_unfinished),
		CASE(test_pool_hidden),
		CASE(test_pool_saturated),
		CASE(test_gc),
		CASE(test_probes_put_in_again),
		CASE(test_tier_changes),
		CASE(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
