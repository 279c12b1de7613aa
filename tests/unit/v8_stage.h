/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* For tests that ask a resolver about one image: the two, made by stage_open() and gone after each test. */
#ifndef LOOPTOP_TESTS_V8_STAGE_H
#define LOOPTOP_TESTS_V8_STAGE_H

#include "tests/unit/v8_image.h"

static struct image image;
static struct lt_v8 *v8;

static inline int stage_open(size_t version, size_t size)
{
	image_new(&image, version, size);
	v8 = image_resolver(&image);
	lt_v8_heap__begin(&v8->heap);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	lt_v8__free(v8);
	image_free(&image);
	return 0;
}

/* As when the next stack is resolved. */
static inline void next_stack(void)
{
	v8->heap.stats.stacks++;
	lt_v8_heap__begin(&v8->heap);
}

static inline uint64_t text(const char *latin1)
{
	return image_string(&image, latin1);
}

/* The test's own set_up() opens the stage. */
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

#endif
