/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The dashboard on a canvas in memory, fed with the synthetic sequence: keys in, screens out, as text
 * and against golden files. LT_GOLDEN_WRITE=1 in the environment rewrites the files: look at the
 * difference before it is committed. Included after cmocka.
 */
#ifndef LOOPTOP_TESTS_UI_STAGE_H
#define LOOPTOP_TESTS_UI_STAGE_H

#include "ui/app.h"
#include "ui/view/view.h"
#include "ui_sequence.h"

#define GOLDEN_DIR "tests/unit/golden/ui/"

struct stage {
	struct lt_app app;
	struct lt_canvas *canvas;
	struct sequence *sequence;
	int step;
};

static inline void stage_open(struct stage *stage, bool ascii)
{
	struct lt_ui_opts opts = { .ascii = ascii, .interval_seconds = 1, .version = "0.1.0" };

	stage->step = 0;
	assert_int_equal(lt_app__init(&stage->app, &opts), 0);
	stage->canvas = lt_canvas__new(ascii);
	stage->sequence = sequence_new();
}

static inline void stage_close(struct stage *stage)
{
	lt_app__free(&stage->app);
	lt_canvas__free(stage->canvas);
	sequence_free(stage->sequence);
}

/* For a test that has a stage of its own, in *state. */
static inline int stage_set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	stage_open(stage, false);
	*state = stage;
	return 0;
}

static inline int stage_tear_down(void **state)
{
	stage_close(*state);
	free(*state);
	return 0;
}

static inline void run_to(struct stage *stage, int step)
{
	for (; stage->step <= step; stage->step++)
		lt_app__update(&stage->app, sequence_step(stage->sequence, stage->step));
}

static inline enum lt_ui_action press(struct stage *stage, enum lt_key_type type, const char *text)
{
	struct lt_key key = { .type = type };

	snprintf(key.text, sizeof(key.text), "%s", text);
	return lt_app__key(&stage->app, &key);
}

/* In the list, only the processes whose names have this in them. */
static inline void show_only(struct stage *stage, const char *name)
{
	snprintf(stage->app.table.filter, LT_FILTER_SIZE, "%s", name);
	lt_app__resort(&stage->app);
}

static inline void draw(struct stage *stage, int width, int height)
{
	assert_int_equal(lt_canvas__resize(stage->canvas, width, height), 0);
	lt_app__draw(&stage->app, stage->canvas);
}

/* The screen as text, or as one letter for each cell's style. To be freed. */
static inline char *dump(const struct lt_canvas *canvas, bool styles)
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

static inline char *read_file(const char *path)
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

static inline void compare_golden(struct stage *stage, const char *name, bool styles)
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
} sizes[] = { { 80, 24 }, { 120, 40 }, { 200, 50 }, { 40, 10 }, { 10, 3 } };

/* Draws what the stage shows at all sizes. */
static inline void compare_sizes(struct stage *stage, const char *name)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		draw(stage, sizes[i].width, sizes[i].height);
		compare_golden(stage, name, false);
	}
}

/* The places of a text on the screen: x and y, or -1. */
static inline int find_text(struct stage *stage, const char *text, int *ret_y)
{
	char *screen = dump(stage->canvas, false), *at = strstr(screen, text), *line = screen;
	int x = -1;

	*ret_y = 0;
	if (at) {
		for (char *c = screen; c < at; c++)
			if (*c == '\n') {
				++*ret_y;
				line = c + 1;
			}
		x = 0;
		for (char *c = line; c < at; c++)
			x += ((unsigned char)*c & 0xc0) != 0x80;
	}
	free(screen);
	return x;
}

static inline bool shows(struct stage *stage, const char *text)
{
	int y;

	return find_text(stage, text, &y) >= 0;
}

#endif
