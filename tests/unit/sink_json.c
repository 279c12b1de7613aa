/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* JSON: schema 1 key by key, null for the unknown, whole counts, and text of any bytes. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"

/* Parsed strictly: a duplicate key, broken UTF-8 or a second value would be an error. */
static json_t *parsed(const struct lt_snapshot *snapshot)
{
	char *line = lt_json_line(snapshot);
	json_error_t error;
	json_t *object;

	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		fail_msg("%s\n%s", error.text, line);
	free(line);
	return object;
}

static json_t *at(json_t *object, size_t process, size_t loop)
{
	json_t *value = json_array_get(json_object_get(object, "processes"), process);

	return loop == SIZE_MAX ? value : json_array_get(json_object_get(value, "loops"), loop);
}

static json_t *member(json_t *object, const char *a, const char *b)
{
	json_t *value = json_object_get(json_object_get(object, a), b);

	assert_non_null(value);
	return value;
}

static void test_golden(void **state)
{
	struct fixture *fx = fixture_new();
	json_t *object = parsed(&fx->snapshot);
	char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(15));

	(void)state;
	golden_compare("snapshot.json", text);
	free(text);
	json_decref(object);
	free(fx);
}

static void test_unknown_is_null(void **state)
{
	struct fixture *fx = fixture_new();
	json_t *object, *memory;

	(void)state;
	fx->snapshot.processes = fx->processes;
	fx->processes[2].cpu_seconds = INFINITY; /* no JSON number either */
	object = parsed(&fx->snapshot);
	memory = at(object, 2, 0);
	assert_true(json_is_null(json_object_get(memory, "turns")));
	assert_true(json_is_null(member(memory, "turn_seconds", "count")));
	assert_true(json_is_null(member(memory, "lag_seconds", "p99")));
	assert_true(json_is_null(member(memory, "phase_seconds", "poll_wait")));
	assert_true(json_is_null(json_object_get(at(object, 2, SIZE_MAX), "cpu_seconds")));
	assert_true(json_is_null(json_object_get(at(object, 2, SIZE_MAX), "exe")));
	assert_true(json_is_null(json_object_get(at(object, 2, SIZE_MAX), "pool")));
	assert_true(json_is_null(member(at(object, 2, SIZE_MAX), "gc", "kinds")));
	/* Known to be none is not unknown. */
	assert_true(json_real_value(json_object_get(memory, "stalled_seconds")) == 0);
	assert_int_equal(json_integer_value(json_object_get(at(object, 2, SIZE_MAX), "probe_hits")),
			 0);
	json_decref(object);
	free(fx);
}

static void test_numbers(void **state)
{
	struct fixture *fx = fixture_new();
	json_t *object, *loop;
	char *line;

	(void)state;
	fx->loops[0].busy_seconds = 0.123456789;
	fx->loops[0].turns = 9007199254740000.0;
	object = parsed(&fx->snapshot);
	loop = at(object, 0, 0);
	assert_true(json_is_integer(json_object_get(loop, "iterations")));
	assert_true(json_is_integer(member(loop, "turn_seconds", "count")));
	assert_true(json_is_integer(json_object_get(at(object, 0, SIZE_MAX), "rss_bytes")));
	assert_int_equal(json_integer_value(json_object_get(loop, "turns")), 9007199254740000);
	/* Seconds are floating point also when they are whole. */
	assert_true(json_is_real(json_object_get(object, "interval_seconds")));
	assert_true(json_real_value(json_object_get(loop, "busy_seconds")) == 0.123456789);
	json_decref(object);
	line = lt_json_line(&fx->snapshot);
	assert_non_null(strstr(line, "\"time\":1790000000.123,"));
	assert_non_null(strstr(line, "\"busy_seconds\":0.123456789,"));
	free(line);
	free(fx);
}

/* No sequence of bytes in a name can break the line. */
static void test_any_bytes(void **state)
{
	struct fixture *fx = fixture_new();
	uint64_t seed = 1;
	char name[40];

	(void)state;
	fx->processes[0].name = fx->processes[0].cgroup = name;
	for (int i = 0; i < 3000; i++) {
		size_t n = (size_t)i % (sizeof(name) - 1);

		for (size_t j = 0; j < n; j++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			name[j] = (char)(seed >> 56 ? seed >> 56 : 1);
		}
		name[n] = '\0';
		json_decref(parsed(&fx->snapshot));
	}
	free(fx);
}

static void test_lines(void **state)
{
	struct fixture *fx = fixture_new();
	char *text = sink_print(&lt_sink_json, (struct lt_sink_opts){ 0 }, &fx->snapshot, 3);

	(void)state;
	assert_int_equal(count_of(text, "\n"), 3);
	assert_int_equal(count_of(text, "\n{\"schema\":1,"), 2);
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
	sink_closed_pipe(&lt_sink_json, &fx->snapshot);
	sink_full_disk(&lt_sink_json, &fx->snapshot);
	free(fx);
}

static void test_empty(void **state)
{
	struct lt_snapshot snapshot = { .schema = 1, .time = NAN, .interval_seconds = 1 };
	json_t *object = parsed(&snapshot);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(object, "processes")), 0);
	assert_true(json_is_null(json_object_get(object, "time")));
	assert_true(json_is_null(member(object, "host", "name")));
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	cmocka_unit_test(test_unknown_is_null),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
