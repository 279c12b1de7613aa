/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What blocks: in the rows of the list, in the list of stalls, in an open stack; keys, mouse, pulses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ui_stage.h"

/* From the list, by the selected process. */
static void open_stalls(struct stage *stage)
{
	press(stage, LT_KEY_ENTER, "");
	press(stage, LT_KEY_ENTER, "");
}

/* The stalls of the server at this step. */
static void open_list(struct stage *stage, int step)
{
	run_to(stage, step);
	open_stalls(stage);
	assert_ptr_equal(stage->app.view, &lt_view_stalls);
	draw(stage, 120, 40);
}

static void key(struct stage *stage, enum lt_key_type type)
{
	press(stage, type, "");
	draw(stage, 120, 40);
}

static void mouse(struct stage *stage, enum lt_key_type type, int y)
{
	lt_app__key(&stage->app, &(struct lt_key){ .type = type, .x = 20, .y = y });
	draw(stage, 120, 40);
}

/* The line of the screen that has the cursor. */
static int cursor_line(struct stage *stage)
{
	for (int y = 0; y < lt_canvas__height(stage->canvas); y++)
		if (strcmp(lt_canvas__cell(stage->canvas, 0, y)->text, "▶") == 0)
			return y;
	return -1;
}

static void set_stall(struct stage *stage, const struct lt_stall *stall)
{
	struct lt_loop *loop = &stage->sequence->server[0];

	loop->stalls = stall;
	loop->n_stalls = stall != NULL;
	loop->stalled_seconds = stall && stall->ongoing ? stall->seconds : 0;
}

/* A snapshot in which the server's main loop has this stall, or none. */
static void feed(struct stage *stage, int step, const struct lt_stall *stall)
{
	const struct lt_snapshot *snapshot = sequence_step(stage->sequence, step);

	stage->step = step + 1;
	set_stall(stage, stall);
	lt_app__update(&stage->app, snapshot);
}

/* The same snapshot again, with this stall as it is now. */
static bool pulse(struct stage *stage, const struct lt_stall *stall)
{
	set_stall(stage, stall);
	return lt_app__update(&stage->app, &stage->sequence->snapshot);
}

static void test_blocker_in_the_row(void **state)
{
	struct stage *stage = *state;

	run_to(stage, 101);
	draw(stage, 120, 24);
	assert_true(shows(stage, "⚠1.30s drain  …b/queue.js:9"));
	assert_true(shows(stage, "⚠ blocked 1.30s now in drain  /app/lib/queue.js:9, "
				 "one nextTick after another, cpu"));
	/* Over: what was longest in the last minute, which is this one still. */
	run_to(stage, 110);
	draw(stage, 120, 24);
	assert_true(shows(stage, "worst in 60 s: 3.30s in drain"));
	assert_false(shows(stage, "blocked"));
	/* A Worker that had none. */
	press(stage, LT_KEY_DOWN, "");
	draw(stage, 120, 24);
	assert_true(shows(stage, "│ no stall in the last 60 s"));
	/* And a minute later an earlier one, with its original place. */
	stage_close(stage);
	stage_open(stage, false);
	run_to(stage, 70);
	draw(stage, 160, 24);
	assert_true(shows(stage, "worst in 60 s: 280ms"));
}

static void test_blocker_by_cause(void **state)
{
	struct stage *stage = *state;
	struct lt_stall stall;

	run_to(stage, 1);
	/* No stack of it was taken: its cause is all that is told. */
	stall = sequence_past_stall(stage->sequence, 2, 0.5);
	stall.start_time = SEQUENCE_TIME + 1.2;
	feed(stage, 2, &stall);
	show_only(stage, "server.js");
	draw(stage, 120, 24);
	assert_true(shows(stage, " 500ms sync I/O"));
	assert_true(shows(stage, "worst in 60 s: 500ms, sync I/O, function not known"));
	/* A long name below it is cut, not what it means; without V8's own namespace. */
	stall = sequence_past_stall(stage->sequence, 3, 0.45);
	stall.start_time = SEQUENCE_TIME + 1.8;
	stage->sequence->fx->frames[0].function = "v8::internal::Runtime_DateCurrentTime";
	feed(stage, 2, &stall);
	open_stalls(stage);
	draw(stage, 120, 24);
	assert_true(shows(stage, "Runtime_DateCurren… below it"));
	press(stage, LT_KEY_RIGHT, "");
	draw(stage, 120, 24);
	assert_true(shows(stage, "86 %  v8::internal::Runtime_DateCurrentTime"));
	for (int i = 0; i < 3; i++)
		press(stage, LT_KEY_ESC, "");
	stage->sequence->fx->frames[0].function = "JSON.parse";
	/* Its causes by weight. */
	stall = sequence_past_stall(stage->sequence, 1, 0.4);
	stall.start_time = SEQUENCE_TIME + 2.2;
	feed(stage, 3, &stall);
	open_stalls(stage);
	press(stage, LT_KEY_RIGHT, "");
	draw(stage, 120, 24);
	assert_true(shows(stage, "▓ gc 350ms  █ cpu 50ms"));
	for (int i = 0; i < 3; i++)
		press(stage, LT_KEY_ESC, "");
	/* One that no name says anything of: its place does. */
	stall = sequence_past_stall(stage->sequence, 3, 0.7);
	stall.start_time = SEQUENCE_TIME + 3.1;
	stage->sequence->fx->frames[1].function = "(anonymous)";
	feed(stage, 4, &stall);
	draw(stage, 160, 24);
	assert_true(shows(stage, " 700ms /app/src/invoice.ts:17"));
	assert_true(
		shows(stage, "in (anonymous)  /app/src/invoice.ts:17, JSON.parse below it, cpu"));
}

/* Only the loop's own clock tells that it is blocked: for how long, and no more. */
static void test_blocked_and_no_more_known(void **state)
{
	struct stage *stage = *state;

	run_to(stage, 1);
	sequence_step(stage->sequence, 2);
	stage->sequence->api[0].stalled_seconds = 2;
	lt_app__update(&stage->app, &stage->sequence->snapshot);
	lt_table__sort_by(&stage->app.table, LT_COL_WORST);
	lt_app__resort(&stage->app);
	assert_string_equal(stage->app.table.rows[0].source.process->name, "api.js");
	assert_true(stage->app.table.rows[0].source.worst_seconds == 2);
	draw(stage, 120, 24);
	assert_true(shows(stage, "⚠2.00s"));
	assert_true(shows(stage, "⚠ blocked 2.00s now"));
}

/* Where the list is longer than the screen, the selected row and its line are on it. */
static void test_line_on_a_low_screen(void **state)
{
	struct stage *stage = *state;

	run_to(stage, 9);
	for (int i = 0; i < 12; i++) {
		draw(stage, 100, 10);
		assert_in_range(cursor_line(stage), 3, 7);
		assert_true(shows(stage, "in the last 60 s") || shows(stage, "worst in"));
		press(stage, LT_KEY_DOWN, "");
	}
}

static void test_stalls_not_known(void **state)
{
	struct stage *stage = *state;

	sequence_step(stage->sequence, 0);
	stage->sequence->api[0].stalled_seconds = NAN;
	lt_app__update(&stage->app, &stage->sequence->snapshot);
	show_only(stage, "api.js");
	draw(stage, 120, 24);
	assert_true(shows(stage, "stalls: -"));
	press(stage, LT_KEY_ENTER, "");
	draw(stage, 120, 40);
	assert_true(shows(stage, "latest stalls"));
	assert_false(shows(stage, "none seen"));
	press(stage, LT_KEY_CHAR, "s");
	draw(stage, 120, 24);
	assert_true(shows(stage, "Not known"));
	press(stage, LT_KEY_ENTER, "");
	press(stage, LT_KEY_DOWN, "");
	press(stage, LT_KEY_END, "");
	press(stage, LT_KEY_ESC, "");
	assert_ptr_equal(stage->app.view, &lt_view_process);
}

static void test_expand_and_collapse(void **state)
{
	struct stage *stage = *state;

	open_list(stage, 101);
	assert_false(shows(stage, "blocks"));
	key(stage, LT_KEY_ENTER);
	assert_true(shows(stage, "blocks 100 %  drain"));
	assert_true(shows(stage, "120 stacks in 1.30s, 100 % of them in drain"));
	assert_true(shows(stage, "one process.nextTick after another: timers and I/O wait"));
	assert_true(shows(stage, "█ cpu 1.25s  ▚ run queue 40ms"));
	assert_true(shows(stage, "node:internal/process/task_queues:77"));
	key(stage, LT_KEY_ENTER);
	assert_false(shows(stage, "blocks"));
	key(stage, LT_KEY_RIGHT);
	key(stage, LT_KEY_RIGHT);
	assert_true(shows(stage, "blocks"));
	key(stage, LT_KEY_LEFT);
	key(stage, LT_KEY_LEFT);
	assert_false(shows(stage, "blocks"));
	/* The next one, by the way of its stack; only one is open. */
	key(stage, LT_KEY_RIGHT);
	key(stage, LT_KEY_END);
	key(stage, LT_KEY_UP);
	key(stage, LT_KEY_RIGHT);
	assert_false(shows(stage, "drain   /"));
	assert_true(shows(stage, "parseInvoice                            /app/src/invoice.ts:17"
				 "  (/app/server.js:42)"));
	assert_true(shows(stage, "V8 built-in"));
	/* From within the stack: it closes, the cursor is on its stall. */
	key(stage, LT_KEY_DOWN);
	key(stage, LT_KEY_DOWN);
	key(stage, LT_KEY_ESC);
	assert_false(shows(stage, "blocks"));
	assert_ptr_equal(stage->app.view, &lt_view_stalls);
	key(stage, LT_KEY_ESC);
	assert_ptr_equal(stage->app.view, &lt_view_process);
}

static void test_move(void **state)
{
	struct stage *stage = *state;
	int first;

	open_list(stage, 101);
	first = cursor_line(stage);
	key(stage, LT_KEY_UP);
	assert_int_equal(cursor_line(stage), first);
	key(stage, LT_KEY_DOWN);
	assert_int_equal(cursor_line(stage), first + 1);
	key(stage, LT_KEY_RIGHT);
	/* why, seen, four frames, and the next stall. */
	for (int i = 1; i <= 7; i++) {
		key(stage, LT_KEY_DOWN);
		assert_int_equal(cursor_line(stage), first + 1 + i);
		assert_int_equal(stage->app.stalls.line, i < 7 ? i : 0);
	}
	key(stage, LT_KEY_END);
	key(stage, LT_KEY_DOWN);
	key(stage, LT_KEY_PAGE_DOWN);
	assert_int_equal(cursor_line(stage), first + 17 - 1 + 6);
	key(stage, LT_KEY_PAGE_UP);
	assert_int_equal(cursor_line(stage), first);
	/* A low screen scrolls; the cursor is always on it. */
	draw(stage, 80, 12);
	assert_true(shows(stage, "j: more"));
	for (int i = 0; i < 30; i++) {
		press(stage, LT_KEY_DOWN, "");
		draw(stage, 80, 12);
		assert_in_range(cursor_line(stage), 4, 10);
	}
	assert_false(shows(stage, "j: more"));
}

/* Nobody chose one: the latest. Chosen: this one, whatever comes. */
static void test_cursor_stays(void **state)
{
	struct stage *stage = *state;
	uint64_t number;
	int line;

	open_list(stage, 36);
	line = cursor_line(stage);
	assert_true(shows(stage, "▶  14:13:55"));
	run_to(stage, 38);
	draw(stage, 120, 40);
	assert_int_equal(cursor_line(stage), line);
	assert_true(shows(stage, "▶  14:13:57"));
	key(stage, LT_KEY_DOWN);
	assert_true(shows(stage, "▶  14:13:56"));
	number = stage->app.stalls.number;
	run_to(stage, 40);
	draw(stage, 120, 40);
	assert_int_equal(cursor_line(stage), line + 3);
	assert_int_equal(stage->app.stalls.number, number);
	assert_true(shows(stage, "▶  14:13:56"));
	key(stage, LT_KEY_HOME);
	assert_true(shows(stage, "▶  14:13:59"));
	run_to(stage, 41);
	draw(stage, 120, 40);
	assert_true(shows(stage, "▶  14:14:00"));
}

static void test_mouse(void **state)
{
	struct stage *stage = *state;
	int x, y;

	run_to(stage, 101);
	press(stage, LT_KEY_ENTER, "");
	draw(stage, 120, 40);
	x = find_text(stage, "latest stalls", &y);
	assert_true(x > 0);
	/* The rule is no stall. */
	mouse(stage, LT_KEY_CLICK, y);
	assert_ptr_equal(stage->app.view, &lt_view_process);
	mouse(stage, LT_KEY_CLICK, y + 2);
	assert_ptr_equal(stage->app.view, &lt_view_stalls);
	/* The second half of a double click. */
	mouse(stage, LT_KEY_DOUBLE_CLICK, y + 2);
	assert_int_equal(cursor_line(stage), 5);
	assert_true(shows(stage, "blocks  90 %  parseInvoice"));
	/* A line of the stack is chosen, the stall above it closed. */
	mouse(stage, LT_KEY_CLICK, 8);
	assert_int_equal(cursor_line(stage), 8);
	mouse(stage, LT_KEY_CLICK, 5);
	assert_false(shows(stage, "blocks"));
	mouse(stage, LT_KEY_CLICK, 4);
	assert_true(shows(stage, "blocks 100 %  drain"));
	mouse(stage, LT_KEY_WHEEL_DOWN, 4);
	assert_int_equal(cursor_line(stage), 5);
	for (y = 35; y < 45; y++)
		mouse(stage, LT_KEY_CLICK, y);
	mouse(stage, LT_KEY_CLICK, 0);
	mouse(stage, LT_KEY_CLICK, -5);
	assert_int_equal(cursor_line(stage), 5);
}

/* Between two snapshots the latest comes again: what runs goes on, and nothing else does. */
static void test_pulse(void **state)
{
	const struct lt_sample *sample;
	struct stage *stage = *state;
	struct lt_stall stall;

	run_to(stage, 9);
	stall = sequence_stall(&stage->sequence->fx->stalls[1], SEQUENCE_TIME + 9.2, 0.12);
	feed(stage, 9, NULL);
	show_only(stage, "server.js");
	draw(stage, 120, 30);
	assert_false(shows(stage, "blocked"));
	/* It began after the snapshot. */
	assert_true(pulse(stage, &stall));
	draw(stage, 120, 30);
	assert_true(shows(stage, "⚠ blocked 120ms now in drain"));
	stall.seconds = 0.62;
	assert_true(pulse(stage, &stall));
	draw(stage, 120, 30);
	assert_true(shows(stage, "⚠ blocked 620ms now in drain"));
	assert_true(shows(stage, "1 stalled"));
	sample = lt_history__sample(stage->app.history, stage->app.table.rows[0].id, INFINITY, 9);
	assert_true(sample && sample->time == SEQUENCE_TIME);
	/* It ended: nothing is blocked, and its length is told by the next snapshot. */
	assert_true(pulse(stage, NULL));
	draw(stage, 120, 30);
	assert_false(shows(stage, "blocked"));
	assert_true(shows(stage, "worst in 60 s: 620ms in drain"));
	stall.seconds = 0.65;
	stall.ongoing = false;
	feed(stage, 10, &stall);
	draw(stage, 120, 30);
	assert_true(shows(stage, "worst in 60 s: 650ms in drain"));
}

static void test_pulse_while_paused(void **state)
{
	struct stage *stage = *state;
	struct lt_stall stall;
	char *before, *after;

	run_to(stage, 9);
	stall = sequence_stall(&stage->sequence->fx->stalls[1], SEQUENCE_TIME + 8.9, 0.1);
	feed(stage, 9, &stall);
	open_stalls(stage);
	press(stage, LT_KEY_RIGHT, "");
	press(stage, LT_KEY_CHAR, " ");
	draw(stage, 120, 30);
	before = dump(stage->canvas, false);
	for (int i = 0; i < 5; i++) {
		stall.seconds += 0.1;
		assert_false(pulse(stage, &stall));
	}
	draw(stage, 120, 30);
	after = dump(stage->canvas, false);
	assert_string_equal(before, after);
	press(stage, LT_KEY_CHAR, " ");
	stall.seconds = 0.8;
	assert_true(pulse(stage, &stall));
	draw(stage, 120, 30);
	assert_true(shows(stage, ">800ms"));
	free(before);
	free(after);
}

/* A clock that a wild figure would set is not believed. */
static void test_wild_pulse(void **state)
{
	static const double wild[] = { NAN, INFINITY, -INFINITY, 1e300, 1e9 };
	struct stage *stage = *state;
	struct lt_stall stall;

	run_to(stage, 9);
	stall = sequence_stall(&stage->sequence->fx->stalls[1], SEQUENCE_TIME + 9.2, 0.12);
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		stall.seconds = wild[i];
		pulse(stage, &stall);
		draw(stage, 120, 30);
		assert_true(stage->app.keep.time == SEQUENCE_TIME + 9);
	}
}

/* What is not all there says so. */
static void test_notes(void **state)
{
	static struct lt_stack_frame frames[80];
	struct stage *stage = *state;
	struct lt_stall stall = { .start_time = SEQUENCE_TIME + 8.5,
				  .seconds = 0.2,
				  .samples = 1,
				  .stack = frames,
				  .n_stack = 80,
				  .cause = LT_CAUSE_UNKNOWN };

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		stall.cause_seconds[i] = NAN;
	for (int i = 0; i < 80; i++)
		frames[i] = (struct lt_stack_frame){ .function = "walk", .share = 1 };
	run_to(stage, 8);
	feed(stage, 9, &stall);
	show_only(stage, "server.js");
	open_stalls(stage);
	press(stage, LT_KEY_RIGHT, "");
	draw(stage, 120, 100);
	assert_true(shows(stage, "its causes are not known"));
	assert_true(shows(stage, "1 stack in 200ms"));
	assert_true(shows(stage, "walk"));
	assert_true(shows(stage, "file not known"));
	assert_true(shows(stage, "and 16 callers more"));
	/* None was taken. */
	stall.start_time += 2;
	stall.samples = 0;
	stall.stack = NULL;
	feed(stage, 11, &stall);
	press(stage, LT_KEY_HOME, "");
	press(stage, LT_KEY_RIGHT, "");
	draw(stage, 120, 100);
	assert_true(shows(stage, "no stack was taken"));
	assert_true(shows(stage, "no stack: no function is known"));
}

/* A process that has gone: what blocked it is still to be read. */
static void test_process_has_gone(void **state)
{
	struct stage *stage = *state;

	open_list(stage, 101);
	key(stage, LT_KEY_RIGHT);
	for (int step = 102; step < 110; step++) {
		struct lt_snapshot snapshot = *sequence_step(stage->sequence, step);

		snapshot.processes++;
		snapshot.n_processes--;
		lt_app__update(&stage->app, &snapshot);
	}
	draw(stage, 120, 40);
	assert_true(shows(stage, "This process has ended"));
	assert_true(shows(stage, "blocks 100 %  drain"));
	assert_false(shows(stage, "⚠"));
	key(stage, LT_KEY_ESC);
	key(stage, LT_KEY_ESC);
	assert_true(shows(stage, "This process has ended"));
}

/* The busy time by cause: what is in no cause is unknown, and nothing is made up. */
static void test_causes(void **state)
{
	struct stage *stage = *state;

	sequence_step(stage->sequence, 0);
	stage->sequence->server[0].busy_seconds = stage->sequence->server[0].utilization = 0.5;
	stage->sequence->server[0].idle_seconds = 0.5;
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		stage->sequence->server[0].cause_seconds[i] = NAN;
	stage->sequence->server[0].cause_seconds[LT_CAUSE_CPU] = 0.2;
	stage->sequence->server[0].cause_seconds[LT_CAUSE_RUNQUEUE] = 1e-5;
	stage->sequence->server[0].cause_seconds[LT_CAUSE_THROTTLED] = 0;
	lt_app__update(&stage->app, &stage->sequence->snapshot);
	show_only(stage, "server.js");
	press(stage, LT_KEY_ENTER, "");
	draw(stage, 120, 40);
	assert_true(shows(stage, "█ cpu   20 % ▓ gc      -"));
	assert_true(shows(stage, "▚ run queue  <0.1%"));
	assert_true(shows(stage, "▞ throttled    0 %"));
	assert_true(shows(stage, "? unknown   30 %"));
	draw(stage, 80, 24);
	assert_true(shows(stage, "▚ queue <0.1% ▞ quota   0 % ?   30 %"));
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		stage->sequence->server[0].cause_seconds[i] = NAN;
	lt_app__update(&stage->app, &stage->sequence->snapshot);
	draw(stage, 120, 40);
	assert_true(shows(stage, "  why   -"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_blocker_in_the_row),
		TEST(test_blocker_by_cause),
		TEST(test_blocked_and_no_more_known),
		TEST(test_line_on_a_low_screen),
		TEST(test_stalls_not_known),
		TEST(test_expand_and_collapse),
		TEST(test_move),
		TEST(test_cursor_stays),
		TEST(test_mouse),
		TEST(test_pulse),
		TEST(test_pulse_while_paused),
		TEST(test_wild_pulse),
		TEST(test_notes),
		TEST(test_process_has_gone),
		TEST(test_causes),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("ui_stalls", tests, NULL, NULL);
}
