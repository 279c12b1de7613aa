/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Each illness alone leads to its finding and to no other; a service that is well, to none. */
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/doctor/finding.h"
#include "tests/unit/doctor_case.h"

static const struct lt_stack_frame json = { .type = LT_FRAME_BUILTIN,
					    .function = "JSON.parse",
					    .share = 1 };
static const struct lt_stack_frame regexp = { .type = LT_FRAME_BUILTIN,
					      .function = "RegExp.prototype.test",
					      .share = 1 };
static const struct lt_stack_frame pbkdf2 = { .type = LT_FRAME_JS,
					      .function = "pbkdf2Sync",
					      .file = "node:internal/crypto/pbkdf2",
					      .share = 1 };
static const struct lt_stack_frame gzip = {
	.type = LT_FRAME_JS, .function = "zlibBufferSync", .file = "node:zlib", .share = 1
};
static const struct lt_stack_frame read_file = {
	.type = LT_FRAME_JS, .function = "readFileSync", .file = "node:fs", .share = 1
};
static const struct lt_stack_frame spawn = {
	.type = LT_FRAME_JS, .function = "spawnSync", .file = "node:child_process", .share = 1
};

static void sync_javascript(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.2, "renderReport", NULL);
}

static void large_json(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.15, "load", &json);
}

static void backtracking(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.3, "check", &regexp);
}

static void crypto(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.12, "login", &pbkdf2);
}

static void zlib(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.12, "page", &gzip);
}

static void files(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.12, "templates", &read_file);
}

static void many_files(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 100, 0.002);
	c->process.sync_fs_calls = 4000;
	c->process.sync_fs_seconds = 0.2;
}

static void child(struct doctor_case *c, int i)
{
	struct lt_stall *stall = case_stall(c, 0.25, "resize", &spawn);

	(void)i;
	stall->cause_seconds[LT_CAUSE_CPU] = 0.01;
	stall->cause_seconds[LT_CAUSE_SYNC_IO] = 0.24;
	stall->cause = LT_CAUSE_SYNC_IO;
	case_cause(c, LT_CAUSE_SYNC_IO, 0.24);
}

static void asleep(struct doctor_case *c, int i)
{
	struct lt_stall *stall = case_stall(c, 0.25, "waitForLock", NULL);

	(void)i;
	stall->cause_seconds[LT_CAUSE_CPU] = 0.01;
	stall->cause_seconds[LT_CAUSE_SYNC_IO] = 0.24;
	stall->cause = LT_CAUSE_SYNC_IO;
	case_cause(c, LT_CAUSE_SYNC_IO, 0.24);
}

static void next_tick(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.2, "drain", NULL)->starvation = LT_STARVED_BY_NEXT_TICK;
}

static void microtasks(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.2, "follow", NULL)->starvation = LT_STARVED_BY_MICROTASKS;
}

static void pool(struct doctor_case *c, int i)
{
	(void)i;
	/* Sixteen at a time, 60 ms each, four threads. */
	for (int task = 0; task < 80; task++)
		case_tasks(c, "napi", 1, 0, 0.06 * (task % 16 / 4), 0.06, 0.0002);
	for (int task = 0; task < 80; task++)
		c->tasks[c->process.pool.n_tasks - 80 + (size_t)task].submit_time +=
			0.2 * (task / 16);
	c->process.pool.saturated_seconds = 0.9;
	c->process.pool.queue_depth_max = 12;
}

/* All threads run, and so many tasks wait, the oldest since it began; of those so many ended in the interval. */
static void full_pool(struct doctor_case *c, const char *kind, double queued, double oldest, double ended)
{
	struct lt_pool *pool = &c->process.pool;
	int k = case_kind(kind);

	pool->busy = pool->size;
	pool->queue_depth = pool->queue_depth_max = queued;
	pool->oldest_queued_seconds = pool->oldest_running_seconds = oldest;
	pool->saturated_seconds = 1;
	pool->kinds[k].queued = queued;
	pool->kinds[k].running = pool->size;
	pool->kinds[k].started = pool->kinds[k].run.count = ended;
}

static void stuck_pool(struct doctor_case *c, int i)
{
	static const struct lt_pool_thread threads[] = {
		{ .tid = 1, .seconds = 4, .call = "openat", .on = "/mnt/dead/a" },
		{ .tid = 2, .seconds = 9, .call = "openat", .on = "/mnt/dead/a" },
		{ .tid = 3, .seconds = 2, .call = "read" },
	};

	full_pool(c, "fs", 20 * (i + 1), i + 1, 0);
	c->process.pool.threads = threads;
	c->process.pool.n_threads = 3;
}

/* Without probes its counters and its threads tell. */
static void stuck_without_probes(struct doctor_case *c, int i)
{
	stuck_pool(c, i);
	c->process.pool.kinds_known = false;
	for (int k = 0; k < LT_SNAP_KINDS; k++)
		c->process.pool.kinds[k] = (struct lt_pool_kind){
			.queued = NAN, .running = NAN, .started = NAN, .cancelled = NAN, .run.count = NAN
		};
	c->process.pool.saturated_seconds = NAN;
}

static void full_without_probes(struct doctor_case *c, int i)
{
	stuck_without_probes(c, i);
	c->process.pool.n_threads = 0;
	c->process.pool.queue_depth = 100 + i % 3;
	c->process.pool.oldest_queued_seconds = c->process.pool.oldest_running_seconds = NAN;
}

/* Two of four threads may take lookups; files go on. */
static void stuck_lookups(struct doctor_case *c, int i)
{
	struct lt_pool *pool = &c->process.pool;

	pool->busy = 2;
	pool->queue_depth = pool->queue_depth_max = pool->slow_queue_depth = 10 * (i + 1);
	pool->oldest_queued_seconds = pool->oldest_running_seconds = i + 1;
	pool->kinds[case_kind("dns")].queued = pool->queue_depth;
	pool->kinds[case_kind("dns")].running = 2;
	pool->kinds[case_kind("fs")].started = pool->kinds[case_kind("fs")].run.count = 20;
}

static void backlog(struct doctor_case *c, int i)
{
	full_pool(c, "crypto", 100 + 14 * i, 0.5 * (i + 1), 11);
}

/* It ends as it comes: no backlog, but all wait, and longer than any that was served. */
static void standing_queue(struct doctor_case *c, int i)
{
	full_pool(c, "crypto", 400 + i % 2, i + 1, 11);
}

/* The loop is blocked: tasks end, and none is delivered. */
static void undelivered(struct doctor_case *c, int i)
{
	full_pool(c, "crypto", 400 - 3 * i, i + 1, 3);
	for (int k = 0; k < LT_SNAP_KINDS; k++)
		c->process.pool.kinds[k].completed = 0;
}

/* Many at once, soon done. */
static void burst(struct doctor_case *c, int i)
{
	double left = i < 4 ? 0 : fmax(0, 900 - 300 * (i - 4));

	if (left > 0)
		full_pool(c, "fs", left, 0.3, 300);
	else
		full_pool(c, "fs", 0, 0, 300);
	c->process.pool.busy = left > 0 ? 4 : 0;
	c->process.pool.saturated_seconds = 0;
}

static void computing_pool(struct doctor_case *c, int i)
{
	pool(c, i);
	for (size_t t = 0; t < c->process.pool.n_tasks; t++)
		if (c->tasks[t].kind == case_kind("napi"))
			c->tasks[t].kind = case_kind("crypto");
	c->process.pool.kinds[case_kind("crypto")] = c->process.pool.kinds[case_kind("napi")];
	c->process.pool.kinds[case_kind("napi")].total.wait = NULL;
	c->process.pool.kinds[case_kind("napi")].total.run = NULL;
	c->process.pool.kinds[case_kind("napi")].total.delivery = NULL;
}

static void lookups(struct doctor_case *c, int i)
{
	(void)i;
	case_tasks(c, "dns", 6, 0, 0.06, 0.06, 0.0002);
	c->process.pool.queue_depth_max = 4;
}

static void delivery(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 60, 0.012);
	case_tasks(c, "fs", 500, 0.002, 0.00002, 0.0001, 0.011);
}

static void long_major(struct doctor_case *c, int i)
{
	struct lt_stall *stall = case_stall(c, 0.2, "collect", NULL);

	(void)i;
	case_collect(c, "mark_compact", 1, 0.19, 0.19);
	stall->cause_seconds[LT_CAUSE_CPU] = 0.01;
	stall->cause_seconds[LT_CAUSE_GC] = 0.19;
	stall->cause = LT_CAUSE_GC;
}

static void scavenges(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 50, 0.006);
	case_collect(c, "scavenge", 50, 0.2, 0.005);
}

static void collecting(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 50, 0.006);
	case_collect(c, "mark_compact", 20, 0.12, 0.007);
	case_collect(c, "incremental_step", 100, 0.08, 0.002);
}

static void growth(struct doctor_case *c, int i)
{
	case_collect(c, "mark_compact", 1, 0.004, 0.004);
	c->process.rss_bytes = 100e6 + 20e6 * i;
}

static void heap_growth(struct doctor_case *c, int i)
{
	case_collect(c, "mark_compact", 1, 0.004, 0.004);
	c->loops[0].heap = case_heap(150e6 + 20e6 * i, 100e6 + 20e6 * i);
}

/* Memory that the heap does not explain. */
static void outside_growth(struct doctor_case *c, int i)
{
	growth(c, i);
	c->loops[0].heap = case_heap(60e6, 40e6 + i);
}

/* Most collections were too short a moment to be looked at: the heap has too few points, but it did grow. */
static void heap_growth_seldom_seen(struct doctor_case *c, int i)
{
	growth(c, i);
	c->loops[0].heap = case_heap(90e6 + 20e6 * i, 80e6 + 20e6 * (i - i % 3));
}

static void near_heap_limit(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].heap = case_heap(1.9e9, 1.8e9);
}

/* Nobody has seen a full collection. */
static void full_heap(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].heap = case_heap(1.95e9, NAN);
}

static void heap_over_container(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].heap = case_heap(200e6, 100e6);
	c->process.rss_bytes = 300e6;
	c->process.memory_limit_bytes = 512e6;
}

static void near_limit(struct doctor_case *c, int i)
{
	(void)i;
	c->process.rss_bytes = 480e6;
	c->process.memory_limit_bytes = 512e6;
}

static void throttled(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 5, 0.08);
	case_cause(c, LT_CAUSE_THROTTLED, 0.3);
	c->process.cpu_limit = 0.3;
	c->process.periods = 10;
	c->process.throttled_periods = 6;
	c->process.throttled_seconds = 0.4;
}

static void starved(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 40, 0.012);
	case_cause(c, LT_CAUSE_RUNQUEUE, 0.3);
}

static void late_timers(struct doctor_case *c, int i)
{
	(void)i;
	lt_turns__add(&c->lateness, 0.05, 20);
}

static void uneven_workers(struct doctor_case *c, int i)
{
	(void)i;
	c->process.n_loops = 4;
	case_next(c);
	case_turns(c, 1, 40, 0.018);
}

/* Since five seconds before the doctor came. */
static void slow_reader(struct doctor_case *c, int i)
{
	c->loops[0].streams = (struct lt_streams){
		.blocked = 1, .queued_bytes = 900000, .longest_blocked_seconds = 5 + i,
		.worst = { 23, 900000, "10.0.0.7:5432" },
	};
}

static const struct lt_deopt *deopted(const char *function, double count)
{
	static struct lt_deopt deopt;

	deopt = (struct lt_deopt){ { .function = function, .file = "/app/cart.js", .line = 17, .column = 3,
				     .user = true },
				   count };
	return &deopt;
}

static void deopt_storm(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].jit = (struct lt_jit){ .compiles = { 0, 0, 4, 5 }, .deopts = 12,
					   .functions = deopted("priceOf", 8), .n_functions = 1 };
}

/* Nobody can tell whose. */
static void unnamed_storm(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].jit = (struct lt_jit){ .compiles = { 0, 0, 20, 20 }, .deopts = 40 };
}

/* Code that is left for better code of its loop at each call, as on a host that is busy. */
static void handed_over(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].jit = (struct lt_jit){ .compiles = { 0, 0, 0, 6 }, .deopts = 14,
					   .functions = deopted("burn", 14), .n_functions = 1 };
}

static void unnamed_handed_over(struct doctor_case *c, int i)
{
	(void)i;
	c->loops[0].jit = (struct lt_jit){ .compiles = { 0, 0, 1, 1 }, .deopts = 60 };
}

/* A burst when the process warms up, of many functions, some of them a few times. */
static void warm_up(struct doctor_case *c, int i)
{
	static const char *const names[] = { "a", "b", "c" };

	c->loops[0].jit = (struct lt_jit){ .compiles = { 30, 20, 0, i < 3 ? 60 : 0 } };
	if (i >= 3)
		return;
	c->loops[0].jit.deopts = 9;
	c->loops[0].jit.functions = deopted(names[i], 9);
	c->loops[0].jit.n_functions = 1;
}

/* Once in five seconds, for a long time. */
static void rare_deopts(struct doctor_case *c, int i)
{
	c->snapshot.interval_seconds = 5;
	c->loops[0].jit = (struct lt_jit){ .deopts = 2, .functions = deopted("f", 1), .n_functions = 1 };
	(void)i;
}

/* More functions than there is room for warm up, and then one does not come to rest. */
static void late_storm(struct doctor_case *c, int i)
{
	static char names[5][40][8];
	static struct lt_deopt deopts[40];

	for (int k = 0; k < 40; k++) {
		snprintf(names[i % 5][k], sizeof(names[0][0]), "f%d", i * 40 + k);
		deopts[k] = (struct lt_deopt){ { .function = names[i % 5][k], .file = "/app/cart.js" }, 3 };
	}
	c->loops[0].jit = (struct lt_jit){ .compiles = { 0, 0, 40, 40 }, .deopts = 120,
					   .functions = deopts, .n_functions = 40 };
	if (i < 5)
		return;
	deopts[0] = *deopted("priceOf", 4);
	c->loops[0].jit.n_functions = 1;
}

static void busy_loop(struct doctor_case *c, int i)
{
	(void)i;
	case_turns(c, 0, 380, 0.002);
}

static void died(struct doctor_case *c, int i)
{
	if (i < CASE_INTERVALS - 1)
		return;
	c->process.ended = true;
	c->process.end = (struct lt_end){ .time = c->snapshot.time - 0.5, .how = LT_END_SIGNAL, .code = -1,
					  .signal = SIGSEGV };
}

static const struct {
	const char *id;
	void (*illness)(struct doctor_case *c, int interval);
} illnesses[] = {
	{ "sync-javascript", sync_javascript },
	{ "json", large_json },
	{ "regexp", backtracking },
	{ "sync-crypto", crypto },
	{ "sync-zlib", zlib },
	{ "sync-fs", files },
	{ "sync-fs", many_files },
	{ "child-process-sync", child },
	{ "sync-wait", asleep },
	{ "next-tick-starvation", next_tick },
	{ "microtask-starvation", microtasks },
	{ "pool-saturated", pool },
	{ "pool-saturated", computing_pool },
	{ "pool-saturated", standing_queue },
	{ "pool-saturated", full_without_probes },
	{ "pool-saturated", undelivered },
	{ "pool-stuck", stuck_pool },
	{ "pool-stuck", stuck_without_probes },
	{ "pool-stuck", stuck_lookups },
	{ "pool-backlog", backlog },
	{ "dns-slow-io", lookups },
	{ "slow-delivery", delivery },
	{ "gc-long-major", long_major },
	{ "gc-scavenge-pressure", scavenges },
	{ "gc-share", collecting },
	{ "heap-grows", growth },
	{ "heap-grows", heap_growth },
	{ "heap-grows", heap_growth_seldom_seen },
	{ "memory-grows", outside_growth },
	{ "heap-limit", near_heap_limit },
	{ "heap-limit", full_heap },
	{ "heap-limit-container", heap_over_container },
	{ "memory-limit", near_limit },
	{ "cpu-throttled", throttled },
	{ "cpu-starved", starved },
	{ "timers-late", late_timers },
	{ "backpressure", slow_reader },
	{ "deopt-storm", deopt_storm },
	{ "deopt-storm", unnamed_storm },
	{ "deopt-storm", late_storm },
	{ "uneven-loops", uneven_workers },
	{ "loop-busy", busy_loop },
	{ "ended", died },
};

static void test_each_illness_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(illnesses) / sizeof(illnesses[0]); i++) {
		struct doctor_case *c = case_new();
		size_t n;

		case_watch(c, illnesses[i].illness);
		n = lt_doctor__findings(c->doctor);
		if (n != 1)
			print_error("%s: %zu findings\n", illnesses[i].id, n);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(lt_doctor__finding_id(c->doctor, k), illnesses[i].id);
		assert_int_equal(n, 1);
		case_free(c);
	}
}

static bool says(const struct lt_finding *finding, const char *text)
{
	for (size_t i = 0; i < finding->n_seen; i++)
		if (strstr(finding->seen[i], text))
			return true;
	return strstr(finding->title, text);
}

/* In a turn that a health check had enough of: it comes first, and says what it was in. */
static void blocked_to_death(struct doctor_case *c, int i)
{
	died(c, i);
	if (!c->process.ended)
		return;
	c->process.end.signal = SIGKILL;
	case_stall(c, 0.4, "hold", NULL)->cut_short = true;
}

static void test_an_end_comes_first(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_diagnosis *diagnosis;

	(void)state;
	case_watch(c, blocked_to_death);
	diagnosis = lt_diagnosis__new(c->doctor);
	assert_in_range(diagnosis->n_findings, 2, 10);
	assert_string_equal(diagnosis->findings[0].id, "ended");
	assert_true(says(&diagnosis->findings[0], "it ended 9.50s into the watch: killed by SIGKILL"));
	assert_true(says(&diagnosis->findings[0], "main had been blocked for 400ms when it ended, in hold"));
	lt_diagnosis__free(diagnosis);
	case_free(c);
}

/* Of many, those that did their work and went are no news; of one it is. */
static void test_a_quiet_end(void **state)
{
	static const enum lt_end_how hows[] = { LT_END_EXIT, LT_END_EXEC, LT_END_SIGNAL };

	(void)state;
	for (int n = 1; n <= 2; n++) {
		for (size_t h = 0; h < 3; h++) {
			struct doctor_case *c = case_new();
			struct lt_process both[2];

			case_next(c);
			c->process.ended = true;
			c->process.end = (struct lt_end){ .time = c->snapshot.time - 0.5, .how = hows[h],
							  .signal = hows[h] == LT_END_SIGNAL ? SIGTERM : 0 };
			both[0] = both[1] = c->process;
			both[1].pid++;
			both[1].ended = false;
			c->snapshot.processes = both;
			c->snapshot.n_processes = (size_t)n;
			lt_doctor__add(c->doctor, &c->snapshot);
			assert_int_equal(lt_doctor__findings(c->doctor), n == 1 || hows[h] == LT_END_SIGNAL);
			case_free(c);
		}
	}
}

static void test_what_the_threads_of_a_stuck_pool_do(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_diagnosis *diagnosis;
	const struct lt_finding *finding;

	(void)state;
	case_watch(c, stuck_pool);
	diagnosis = lt_diagnosis__new(c->doctor);
	finding = &diagnosis->findings[0];
	assert_true(says(finding, "no task ended in the last 10.0s, 200 wait"));
	assert_true(says(finding, "waiting: 200 fs; the oldest for more than 10.0s"));
	assert_true(says(finding, "2 threads (fs) asleep for more than 9.00s in openat of /mnt/dead/a"));
	assert_true(says(finding, "1 thread (fs) asleep for more than 2.00s in read"));
	assert_int_equal(finding->n_estimates, 0);
	assert_true(finding->weight_seconds >= 10);
	lt_diagnosis__free(diagnosis);
	case_free(c);
}

/* A burst that is worked off is no backlog, whenever one looks. */
static void test_a_burst_is_no_backlog(void **state)
{
	(void)state;
	for (int looks = 4; looks <= CASE_INTERVALS; looks++) {
		struct doctor_case *c = case_new();
		struct lt_diagnosis *diagnosis;

		for (int i = 0; i < looks; i++) {
			burst(c, i);
			case_tell(c);
		}
		diagnosis = lt_diagnosis__new(c->doctor);
		assert_int_equal(diagnosis->n_findings, 0);
		lt_diagnosis__free(diagnosis);
		case_free(c);
	}
}

/* No cure is promised by the few that were served while the others wait. */
static void test_a_backlog_is_not_estimated(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_diagnosis *diagnosis;

	(void)state;
	case_watch(c, backlog);
	diagnosis = lt_diagnosis__new(c->doctor);
	assert_int_equal(diagnosis->n_findings, 1);
	assert_int_equal(diagnosis->findings[0].n_estimates, 0);
	assert_true(says(&diagnosis->findings[0], "226 tasks wait, 14 more each second"));
	assert_true(says(&diagnosis->findings[0], "11 tasks a second end, 25 a second come"));
	lt_diagnosis__free(diagnosis);
	case_free(c);
}

static void test_deopts(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_diagnosis *diagnosis;
	const struct lt_finding *finding;

	(void)state;
	case_watch(c, deopt_storm);
	diagnosis = lt_diagnosis__new(c->doctor);
	assert_non_null(diagnosis);
	assert_int_equal(diagnosis->n_findings, 1);
	finding = &diagnosis->findings[0];
	assert_string_equal(finding->blocker->function, "priceOf");
	assert_string_equal(finding->blocker->file, "/app/cart.js");
	assert_int_equal(finding->blocker->line, 17);
	assert_non_null(strstr(finding->title, "priceOf"));
	assert_non_null(strstr(finding->title, "80 times at least"));
	assert_non_null(strstr(finding->seen[0], "120 deoptimisations"));
	assert_non_null(strstr(finding->seen[0], "90 functions"));
	assert_non_null(strstr(finding->seen[1], "priceOf (/app/cart.js:17): 80 times"));
	lt_diagnosis__free(diagnosis);
	case_free(c);
}

static void test_deopts_behind_a_warm_up(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_diagnosis *diagnosis;

	(void)state;
	case_watch(c, late_storm);
	diagnosis = lt_diagnosis__new(c->doctor);
	assert_non_null(diagnosis);
	assert_int_equal(diagnosis->n_findings, 1);
	assert_string_equal(diagnosis->findings[0].blocker->function, "priceOf");
	assert_non_null(strstr(diagnosis->findings[0].title, "20 times at least"));
	lt_diagnosis__free(diagnosis);
	case_free(c);
}

static void test_deopts_that_are_none_too_many(void **state)
{
	static void (*const cases[])(struct doctor_case *, int) = { warm_up, rare_deopts, handed_over,
								    unnamed_handed_over };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct doctor_case *c = case_new();

		case_watch(c, cases[i]);
		assert_int_equal(lt_doctor__findings(c->doctor), 0);
		case_free(c);
	}
}

/* A program of which only the system calls are known: its code is code, whatever names it has, and its threads
 * are not Workers. */
static void test_generic(void **state)
{
	static const struct {
		const char *id;
		void (*illness)(struct doctor_case *c, int interval);
	} cases[] = {
		{ "blocking-code", sync_javascript }, { "blocking-code", large_json },
		{ "blocking-code", crypto },	      { "blocking-code", asleep },
		{ "blocking-code", next_tick },	      { "cpu-starved", starved },
		{ "loop-busy", busy_loop },	      { "loop-busy", uneven_workers },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct doctor_case *c = case_new();

		c->process.runtime = "generic";
		case_watch(c, cases[i].illness);
		assert_int_equal(lt_doctor__findings(c->doctor), 1);
		assert_string_equal(lt_doctor__finding_id(c->doctor, 0), cases[i].id);
		case_free(c);
	}
}

static void test_healthy(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, NULL);
	assert_int_equal(lt_doctor__findings(c->doctor), 0);
	assert_null(lt_doctor__finding_id(c->doctor, 0));
	case_free(c);
}

static void nothing_known(struct doctor_case *c, int i)
{
	struct lt_loop *loop = &c->loops[0];

	(void)i;
	loop->busy_seconds = loop->idle_seconds = loop->utilization = loop->lag_base_seconds = NAN;
	loop->turn_hist = NULL;
	loop->total.timer_lateness = NULL;
	for (int k = 0; k < LT_SNAP_CAUSES; k++)
		loop->cause_seconds[k] = NAN;
	c->process.gc_known = c->process.pool.kinds_known = false;
	c->process.rss_bytes = c->process.cpu_seconds = NAN;
	c->process.sync_fs_calls = c->process.sync_fs_seconds = NAN;
	c->process.pool.size = c->process.pool.saturated_seconds = NAN;
}

/* A burst of short tasks that stood for 100 ms, because nothing let the pool's threads run. */
static void held_up_pool(struct doctor_case *c, int i)
{
	if (i == 2)
		for (int task = 0; task < 80; task++)
			case_tasks(c, "fs", 1, 0, 0.1, 0.00004, 0.0002);
	c->process.pool.saturated_seconds = i == 2 ? 0.5 : 0;
	c->process.pool.queue_depth_max = 80;
}

/* More threads would have stood there as well. */
static void test_held_up_pool(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, held_up_pool);
	assert_int_equal(lt_doctor__findings(c->doctor), 0);
	case_free(c);
}

static void pinned_pool(struct doctor_case *c, int i)
{
	computing_pool(c, i);
	c->process.cpus_allowed = 3;
}

/* More threads than the CPUs that the process may use are no cure, however many the host has. */
static void test_affinity(void **state)
{
	struct doctor_case *c = case_new();
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	case_watch(c, pinned_pool);
	assert_int_equal(lt_doctor__text(c->doctor, out, false, true), 0);
	fclose(out);
	assert_non_null(strstr(text, "than the CPUs (3)"));
	assert_null(strstr(text, "UV_THREADPOOL_SIZE=8"));
	free(text);
	case_free(c);
}

/* What is not known is no finding. */
static void test_nothing_known(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, nothing_known);
	assert_int_equal(lt_doctor__findings(c->doctor), 0);
	case_free(c);
}

/* A few late turns below the threshold, and one hiccup of the host: no reason to wake anybody. */
static void hiccup(struct doctor_case *c, int i)
{
	struct lt_stall *stall;

	if (i != 3)
		return;
	stall = case_stall(c, 0.13, "handle", NULL);
	stall->cause = LT_CAUSE_RUNQUEUE;
	stall->cause_seconds[LT_CAUSE_CPU] = 0.01;
	stall->cause_seconds[LT_CAUSE_RUNQUEUE] = 0.12;
	case_cause(c, LT_CAUSE_RUNQUEUE, 0.12);
}

static void test_hiccup(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, hiccup);
	assert_int_equal(lt_doctor__findings(c->doctor), 0);
	case_free(c);
}

/* All turns are twice as long as their work, and two long turns have the tail of lag for themselves. */
static void starved_with_an_outlier(struct doctor_case *c, int i)
{
	case_turns(c, 0, 60, 0.01);
	case_cause(c, LT_CAUSE_RUNQUEUE, 0.3);
	if (i == 3 || i == 6)
		case_stall(c, 0.095, "handle", NULL);
}

static void test_starved_with_an_outlier(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, starved_with_an_outlier);
	assert_int_equal(lt_doctor__findings(c->doctor), 1);
	assert_string_equal(lt_doctor__finding_id(c->doctor, 0), "cpu-starved");
	case_free(c);
}

/* Turns that are late because of others, but for one. */
static void crowded(struct doctor_case *c, int i)
{
	for (int k = 0; k < 4; k++) {
		double own = i == 3 && k == 0 ? 0.032 : 0.011;
		struct lt_stall *stall = case_stall(c, own + 0.014, "handle", NULL);

		stall->cause_seconds[LT_CAUSE_CPU] = own;
		stall->cause_seconds[LT_CAUSE_RUNQUEUE] = 0.014;
		case_cause(c, LT_CAUSE_RUNQUEUE, 0.014);
	}
}

static void test_crowded(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, crowded);
	for (size_t i = 0; i < lt_doctor__findings(c->doctor); i++)
		assert_string_not_equal(lt_doctor__finding_id(c->doctor, i), "sync-javascript");
	case_free(c);
}

/* The host stood still for once while the loop slept: all timers due then were late together. */
static void stood_still(struct doctor_case *c, int i)
{
	lt_turns__add(&c->lateness, 0.0005, 100);
	if (i == 3)
		lt_turns__add(&c->lateness, 0.045, 40);
}

static void test_pause(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, stood_still);
	assert_int_equal(lt_doctor__findings(c->doctor), 0);
	case_free(c);
}

/* The one that is worth more comes first. */
static void two(struct doctor_case *c, int i)
{
	case_stall(c, 0.25, "renderReport", NULL);
	if (i == 0)
		case_stall(c, 0.11, "load", &json);
}

static void test_order(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, two);
	assert_int_equal(lt_doctor__findings(c->doctor), 2);
	assert_string_equal(lt_doctor__finding_id(c->doctor, 0), "sync-javascript");
	assert_string_equal(lt_doctor__finding_id(c->doctor, 1), "json");
	case_free(c);
}

/* A cluster: a primary that does nothing, and workers of which one has all the load. */
static void test_uneven_siblings(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_process processes[4];
	struct lt_loop loops[4];
	struct lt_hist turns[4];

	(void)state;
	for (int i = 0; i < CASE_INTERVALS; i++) {
		for (int k = 0; k < 4; k++) {
			double seconds = k == 0 ? 0.001 : k == 1 ? 0.9 : 0.1;

			processes[k] = c->process;
			processes[k].pid = 5000 + k;
			processes[k].start_time += k;
			memset(&turns[k], 0, sizeof(turns[k]));
			lt_turns__add(&turns[k], seconds / 50, 50);
			loops[k] = c->loops[0];
			loops[k].turn_hist = &turns[k];
			loops[k].busy_seconds = loops[k].cause_seconds[LT_CAUSE_CPU] = seconds;
			loops[k].idle_seconds = 1 - seconds;
			processes[k].loops = &loops[k];
		}
		c->snapshot.processes = processes;
		c->snapshot.n_processes = 4;
		case_tell(c);
	}
	assert_int_equal(lt_doctor__findings(c->doctor), 1);
	assert_string_equal(lt_doctor__finding_id(c->doctor, 0), "uneven-loops");
	case_free(c);
}

/* Two functions, each with a finding of its own; one function at several lines, one. */
static void several(struct doctor_case *c, int i)
{
	case_stall(c, 0.2, "renderReport", NULL);
	c->frames[0][1].line = 42 + i;
	case_stall(c, 0.15, "sortAll", NULL);
}

static void test_by_function(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, several);
	assert_int_equal(lt_doctor__findings(c->doctor), 2);
	case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_illness_alone),
		cmocka_unit_test(test_an_end_comes_first),
		cmocka_unit_test(test_a_quiet_end),
		cmocka_unit_test(test_what_the_threads_of_a_stuck_pool_do),
		cmocka_unit_test(test_a_burst_is_no_backlog),
		cmocka_unit_test(test_a_backlog_is_not_estimated),
		cmocka_unit_test(test_deopts),
		cmocka_unit_test(test_deopts_behind_a_warm_up),
		cmocka_unit_test(test_deopts_that_are_none_too_many),
		cmocka_unit_test(test_held_up_pool),
		cmocka_unit_test(test_generic),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_hiccup),
		cmocka_unit_test(test_starved_with_an_outlier),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_by_function),
		cmocka_unit_test(test_uneven_siblings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
