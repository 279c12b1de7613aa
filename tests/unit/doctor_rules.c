/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Each illness alone leads to its finding and to no other; a service that is well, to none. */
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
