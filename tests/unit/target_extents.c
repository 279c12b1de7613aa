/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What was read of a file, and the sum of that. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/extents.h"
#include "tests/unit/elf_file.h"

#define BLOCK 4096u

static void test_list(void **state)
{
	struct lt_extents *extents = lt_extents__new(100 * BLOCK + 5);
	struct lt_extent parts[8];

	(void)state;
	assert_non_null(extents);
	assert_int_equal(lt_extents__list(extents, parts, 8), 0);
	lt_extents__note(extents, 10, 1);
	lt_extents__note(extents, BLOCK - 1, 2); /* in two blocks */
	lt_extents__note(extents, 50 * BLOCK, BLOCK);
	lt_extents__note(extents, 60 * BLOCK, 0); /* nothing */
	lt_extents__note(extents, 100 * BLOCK + 4, 100); /* beyond the end */
	lt_extents__note(extents, UINT64_MAX, 100);
	lt_extents__note(extents, 99 * BLOCK, 1);
	assert_int_equal(lt_extents__list(extents, parts, 8), 3);
	assert_int_equal(parts[0].offset, 0);
	assert_int_equal(parts[0].size, 2 * BLOCK);
	assert_int_equal(parts[1].offset, 50 * BLOCK);
	assert_int_equal(parts[1].size, BLOCK);
	assert_int_equal(parts[2].offset, 99 * BLOCK);
	assert_int_equal(parts[2].size, BLOCK + 5);
	lt_extents__note(extents, 3, UINT64_MAX);
	assert_int_equal(lt_extents__list(extents, parts, 8), 1);
	assert_int_equal(parts[0].size, 100 * BLOCK + 5);
	lt_extents__free(extents);
}

/* More parts than there is room for: what lies between is added, nothing is left out. */
static void test_room(void **state)
{
	struct lt_extents *extents = lt_extents__new(1000 * BLOCK);
	struct lt_extent parts[4];

	(void)state;
	for (uint64_t i = 0; i < 1000; i += 7)
		lt_extents__note(extents, i * BLOCK, 1);
	for (size_t max = 4; max > 0; max--) {
		size_t n = lt_extents__list(extents, parts, max);

		assert_in_range(n, 1, max);
		for (uint64_t i = 0; i < 1000; i += 7) {
			bool within = false;

			for (size_t k = 0; k < n; k++)
				within |= i * BLOCK >= parts[k].offset &&
					  i * BLOCK < parts[k].offset + parts[k].size;
			assert_true(within);
		}
	}
	lt_extents__free(extents);
}

static void test_limits(void **state)
{
	struct lt_extent part;

	(void)state;
	assert_null(lt_extents__new(0));
	assert_null(
		lt_extents__new(1ull << 40)); /* a hole in a file costs nothing, its blocks would */
	lt_extents__note(NULL, 0, 1);
	assert_int_equal(lt_extents__list(NULL, &part, 1), 0);
	lt_extents__free(NULL);
}

static uint64_t sum(int fd, const struct lt_extent *parts, size_t n, uint64_t key)
{
	uint64_t value;

	assert_int_equal(lt_extents_sum(fd, parts, n, key, &value), 0);
	return value;
}

static void test_sum(void **state)
{
	const struct lt_extent parts[] = { { 0, 4096 }, { 8192, 300001 } };
	const size_t size = 8192 + 300001;
	uint64_t key = 0x123456789abcdefull, whole, value;
	uint8_t *bytes = malloc(size);
	int fd;

	(void)state;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	fd = file_open(bytes, size);
	whole = sum(fd, parts, 2, key);
	assert_int_equal(sum(fd, parts, 2, key), whole);
	assert_int_not_equal(sum(fd, parts, 2, key + 1), whole);
	assert_int_not_equal(sum(fd, parts, 1, key), whole);
	for (size_t at = 0; at < size; at += 997) {
		uint8_t other = (uint8_t)~bytes[at];
		bool within = at < 4096 || at >= 8192;

		assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
		assert_int_equal(sum(fd, parts, 2, key) != whole, within);
		assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
	}
	/* two words that change places, and a change of a word that is 0 to the arithmetic's prime */
	assert_int_equal(pwrite(fd, bytes + 16, 8, 8), 8);
	assert_int_equal(pwrite(fd, bytes + 8, 8, 16), 8);
	assert_int_not_equal(sum(fd, parts, 2, key), whole);
	assert_int_equal(pwrite(fd, bytes + 8, 16, 8), 16);
	memcpy(&value, bytes + 64, 8);
	value += (1ull << 61) - 1;
	assert_int_equal(pwrite(fd, &value, 8, 64), 8);
	assert_int_not_equal(sum(fd, parts, 2, key), whole);
	assert_int_equal(pwrite(fd, bytes + 64, 8, 64), 8);
	assert_int_equal(sum(fd, parts, 2, key), whole);
	assert_int_equal(ftruncate(fd, (off_t)size - 1), 0);
	assert_int_equal(lt_extents_sum(fd, parts, 2, key, &value), -EIO);
	close(fd);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
