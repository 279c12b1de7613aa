/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What keys and the mouse do, without a terminal: state in, keys in, state and screen out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/app.h"
#include "ui/view/view.h"
#include "ui_sequence.h"

struct stage {
	struct lt_app app;
	struct lt_canvas *canvas;
	struct sequence *sequence;
};

static int setup(void **state)
{
	struct lt_ui_opts opts = { .interval_seconds = 1, .tier = "wait" };
	struct stage *stage = calloc(1, sizeof(*stage));

	stage->canvas = lt_canvas__new(false);
	stage->sequence = sequence_new();
	*state = stage;
	if (lt_app__init(&stage->app, &opts) || lt_canvas__resize(stage->canvas, 100, 30))
		return -1;
	for (int step = 0; step < 5; step++)
		lt_app__update(&stage->app, sequence_step(stage->sequence, step));
	lt_app__draw(&stage->app, stage->canvas);
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;

	lt_app__free(&stage->app);
	lt_canvas__free(stage->canvas);
	sequence_free(stage->sequence);
	free(stage);
	return 0;
}

static enum lt_ui_action key(struct stage *stage, enum lt_key_type type)
{
	enum lt_ui_action action = lt_app__key(&stage->app, &(struct lt_key){ .type = type });

	lt_app__draw(&stage->app, stage->canvas);
	return action;
}

static enum lt_ui_action type(struct stage *stage, const char *text)
{
	enum lt_ui_action action = LT_UI_NONE;

	for (; *text; text++) {
		struct lt_key one = { .type = LT_KEY_CHAR, .text = { *text } };

		action = lt_app__key(&stage->app, &one);
	}
	lt_app__draw(&stage->app, stage->canvas);
	return action;
}

static void mouse(struct stage *stage, enum lt_key_type type_of, int x, int y)
{
	struct lt_key one = { .type = type_of, .x = x, .y = y };

	lt_app__key(&stage->app, &one);
	lt_app__draw(&stage->app, stage->canvas);
}

static const char *selected_name(struct stage *stage)
{
	const struct lt_row *row = lt_table__selected(&stage->app.table);

	return row ? lt_column_text(LT_COL_NAME, &row->source) : "";
}

static void test_quit(void **state)
{
	assert_int_equal(type(*state, "q"), LT_UI_QUIT);
	/* In help q closes the help; in the filter it is a letter. */
	type(*state, "?");
	assert_int_equal(type(*state, "q"), LT_UI_NONE);
	type(*state, "/");
	assert_int_equal(type(*state, "q"), LT_UI_NONE);
	key(*state, LT_KEY_ESC);
	key(*state, LT_KEY_ENTER);
	assert_int_equal(type(*state, "q"), LT_UI_QUIT);
}

static void test_interval(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(type(stage, "+"), LT_UI_INTERVAL_CHANGED);
	assert_float_equal(stage->app.interval_seconds, 2, 0);
	for (int i = 0; i < 20; i++)
		type(stage, "+");
	assert_float_equal(stage->app.interval_seconds, 60, 0);
	assert_int_equal(type(stage, "+"), LT_UI_NONE);
	for (int i = 0; i < 20; i++)
		type(stage, "-");
	assert_float_equal(stage->app.interval_seconds, 0.1, 0);
	assert_int_equal(type(stage, "-"), LT_UI_NONE);
	stage->app.interval_seconds = 3.3;
	type(stage, "-");
	assert_float_equal(stage->app.interval_seconds, 2, 0);
}

static void test_tier(void **state)
{
	static const char *const next[] = { "phases", "full", "auto", "memory", "wait" };
	struct stage *stage = *state;

	assert_string_equal(lt_app__tier(&stage->app), "wait");
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(type(stage, "t"), LT_UI_TIER);
		assert_string_equal(lt_app__tier(&stage->app), next[i]);
	}
}

static void test_move_and_open(void **state)
{
	struct stage *stage = *state;

	key(stage, LT_KEY_DOWN);
	type(stage, "j");
	assert_int_equal(stage->app.table.selected, 2);
	type(stage, "k");
	key(stage, LT_KEY_UP);
	key(stage, LT_KEY_UP);
	assert_int_equal(stage->app.table.selected, 0);
	key(stage, LT_KEY_END);
	assert_int_equal(stage->app.table.selected, stage->app.table.n_rows - 1);
	assert_true(stage->app.table.chosen);
	key(stage, LT_KEY_PAGE_UP);
	key(stage, LT_KEY_PAGE_DOWN);
	key(stage, LT_KEY_HOME);
	assert_false(stage->app.table.chosen);
	key(stage, LT_KEY_ENTER);
	assert_ptr_equal(stage->app.view, &lt_view_process);
	key(stage, LT_KEY_BACKSPACE);
	assert_ptr_equal(stage->app.view, &lt_view_main);
}

/* Whom the probes are for: the one that is open, or that was chosen; nobody chose the first one of the list. */
static void test_looks_at(void **state)
{
	struct stage *stage = *state;
	int pid;

	assert_int_equal(lt_app__looks_at(&stage->app), 0);
	key(stage, LT_KEY_DOWN);
	pid = lt_table__selected(&stage->app.table)->id.pid;
	assert_true(pid > 0);
	assert_int_equal(lt_app__looks_at(&stage->app), pid);
	key(stage, LT_KEY_HOME);
	assert_int_equal(lt_app__looks_at(&stage->app), 0);
	key(stage, LT_KEY_ENTER);
	pid = stage->app.open.pid;
	assert_int_equal(lt_app__looks_at(&stage->app), pid);
	/* Help lies over it, and it is still there. */
	type(stage, "?");
	assert_int_equal(lt_app__looks_at(&stage->app), pid);
	type(stage, "q");
	key(stage, LT_KEY_BACKSPACE);
	assert_ptr_equal(stage->app.view, &lt_view_main);
	assert_int_equal(lt_app__looks_at(&stage->app), stage->app.table.chosen ? pid : 0);
}

static void test_loops_of_a_process(void **state)
{
	struct stage *stage = *state;
	int first;

	type(stage, "/server.js");
	key(stage, LT_KEY_ENTER);
	key(stage, LT_KEY_ENTER);
	first = stage->app.open.tid;
	key(stage, LT_KEY_TAB);
	assert_int_not_equal(stage->app.open.tid, first);
	key(stage, LT_KEY_RIGHT);
	key(stage, LT_KEY_TAB);
	assert_int_equal(stage->app.open.tid, first);
	key(stage, LT_KEY_BACKTAB);
	key(stage, LT_KEY_LEFT);
	key(stage, LT_KEY_LEFT);
	assert_int_equal(stage->app.open.tid, first);
	/* It scrolls no further than its end. */
	assert_int_equal(lt_canvas__resize(stage->canvas, 60, 12), 0);
	key(stage, LT_KEY_END);
	assert_in_range(stage->app.scroll, 1, 200);
	first = stage->app.scroll;
	type(stage, "jjjj");
	assert_int_equal(stage->app.scroll, first);
	key(stage, LT_KEY_HOME);
	type(stage, "kk");
	assert_int_equal(stage->app.scroll, 0);
}

static void test_filter(void **state)
{
	struct stage *stage = *state;
	size_t all = stage->app.table.n_rows;

	type(stage, "/");
	assert_true(stage->app.filtering);
	type(stage, "api");
	assert_int_equal(stage->app.table.n_rows, 1);
	assert_string_equal(selected_name(stage), "api.js");
	key(stage, LT_KEY_BACKSPACE);
	type(stage, "zzz");
	assert_int_equal(stage->app.table.n_rows, 0);
	for (int i = 0; i < 4; i++)
		key(stage, LT_KEY_BACKSPACE);
	assert_string_equal(stage->app.table.filter, "a");
	key(stage, LT_KEY_ENTER);
	assert_false(stage->app.filtering);
	assert_string_equal(stage->app.table.filter, "a");
	key(stage, LT_KEY_ESC);
	assert_string_equal(stage->app.table.filter, "");
	assert_int_equal(stage->app.table.n_rows, all);
	/* Far longer than there is room for, and of several bytes. */
	type(stage, "/");
	for (int i = 0; i < 200; i++)
		lt_app__key(&stage->app, &(struct lt_key){ .type = LT_KEY_CHAR, .text = "漢" });
	assert_true(strlen(stage->app.table.filter) < LT_FILTER_SIZE);
	assert_int_equal(strlen(stage->app.table.filter) % 3, 0);
	key(stage, LT_KEY_BACKSPACE);
	assert_int_equal(strlen(stage->app.table.filter) % 3, 0);
	key(stage, LT_KEY_ESC);
	assert_false(stage->app.filtering);
}

static void test_sort_keys(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage->app.table.sort, LT_COL_LAG_P99);
	assert_true(stage->app.table.descending);
	type(stage, "r");
	assert_false(stage->app.table.descending);
	type(stage, ">");
	assert_int_equal(stage->app.table.sort, LT_COL_LAG_MAX);
	assert_true(stage->app.table.descending);
	type(stage, "<<");
	/* Over the strip, which sorts as lag p99 does. */
	assert_int_equal(stage->app.table.sort, LT_COL_BUSY);
	type(stage, "<<<<<<<<<<<");
	assert_int_equal(stage->app.table.sort, LT_COL_PID);
	type(stage, ">>>>>>>>>>>>>>>>>>>>>>>>>>");
	assert_int_equal(stage->app.table.sort, LT_COL_WORST);
}

static void test_sort_menu(void **state)
{
	struct stage *stage = *state;

	type(stage, "s");
	assert_ptr_equal(stage->app.popup, &lt_view_sort);
	key(stage, LT_KEY_END);
	key(stage, LT_KEY_ENTER);
	assert_null(stage->app.popup);
	assert_int_equal(stage->app.table.sort, LT_COL_MAX - 1);
	type(stage, "s");
	key(stage, LT_KEY_HOME);
	key(stage, LT_KEY_UP);
	key(stage, LT_KEY_DOWN);
	key(stage, LT_KEY_ENTER);
	assert_int_equal(stage->app.table.sort, LT_COL_NAME);
	assert_false(stage->app.table.descending);
	type(stage, "s");
	key(stage, LT_KEY_ESC);
	assert_null(stage->app.popup);
	assert_int_equal(stage->app.table.sort, LT_COL_NAME);
	/* A click outside closes it, a click on a line takes it. */
	type(stage, "s");
	mouse(stage, LT_KEY_CLICK, 0, 0);
	assert_null(stage->app.popup);
	type(stage, "s");
	mouse(stage, LT_KEY_CLICK, 50, (30 - LT_COL_MAX - 2) / 2 + 1 + LT_COL_BUSY);
	assert_int_equal(stage->app.table.sort, LT_COL_BUSY);
}

static void test_mouse(void **state)
{
	struct stage *stage = *state;
	struct lt_frame frame = lt_layout_main(100, 30, stage->app.table.n_rows);
	struct lt_columns_layout columns = lt_layout_columns(100);
	const struct lt_column_place *busy = lt_columns_find(&columns, LT_COL_BUSY);

	/* Under the selected row there is a line that belongs to it. */
	mouse(stage, LT_KEY_CLICK, 20, frame.body.y + 1);
	assert_int_equal(stage->app.table.selected, 0);
	mouse(stage, LT_KEY_CLICK, 20, frame.body.y + 4);
	assert_int_equal(stage->app.table.selected, 3);
	mouse(stage, LT_KEY_CLICK, 20, frame.body.y + 4);
	assert_int_equal(stage->app.table.selected, 3);
	mouse(stage, LT_KEY_WHEEL_DOWN, 20, frame.body.y);
	assert_int_equal(stage->app.table.selected, 4);
	mouse(stage, LT_KEY_WHEEL_UP, 20, frame.body.y);
	assert_int_equal(stage->app.table.selected, 3);
	mouse(stage, LT_KEY_CLICK, 20, 29);
	mouse(stage, LT_KEY_CLICK, 20, frame.body.y + 1 + (int)stage->app.table.n_rows);
	mouse(stage, LT_KEY_CLICK, -1, -1);
	mouse(stage, LT_KEY_CLICK, 100000, 100000);
	assert_int_equal(stage->app.table.selected, 3);
	mouse(stage, LT_KEY_CLICK, busy->x + 1, frame.heading.y);
	assert_int_equal(stage->app.table.sort, LT_COL_BUSY);
	assert_true(stage->app.table.descending);
	mouse(stage, LT_KEY_CLICK, busy->x + 1, frame.heading.y);
	assert_false(stage->app.table.descending);
	mouse(stage, LT_KEY_DOUBLE_CLICK, 20, frame.body.y + 1);
	assert_ptr_equal(stage->app.view, &lt_view_process);
	mouse(stage, LT_KEY_DOUBLE_CLICK, 20, 5);
	mouse(stage, LT_KEY_WHEEL_DOWN, 20, 5);
}

static void test_message(void **state)
{
	struct stage *stage = *state;

	lt_app__message(&stage->app, "budget: \033[31mtier lowered\n");
	assert_string_equal(stage->app.message, "budget: ?[31mtier lowered?");
	lt_app__update(&stage->app, sequence_step(stage->sequence, 9));
	assert_true(lt_has_message(&stage->app));
	lt_app__update(&stage->app, sequence_step(stage->sequence, 20));
	assert_false(lt_has_message(&stage->app));
	lt_app__message(&stage->app, "again");
	key(stage, LT_KEY_DOWN);
	assert_false(lt_has_message(&stage->app));
}

/* Every command that the footer names is in the help, and every key does something somewhere. */
static void test_bindings(void **state)
{
	(void)state;
	for (size_t i = 0; i < lt_n_bindings; i++) {
		const struct lt_binding *binding = &lt_bindings[i];
		struct lt_key one = { .type = binding->type, .text = { binding->ch } };
		bool helped = false;

		for (unsigned where = 1; where <= LT_IN_STALLS; where <<= 1)
			if (binding->where & where)
				assert_int_equal(lt_command_of(&one, where), binding->command);
		for (size_t j = 0; j < lt_n_bindings; j++)
			helped |= lt_bindings[j].help &&
				  (lt_bindings[j].command == binding->command ||
				   lt_bindings[j].command + 1 == binding->command ||
				   lt_bindings[j].command == binding->command + 1);
		assert_true(helped);
		assert_true(!binding->brief || binding->label);
	}
}

/* Ten thousand random keys on changing screens: nothing breaks, memory stays sound. */
static void test_random_keys(void **state)
{
	struct stage *stage = *state;
	uint32_t seed = 12345;

	for (int i = 0; i < 10000; i++) {
		struct lt_key one = { 0 };

		seed = seed * 1664525 + 1013904223;
		one.type = (enum lt_key_type)((seed >> 8) % (LT_KEY_WHEEL_DOWN + 1));
		one.text[0] = (char)(' ' + (seed >> 16) % 95);
		one.x = (int)((seed >> 4) % 120);
		one.y = (int)((seed >> 12) % 40);
		lt_app__key(&stage->app, &one);
		if (i % 7 == 0)
			lt_app__update(&stage->app, sequence_step(stage->sequence, 5 + i / 7 % 200));
		if (i % 50 == 0)
			lt_canvas__resize(stage->canvas, (int)(seed >> 5) % 170,
					  (int)(seed >> 9) % 60);
		if (i % 3 == 0)
			lt_app__draw(&stage->app, stage->canvas);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_quit),      TEST(test_interval),	    TEST(test_tier),
		TEST(test_move_and_open), TEST(test_loops_of_a_process), TEST(test_filter), TEST(test_looks_at),
		TEST(test_sort_keys), TEST(test_sort_menu),	    TEST(test_mouse),
		TEST(test_message),   TEST(test_bindings),	    TEST(test_random_keys),
	};

	return cmocka_run_group_tests_name("ui_keys", tests, NULL, NULL);
}
