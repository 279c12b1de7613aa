/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A synthetic snapshot for the tests of sinks and views: a Node process with a Worker, a busy pool
 * and stalls; a second one whose names are hostile; a third at tier memory of which much is
 * unknown. All figures are fixed, so that golden files can hold what becomes of them.
 */
#ifndef LOOPTOP_TESTS_FIXTURE_SNAPSHOT_H
#define LOOPTOP_TESTS_FIXTURE_SNAPSHOT_H

#include <stdlib.h>
#include <string.h>

#include "looptop/abi.h"
#include "looptop/snapshot.h"
#include "tests/unit/hist_add.h"

/* Quotes, a formula, separators, a line end, wide letters, a byte that is no UTF-8, a control. */
#define FIXTURE_HOSTILE_NAME "=cmd|'/C \"calc\"'!A0,\n\xe6\xbc\xa2 \xc3\xa9\xff\x1b[31m.js"
#define FIXTURE_HOSTILE_LOOP "wor\\k\"er\n1"

struct fixture {
	struct lt_snapshot snapshot;
	struct lt_process processes[3];
	struct lt_loop loops[5]; /* 0, 1 of the first process; 2, 3 of the second; 4 of the third */
	struct lt_stall stalls[2];
	struct lt_stack_frame frames[7]; /* 0…3 of the first stall, 4…6 of the running one */
	const char *missing_phases[1], *missing_memory[2];
	struct lt_hist turn[4], turn_total[4], late_total[4];
	struct lt_hist task[2][3]; /* fs and crypto of the first process: wait, run, delivery */
	struct lt_hist gc[LT_SNAP_GCS];
};

static inline struct lt_dist fixture_dist(double count, double sum, double p50, double p90,
					  double p99, double max)
{
	return (struct lt_dist){ count, sum, p50, p90, p99, max };
}

static inline struct lt_dist fixture_no_dist(void)
{
	return fixture_dist(NAN, NAN, NAN, NAN, NAN, NAN);
}

static inline void fixture_unknown_phases(double phases[LT_SNAP_PHASES])
{
	for (int i = 0; i < LT_SNAP_PHASES; i++)
		phases[i] = NAN;
}

static inline void fixture_unknown_causes(double causes[LT_SNAP_CAUSES])
{
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		causes[i] = NAN;
}

/* Nothing is known of what is compiled for it. */
static inline void fixture_unknown_jit(struct lt_loop *loop)
{
	loop->jit = (struct lt_jit){ .deopts = NAN };
	loop->total.deopts = NAN;
	for (int i = 0; i < LT_SNAP_COMPILERS; i++)
		loop->jit.compiles[i] = loop->total.compiles[i] = NAN;
}

/* A function that is optimised again and again, and a V8 without Maglev. */
static inline void fixture_jit(struct lt_loop *loop, bool hostile)
{
	static const struct lt_deopt served[2] = {
		{ { .function = "priceOf", .file = "/srv/app/cart.js", .line = 17, .column = 18, .user = true,
		    .original_file = "/srv/app/src/cart.ts", .original_line = 40,
		    .original_column = 3 }, 4 },
		{ { .function = "(anonymous)" }, 1 },
	};
	static const struct lt_deopt attacking[2] = {
		{ { .function = "=cmd\x1b[2J\",\n", .file = "\x1b]0;x\a\xff,\"y", .line = 1, .column = 1 }, 4 },
		{ { .function = "", .file = "" }, 1 },
	};
	const struct lt_deopt *functions = hostile ? attacking : served;

	loop->jit = (struct lt_jit){ .compiles = { 12, 5, NAN, 9 }, .deopts = 8,
				     .functions = functions, .n_functions = 2 };
	loop->total.deopts = 31;
	loop->total.compiles[0] = 912;
	loop->total.compiles[1] = 120;
	loop->total.compiles[2] = NAN;
	loop->total.compiles[3] = 44;
}

/* Nothing is known of what a loop holds open. */
static inline void fixture_unknown_handles(struct lt_loop *loop)
{
	loop->handles = (struct lt_handles){ .active = NAN, .listening = NAN, .requests = NAN,
					     .next_timer_seconds = NAN,
					     .timer_overdue_seconds = NAN };
	for (int i = 0; i < LT_SNAP_HANDLES; i++)
		loop->handles.types[i] = loop->handles.held[i] = loop->handles.referenced[i] = NAN;
	loop->streams = (struct lt_streams){ NAN, NAN, NAN, { -1, NAN, NULL } };
	loop->js = (struct lt_js){ NAN, NAN, NAN };
}

/* A server with clients, one of which does not read. */
static inline void fixture_handles(struct lt_loop *loop, const char *peer)
{
	loop->handles = (struct lt_handles){
		.active = 127, .listening = 2, .requests = 3, .next_timer_seconds = 0.25,
		.timer_overdue_seconds = 0,
		.types = { 4, 2, 1, 0, 1, 2, 0, 1, 1, 122, 2, 0, 1, 1 },
		.held = { 0, 0, 1, 0, 0, 2, 0, 0, 1, 121, 1, 0, 1, 0 },
		.referenced = { 0, 1, 1, 0, 1, 2, 0, 0, 1, 122, 1, 0, 1, 0 },
	};
	loop->streams = (struct lt_streams){ 1, 909312, 12.5, { 23, 909312, peer } };
	loop->js = (struct lt_js){ 3, 7, 0 };
}

/* A loop of which nothing is known but that it is there. */
static inline struct lt_loop fixture_unknown_loop(int tid, const char *name)
{
	struct lt_loop loop = {
		.tid = tid, .name = name,
		.iterations = NAN, .turns = NAN, .busy_seconds = NAN, .idle_seconds = NAN,
		.utilization = NAN, .turn = fixture_no_dist(),
		.lag = { NAN, NAN, NAN, NAN, NAN, NAN }, .timer_lateness = fixture_no_dist(),
		.stalled_seconds = NAN, .lag_base_seconds = NAN,
		.total = { .observed_seconds = NAN, .busy_seconds = NAN, .idle_seconds = NAN,
			   .iterations = NAN, .turns = NAN, .stalls = NAN, .stall_seconds = NAN },
	};

	loop.heap = lt_heap__unknown(false);
	fixture_unknown_handles(&loop);
	fixture_unknown_jit(&loop);
	fixture_unknown_phases(loop.phase_seconds);
	fixture_unknown_phases(loop.total.phase_seconds);
	fixture_unknown_causes(loop.cause_seconds);
	fixture_unknown_causes(loop.total.cause_seconds);
	fixture_unknown_causes(loop.total.stalls_by_cause);
	fixture_unknown_causes(loop.total.stall_seconds_by_cause);
	return loop;
}

/* A pool with no probes: what can be read from memory is set by the caller. */
static inline struct lt_pool fixture_unknown_pool(void)
{
	struct lt_pool pool = {
		.present = true, .size = NAN, .busy = NAN, .busy_max = NAN, .queue_depth = NAN,
		.queue_depth_max = NAN, .slow_queue_depth = NAN, .saturated_seconds = NAN,
		.oldest_queued_seconds = NAN, .oldest_running_seconds = NAN,
		.total_saturated_seconds = NAN,
	};

	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		struct lt_pool_kind *kind = &pool.kinds[i];

		kind->submitted = kind->started = kind->completed = kind->cancelled = NAN;
		kind->wait = kind->run = kind->delivery = fixture_no_dist();
		kind->total.submitted = kind->total.started = NAN;
		kind->total.completed = kind->total.cancelled = NAN;
	}
	return pool;
}

/* A heap of a quarter of its limit. */
static inline struct lt_heap fixture_heap(void)
{
	struct lt_heap heap = lt_heap__unknown(true);

	heap.used_bytes = 536870912;
	heap.total_bytes = 600834048;
	heap.limit_bytes = 2197815296;
	heap.external_bytes = 3323389;
	heap.used_after_gc_bytes = 402653184;
	heap.space_used_bytes[LT_SPACE_NEW] = 8388608;
	heap.space_total_bytes[LT_SPACE_NEW] = 33554432;
	heap.space_available_bytes[LT_SPACE_NEW] = 8388096;
	heap.space_used_bytes[LT_SPACE_OLD] = 528482304;
	heap.space_total_bytes[LT_SPACE_OLD] = 567279616;
	return heap;
}

/* A measured loop: 800 turns of 0.25 ms and 12 of 12 ms in the interval, ten times that in all. */
static inline void fixture_measured_loop(struct fixture *fx, int i, int tid, const char *name)
{
	struct lt_loop *loop = &fx->loops[i];

	hist_add(&fx->turn[i], 250000, 800);
	hist_add(&fx->turn[i], 12000000, 12);
	hist_add(&fx->turn_total[i], 250000, 8000);
	hist_add(&fx->turn_total[i], 12000000, 120);
	hist_add(&fx->late_total[i], 70000, 900);
	*loop = (struct lt_loop){
		.tid = tid, .name = name, .iterations = 805, .turns = 812,
		.busy_seconds = 0.344, .idle_seconds = 0.656, .utilization = 0.344,
		.turn = fixture_dist(812, 0.344, 0.00025, 0.00025, 0.012, 0.012),
		.lag = { 0.000889, 0, 0.004889, 0.011199, 0.011919, 0.012 },
		.timer_lateness = fixture_dist(90, 0.0063, 0.00007, 0.00007, 0.00007, 0.00007),
		.phase_seconds = { 0.04, NAN, NAN, NAN, 0.656, 0.28, 0.024, NAN },
		.cause_seconds = { 0.221, 0.0604, 0.0031, 0.04, 0.01, 0.0095 },
		.turn_hist = &fx->turn[i], .lag_base_seconds = 1, .heap = fixture_heap(),
		.total = { .observed_seconds = 10, .busy_seconds = 3.44, .idle_seconds = 6.56,
			   .iterations = 8050, .turns = 8120,
			   .phase_seconds = { 0.4, NAN, NAN, NAN, 6.56, 2.8, 0.24, NAN },
			   .cause_seconds = { 2.21, 0.604, 0.031, 0.4, 0.1, 0.095 },
			   .turn = &fx->turn_total[i], .timer_lateness = &fx->late_total[i] },
	};
}

static inline void fixture_kind(struct fixture *fx, struct lt_pool *pool, int which, int kind_id,
				double n)
{
	struct lt_pool_kind *kind = &pool->kinds[kind_id];
	struct lt_hist *hist = fx->task[which];

	hist_add(&hist[0], 180000000, n * 10);
	hist_add(&hist[1], 2000000, n * 10);
	hist_add(&hist[2], 50000, n * 10);
	kind->submitted = n + 2;
	kind->started = n;
	kind->completed = n;
	kind->wait = fixture_dist(n, n * 0.18, 0.18, 0.18, 0.18, 0.18);
	kind->run = fixture_dist(n, n * 0.002, 0.002, 0.002, 0.002, 0.002);
	kind->delivery = fixture_dist(n, n * 0.00005, 0.00005, 0.00005, 0.00005, 0.00005);
	kind->total.submitted = n * 10 + 2;
	kind->total.started = kind->total.completed = n * 10;
	kind->total.wait = &hist[0];
	kind->total.run = &hist[1];
	kind->total.delivery = &hist[2];
}

static inline void fixture_pool(struct fixture *fx, struct lt_pool *pool)
{
	static const struct lt_pool_thread threads[] = {
		{ .tid = 4131, .seconds = 12.6, .call = "openat", .on = "/mnt/share/report.csv" },
		{ .tid = 4132, .seconds = 9.1, .call = "openat", .on = "/mnt/share/report.csv" },
		{ .tid = 4133, .seconds = 2.2, .call = "read" },
	};

	*pool = (struct lt_pool){
		.present = true, .size = 4, .busy = 4, .busy_max = 4, .queue_depth = 37,
		.queue_depth_max = 41, .slow_queue_depth = 0, .saturated_seconds = 0.93,
		.oldest_queued_seconds = 12.3, .oldest_running_seconds = 12.6,
		.threads = threads, .n_threads = 3,
		.kinds_known = true, .total_saturated_seconds = 9.3,
	};
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		struct lt_dist none = fixture_dist(0, 0, NAN, NAN, NAN, NAN);

		pool->kinds[i].wait = pool->kinds[i].run = pool->kinds[i].delivery = none;
	}
	fixture_kind(fx, pool, 0, LT_KIND_FS, 410);
	fixture_kind(fx, pool, 1, LT_KIND_CRYPTO, 38);
	pool->kinds[LT_KIND_FS].queued = 37;
	pool->kinds[LT_KIND_CRYPTO].running = 4;
	pool->kinds[LT_KIND_FS].cancelled = 1;
	pool->kinds[LT_KIND_FS].total.cancelled = 3;
}

static inline void fixture_gc(struct fixture *fx, struct lt_process *process)
{
	process->gc_known = true;
	process->gc_seconds = 0.0604;
	for (int i = 0; i < LT_SNAP_GCS; i++)
		process->gc[i].max_seconds = NAN;
	for (int i = 0; i < LT_SNAP_GCS; i++)
		process->gc[i].dist = fixture_dist(0, 0, NAN, NAN, NAN, NAN);
	hist_add(&fx->gc[LT_GC_SCAVENGE], 1100000, 110);
	hist_add(&fx->gc[LT_GC_MARK_COMPACT], 48300000, 2);
	process->gc[LT_GC_SCAVENGE] = (struct lt_gc_kind){
		.count = 11, .seconds = 0.0121, .max_seconds = 0.0011,
		.total = &fx->gc[LT_GC_SCAVENGE],
		.dist = fixture_dist(11, 0.0121, 0.0011, 0.0011, 0.0011, 0.0011),
	};
	process->gc[LT_GC_MARK_COMPACT] = (struct lt_gc_kind){
		.count = 1, .seconds = 0.0483, .max_seconds = 0.0483,
		.total = &fx->gc[LT_GC_MARK_COMPACT],
		.dist = fixture_dist(1, 0.0483, 0.0483, 0.0483, 0.0483, 0.0483),
	};
}

/* One that has ended, in a function that a source map knows; one that runs and starves the loop. */
static inline void fixture_stalls(struct fixture *fx)
{
	struct lt_stack_frame *frames = fx->frames;

	frames[0] = (struct lt_stack_frame){ .type = LT_FRAME_BUILTIN, .function = "JSON.parse",
					     .share = 0.857 };
	frames[1] = (struct lt_stack_frame){
		.type = LT_FRAME_JS, .function = "parseInvoice", .file = "/app/server.js",
		.line = 42, .column = 11, .user = true, .original_file = "/app/src/invoice.ts",
		.original_line = 17, .original_column = 3, .share = 0.905,
	};
	frames[2] = (struct lt_stack_frame){ .type = LT_FRAME_JS, .function = "Server.<anonymous>",
					     .file = "/app/server.js", .line = 80, .column = 5,
					     .user = true, .share = 1 };
	frames[3] = (struct lt_stack_frame){ .type = LT_FRAME_JS, .function = "Server.emit",
					     .file = "node:events", .line = 517, .column = 28,
					     .share = 1 };
	frames[4] = (struct lt_stack_frame){ .type = LT_FRAME_JS, .function = "drain",
					     .file = "/app/lib/queue.js", .line = 9, .column = 3,
					     .user = true, .share = 1 };
	frames[5] = (struct lt_stack_frame){ .type = LT_FRAME_JS, .function = "processTicksAndRejections",
					     .file = "node:internal/process/task_queues", .line = 77,
					     .column = 11, .share = 1 };
	frames[6] = (struct lt_stack_frame){
		.type = LT_FRAME_NATIVE, .share = 1, .file = "/usr/bin/node",
		.function = "node::InternalCallbackScope::Close()",
	};
	fx->stalls[0] = (struct lt_stall){
		.start_time = 1789999999.5, .seconds = 0.212, .cause = LT_CAUSE_CPU,
		.cause_seconds = { 0.18, 0.03, 0, 0, 0, 0.002 }, .samples = 21,
		.where = &frames[1], .below = &frames[0], .stack = frames, .n_stack = 4,
	};
	fx->stalls[1] = (struct lt_stall){
		.start_time = 1789999998.823, .seconds = 1.3, .ongoing = true,
		.cause = LT_CAUSE_CPU, .cause_seconds = { 1.25, 0, 0, 0.04, 0, 0.01 },
		.starvation = LT_STARVED_BY_NEXT_TICK, .samples = 120,
		.where = &frames[4], .stack = &frames[4], .n_stack = 3,
	};
}

static inline void fixture_server(struct fixture *fx)
{
	struct lt_process *process = &fx->processes[0];

	fixture_measured_loop(fx, 0, 4121, "main");
	fixture_measured_loop(fx, 1, 4130, "worker-1");
	fixture_handles(&fx->loops[0], "10.0.0.7:5432");
	fixture_jit(&fx->loops[0], false);
	fixture_unknown_jit(&fx->loops[1]);
	fixture_unknown_handles(&fx->loops[1]);
	fixture_stalls(fx);
	fx->loops[0].stalls = fx->stalls;
	fx->loops[0].n_stalls = 2;
	fx->loops[0].stalled_seconds = 1.3;
	fx->loops[0].total.stalls = 7;
	fx->loops[0].total.stall_seconds = 1.75;
	fx->loops[0].total.stalls_by_cause[LT_CAUSE_CPU] = 4;
	fx->loops[0].total.stalls_by_cause[LT_CAUSE_GC] = 1;
	fx->loops[0].total.stalls_by_cause[LT_CAUSE_UNKNOWN] = 2;
	fx->loops[0].total.stall_seconds_by_cause[LT_CAUSE_CPU] = 1.2;
	fx->loops[0].total.stall_seconds_by_cause[LT_CAUSE_GC] = 0.15;
	fx->loops[0].total.stall_seconds_by_cause[LT_CAUSE_UNKNOWN] = 0.4;
	fx->missing_phases[0] = "phases pending, idle, prepare and closing: tier phases does not probe them";
	*process = (struct lt_process){
		.pid = 4121, .start_time = 1789990000.25, .name = "server.js",
		.exe = "/usr/bin/node", .runtime = "node", .runtime_version = "20.20.2",
		.libuv_version = "1.46.0", .container = "3f2a9c01d4e5",
		.pod = "8f1c2d3e-4a5b-4c6d-9e7f-0123456789ab", .hostname = "web-5d8f7-x2k9q",
		.parent_pid = 4120,
		.seen_time = 1789990000.75,
		.cgroup = "/system.slice/web.service", .tier = "phases",
		.missing = fx->missing_phases, .n_missing = 1,
		.cpu_limit = 0.5, .periods = 10, .throttled_periods = 2, .throttled_seconds = 0.087,
		.memory_limit_bytes = 536870912,
		.cpu_seconds = 0.41, .rss_bytes = 83886080, .probe_hits = 7300,
		.total = { 4.109, 3.5, 0.6 }, .virtual_bytes = 1073741824,
		.data_bytes = 134217728, .open_fds = 27, .max_fds = 1024,
		.overhead_ratio = 0.005, .loops = &fx->loops[0], .n_loops = 2,
		.sync_fs_calls = 12, .sync_fs_seconds = 0.0031,
		.total_sync_fs_calls = 120, .total_sync_fs_seconds = 0.031,
	};
	fixture_pool(fx, &process->pool);
	fixture_gc(fx, process);
}

static inline void fixture_hostile(struct fixture *fx)
{
	struct lt_process *process = &fx->processes[1];

	fixture_measured_loop(fx, 2, 4377, "main");
	fixture_measured_loop(fx, 3, 4380, FIXTURE_HOSTILE_LOOP);
	fixture_handles(&fx->loops[2], "unix:/run/\"x\",\x1b[31m=y");
	fixture_unknown_handles(&fx->loops[3]);
	fixture_jit(&fx->loops[2], true);
	fixture_unknown_jit(&fx->loops[3]);
	*process = (struct lt_process){
		.pid = 4377, .start_time = 1789990001, .seen_time = NAN,
		.name = FIXTURE_HOSTILE_NAME,
		.exe = "/opt/b\xfe\"d/node", .runtime = "node", .runtime_version = "16.20.2",
		.libuv_version = "1.43.0", .tier = "full", .cgroup = "/user.slice",
		.cpu_limit = NAN, .periods = NAN, .throttled_periods = NAN,
		.throttled_seconds = NAN, .memory_limit_bytes = NAN,
		.cpu_seconds = 0.05, .rss_bytes = 50000000, .probe_hits = 823,
		.total = { 0.5, 0.4, 0.1 }, .virtual_bytes = NAN, .data_bytes = NAN,
		.open_fds = NAN, .max_fds = NAN,
		.overhead_ratio = 0.001, .loops = &fx->loops[2], .n_loops = 2,
		.sync_fs_calls = NAN, .sync_fs_seconds = NAN,
		.total_sync_fs_calls = NAN, .total_sync_fs_seconds = NAN,
		.pool = fixture_unknown_pool(), .gc_seconds = NAN,
	};
	for (int i = 0; i < LT_SNAP_GCS; i++)
		process->gc[i] = (struct lt_gc_kind){ NAN, NAN, NAN, NULL, fixture_no_dist() };
	process->pool.unused = true;
	process->pool.busy = process->pool.queue_depth = 0;
	process->pool.oldest_queued_seconds = process->pool.oldest_running_seconds = 0;
}

static inline void fixture_memory(struct fixture *fx)
{
	struct lt_process *process = &fx->processes[2];

	fx->missing_memory[0] = "turns, lag and phases: tier memory reads the loop's own counters only";
	fx->missing_memory[1] = "GC: no probe is on";
	fx->loops[4] = fixture_unknown_loop(812, "main");
	fx->loops[4].busy_seconds = 0.03;
	fx->loops[4].idle_seconds = 0.97;
	fx->loops[4].utilization = 0.03;
	fx->loops[4].stalled_seconds = 0;
	fx->loops[4].total.busy_seconds = 0.3;
	fx->loops[4].total.idle_seconds = 9.7;
	*process = (struct lt_process){
		.pid = 812, .start_time = 1789980000, .seen_time = NAN, .name = "uvserver",
		.tier = "memory",
		.runtime = "libuv", .missing = fx->missing_memory, .n_missing = 2,
		.cpu_limit = NAN, .periods = NAN, .throttled_periods = NAN,
		.throttled_seconds = NAN, .memory_limit_bytes = NAN,
		.cpu_seconds = NAN, .rss_bytes = NAN, .probe_hits = 0, .overhead_ratio = 0,
		.total = { NAN, NAN, NAN }, .virtual_bytes = NAN, .data_bytes = NAN,
		.open_fds = NAN, .max_fds = NAN,
		.loops = &fx->loops[4], .n_loops = 1,
		.sync_fs_calls = NAN, .sync_fs_seconds = NAN,
		.total_sync_fs_calls = NAN, .total_sync_fs_seconds = NAN,
		.pool = { .present = false }, .gc_seconds = NAN,
	};
	for (int i = 0; i < LT_SNAP_GCS; i++)
		process->gc[i] = (struct lt_gc_kind){ NAN, NAN, NAN, NULL, fixture_no_dist() };
}

/* The caller frees it with free(). */
static inline struct fixture *fixture_new(void)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	if (!fx)
		abort();
	fixture_server(fx);
	fixture_hostile(fx);
	fixture_memory(fx);
	fx->snapshot = (struct lt_snapshot){
		.schema = LT_SNAPSHOT_SCHEMA, .time = 1790000000.123, .interval_seconds = 1,
		.sequence = 10,
		.host = { .name = "web-1", .kernel = "6.18.0", .cpus = 2 },
		.self = { .cpu_seconds = 0.004, .rss_bytes = 12582912,
			  .peak_rss_bytes = 14680064, .target_memory_bytes = 1048576,
			  .refused_files = 1, .total_refused_files = 2, .probe_hits = 8123,
			  .probe_cost_ns = 740, .overhead_ratio = 0.006, .lost = { 3, 0, 0, 1 },
			  .targets = 3, .left_to_scan = 5, .total_left_to_scan = 17,
			  .total_cpu_seconds = 0.041, .total_probe_hits = 81230,
			  .total_lost = { 3, 0, 0, 2 },
			  .tier_changes = { [LT_REASON_BUDGET] = 1 },
			  .total_tier_changes = { [LT_REASON_LATE] = 2, [LT_REASON_BUDGET] = 5 } },
		.processes = fx->processes, .n_processes = 3,
	};
	return fx;
}

#endif
