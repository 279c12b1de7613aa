/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Thousands of sizes: nothing overlaps, nothing is outside, what matters most goes last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/layout.h"

static void assert_inside(struct lt_rect r, int width, int height, const char *what)
{
	if (lt_rect_empty(r))
		return;
	if (r.x < 0 || r.y < 0 || r.x + r.w > width || r.y + r.h > height)
		fail_msg("%s %d,%d %dx%d is outside %dx%d", what, r.x, r.y, r.w, r.h, width,
			 height);
}

static void assert_apart(const struct lt_rect *rects, size_t n, int width, int height)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (!lt_rect_empty(rects[i]) && !lt_rect_empty(rects[j]) &&
			    !lt_rect_empty(lt_rect_intersect(rects[i], rects[j])))
				fail_msg("parts %zu and %zu overlap at %dx%d", i, j, width, height);
}

static void test_main_frame(void **state)
{
	(void)state;
	for (int w = 0; w <= 260; w++)
		for (int h = 0; h <= 90; h++)
			for (size_t rows = 0; rows < 60; rows += 7) {
				struct lt_frame f = lt_layout_main(w, h, rows);
				struct lt_rect all[] = { f.header, f.hint,   f.heading,
							 f.body,   f.detail, f.footer };

				for (size_t i = 0; i < 6; i++)
					assert_inside(all[i], w, h, "part");
				assert_apart(all, 6, w, h);
				if (f.blocker && (!rows || f.body.h < 4))
					fail_msg("no room for the line at %dx%d", w, h);
				if (w > 0 && h > 0 && f.body.h < 1)
					fail_msg("no room for a row at %dx%d", w, h);
				/* The detail takes no row away from the list, nor the line under one. */
				if (f.detail.h && f.body.h < (int)rows + f.blocker)
					fail_msg("detail over rows at %dx%d", w, h);
			}
}

static void test_columns(void **state)
{
	(void)state;
	for (int w = 0; w <= 400; w++) {
		struct lt_columns_layout layout = lt_layout_columns(w);
		int end = 0;

		for (int i = 0; i < layout.n; i++) {
			const struct lt_column_place *place = &layout.places[i];

			if (place->w < 1 || place->x < end || place->x + place->w > w)
				fail_msg("column %d at %d, %d wide, on %d", (int)place->id,
					 place->x, place->w, w);
			/* And a column free, for the arrow of the sorted one. */
			end = place->x + place->w + 1;
		}
		if (w > 0)
			assert_non_null(lt_columns_find(&layout, LT_COL_LAG_P99));
	}
}

static bool has(int width, enum lt_column_id id)
{
	struct lt_columns_layout layout = lt_layout_columns(width);

	return lt_columns_find(&layout, id);
}

static int width_of(int width, enum lt_column_id id)
{
	struct lt_columns_layout layout = lt_layout_columns(width);
	const struct lt_column_place *place = lt_columns_find(&layout, id);

	return place ? place->w : 0;
}

/* The narrowest screen on which a column is shown. */
static int first_width(enum lt_column_id id)
{
	for (int w = 0; w <= 400; w++)
		if (has(w, id))
			return w;
	return 401;
}

static void test_what_gives_way(void **state)
{
	(void)state;
	/* First what blocked, the strip and the name get narrower, then the p50 goes, then GC, … */
	assert_true(width_of(160, LT_COL_WORST) > lt_columns[LT_COL_WORST].width);
	assert_true(width_of(160, LT_COL_STRIP) > lt_columns[LT_COL_STRIP].width);
	assert_true(first_width(LT_COL_LAG_P50) > first_width(LT_COL_HEAP));
	assert_true(first_width(LT_COL_HEAP) > first_width(LT_COL_GC));
	assert_true(first_width(LT_COL_GC) > first_width(LT_COL_WORST));
	assert_true(first_width(LT_COL_WORST) > first_width(LT_COL_POOL_WAIT));
	assert_true(first_width(LT_COL_POOL_WAIT) > first_width(LT_COL_LAG_MAX));
	assert_true(first_width(LT_COL_CPU) > first_width(LT_COL_LAG_P50));
	assert_true(has(80, LT_COL_POOL_WAIT) && has(80, LT_COL_STRIP) && has(80, LT_COL_POOL));
	assert_true(has(100, LT_COL_GC) && has(100, LT_COL_WORST) && has(120, LT_COL_HEAP));
	assert_true(has(160, LT_COL_RSS));
	assert_true(has(240, LT_COL_COST) && has(240, LT_COL_TIER));
	/* Once there, a column stays as the screen gets wider. */
	for (int id = 0; id < LT_COL_MAX; id++)
		for (int w = first_width((enum lt_column_id)id); w <= 400; w++)
			assert_true(has(w, (enum lt_column_id)id));
}

static void test_process(void **state)
{
	(void)state;
	for (int w = 0; w <= 240; w += 1)
		for (int h = 0; h <= 80; h += 3)
			for (int n = 0; n < 48; n++) {
				struct lt_process_content content = {
					.legend = 1 + n % 2, .causes = n % 3, .kinds = n % 7, .gcs = n % 5,
					.stalls = n * 11 % 51, .missing = n % 4,
				};
				struct lt_process_layout l = lt_layout_process(w, h, &content);
				struct lt_rect all[] = { l.loop, l.heat,   l.hist,   l.pool,
							 l.gc,	 l.stalls, l.missing };

				for (size_t i = 0; i < 7; i++)
					assert_inside(all[i], w, l.height, "section");
				assert_apart(all, 7, w, h);
				if (w > 0 && l.loop.h < 4 + content.legend + content.causes)
					fail_msg("no causes at %dx%d", w, h);
				if (w > 0 && lt_rect_empty(l.stalls))
					fail_msg("no stalls at %dx%d", w, h);
			}
}

static void test_process_fits_80x24(void **state)
{
	struct lt_process_content content = { .legend = 1, .causes = 1, .heap = 1, .holds = 2,
					      .kinds = 2, .gcs = 4, .stalls = 2 };
	struct lt_process_layout layout = lt_layout_process(80, 21, &content);

	(void)state;
	/* All but the last of two stalls, and one line on what is held. */
	assert_true(layout.height <= 22);
	assert_int_equal(layout.holds.h, 1);
	assert_int_equal(layout.heat.y, layout.hist.y);
	assert_int_equal(layout.pool.y, layout.gc.y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_main_frame),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_what_gives_way),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_process_fits_80x24),
	};

	return cmocka_run_group_tests_name("ui_layout", tests, NULL, NULL);
}
