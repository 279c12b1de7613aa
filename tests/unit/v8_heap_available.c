/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the spaces of a heap have available, read from memory that is built as each version has it, and whether the
 * getters of that memory read it where the version does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/v8_heap_image.h"

#define ROUNDS 5000

static struct heap_image image;

static int read_heap(struct lt_heap *heap)
{
	struct lt_heap_source source = hi_source(&image);

	return lt_heap__read(&source, HI_ISOLATE, heap);
}

static int space_index(const struct lt_heap_known *known, enum lt_space kind)
{
	for (int32_t i = 0; i < known->n_spaces; i++)
		if (known->order[i] == (int8_t)kind)
			return i;
	return -1;
}

static uint64_t space_at(const struct lt_heap_known *known, enum lt_space kind)
{
	int i = space_index(known, kind);

	assert_true(i >= 0);
	return HI_SPACES + (uint64_t)i * HI_SPACE_BYTES;
}

static bool has_available(void)
{
	struct lt_heap_source source = hi_source(&image);

	return lt_heap__has_available(&source, HI_ISOLATE);
}

/* Free lists with what the buffers give back, what the capacities have left, and nothing for large objects. */
static void test_available(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		const struct lt_heap_known *known = &lt_heap_known[version];
		double back = known->allocator == LT_HEAP_NONE ? 0 : 0x200;
		struct lt_heap heap;

		hi_build(&image, version);
		assert_true(has_available());
		assert_int_equal(read_heap(&heap), 0);
		assert_true(heap.space_available_bytes[LT_SPACE_OLD] == HI_FREE_BYTES + back);
		assert_true(heap.space_available_bytes[LT_SPACE_CODE] == HI_FREE_BYTES + back);
		assert_true(heap.space_available_bytes[LT_SPACE_NEW] ==
			    3.0 * known->young_space.area - 0x1000);
		assert_true(heap.space_available_bytes[LT_SPACE_NEW_LARGE] == HI_LEFT_BYTES);
		assert_true(heap.space_available_bytes[LT_SPACE_LARGE] == 0);
		assert_true(heap.space_available_bytes[LT_SPACE_CODE_LARGE] == 0);
		for (int i = 0; i < LT_SNAP_SPACES; i++)
			assert_true(lt_known(heap.space_available_bytes[i]) ==
				    lt_known(heap.space_used_bytes[i]));
	}
}

/* An object that is larger than its space's capacity, more pages in use than are planned, a rest that is too small
 * for the free list. */
static void test_at_the_edges(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		const struct lt_heap_known *known = &lt_heap_known[version];
		struct lt_heap heap;

		hi_build(&image, version);
		hi_put(&image,
		       space_at(known, LT_SPACE_NEW_LARGE) + (uint64_t)known->new_large_capacity,
		       1000);
		hi_put(&image,
		       space_at(known, LT_SPACE_NEW) + (uint64_t)known->young_space.capacity,
		       0x40000);
		for (uint64_t i = 0; i < LT_HEAP_LABS_MAX; i++)
			hi_put(&image, HI_AREAS + i * 0x20 + 8, HI_BASE + 0x300 - 16);
		assert_int_equal(read_heap(&heap), 0);
		assert_true(heap.space_available_bytes[LT_SPACE_NEW_LARGE] == 0);
		assert_true(heap.space_available_bytes[LT_SPACE_NEW] ==
			    known->young_space.area - 4096.0);
		assert_true(heap.space_available_bytes[LT_SPACE_OLD] == HI_FREE_BYTES);
	}
}

/* What contradicts the rest is unknown, and it alone. */
static void test_doubted(void **state)
{
	static const uint64_t wrong[] = { 3 * HI_MIB, 1ull << 50, UINT64_MAX };

	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		const struct lt_heap_known *known = &lt_heap_known[version];
		uint64_t new_space = space_at(known, LT_SPACE_NEW);

		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			struct lt_heap heap;

			hi_build(&image, version);
			hi_put(&image, hi_free_list(&image, 2), wrong[i]);
			if (i)
				hi_put(&image, new_space + (uint64_t)known->young_space.capacity,
				       wrong[i]);
			assert_int_equal(read_heap(&heap), 0);
			assert_false(lt_known(heap.space_available_bytes[known->order[2]]));
			assert_true(lt_known(heap.space_available_bytes[LT_SPACE_NEW]) == !i);
			assert_true(heap.used_bytes == (double)image.used);
		}
	}
}

/* Getters that read elsewhere: that is unknown then, and the rest is known. */
static void test_refused(void **state)
{
	static const enum lt_space kinds[] = { LT_SPACE_NEW, LT_SPACE_OLD, LT_SPACE_NEW_LARGE,
					       LT_SPACE_LARGE };

	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		const struct lt_heap_known *known = &lt_heap_known[version];

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			uint64_t slot = HI_VTABLES + HI_SLOT_FREE +
					0x80 * (uint64_t)space_index(known, kinds[i]);

			for (size_t other = 0; other < sizeof(kinds) / sizeof(kinds[0]); other++) {
				hi_build(&image, version);
				hi_put(&image, slot, hi_available(&image, kinds[other]));
				assert_true(has_available() == (i == other));
			}
			hi_put(&image, slot, HI_BASE + HI_BYTES - 8); /* cannot be read */
			assert_false(has_available());
		}
	}
}

static void test_unchecked(void **state)
{
	struct lt_heap_source source;
	struct lt_heap heap;

	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		hi_build(&image, version);
		source = hi_source(&image);
		source.has_available = false;
		assert_int_equal(lt_heap__read(&source, HI_ISOLATE, &heap), 0);
		assert_true(heap.used_bytes == (double)image.used);
		for (int i = 0; i < LT_SNAP_SPACES; i++)
			assert_false(lt_known(heap.space_available_bytes[i]));
	}
}

/* Words replaced anywhere by anything: bounded, and it ends. */
static void test_bent(void **state)
{
	unsigned seed = 20261121;
	size_t right = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		hi_build(&image, round % lt_heap_n_known);
		for (int i = rand_r(&seed) % 24; i >= 0; i--)
			hi_put(&image, HI_BASE + 8 * ((uint64_t)rand_r(&seed) % (HI_BYTES / 8)),
			       HI_BASE + (uint64_t)rand_r(&seed) % (HI_BYTES * 2));
		right += has_available();
		assert_true(image.reads < 64);
	}
	assert_true(right > ROUNDS / 10 && right < ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_available), cmocka_unit_test(test_at_the_edges),
		cmocka_unit_test(test_doubted),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unchecked), cmocka_unit_test(test_bent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
