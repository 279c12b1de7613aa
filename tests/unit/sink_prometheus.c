/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Exposition pages: both formats, histograms against the values they were made of, lag against
 * simulated arrivals, counters that never fall, merging, the bound, promtool's opinion.
 */
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sink/negotiate.h"
#include "agent/sink/series.h"
#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"
#include "tests/unit/lacks.h"

static char *page_of(const struct lt_snapshot *snapshot, struct lt_prom_opts opts)
{
	size_t length;
	char *page = lt_prometheus_page(snapshot, &opts, &length);

	assert_non_null(page);
	assert_int_equal(strlen(page), length);
	return page;
}

/* The value of a series, NAN if it is not there. */
static double value_of(const char *page, const char *series)
{
	size_t n = strlen(series);

	for (const char *s = page; s; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (!strncmp(s, series, n) && s[n] == ' ')
			return strtod(s + n + 1, NULL);
	}
	return NAN;
}

/* printf-like; a series with the labels of the fixture's main loop. */
static double main_value(const char *page, const char *name, const char *further)
{
	char series[512];

	snprintf(series, sizeof(series),
		 "%s{pid=\"4121\",name=\"server.js\",container=\"3f2a9c01d4e5\",loop=\"main\"%s}",
		 name, further);
	return value_of(page, series);
}

static void test_golden(void **state)
{
	struct fixture *fx = fixture_new();
	char *page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 }), *version;

	(void)state;
	/* The golden file outlives releases. */
	version = strstr(page, "version=\"" LT_VERSION "\"");
	assert_non_null(version);
	for (size_t i = 0; i < strlen(LT_VERSION); i++)
		if (isdigit((unsigned char)version[9 + i]))
			version[9 + i] = '0';
	golden_compare("page.prom", page);
	free(page);
	free(fx);
}

static void test_openmetrics(void **state)
{
	struct fixture *fx = fixture_new();
	char *text = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	char *page = page_of(&fx->snapshot, (struct lt_prom_opts){ .openmetrics = true });

	(void)state;
	assert_string_equal(page + strlen(page) - 6, "# EOF\n");
	assert_null(strstr(text, "# EOF"));
	assert_non_null(strstr(text, "# TYPE looptop_loop_time_seconds_total counter\n"));
	assert_non_null(strstr(page, "# TYPE looptop_loop_time_seconds counter\n"
				     "# UNIT looptop_loop_time_seconds seconds\n"
				     "looptop_loop_time_seconds_total{"));
	assert_non_null(
		strstr(page, "# TYPE looptop_loop_turns counter\nlooptop_loop_turns_total{"));
	assert_null(strstr(text, "# UNIT"));
	/* All samples are the same ones. */
	assert_int_equal(count_of(text, "\n") - count_of(text, "\n#"),
			 count_of(page, "\n") - count_of(page, "\n#"));
	free(text);
	free(page);
	free(fx);
}

static void test_promtool(void **state)
{
	char *page, path[] = "/tmp/looptop-page-XXXXXX", command[128], said[4096];
	struct fixture *fx;
	FILE *tool;
	size_t n;
	int fd;

	(void)state;
	needs_program("promtool", "prometheus");
	fx = fixture_new();
	page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	fd = mkstemp(path);
	assert_int_equal(write(fd, page, strlen(page)), (ssize_t)strlen(page));
	close(fd);
	snprintf(command, sizeof(command), "promtool check metrics <%s 2>&1", path);
	tool = popen(command, "r");
	assert_non_null(tool);
	n = fread(said, 1, sizeof(said) - 1, tool);
	said[n] = '\0';
	assert_string_equal(said, "");
	assert_int_equal(pclose(tool), 0);
	unlink(path);
	free(page);
	free(fx);
}

static void test_unknown_is_absent(void **state)
{
	struct fixture *fx = fixture_new();
	char *page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });

	(void)state;
	assert_null(strcasestr(page, "nan"));
	assert_int_equal(count_of(page, "looptop_loop_turns_total{pid=\"812\""), 0);
	assert_int_equal(count_of(page, "looptop_loop_lag_seconds_count{pid=\"812\""), 0);
	assert_int_equal(count_of(page, "looptop_loop_time_seconds_total{pid=\"812\""), 2);
	assert_int_equal(
		count_of(page, "{pid=\"812\",name=\"uvserver\",container=\"\",loop=\"main\"} 0\n"),
		1); /* stalled_seconds: known to be none */
	assert_int_equal(count_of(page, "looptop_pool_threads{pid=\"812\""), 0);
	assert_int_equal(count_of(page, "looptop_pool_tasks_total{pid=\"4377\""), 0);
	assert_true(main_value(page, "looptop_loop_phase_seconds_total", ",phase=\"timers\"") ==
		    0.4);
	assert_true(
		isnan(main_value(page, "looptop_loop_phase_seconds_total", ",phase=\"closing\"")));
	free(page);
	free(fx);
}

/* 2^k ns as the label has it. */
static double bucket(const char *page, const char *name, int k)
{
	char further[64];

	snprintf(further, sizeof(further), ",le=\"%.15g\"", (double)(1ull << k) / 1e9);
	return main_value(page, name, further);
}

static uint64_t random_ns(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	/* From 100 ns to 100 s, evenly on a log scale. */
	return (uint64_t)pow(10, 2 + 9 * (double)(*seed >> 40) / (double)(1 << 24));
}

static void test_histogram_is_exact(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_hist *hist = &fx->turn_total[0];
	uint64_t values[2000], seed = 7;
	double sum = 0;
	char *page;

	(void)state;
	*hist = (struct lt_hist){ 0 };
	for (size_t i = 0; i < 2000; i++) {
		/* Also values right at the bounds, and one below. */
		values[i] = i < 60 ? (1ull << (10 + i / 2)) - (i & 1) : random_ns(&seed);
		hist_add(hist, values[i], 1);
		sum += (double)values[i] / 1e9;
	}
	page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	for (int k = LT_LE_FIRST; k <= LT_LE_LAST; k++) {
		double below = 0;

		for (size_t i = 0; i < 2000; i++)
			below += values[i] < 1ull << k;
		assert_true(bucket(page, "looptop_loop_turn_seconds_bucket", k) == below);
	}
	assert_true(main_value(page, "looptop_loop_turn_seconds_bucket", ",le=\"+Inf\"") == 2000);
	assert_true(main_value(page, "looptop_loop_turn_seconds_count", "") == 2000);
	assert_float_equal(main_value(page, "looptop_loop_turn_seconds_sum", "") / sum, 1, 1e-9);
	free(page);
	free(fx);
}

/* One who arrives at a random moment, for every microsecond of the observed time. */
static void test_lag_is_that_of_arrivals(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_hist *turns = &fx->turn_total[0];
	uint64_t seed = 3, lengths[300], busy = 0, idle = 400 * 1000000;
	double waits = 0, observed;
	char *page;

	(void)state;
	*turns = (struct lt_hist){ 0 };
	for (size_t i = 0; i < 300; i++) {
		do
			lengths[i] = random_ns(&seed);
		while (lengths[i] > 200 * 1000000);
		hist_add(turns, lengths[i], 1);
		busy += lengths[i];
	}
	observed = (double)(busy + idle) / 1e9;
	fx->loops[0].total.observed_seconds = observed;
	page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	for (int k = LT_LE_FIRST; k <= LT_LE_LAST; k++) {
		uint64_t longer_us = 0;

		for (size_t i = 0; i < 300; i++)
			for (uint64_t t = 500; t < lengths[i];
			     t += 1000) /* its wait if it comes at t */
				longer_us += lengths[i] - t > 1ull << k;
		assert_float_equal(bucket(page, "looptop_loop_lag_seconds_bucket", k),
				   1000 * observed - (double)longer_us / 1000, 1.5);
	}
	for (size_t i = 0; i < 300; i++)
		for (uint64_t t = 500; t < lengths[i]; t += 1000)
			waits += (double)(lengths[i] - t) / 1e9 / 1000;
	assert_float_equal(main_value(page, "looptop_loop_lag_seconds_count", ""), 1000 * observed,
			   1);
	assert_float_equal(main_value(page, "looptop_loop_lag_seconds_sum", "") / waits, 1, 0.002);
	free(page);
	free(fx);
}

/* A counter that falls is taken for a restart and counted twice: nothing may ever fall. */
static void test_nothing_falls(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_prom_opts opts = { 0 };
	struct lt_series_set *before = NULL;
	uint64_t seed = 11;

	(void)state;
	fx->turn_total[0] = (struct lt_hist){ 0 };
	fx->loops[0].total.observed_seconds = 0;
	for (int step = 0; step < 400; step++) {
		struct lt_series_set *set;

		for (int i = 0; i < 3; i++) {
			uint64_t ns = step % 3 ? random_ns(&seed) : 1ull << (13 + step % 20);

			hist_add(&fx->turn_total[0], ns, 1);
			fx->loops[0].total.observed_seconds += (double)ns / 1e9;
		}
		set = lt_series_set__new(&fx->snapshot, &opts, before);
		assert_non_null(set);
		for (size_t i = 0; before && i < set->shown.n; i++) {
			const struct lt_series *series = &set->shown.items[i];
			const struct lt_buckets *a, *b = &set->buckets[series->buckets];

			if (series->family->prom_type != LT_PROM_HISTOGRAM)
				continue;
			a = &before->buckets[before->shown.items[i].buckets];
			assert_true(b->count >= a->count && b->sum >= a->sum);
			for (int k = 0; k < LT_LE_COUNT; k++) {
				assert_true(b->below[k] >= a->below[k]);
				assert_true(b->below[k] >= (k ? b->below[k - 1] : 0));
				assert_true(b->below[k] <= b->count);
			}
		}
		lt_series_set__free(before);
		before = set;
	}
	lt_series_set__free(before);
	free(fx);
}

static void test_labels(void **state)
{
	struct fixture *fx = fixture_new();
	char name[1000], *page;
	const char *label;

	(void)state;
	page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	/* Escaped; controls, the line end and what is no UTF-8 replaced. */
	assert_non_null(
		strstr(page, "name=\"=cmd|'/C \\\"calc\\\"'!A0,?\xe6\xbc\xa2 \xc3\xa9??[31m.js\""));
	assert_non_null(strstr(page, "loop=\"wor\\\\k\\\"er?1\""));
	free(page);
	memset(name, '"', sizeof(name) - 1); /* each becomes two bytes */
	name[sizeof(name) - 1] = '\0';
	fx->processes[0].name = fx->processes[0].runtime = fx->processes[0].runtime_version = name;
	fx->processes[0].libuv_version = fx->processes[0].tier = fx->processes[0].container = name;
	fx->loops[0].name = name;
	page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	label = strstr(page, "pid=\"4121\",name=\"");
	assert_non_null(label);
	assert_int_equal(strspn(label + 17, "\\\""), 2 * 128 + 1);
	/* Seven labels at their longest are still whole. */
	assert_non_null(strstr(page, "\\\"\",libuv_version=\"\\\""));
	assert_non_null(strstr(page, "\\\"\",tier=\"\\\""));
	free(page);
	free(fx);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Prometheus refuses a page on which a series stands twice, or a family in two places. */
static void assert_no_duplicates(char *page)
{
	static char *keys[8192];
	char *save = NULL, family[128] = "";
	size_t n = 0;

	for (char *line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_true(n < 8192);
		if (line[0] == '#') {
			if (!strncmp(line, "# TYPE ", 7)) {
				snprintf(family, sizeof(family), "%s", line + 7);
				*strchr(family, ' ') = '\0';
				keys[n++] = line;
			}
			continue;
		}
		assert_int_equal(strncmp(line, family, strlen(family)), 0);
		*strrchr(line, ' ') = '\0';
		keys[n++] = line;
	}
	qsort(keys, n, sizeof(keys[0]), compare_lines);
	for (size_t i = 1; i < n; i++)
		assert_string_not_equal(keys[i - 1], keys[i]);
}

static void test_equal_series_are_merged(void **state)
{
	struct fixture *fx = fixture_new();
	char *page;

	(void)state;
	fx->loops[1].name = "main"; /* two Workers may have one name */
	fx->loops[1].utilization = 0.9;
	page = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	assert_true(main_value(page, "looptop_loop_turns_total", "") == 16240);
	assert_true(main_value(page, "looptop_loop_turn_seconds_count", "") == 16240);
	assert_true(main_value(page, "looptop_loop_lag_seconds_count", "") == 20000);
	/* A share is no sum, nor is the length of a stall: the worst is what matters. */
	assert_true(main_value(page, "looptop_loop_utilization_ratio", "") == 0.9);
	assert_true(main_value(page, "looptop_loop_stalled_seconds", "") == 1.3);
	assert_no_duplicates(page);
	free(page);
	free(fx);
}

static void test_without_pid(void **state)
{
	static const char turns[] =
		"looptop_loop_turns_total{name=\"app\",container=\"\",loop=\"main\"}";
	struct lt_prom_opts opts = { .no_pid_label = true };
	struct fixture *fx = fixture_new();
	struct lt_series_set *first, *second, *third;
	char *page;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fx->processes[i].name = "app";
		fx->processes[i].container = NULL;
	}
	page = page_of(&fx->snapshot, opts);
	assert_null(strstr(page, "pid="));
	assert_true(value_of(page, turns) == 16240);
	assert_true(value_of(page, "looptop_pool_busy_threads{name=\"app\",container=\"\"}") == 4);
	assert_no_duplicates(page);
	free(page);
	/* One of the two ends: what it counted stays in the sum while the other lives. */
	fx->processes[0].ended = true;
	first = lt_series_set__new(&fx->snapshot, &opts, NULL);
	fx->snapshot.processes = &fx->processes[1];
	fx->snapshot.n_processes = 1;
	fx->loops[2].total.turns += 100;
	second = lt_series_set__new(&fx->snapshot, &opts, first);
	page = lt_series_set__page(second, false, NULL);
	assert_true(value_of(page, turns) == 16340);
	/* But gauges tell of now: the pool's four threads are gone. */
	assert_true(value_of(page, "looptop_pool_busy_threads{name=\"app\",container=\"\"}") == 0);
	free(page);
	/* All gone: so is the series, and the next process of that name starts at 0. */
	fx->snapshot.n_processes = 0;
	third = lt_series_set__new(&fx->snapshot, &opts, second);
	assert_int_equal(third->past.n, 0);
	page = lt_series_set__page(third, false, NULL);
	assert_true(isnan(value_of(page, turns)));
	free(page);
	lt_series_set__free(first);
	lt_series_set__free(second);
	lt_series_set__free(third);
	free(fx);
}

/* The turns of both, as a page of these processes has them. */
static double turns_without_pid(struct fixture *fx, struct lt_series_set **set)
{
	const struct lt_prom_opts opts = { .no_pid_label = true };
	struct lt_series_set *next = lt_series_set__new(&fx->snapshot, &opts, *set);
	char *page = lt_series_set__page(next, false, NULL);
	double turns = value_of(page, "looptop_loop_turns_total{name=\"app\",container=\"\","
				      "loop=\"main\"}");

	assert_non_null(next);
	free(page);
	lt_series_set__free(*set);
	*set = next;
	return turns;
}

/* Probes come and go: what nobody counts stands still in a sum, which neither falls nor rises by it. */
static void test_unknown_for_a_while(void **state)
{
	struct fixture *fx = fixture_new();
	double *first = &fx->loops[0].total.turns, *second = &fx->loops[2].total.turns;
	struct lt_series_set *set = NULL;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fx->processes[i].name = "app";
		fx->processes[i].container = NULL;
	}
	fx->processes[0].n_loops = 1;
	*first = 1000;
	*second = 200;
	assert_true(turns_without_pid(fx, &set) == 1200);
	*first = NAN;
	*second = 210;
	assert_true(turns_without_pid(fx, &set) == 1210);
	*second = NAN; /* nobody counts any of it */
	assert_true(isnan(turns_without_pid(fx, &set)));
	*second = 230;
	assert_true(turns_without_pid(fx, &set) == 1230);
	*first = 1005;
	assert_true(turns_without_pid(fx, &set) == 1235);
	*first = 1006;
	assert_true(turns_without_pid(fx, &set) == 1236);
	/* It ends while nobody counts. */
	*first = NAN;
	assert_true(turns_without_pid(fx, &set) == 1236);
	fx->processes[0].ended = true;
	assert_true(turns_without_pid(fx, &set) == 1236);
	fx->snapshot.processes = &fx->processes[1];
	fx->snapshot.n_processes = 1;
	*second = 240;
	assert_true(turns_without_pid(fx, &set) == 1246);
	/* The other one ends counted; the next of that name starts at 0. */
	fx->processes[1].ended = true;
	assert_true(turns_without_pid(fx, &set) == 1246);
	fx->snapshot.n_processes = 0;
	assert_true(isnan(turns_without_pid(fx, &set)));
	fx->snapshot.n_processes = 1;
	fx->processes[1].ended = false;
	*second = 3;
	assert_true(turns_without_pid(fx, &set) == 3);
	lt_series_set__free(set);
	free(fx);
}

/* One that ends is counted once, whether a scrape saw its last row or not. */
static void test_ends_between_scrapes(void **state)
{
	struct fixture *fx = fixture_new();
	const struct lt_prom_opts opts = { .no_pid_label = true };
	struct lt_series_set *set = NULL, *leaving;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fx->processes[i].name = "app";
		fx->processes[i].container = NULL;
	}
	fx->processes[0].n_loops = 1;
	fx->loops[0].total.turns = 1000;
	fx->loops[2].total.turns = 200;
	assert_true(turns_without_pid(fx, &set) == 1200);
	fx->loops[0].total.turns = 1010;
	fx->processes[0].ended = true;
	leaving = lt_series_set__leaving(&fx->snapshot, &opts);
	assert_non_null(leaving);
	lt_series_set__shrink(set);
	assert_int_equal(lt_series_set__retire(set, leaving), 0);
	lt_series_set__free(leaving);
	fx->snapshot.processes = &fx->processes[1];
	fx->snapshot.n_processes = 1;
	assert_true(turns_without_pid(fx, &set) == 1210);
	assert_true(turns_without_pid(fx, &set) == 1210);
	lt_series_set__free(set);
	free(fx);
}

/* Lines that are samples. */
static size_t samples(const char *page)
{
	return count_of(page, "\n") - count_of(page, "# HELP") - count_of(page, "# TYPE");
}

static void test_bound(void **state)
{
	struct fixture *fx = fixture_new();
	char *all = page_of(&fx->snapshot, (struct lt_prom_opts){ 0 });
	size_t total = samples(all) - 1; /* series_dropped itself is not counted */

	(void)state;
	assert_true(value_of(all, "looptop_self_series_dropped") == 0);
	for (size_t max = 1; max <= total + 50; max += 37) {
		char *page = page_of(&fx->snapshot, (struct lt_prom_opts){ .max_series = max });
		size_t kept = samples(page) - 1;

		assert_true(kept <= max);
		assert_true(value_of(page, "looptop_self_series_dropped") ==
			    (double)(total - kept));
		/* A histogram stands there whole or not at all. */
		assert_int_equal(count_of(page, "_bucket{"), count_of(page, "_sum{") * 24);
		assert_int_equal(count_of(page, "_count{"), count_of(page, "_sum{"));
		if (max >= total)
			assert_string_equal(page, all);
		free(page);
	}
	/* The first process is the last to lose anything. */
	free(all);
	all = page_of(&fx->snapshot, (struct lt_prom_opts){ .max_series = total - 60 });
	assert_true(main_value(all, "looptop_loop_turns_total", "") == 8120);
	assert_null(strstr(all, "pid=\"812\",name=\"uvserver\",container=\"\",runtime"));
	free(all);
	free(fx);
}

static void test_negotiation(void **state)
{
	(void)state;
	assert_false(lt_wants_openmetrics(NULL));
	assert_false(lt_wants_openmetrics(""));
	assert_false(lt_wants_openmetrics("*/*"));
	assert_false(lt_wants_openmetrics("text/plain;version=0.0.4"));
	assert_true(lt_wants_openmetrics("application/openmetrics-text"));
	/* What Prometheus 2.42 sends. */
	assert_true(lt_wants_openmetrics("application/openmetrics-text;version=1.0.0,"
					 "application/openmetrics-text;version=0.0.1;q=0.75,"
					 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
	assert_false(
		lt_wants_openmetrics("application/openmetrics-text; q=0.2, text/plain; q=0.9"));
	assert_false(lt_wants_openmetrics("application/openmetrics-text;q=0"));
	assert_false(lt_wants_openmetrics("application/openmetrics-texture"));
	assert_false(lt_wants_openmetrics("application/openmetrics-text;q=,;;,;q"));
	/* what is no weight is none: it neither wins nor poisons the comparison */
	assert_false(lt_wants_openmetrics("application/openmetrics-text;q=9,text/plain;q=1"));
	assert_false(lt_wants_openmetrics("application/openmetrics-text;q=inf"));
	assert_true(lt_wants_openmetrics("application/openmetrics-text,text/plain;q=3"));
	assert_true(lt_wants_openmetrics("application/openmetrics-text,text/plain;q=nan"));
}

static void test_empty(void **state)
{
	struct lt_snapshot snapshot = { .schema = 1 };
	char *page = page_of(&snapshot, (struct lt_prom_opts){ 0 });

	(void)state;
	assert_true(value_of(page, "looptop_self_targets") == 0);
	assert_null(strstr(page, "looptop_loop"));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_promtool),
		cmocka_unit_test(test_unknown_is_absent),
		cmocka_unit_test(test_histogram_is_exact),
		cmocka_unit_test(test_lag_is_that_of_arrivals),
		cmocka_unit_test(test_nothing_falls),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_equal_series_are_merged),
		cmocka_unit_test(test_without_pid),
		cmocka_unit_test(test_unknown_for_a_while),
		cmocka_unit_test(test_ends_between_scrapes),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
