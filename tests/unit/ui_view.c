/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Every view at several sizes against golden files, in UTF-8 and in ASCII; and every view at every
 * small size, which must not crash. LT_GOLDEN_WRITE=1 in the environment rewrites the files: look
 * at the difference before it is committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ui/app.h"
#include "ui_sequence.h"

#define GOLDEN_DIR "tests/unit/golden/ui/"

struct stage {
	struct lt_app app;
	struct lt_canvas *canvas;
	struct sequence *sequence;
	int step;
};

static void stage_open(struct stage *stage, bool ascii)
{
	struct lt_ui_opts opts = { .ascii = ascii, .interval_seconds = 1, .version = "0.1.0" };

	stage->step = 0;
	assert_int_equal(lt_app__init(&stage->app, &opts), 0);
	stage->canvas = lt_canvas__new(ascii);
	stage->sequence = sequence_new();
}

static void stage_close(struct stage *stage)
{
	lt_app__free(&stage->app);
	lt_canvas__free(stage->canvas);
	sequence_free(stage->sequence);
}

static void run_to(struct stage *stage, int step)
{
	for (; stage->step <= step; stage->step++)
		lt_app__update(&stage->app, sequence_step(stage->sequence, stage->step));
}

static enum lt_ui_action press(struct stage *stage, enum lt_key_type type, const char *text)
{
	struct lt_key key = { .type = type };

	snprintf(key.text, sizeof(key.text), "%s", text);
	return lt_app__key(&stage->app, &key);
}

static void draw(struct stage *stage, int width, int height)
{
	assert_int_equal(lt_canvas__resize(stage->canvas, width, height), 0);
	lt_app__draw(&stage->app, stage->canvas);
}

/* The screen as text, or as one letter for each cell's style. To be freed. */
static char *dump(const struct lt_canvas *canvas, bool styles)
{
	int width = lt_canvas__width(canvas), height = lt_canvas__height(canvas);
	char *text = calloc(1, (size_t)(width * 8 + 1) * (size_t)height + 1), *at = text;

	for (int y = 0; y < height; y++) {
		char *line = at;

		for (int x = 0; x < width; x++) {
			const struct lt_cell *cell = lt_canvas__cell(canvas, x, y);

			if (styles)
				*at++ = " oABC???"[cell->style & LT_STYLE_SEVERITY];
			else
				at = stpcpy(at, cell->text);
		}
		while (at > line && at[-1] == ' ')
			at--;
		*at++ = '\n';
	}
	*at = '\0';
	return text;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (file) {
		size_t n = fread(text, 1, (1 << 20) - 1, file);

		text[n] = '\0';
		fclose(file);
	}
	return text;
}

static void compare_golden(struct stage *stage, const char *name, bool styles)
{
	char path[256], *want, *have = dump(stage->canvas, styles);

	snprintf(path, sizeof(path), GOLDEN_DIR "%s-%dx%d%s%s.txt", name,
		 lt_canvas__width(stage->canvas), lt_canvas__height(stage->canvas),
		 lt_canvas__ascii(stage->canvas) ? "-ascii" : "", styles ? "-severity" : "");
	if (getenv("LT_GOLDEN_WRITE")) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(have, file);
		assert_int_equal(fclose(file), 0);
	}
	want = read_file(path);
	if (strcmp(want, have) != 0)
		print_error("%s differs; drawn was:\n%s\n", path, have);
	assert_string_equal(want, have);
	free(want);
	free(have);
}

static const struct {
	int width, height;
} sizes[] = { { 80, 24 }, { 100, 30 }, { 160, 50 }, { 40, 10 }, { 10, 3 } };

/* Draws what the stage shows at all sizes. */
static void compare_sizes(struct stage *stage, const char *name)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		draw(stage, sizes[i].width, sizes[i].height);
		compare_golden(stage, name, false);
	}
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_utf8),
		cmocka_unit_test(test_golden_ascii),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("ui_view", tests, NULL, NULL);
}
