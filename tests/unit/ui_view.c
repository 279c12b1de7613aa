/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Every view at several sizes against golden files, in UTF-8 and in ASCII; and every view at every
 * small size, which must not crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ui_stage.h"

static void golden_views(bool ascii)
{
	struct stage stage;

	stage_open(&stage, ascii);
	draw(&stage, 80, 24);
	compare_golden(&stage, "looking", false);
	run_to(&stage, 101);
	compare_sizes(&stage, "main");
	press(&stage, LT_KEY_ENTER, "");
	compare_sizes(&stage, "process");
	press(&stage, LT_KEY_TAB, "");
	compare_sizes(&stage, "process-worker");
	press(&stage, LT_KEY_ENTER, "");
	compare_sizes(&stage, "stalls");
	press(&stage, LT_KEY_ENTER, "");
	compare_sizes(&stage, "stalls-running");
	press(&stage, LT_KEY_LEFT, "");
	press(&stage, LT_KEY_DOWN, "");
	press(&stage, LT_KEY_RIGHT, "");
	press(&stage, LT_KEY_DOWN, "");
	compare_sizes(&stage, "stalls-past");
	press(&stage, LT_KEY_ESC, "");
	press(&stage, LT_KEY_ESC, "");
	press(&stage, LT_KEY_CHAR, "?");
	compare_sizes(&stage, "help");
	press(&stage, LT_KEY_ESC, "");
	press(&stage, LT_KEY_ESC, "");
	press(&stage, LT_KEY_CHAR, "s");
	compare_sizes(&stage, "sort");
	stage_close(&stage);
}

static void test_golden_utf8(void **state)
{
	(void)state;
	golden_views(false);
}

static void test_golden_ascii(void **state)
{
	(void)state;
	golden_views(true);
}

static void test_golden_severity(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	run_to(&stage, 101);
	draw(&stage, 120, 40);
	compare_golden(&stage, "main", true);
	press(&stage, LT_KEY_ENTER, "");
	draw(&stage, 120, 40);
	compare_golden(&stage, "process", true);
	press(&stage, LT_KEY_ENTER, "");
	press(&stage, LT_KEY_ENTER, "");
	draw(&stage, 120, 40);
	compare_golden(&stage, "stalls-running", true);
	stage_close(&stage);
}

/* Quiet when all is well: no cell has a severity above OK, but for graphics that are green. */
static void test_quiet_when_well(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	show_only(&stage, "api");
	run_to(&stage, 1);
	/* Without the detail: of its own process only. */
	draw(&stage, 100, 12);
	assert_true(shows(&stage, "api.js"));
	for (int y = 2; y < 12; y++)
		for (int x = 0; x < 100; x++)
			assert_true((lt_canvas__cell(stage.canvas, x, y)->style &
				     LT_STYLE_SEVERITY) <= LT_SEV_OK);
	stage_close(&stage);
}

/* Figures keep their column from one snapshot to the next. */
static void test_no_dancing(void **state)
{
	struct stage stage;
	char first[512] = "";

	(void)state;
	stage_open(&stage, false);
	for (int step = 30; step < 60; step++) {
		int x, y;
		char places[512] = "";

		run_to(&stage, step);
		draw(&stage, 120, 30);
		for (int id = 0; id < LT_COL_MAX; id++) {
			x = id == LT_COL_STRIP ? 0 : find_text(&stage, lt_columns[id].title, &y);
			snprintf(places + strlen(places), sizeof(places) - strlen(places), "%d ", x);
		}
		if (!first[0])
			strcpy(first, places);
		assert_string_equal(places, first);
	}
	stage_close(&stage);
}

/* At each width the counts stand at the right end, away from what there is room for before them. */
static void test_counts_at_the_end(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, true);
	run_to(&stage, 3);
	for (int width = 50; width <= 140; width++) {
		const char *counts;
		char *text;

		draw(&stage, width, 24);
		text = dump(stage.canvas, false);
		*strchr(text, '\n') = '\0';
		assert_int_equal(strlen(text), width - 1);
		counts = strstr(text, " processes");
		assert_non_null(counts);
		assert_memory_equal(counts - 3, "  ", 2);
		free(text);
	}
	stage_close(&stage);
}

/* What was lost is in the header, at any width, and stays there. */
static void test_lost(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	run_to(&stage, 13);
	draw(&stage, 120, 24);
	assert_true(shows(&stage, "lost ring_full 3, unpaired 2"));
	draw(&stage, 80, 24);
	assert_true(shows(&stage, "lost ring_full 3, unpaired 2") || shows(&stage, "lost 5"));
	draw(&stage, 56, 24);
	assert_true(shows(&stage, "lost 5"));
	stage_close(&stage);
}

static void test_pause(void **state)
{
	struct stage stage;
	char *before, *after;

	(void)state;
	stage_open(&stage, false);
	run_to(&stage, 50);
	press(&stage, LT_KEY_CHAR, " ");
	draw(&stage, 120, 40);
	assert_true(shows(&stage, "PAUSED"));
	before = dump(stage.canvas, false);
	run_to(&stage, 90);
	draw(&stage, 120, 40);
	after = dump(stage.canvas, false);
	assert_string_equal(before, after);
	/* Collection went on: after the pause the history has no gap. */
	press(&stage, LT_KEY_CHAR, " ");
	run_to(&stage, 91);
	assert_int_equal((int)lt_history__sample(stage.app.history, stage.app.table.rows[0].id,
						 INFINITY, 20)->time, (int)SEQUENCE_TIME + 71);
	draw(&stage, 120, 40);
	assert_false(shows(&stage, "PAUSED"));
	free(before);
	free(after);
	stage_close(&stage);
}

static void test_empty(void **state)
{
	struct stage stage;
	struct lt_snapshot empty;

	(void)state;
	stage_open(&stage, false);
	empty = *sequence_step(stage.sequence, 0);
	empty.n_processes = 0;
	lt_app__update(&stage.app, &empty);
	compare_sizes(&stage, "empty");
	stage_close(&stage);
}

/* A process that ends while it is open: it says how, and the last figures stay until it is dismissed. */
static void test_open_process_ends(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	run_to(&stage, 99);
	show_only(&stage, "migrate");
	press(&stage, LT_KEY_ENTER, "");
	draw(&stage, 80, 24);
	assert_true(shows(&stage, "655 migrate.js"));
	run_to(&stage, SEQUENCE_ENDS_AT);
	draw(&stage, 80, 24);
	assert_true(shows(&stage, "ended: exit status 3"));
	assert_true(shows(&stage, "turn p99"));
	run_to(&stage, SEQUENCE_ENDS_AT + 200);
	draw(&stage, 80, 24);
	assert_true(shows(&stage, "ended: exit status 3"));
	assert_true(shows(&stage, "turn p99"));
	press(&stage, LT_KEY_ESC, "");
	press(&stage, LT_KEY_ESC, "");
	for (int width = 80; width <= 160; width += 80) {
		draw(&stage, width, 24);
		assert_true(shows(&stage, "PROCESS / LOOP"));
		assert_true(shows(&stage, "migrate.js"));
		assert_true(shows(&stage, width == 80 ? "exit status" : "ended: exit status 3"));
	}
	show_only(&stage, "migrate");
	press(&stage, LT_KEY_ENTER, "");
	press(&stage, LT_KEY_ESC, "");
	press(&stage, LT_KEY_CHAR, "x");
	press(&stage, LT_KEY_ESC, "");
	draw(&stage, 80, 24);
	assert_false(shows(&stage, "migrate.js"));
	stage_close(&stage);
}

static void test_unknown_is_a_dash(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	run_to(&stage, 10);
	show_only(&stage, "uvserver");
	press(&stage, LT_KEY_ENTER, "");
	draw(&stage, 100, 40);
	compare_golden(&stage, "process-memory", false);
	assert_true(shows(&stage, "p99 -"));
	assert_false(shows(&stage, "nan"));
	assert_true(shows(&stage, "tier memory reads the loop's own counters only"));
	stage_close(&stage);
}

/* Time in no known phase is said to be unknown, not given to the phases that are. */
static void test_unknown_phase(void **state)
{
	struct stage stage;
	struct lt_snapshot snapshot;

	(void)state;
	stage_open(&stage, false);
	snapshot = *sequence_step(stage.sequence, 0);
	stage.sequence->server[0].phase_seconds[LT_PHASE_POLL_WAIT] -= 0.25;
	lt_app__update(&stage.app, &snapshot);
	show_only(&stage, "server.js");
	press(&stage, LT_KEY_ENTER, "");
	draw(&stage, 120, 30);
	assert_true(shows(&stage, "? unknown   25 %"));
	stage_close(&stage);
}

/* A process that ended in the middle of a stall is not blocked now. */
static void test_ended_is_not_blocked(void **state)
{
	struct stage stage;
	struct lt_snapshot snapshot;

	(void)state;
	stage_open(&stage, false);
	for (int ended = 0; ended < 2; ended++) {
		snapshot = *sequence_step(stage.sequence, ended);
		stage.sequence->server[0].stalled_seconds = 1.3;
		stage.sequence->processes[0].ended = ended;
		lt_app__update(&stage.app, &snapshot);
		draw(&stage, 160, 20);
		assert_int_equal(shows(&stage, "blocked 1.30s now"), !ended);
		assert_int_equal(shows(&stage, "1 stalled"), !ended);
	}
	stage_close(&stage);
}

/* Figures that cannot be: whatever a target's memory or a file makes them, nothing breaks. */
static void test_wild_figures(void **state)
{
	static const double wild[] = { NAN, INFINITY, -INFINITY, -1, 0, 1e300, -1e300, 5e-324 };
	struct lt_snapshot snapshot;
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		struct lt_loop *loop = &stage.sequence->server[0];
		struct lt_process *process = &stage.sequence->processes[0];

		snapshot = *sequence_step(stage.sequence, (int)i);
		loop->utilization = loop->busy_seconds = loop->turns = loop->stalled_seconds = wild[i];
		loop->lag = (struct lt_lag){ wild[i], wild[i], wild[i], wild[i], wild[i], wild[i] };
		loop->turn = fixture_dist(wild[i], wild[i], wild[i], wild[i], wild[i], wild[i]);
		loop->lag_base_seconds = loop->phase_seconds[0] = loop->cause_seconds[0] = wild[i];
		process->pool.size = process->pool.busy = process->pool.queue_depth = wild[i];
		process->pool.oldest_queued_seconds = process->pool.oldest_running_seconds = wild[i];
		process->gc_seconds = process->cpu_seconds = process->rss_bytes = wild[i];
		process->n_missing = 0;
		stage.sequence->stalls[0].start_time = stage.sequence->stalls[0].seconds = wild[i];
		stage.sequence->stalls[0].samples = stage.sequence->fx->frames[0].share = wild[i];
		stage.sequence->stalls[0].cause_seconds[1] = wild[i];
		stage.sequence->stalls[0].cause = (enum lt_cause)(i == 3 ? 99 : i);
		stage.sequence->fx->frames[1].line = (int)(i == 5 ? INT32_MIN : i);
		stage.sequence->stalls[0].ongoing = i % 2;
		loop->stalls = stage.sequence->stalls;
		loop->n_stalls = 1;
		snapshot.time = i == 7 ? wild[1] : snapshot.time;
		snapshot.interval_seconds = wild[i];
		snapshot.self.lost[0] = snapshot.self.total_lost[0] = wild[i];
		lt_app__update(&stage.app, &snapshot);
		stage.app.view = &lt_view_main;
		draw(&stage, 160, 50);
		draw(&stage, 80, 24);
		press(&stage, LT_KEY_ENTER, "");
		draw(&stage, 160, 50);
		draw(&stage, 80, 24);
		press(&stage, LT_KEY_ENTER, "");
		press(&stage, LT_KEY_ENTER, "");
		draw(&stage, 160, 50);
		draw(&stage, 80, 24);
	}
	stage_close(&stage);
}

/* Every view at every small size and some others; under sanitizers no cell may be missed. */
static void test_every_size(void **state)
{
	static const char *const ways[] = { "", "\r", "?", "s", "/", "\r\r", "\r\r\r" };

	(void)state;
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
		for (int ascii = 0; ascii < 2; ascii++) {
			struct stage stage;

			stage_open(&stage, ascii);
			run_to(&stage, 101);
			for (const char *c = ways[way]; *c; c++)
				press(&stage, *c == '\r' ? LT_KEY_ENTER : LT_KEY_CHAR, c);
			for (int height = 0; height < 64; height += height < 30 ? 1 : 11)
				for (int width = 0; width < 220; width += width < 90 ? 1 : 17)
					draw(&stage, width, height);
			stage_close(&stage);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_utf8),
		cmocka_unit_test(test_golden_ascii),
		cmocka_unit_test(test_golden_severity),
		cmocka_unit_test(test_quiet_when_well),
		cmocka_unit_test(test_no_dancing),
		cmocka_unit_test(test_counts_at_the_end),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_open_process_ends),
		cmocka_unit_test(test_unknown_is_a_dash),
		cmocka_unit_test(test_unknown_phase),
		cmocka_unit_test(test_ended_is_not_blocked),
		cmocka_unit_test(test_wild_figures),
		cmocka_unit_test(test_every_size),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("ui_view", tests, NULL, NULL);
}
