/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Clipping, wide characters, broken UTF-8, ASCII; and the small pictures drawn on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "ui/canvas.h"
#include "ui/widget/widget.h"

static struct lt_canvas *canvas_of(int width, int height, bool ascii)
{
	struct lt_canvas *canvas = lt_canvas__new(ascii);

	assert_non_null(canvas);
	assert_int_equal(lt_canvas__resize(canvas, width, height), 0);
	return canvas;
}

/* A row as text; widths must add up to the canvas' width. */
static const char *row(const struct lt_canvas *canvas, int y)
{
	static char text[4096];
	char *at = text;
	int columns = 0;

	*at = '\0';
	for (int x = 0; x < lt_canvas__width(canvas); x++) {
		const struct lt_cell *cell = lt_canvas__cell(canvas, x, y);

		assert_true(cell->width || !cell->text[0]);
		columns += cell->width;
		at = stpcpy(at, cell->text);
	}
	assert_int_equal(columns, lt_canvas__width(canvas));
	return text;
}

static void test_clip(void **state)
{
	struct lt_canvas *canvas = canvas_of(8, 3, false);
	struct lt_rect before;

	(void)state;
	lt_canvas__text(canvas, -2, 0, 0, "abcdefghijklmn");
	assert_string_equal(row(canvas, 0), "cdefghij");
	lt_canvas__text(canvas, 0, -1, 0, "never");
	lt_canvas__text(canvas, 0, 3, 0, "never");
	lt_canvas__text(canvas, 2000000000, 1, 0, "never");
	before = lt_canvas__clip(canvas, (struct lt_rect){ 2, 1, 3, 5 });
	lt_canvas__text(canvas, 0, 1, 0, "abcdefgh");
	lt_canvas__fill(canvas, (struct lt_rect){ -5, 2, 100, 100 }, 0, "x");
	/* A clip within a clip only gets smaller. */
	lt_canvas__clip(canvas, (struct lt_rect){ 0, 0, 8, 3 });
	lt_canvas__text(canvas, 0, 0, 0, "--------");
	lt_canvas__unclip(canvas, before);
	assert_string_equal(row(canvas, 0), "cdefghij");
	assert_string_equal(row(canvas, 1), "  cde   ");
	assert_string_equal(row(canvas, 2), "  xxx   ");
	lt_canvas__free(canvas);
}

static void test_wide(void **state)
{
	struct lt_canvas *canvas = canvas_of(6, 4, false);

	(void)state;
	assert_int_equal(lt_canvas__text(canvas, 0, 0, 0, "漢字漢字"), 8);
	assert_string_equal(row(canvas, 0), "漢字漢");
	/* What is cut in half at an edge leaves a space. */
	lt_canvas__text(canvas, -1, 1, 0, "漢字漢字");
	assert_string_equal(row(canvas, 1), " 字漢 ");
	/* What is drawn over in half leaves one too. */
	lt_canvas__text(canvas, 0, 2, 0, "漢字");
	lt_canvas__text(canvas, 1, 2, 0, "ab");
	assert_string_equal(row(canvas, 2), " ab   ");
	lt_canvas__text(canvas, 0, 3, 0, "漢字");
	lt_canvas__text(canvas, 1, 3, 0, "漢");
	assert_string_equal(row(canvas, 3), " 漢   ");
	lt_canvas__free(canvas);
}

static void test_left_and_right(void **state)
{
	struct lt_canvas *canvas = canvas_of(8, 5, false);

	(void)state;
	lt_canvas__left(canvas, 0, 0, 5, 0, "abcdefgh");
	assert_string_equal(row(canvas, 0), "abcd…   ");
	lt_canvas__right(canvas, 0, 1, 5, 0, "ab");
	assert_string_equal(row(canvas, 1), "   ab   ");
	lt_canvas__left(canvas, 1, 2, 4, 0, "漢字漢");
	assert_string_equal(row(canvas, 2), " 漢… " "   ");
	lt_canvas__right(canvas, 0, 3, 0, 0, "nothing");
	lt_canvas__left(canvas, 0, 3, -5, 0, "nothing");
	assert_string_equal(row(canvas, 3), "        ");
	lt_canvas__right(canvas, 0, 4, 8, 0, "漢");
	assert_string_equal(row(canvas, 4), "      漢");
	lt_canvas__free(canvas);
}

static void test_hostile_text(void **state)
{
	static const char *const broken[] = {
		"\xff\xfe", "\xe6\xbc", "\xe6", "\xf0\x9f\x98", "\xc0\xaf", "\xed\xa0\x80",
		"\x80\x80", "\033[31mred", "a\nb\rc\td", "\xe2\x80\xae" "rtl", "\xcc\x81" "first",
		"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "\xf4\x90\x80\x80", "\x7f",
	};
	struct lt_canvas *canvas = canvas_of(10, 1, false);

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		const char *text;

		lt_canvas__clear(canvas);
		lt_canvas__text(canvas, 0, 0, 0, broken[i]);
		text = row(canvas, 0);
		for (const char *c = text; *c; c++)
			assert_false((unsigned char)*c < ' ' || *c == 0x7f);
		assert_int_equal(lt_canvas__measure(canvas, broken[i]),
				 lt_canvas__text(canvas, 0, 0, 0, broken[i]));
	}
	lt_canvas__clear(canvas);
	lt_canvas__text(canvas, 0, 0, 0, "a\xff" "b\xe6\xbc");
	assert_string_equal(row(canvas, 0), "a?b?      ");
	lt_canvas__clear(canvas);
	lt_canvas__text(canvas, 0, 0, 0, "e\xcc\x81x");
	assert_string_equal(row(canvas, 0), "e\xcc\x81x        ");
	lt_canvas__free(canvas);
}

static void test_ascii(void **state)
{
	struct lt_canvas *canvas = canvas_of(8, 1, true);

	(void)state;
	lt_canvas__left(canvas, 0, 0, 8, 0, "漢é - a long one");
	for (const char *c = row(canvas, 0); *c; c++)
		assert_true((unsigned char)*c < 0x80);
	assert_int_equal(row(canvas, 0)[7], '~');
	lt_canvas__free(canvas);
}

static void test_sizes(void **state)
{
	struct lt_canvas *canvas = canvas_of(0, 0, false);

	(void)state;
	lt_canvas__text(canvas, 0, 0, 0, "x");
	lt_canvas__fill(canvas, (struct lt_rect){ 0, 0, 5, 5 }, 0, "x");
	assert_int_equal(lt_canvas__resize(canvas, -3, 1 << 30), 0);
	assert_int_equal(lt_canvas__width(canvas), 0);
	assert_int_equal(lt_canvas__height(canvas), LT_CANVAS_MAX_HEIGHT);
	assert_int_equal(lt_canvas__resize(canvas, 1 << 30, 1), 0);
	assert_int_equal(lt_canvas__width(canvas), LT_CANVAS_MAX_WIDTH);
	lt_canvas__fill(canvas, (struct lt_rect){ 0, 0, 1 << 20, 1 }, 0, "x");
	assert_string_equal(lt_canvas__cell(canvas, LT_CANVAS_MAX_WIDTH - 1, 0)->text, "x");
	lt_canvas__free(canvas);
}

static void test_styles(void **state)
{
	struct lt_canvas *canvas = canvas_of(4, 1, false);

	(void)state;
	lt_canvas__text(canvas, 0, 0, LT_SEV_BAD, "abcd");
	lt_canvas__tint(canvas, (struct lt_rect){ 1, 0, 2, 9 }, LT_STYLE_BOLD);
	assert_int_equal(lt_canvas__cell(canvas, 0, 0)->style, LT_SEV_BAD);
	assert_int_equal(lt_canvas__cell(canvas, 2, 0)->style, LT_SEV_BAD | LT_STYLE_BOLD);
	assert_int_equal(lt_canvas__cell(canvas, 3, 0)->style, LT_SEV_BAD);
	lt_canvas__free(canvas);
}

static void test_themes(void **state)
{
	static const int colours[] = { 0, 8, 16, 88, 256 };

	(void)state;
	assert_int_equal(lt_theme_find("default"), LT_THEME_DEFAULT);
	assert_int_equal(lt_theme_find("mono"), LT_THEME_MONO);
	assert_int_equal(lt_theme_find("pink"), -1);
	for (int style = 0; style < 256; style++) {
		assert_int_equal(lt_theme_paint(LT_THEME_MONO, 256, (uint8_t)style).foreground, -1);
		for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
			assert_true(lt_theme_paint(LT_THEME_DEFAULT, colours[i], (uint8_t)style)
					    .foreground < (colours[i] ? colours[i] : 1));
	}
	/* Severities differ from each other where there are no colours, or few. */
	for (size_t i = 0; i < 3; i++)
		for (uint8_t a = LT_SEV_OK; a < LT_SEV_MAX; a++)
			for (uint8_t b = (uint8_t)(a + 1); b < LT_SEV_MAX; b++) {
				struct lt_paint p = lt_theme_paint(LT_THEME_DEFAULT, colours[i], a);
				struct lt_paint q = lt_theme_paint(LT_THEME_DEFAULT, colours[i], b);

				assert_true(p.foreground != q.foreground || p.bold != q.bold ||
					    p.reverse != q.reverse || p.underline != q.underline);
			}
	assert_int_equal(lt_severity_lag(NAN), LT_SEV_NONE);
	assert_int_equal(lt_severity_lag(0.001), LT_SEV_OK);
	assert_int_equal(lt_severity_lag(0.05), LT_SEV_ATTENTION);
	assert_int_equal(lt_severity_lag(0.2), LT_SEV_BAD);
	assert_int_equal(lt_severity_lag(1.5), LT_SEV_CRITICAL);
}

static void test_bars(void **state)
{
	struct lt_canvas *canvas = canvas_of(10, 6, false);
	struct lt_segment segments[] = { { 0.5, "a", 0 }, { NAN, "b", 0 }, { 0.3, "c", 0 },
					 { 0.2, "d", 0 } };

	(void)state;
	lt_widget_bar(canvas, 0, 0, 10, 0.55, LT_SEV_OK);
	assert_string_equal(row(canvas, 0), "█████▌····");
	lt_widget_bar(canvas, 0, 1, 10, 7, LT_SEV_OK);
	assert_string_equal(row(canvas, 1), "██████████");
	lt_widget_bar(canvas, 0, 2, 10, NAN, LT_SEV_OK);
	assert_string_equal(row(canvas, 2), "-         ");
	lt_widget_bar(canvas, 0, 2, -4, 0.5, LT_SEV_OK);
	lt_widget_bar(canvas, 0, 3, 10, -1, LT_SEV_OK);
	assert_string_equal(row(canvas, 3), "··········");
	lt_widget_stack(canvas, 0, 4, 10, segments, 4);
	assert_string_equal(row(canvas, 4), "aaaaacccdd");
	assert_int_equal(lt_widget_threads(canvas, 0, 5, 10, 3, 4, 0), 4);
	assert_string_equal(row(canvas, 5), "■■■□      ");
	assert_int_equal(lt_widget_threads(canvas, 0, 5, 10, 1, 128, 0), 10);
	assert_string_equal(row(canvas, 5), "■□□□□□□□□□");
	assert_int_equal(lt_widget_threads(canvas, 0, 5, 10, 1, NAN, 0), 0);
	lt_canvas__free(canvas);
}

static void test_rise(void **state)
{
	struct lt_canvas *canvas = canvas_of(4, 2, false);

	(void)state;
	lt_widget_rise(canvas, 0, 0, 2, 1, 0);
	lt_widget_rise(canvas, 1, 0, 2, 0.25, 0);
	lt_widget_rise(canvas, 2, 0, 2, 0.0001, 0);
	lt_widget_rise(canvas, 3, 0, 2, NAN, 0);
	assert_string_equal(row(canvas, 0), "█   ");
	assert_string_equal(row(canvas, 1), "█▄▁ ");
	lt_canvas__free(canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clip),	     cmocka_unit_test(test_wide),
		cmocka_unit_test(test_left_and_right), cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_ascii),	     cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_styles),	     cmocka_unit_test(test_themes),
		cmocka_unit_test(test_bars),	     cmocka_unit_test(test_rise),
	};

	return cmocka_run_group_tests_name("ui_canvas", tests, NULL, NULL);
}
