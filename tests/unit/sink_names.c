/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The names of others: what they add to a page, and that docs/METRICS.md has exactly the names that there
 * are, ours and theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sink/blockers.h"
#include "agent/sink/delays.h"
#include "agent/sink/series.h"
#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"

#define ALL_NAMES   (1u << LT_NAMES_PROM_CLIENT | 1u << LT_NAMES_OTEL)
#define LABELS	    "pid=\"4121\",name=\"server.js\",container=\"3f2a9c01d4e5\""
#define METRICS_DOC "docs/METRICS.md"
#define NAMES_MAX   400

static char *page_of(const struct fixture *fx, struct lt_prom_opts opts)
{
	struct lt_delays *delays = lt_delays__new();
	size_t length;
	char *page;

	assert_non_null(delays);
	assert_int_equal(lt_delays__look(delays, &fx->snapshot), 0);
	opts.delays = delays;
	page = lt_prometheus_page(&fx->snapshot, &opts, &length);
	assert_non_null(page);
	lt_delays__free(delays);
	return page;
}

/* Of the fixture's server; labels: those that the name itself has. NAN: it is not there. */
static double value(const char *page, const char *name, const char *labels)
{
	char series[512];
	const char *line;

	snprintf(series, sizeof(series), "\n%s{" LABELS "%s%s} ", name, *labels ? "," : "", labels);
	line = strstr(page, series);
	return line ? strtod(line + strlen(series), NULL) : NAN;
}

static void test_prom_client(void **state)
{
	struct fixture *fx = fixture_new();
	char *page = page_of(fx, (struct lt_prom_opts){ .names = 1u << LT_NAMES_PROM_CLIENT });

	(void)state;
	assert_true(value(page, "nodejs_version_info",
			  "version=\"v20.20.2\",major=\"20\",minor=\"20\",patch=\"2\"") == 1);
	assert_true(value(page, "process_cpu_user_seconds_total", "") == 3.5);
	assert_true(value(page, "process_cpu_system_seconds_total", "") == 0.6);
	assert_true(value(page, "process_cpu_seconds_total", "") == 4.109);
	assert_true(value(page, "process_start_time_seconds", "") == 1789990000.25);
	assert_true(value(page, "process_resident_memory_bytes", "") == 83886080);
	assert_true(value(page, "process_virtual_memory_bytes", "") == 1073741824);
	assert_true(value(page, "process_heap_bytes", "") == 134217728);
	assert_true(value(page, "process_open_fds", "") == 27);
	assert_true(value(page, "process_max_fds", "") == 1024);
	/* 120 turns of 12 ms and 8000 of 0.25 ms in 10 s: a timer of 10 ms meets each of the former. */
	assert_float_equal(value(page, "nodejs_eventloop_lag_max_seconds", ""), 0.0218, 0.0002);
	assert_float_equal(value(page, "nodejs_eventloop_lag_p50_seconds", ""), 0.0098, 0.0002);
	assert_float_equal(value(page, "nodejs_eventloop_lag_seconds", ""), 0.000889, 0.00001);
	assert_true(value(page, "nodejs_gc_duration_seconds_count", "kind=\"minor\"") == 110);
	assert_true(value(page, "nodejs_gc_duration_seconds_bucket",
			  "kind=\"minor\",le=\"0.001\"") == 0);
	assert_true(value(page, "nodejs_gc_duration_seconds_bucket",
			  "kind=\"minor\",le=\"0.01\"") == 110);
	assert_true(value(page, "nodejs_gc_duration_seconds_bucket",
			  "kind=\"major\",le=\"0.01\"") == 0);
	assert_true(value(page, "nodejs_gc_duration_seconds_bucket",
			  "kind=\"major\",le=\"+Inf\"") == 2);
	assert_true(value(page, "nodejs_heap_size_used_bytes", "") == 536870912);
	assert_true(value(page, "nodejs_heap_size_total_bytes", "") == 600834048);
	assert_true(value(page, "nodejs_external_memory_bytes", "") == 3323389);
	assert_true(value(page, "nodejs_heap_space_size_used_bytes", "space=\"new\"") == 8388608);
	assert_true(value(page, "nodejs_heap_space_size_total_bytes", "space=\"old\"") ==
		    567279616);
	assert_true(value(page, "nodejs_heap_space_size_available_bytes", "space=\"new\"") ==
		    8388096);
	assert_null(strstr(page, "\nnodejs_heap_space_size_available_bytes{" LABELS
				 ",space=\"old\"")); /* unknown */
	/* 130 handles are referenced, three of them Node's own; 3 requests, 7 timers, 3 immediates. */
	assert_true(value(page, "nodejs_active_handles_total", "") == 127);
	assert_true(value(page, "nodejs_active_requests_total", "") == 3);
	assert_true(value(page, "nodejs_active_resources_total", "") == 140);
	/* No Worker has these names, no program that is no Node, and no figure stands for an unknown one. */
	assert_int_equal(count_of(page, "\nnodejs_eventloop_lag_p99_seconds{"), 2);
	assert_int_equal(count_of(page, "\nprocess_start_time_seconds{"), 2);
	assert_int_equal(count_of(page, "\nprocess_open_fds{"), 1);
	assert_null(strstr(page, "kind=\"incremental\""));
	assert_null(strstr(page, "nodejs_eventloop_delay"));
	assert_null(strcasestr(page, "nan"));
	free(page);
	free(fx);
}

static void test_otel(void **state)
{
	struct fixture *fx = fixture_new();
	char *page = page_of(fx, (struct lt_prom_opts){ .names = 1u << LT_NAMES_OTEL });

	(void)state;
	assert_true(value(page, "nodejs_eventloop_time_seconds_total",
			  "nodejs_eventloop_state=\"active\"") == 3.44);
	assert_true(value(page, "nodejs_eventloop_time_seconds_total",
			  "nodejs_eventloop_state=\"idle\"") == 6.56);
	assert_true(value(page, "nodejs_eventloop_utilization_ratio", "") == 0.344);
	assert_float_equal(value(page, "nodejs_eventloop_delay_max_seconds", ""), 0.0218, 0.0002);
	assert_true(value(page, "v8js_gc_duration_seconds_bucket",
			  "v8js_gc_type=\"major\",le=\"0.1\"") == 2);
	assert_int_equal(count_of(page, "v8js_gc_duration_seconds_bucket{" LABELS), 2 * 5);
	assert_true(value(page, "v8js_memory_heap_used_bytes",
			  "v8js_heap_space_name=\"old_space\"") == 528482304);
	assert_true(value(page, "v8js_memory_heap_space_size_bytes",
			  "v8js_heap_space_name=\"new_space\"") == 33554432);
	assert_true(value(page, "v8js_memory_heap_space_available_size_bytes",
			  "v8js_heap_space_name=\"new_space\"") == 8388096);
	assert_null(strstr(page, "nodejs_version_info"));
	assert_null(strstr(page, "\nprocess_"));
	free(page);
	free(fx);
}

/* The native page is the same with them and without. */
static void test_beside_ours(void **state)
{
	struct fixture *fx = fixture_new();
	char *ours = page_of(fx, (struct lt_prom_opts){ 0 });
	char *all = page_of(fx, (struct lt_prom_opts){ .names = ALL_NAMES }), *save = NULL;
	char *line;

	(void)state;
	assert_null(strstr(ours, "nodejs_"));
	assert_null(strstr(ours, "v8js_"));
	assert_int_equal(count_of(all, "\nlooptop_"), count_of(ours, "\nlooptop_"));
	for (line = strtok_r(ours, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_non_null(strstr(all, line));
	free(ours);
	free(all);
	free(fx);
}

static void test_without_pid(void **state)
{
	struct fixture *fx = fixture_new();
	char *page;

	(void)state;
	fx->processes[0].name = fx->processes[1].name = "app";
	fx->processes[0].container = NULL;
	page = page_of(fx, (struct lt_prom_opts){ .names = ALL_NAMES, .no_pid_label = true });
	assert_non_null(
		strstr(page, "\nprocess_cpu_seconds_total{name=\"app\",container=\"\"} 4.609"));
	assert_non_null(strstr(page, "\nprocess_resident_memory_bytes{name=\"app\",container=\"\"} "
				     "133886080\n"));
	free(page);
	free(fx);
}

/* Odd versions: no name, or parts of one that is there. */
static void test_versions(void **state)
{
	static const char *const odd[] = { NULL, "", "x", "20", "20.1", "v20.1.1" };
	struct fixture *fx = fixture_new();
	struct lt_prom_opts opts = { .names = 1u << LT_NAMES_PROM_CLIENT };
	char *page;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		fx->processes[0].runtime_version = odd[i];
		page = page_of(fx, opts);
		assert_int_equal(count_of(page, "\nnodejs_version_info{" LABELS), 0);
		free(page);
	}
	fx->processes[0].runtime_version = "26.0.0-nightly\"x";
	page = page_of(fx, opts);
	assert_true(
		value(page, "nodejs_version_info",
		      "version=\"v26.0.0-nightly\\\"x\",major=\"26\",minor=\"0\",patch=\"0\"") ==
		1);
	free(page);
	free(fx);
}

/* A block is seen for at least half a minute, and then no more. */
static void test_window(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_delays *delays = lt_delays__new();
	struct lt_loop_total *total = &fx->loops[0].total;
	struct lt_hist *turns = &fx->turn_total[0];
	struct lt_delay delay;
	int seen = 0;

	(void)state;
	assert_non_null(delays);
	*turns = (struct lt_hist){ 0 };
	total->observed_seconds = 0;
	for (int second = 1; second <= 200; second++) {
		hist_add(turns, 100000, 100);
		total->observed_seconds += 1;
		if (second == 70)
			hist_add(turns, 500000000, 1);
		assert_int_equal(lt_delays__look(delays, &fx->snapshot), 0);
		assert_true(lt_delays__get(delays, &fx->processes[0], &delay));
		seen += delay.max > 0.5;
		assert_true((delay.max > 0.5) == (second >= 70 && second < 70 + seen));
	}
	assert_in_range(seen, 30, 60);
	/* Turns that are not known any more have no delays, and begin anew when they are. */
	total->turn = NULL;
	assert_int_equal(lt_delays__look(delays, &fx->snapshot), 0);
	assert_false(lt_delays__get(delays, &fx->processes[0], &delay));
	assert_true(lt_delays__get(delays, &fx->processes[1], &delay));
	assert_false(lt_delays__get(delays, &fx->processes[2], &delay));
	total->turn = turns;
	assert_int_equal(lt_delays__look(delays, &fx->snapshot), 0);
	assert_false(lt_delays__get(delays, &fx->processes[0], &delay));
	total->observed_seconds += 1;
	assert_int_equal(lt_delays__look(delays, &fx->snapshot), 0);
	assert_true(lt_delays__get(delays, &fx->processes[0], &delay));
	assert_true(delay.max < 0.011);
	lt_delays__free(delays);
	free(fx);
}

struct names {
	char names[NAMES_MAX][80];
	size_t n;
};

static bool has(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->names[i], name))
			return true;
	return false;
}

static void add_name(struct names *names, const char *name, const char *suffix, int length)
{
	char full[80];

	snprintf(full, sizeof(full), "%.*s%s", length, name, suffix);
	assert_true(names->n < NAMES_MAX);
	if (!has(names, full))
		strcpy(names->names[names->n++], full);
}

static const char *const json_paths[LT_SCOPE_MAX] = {
	[LT_SCOPE_SELF] = "self.",
	[LT_SCOPE_PROCESS] = "processes[].",
	[LT_SCOPE_LOOP] = "processes[].loops[].",
	[LT_SCOPE_HEAP] = "processes[].loops[].heap.",
	[LT_SCOPE_HANDLES] = "processes[].loops[].handles.",
	[LT_SCOPE_STREAMS] = "processes[].loops[].streams.",
	[LT_SCOPE_JS] = "processes[].loops[].js.",
	[LT_SCOPE_JIT] = "processes[].loops[].jit.",
	[LT_SCOPE_POOL] = "processes[].pool.",
	[LT_SCOPE_POOL_KIND] = "processes[].pool.kinds.",
	[LT_SCOPE_GC_KIND] = "processes[].gc.kinds.",
	[LT_SCOPE_SYNC_FS] = "processes[].sync_fs.",
	[LT_SCOPE_GC] = "processes[].gc.",
	[LT_SCOPE_THROTTLED] = "processes[].throttled.",
};

static void add_row(struct names *names, const struct lt_metric *row)
{
	if (row->prom_name) {
		add_name(names, row->prom_name, row->prom_type == LT_PROM_COUNTER ? "_total" : "",
			 (int)strlen(row->prom_name));
		return;
	}
	assert_non_null(json_paths[row->scope]);
	add_name(names, json_paths[row->scope], row->key, (int)strlen(json_paths[row->scope]));
}

/* All rows of the tables, and what pages have beside them. A row that Prometheus has not is found by its JSON key. */
static void all_names(struct names *names)
{
	struct fixture *fx = fixture_new();
	struct lt_blockers *blockers = lt_blockers__new(1);
	char *page = page_of(fx, (struct lt_prom_opts){ .names = ALL_NAMES, .blockers = blockers });

	for (int set = 0; set < LT_NAMES_MAX; set++)
		for (size_t i = 0; i < *lt_name_sets[set].n; i++)
			add_row(names, &lt_name_sets[set].rows[i]);
	for (const char *line = strstr(page, "# TYPE "); line; line = strstr(line, "# TYPE ")) {
		line += strlen("# TYPE ");
		add_name(names, line, "", (int)strcspn(line, " "));
	}
	free(page);
	lt_blockers__free(blockers);
	free(fx);
}

/* Those that stand as `name` in the first cell of a table's row. */
static void documented_names(struct names *names)
{
	FILE *doc = fopen(METRICS_DOC, "r");
	char line[4096];

	if (!doc)
		fail_msg("%s: %s", METRICS_DOC, strerror(errno));
	while (fgets(line, sizeof(line), doc)) {
		assert_non_null(strchr(line, '\n'));
		if (strncmp(line, "| `", 3) == 0)
			add_name(names, line + 3, "", (int)strcspn(line + 3, "`"));
	}
	fclose(doc);
}

static void test_documented(void **state)
{
	static struct names there, documented;
	int wrong = 0;

	(void)state;
	all_names(&there);
	documented_names(&documented);
	assert_true(there.n > 40);
	for (size_t i = 0; i < there.n; i++)
		if (!has(&documented, there.names[i]) && ++wrong)
			print_error("%s is not in " METRICS_DOC "\n", there.names[i]);
	for (size_t i = 0; i < documented.n; i++)
		if (!has(&there, documented.names[i]) && ++wrong)
			print_error("%s is in " METRICS_DOC " only\n", documented.names[i]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prom_client), cmocka_unit_test(test_otel),
		cmocka_unit_test(test_beside_ours), cmocka_unit_test(test_without_pid),
		cmocka_unit_test(test_versions),    cmocka_unit_test(test_window),
		cmocka_unit_test(test_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
