/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* CSV: read back by the rules of RFC 4180; columns, sums, unknown cells, hostile text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"

#define COLUMNS_MAX 256
#define ROWS_MAX    32

struct sheet {
	char *text;
	char *cells[ROWS_MAX][COLUMNS_MAX];
	size_t rows, columns;
};

/* One field, unquoted in place; returns the character that ended it. */
static char field(char **at, char **ret_cell)
{
	char *in = *at, *out = *at, end;

	*ret_cell = out;
	if (*in == '"') {
		for (in++; *in != '"' || in[1] == '"'; *out++ = *in++) {
			assert_int_not_equal(*in, '\0');
			in += *in == '"';
		}
		in++;
	} else {
		for (; *in != ',' && *in != '\n'; *out++ = *in++) {
			assert_int_not_equal(*in, '\0');
			assert_int_not_equal(*in, '"');
		}
	}
	end = *in;
	assert_true(end == ',' || end == '\n');
	*out = '\0';
	*at = in + 1;
	return end;
}

static struct sheet *read_sheet(char *take_text)
{
	struct sheet *sheet = calloc(1, sizeof(*sheet));
	char *at = take_text;

	assert_non_null(sheet);
	sheet->text = take_text;
	while (*at) {
		size_t n = 0;

		assert_true(sheet->rows < ROWS_MAX);
		do
			assert_true(n < COLUMNS_MAX);
		while (field(&at, &sheet->cells[sheet->rows][n++]) == ',');
		if (!sheet->rows)
			sheet->columns = n;
		assert_int_equal(n, sheet->columns);
		sheet->rows++;
	}
	return sheet;
}

static struct sheet *sheet_of(const struct lt_snapshot *snapshot, int times)
{
	return read_sheet(sink_print(&lt_sink_csv, (struct lt_sink_opts){ 0 }, snapshot, times));
}

static void free_sheet(struct sheet *sheet)
{
	free(sheet->text);
	free(sheet);
}

/* Row 0 is the first after the header. */
static const char *cell(const struct sheet *sheet, size_t row, const char *column)
{
	for (size_t i = 0; i < sheet->columns; i++)
		if (!strcmp(sheet->cells[0][i], column))
			return sheet->cells[row + 1][i];
	fail_msg("no column %s", column);
	return NULL;
}

static void test_golden(void **state)
{
	struct fixture *fx = fixture_new();
	char *text = sink_print(&lt_sink_csv, (struct lt_sink_opts){ 0 }, &fx->snapshot, 1);

	(void)state;
	golden_compare("snapshot.csv", text);
	free(text);
	free(fx);
}

static void test_shape(void **state)
{
	struct fixture *fx = fixture_new();
	struct sheet *sheet = sheet_of(&fx->snapshot, 3);

	(void)state;
	assert_int_equal(sheet->rows, 1 + 3 * 5); /* one header, five loops */
	for (size_t i = 0; i < sheet->columns; i++)
		for (size_t j = i + 1; j < sheet->columns; j++)
			assert_string_not_equal(sheet->cells[0][i], sheet->cells[0][j]);
	assert_string_equal(cell(sheet, 0, "time"), "1790000000.123");
	assert_string_equal(cell(sheet, 0, "turn_seconds_p99"), "0.012");
	assert_string_equal(cell(sheet, 0, "lag_seconds_p999"), "0.011919");
	assert_string_equal(cell(sheet, 0, "phase_seconds_poll_callbacks"), "0.28");
	assert_string_equal(cell(sheet, 0, "stalls"), "1"); /* the running one is not ended */
	assert_string_equal(cell(sheet, 0, "stall_seconds"), "0.212");
	assert_string_equal(cell(sheet, 0, "stalled_seconds"), "1.3");
	assert_string_equal(cell(sheet, 0, "process_rss_bytes"), "83886080");
	free_sheet(sheet);
	free(fx);
}

/* A column can be added up: what belongs to a process or to looptop stands in one row. */
static void test_figures_stand_once(void **state)
{
	struct fixture *fx = fixture_new();
	struct sheet *sheet = sheet_of(&fx->snapshot, 1);

	(void)state;
	assert_string_equal(cell(sheet, 0, "pool_completed"), "448");
	assert_string_equal(cell(sheet, 0, "pool_cancelled"), "1");
	assert_string_equal(cell(sheet, 0, "pool_wait_seconds_worst_p99"), "0.18");
	assert_string_equal(cell(sheet, 0, "gc_seconds"), "0.0604");
	assert_string_equal(cell(sheet, 0, "gc_scavenge_count"), "11");
	assert_string_equal(cell(sheet, 0, "self_lost_ring_full"), "3");
	for (size_t row = 1; row < 5; row++)
		assert_string_equal(cell(sheet, row, "self_lost_ring_full"), "");
	assert_string_equal(cell(sheet, 1, "pool_completed"), "");
	assert_string_equal(cell(sheet, 1, "gc_seconds"), "");
	assert_string_equal(cell(sheet, 1, "turns"), "812"); /* but a loop has its own */
	free_sheet(sheet);
	free(fx);
}

static void test_unknown_is_empty(void **state)
{
	struct fixture *fx = fixture_new();
	struct sheet *sheet = sheet_of(&fx->snapshot, 1);
	static const char *const unknown[] = {
		"turns",
		"lag_seconds_p99",
		"phase_seconds_timers",
		"stalls",
		"process_cpu_seconds",
		"pool_size",
		"pool_completed",
		"sync_fs_calls",
		"gc_seconds",
		"gc_scavenge_count",
		"container",
		"runtime_version",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_string_equal(cell(sheet, 4, unknown[i]), "");
	assert_string_equal(cell(sheet, 4, "utilization"), "0.03");
	assert_string_equal(cell(sheet, 4, "stalled_seconds"), "0");
	assert_string_equal(cell(sheet, 0, "phase_seconds_closing"), "");
	free_sheet(sheet);
	free(fx);
}

static void name_becomes(const char *name, const char *want)
{
	struct fixture *fx = fixture_new();
	struct sheet *sheet;

	fx->processes[0].name = name;
	sheet = sheet_of(&fx->snapshot, 1);
	assert_string_equal(cell(sheet, 0, "name"), want);
	free_sheet(sheet);
	free(fx);
}

static void test_text(void **state)
{
	(void)state;
	name_becomes("a,b", "a,b");
	name_becomes("say \"hi\"", "say \"hi\"");
	name_becomes("two\nlines\r", "two?lines?");
	name_becomes("\xff\x1b[31m", "??[31m");
	name_becomes("=1+1", "'=1+1");
	name_becomes("+1", "'+1");
	name_becomes("-1", "'-1");
	name_becomes("@SUM(A1)", "'@SUM(A1)");
	name_becomes("\t=1", "?=1");
	name_becomes("a=1", "a=1");
	name_becomes("", "");
}

/* Fifteen digits are what a double holds: more would be noise, fewer would lose. */
static void test_digits(void **state)
{
	struct fixture *fx = fixture_new();
	struct sheet *sheet;

	(void)state;
	fx->loops[0].turns = 1e15;
	fx->loops[0].busy_seconds = 0.1 + 0.2;
	fx->loops[0].idle_seconds = 123456.123456789;
	fx->loops[0].iterations = 100;
	sheet = sheet_of(&fx->snapshot, 1);
	assert_string_equal(cell(sheet, 0, "turns"), "1000000000000000");
	assert_string_equal(cell(sheet, 0, "busy_seconds"), "0.3");
	assert_string_equal(cell(sheet, 0, "idle_seconds"), "123456.123456789");
	assert_string_equal(cell(sheet, 0, "iterations"), "100");
	free_sheet(sheet);
	free(fx);
}

static void test_no_loops(void **state)
{
	struct fixture *fx = fixture_new();
	struct sheet *sheet;

	(void)state;
	fx->processes[0].n_loops = 0;
	fx->snapshot.n_processes = 1;
	sheet = sheet_of(&fx->snapshot, 1);
	assert_int_equal(sheet->rows, 2);
	assert_string_equal(cell(sheet, 0, "loop"), "");
	assert_string_equal(cell(sheet, 0, "pool_completed"), "448");
	free_sheet(sheet);
	sink_closed_pipe(&lt_sink_csv, &fx->snapshot);
	sink_full_disk(&lt_sink_csv, &fx->snapshot);
	free(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_figures_stand_once),
		cmocka_unit_test(test_unknown_is_empty),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_no_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
