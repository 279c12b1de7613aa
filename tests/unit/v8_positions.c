/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Position tables: those that were written, those that end too early, and bytes that are none. */
#include "agent/v8/positions.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/random.h"
#include "tests/unit/v8_image.h"

#define N_GARBAGE 200000

static const struct {
	int64_t code;
	int32_t script_offset, inlining_id;
} entries[] = {
	{ -1, 17, -1 },
	{ 0, 0, -1 },
	{ 3, 200, -1 },
	{ 3, 201, 0 },
	{ 64, 5, 3 },
	{ 70, 1000000, 65534 },
	{ 100000, 0x3ffffffe, -1 },
	{ 0x7ffffff0, 8, -1 },
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static struct image_table whole_table(bool new_encoding)
{
	struct image_table table = { .n = 0 };

	for (size_t i = 0; i < N_ENTRIES; i++)
		image_table_add(&table, new_encoding, entries[i].code,
				image_position(entries[i].script_offset, entries[i].inlining_id));
	return table;
}

/* The last entry that holds for an offset, -1: none. */
static int entry_at(int64_t offset)
{
	int found = -1;

	for (size_t i = 0; i < N_ENTRIES; i++)
		if (entries[i].code <= offset)
			found = (int)i;
	return found;
}

/* As lt_v8_positions__find(), of a copy behind which nothing can be read. */
static int find(const uint8_t *bytes, size_t n, bool new_encoding, int64_t offset,
		uint64_t *ret_value)
{
	uint8_t *copy = malloc(n ? n : 1);
	int err;

	memcpy(copy, bytes, n);
	err = lt_v8_positions__find(copy, n, new_encoding, offset, ret_value);
	free(copy);
	return err;
}

static void check(const struct image_table *table, size_t n, bool new_encoding, int64_t offset)
{
	uint64_t value = 0;
	struct lt_v8_position position;
	int err = find(table->bytes, n, new_encoding, offset, &value), i = entry_at(offset);

	if (n < table->n && err)
		return; /* it ends too early, and says so */
	/* cut between two entries it is a table, only a shorter one */
	while (n < table->n && i > 0 &&
	       lt_v8_position__of(value).script_offset != entries[i].script_offset)
		i--;
	assert_int_equal(err, i < 0 ? -ENOENT : 0);
	position = lt_v8_position__of(value);
	assert_int_equal(position.script_offset, entries[i].script_offset);
	assert_int_equal(position.inlining_id, entries[i].inlining_id);
}

static void test_find(void **state)
{
	static const int64_t offsets[] = { -1,	   0,	       1,	   2,	     3,	    4,
					   63,	   64,	       69,	   70,	     99999, 100000,
					   100001, 0x7fffffef, 0x7ffffff0, INT64_MAX };

	(void)state;
	for (int new_encoding = 0; new_encoding < 2; new_encoding++) {
		struct image_table table = whole_table(new_encoding);

		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
			for (size_t n = 0; n <= table.n; n++)
				check(&table, n, new_encoding, offsets[i]);
	}
}

/* The two encodings are not mistaken for one another in silence: this is what they differ in. */
static void test_encodings_differ(void **state)
{
	struct image_table table = { .n = 0 };
	uint64_t value;

	(void)state;
	image_table_add(&table, true, 7, image_position(30, -1));
	image_table_add(&table, true, 20, image_position(40, -1));
	assert_int_equal(find(table.bytes, table.n, true, 19, &value), 0);
	assert_int_equal(lt_v8_position__of(value).script_offset, 30);
	assert_int_equal(find(table.bytes, table.n, true, 6, &value), -ENOENT);
	assert_int_equal(find(table.bytes, table.n, false, 6, &value), -ENOENT);
}

static void test_broken(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int err;
	} cases[] = {
		{ "", 0, -ENOENT },
		{ "\x80", 1, -EINVAL },
		{ "\x00", 1, -EINVAL }, /* a half of an entry */
		{ "\x02\x80", 2, -EINVAL },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 13, -EINVAL },
		{ "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11,
		  -EINVAL }, /* beyond all code */
		/* more than 64 bits, which would be 4 and 0 without those */
		{ "\x84\x80\x80\x80\x80\x80\x80\x80\x80\x02\x00", 11, -EINVAL },
		{ "\x04\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7e", 11, -EINVAL },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int new_encoding = 0; new_encoding < 2; new_encoding++) {
			uint64_t value = 42;

			assert_int_equal(find((const uint8_t *)cases[i].bytes, cases[i].n,
					      new_encoding, 1000, &value),
					 cases[i].err);
			assert_int_equal(value, 42);
		}
}

static void test_position(void **state)
{
	struct lt_v8_position none = lt_v8_position__of(0), all = lt_v8_position__of(UINT64_MAX);

	(void)state;
	assert_int_equal(none.script_offset, -1);
	assert_int_equal(none.inlining_id, -1);
	assert_in_range(all.script_offset, 0, 0x3ffffffe);
	assert_in_range(all.inlining_id, 0, 65534);
	assert_int_equal(lt_v8_position__of(image_position(7, -1) | 1).script_offset,
			 7); /* external */
}

/* --- baseline code ------------------------------------------------------------------------------------ */

#define N_SIZES 8

/* Bytecodes 0 and 2 are wide prefixes, 1 and 3 extra wide ones. */
static const uint8_t sizes[3 * N_SIZES] = { 1,	    1, 1, 1, 1, 2, 3, 4,
					    /**/ 1, 1, 1, 1, 1, 3, 5, 7,
					    /**/ 1, 1, 1, 1, 1, 5, 9, 13 };

static int baseline(const struct image_table *table, size_t n, const uint8_t *bytecodes,
		    size_t n_bytecodes, uint64_t pc, int64_t *ret_offset)
{
	uint8_t *table_copy = malloc(n ? n : 1), *copy = malloc(n_bytecodes ? n_bytecodes : 1);
	int err;

	memcpy(table_copy, table->bytes, n);
	memcpy(copy, bytecodes, n_bytecodes);
	err = lt_v8_positions__baseline(table_copy, n, copy, n_bytecodes, sizes, N_SIZES, pc,
					ret_offset);
	free(table_copy);
	free(copy);
	return err;
}

static void test_baseline(void **state)
{
	/* at 0, 1, 3 (wide), 7 (extra wide, as with a break point), 17 */
	static const uint8_t bytecodes[] = { 4, 5, 9, 0, 5, 9, 9, 3, 6, 9, 9,
					     9, 9, 9, 9, 9, 9, 7, 9, 9, 9 };
	static const struct {
		uint64_t length; /* of the machine code */
		int64_t offset; /* of the bytecode */
	} parts[] = { { 20, -1 }, { 5, 0 }, { 300, 1 }, { 0, 3 }, { 16, 7 }, { 9, 17 } };
	struct image_table table = { .n = 0 };
	uint64_t pc = 0;
	int64_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		image_table_vlq(&table, parts[i].length);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (uint64_t n = 0; n < parts[i].length; n++, pc++) {
			assert_int_equal(baseline(&table, table.n, bytecodes, sizeof(bytecodes), pc,
						  &offset),
					 0);
			assert_int_equal(offset, parts[i].offset);
		}
	/* beyond the end; a table or bytecodes that end too early */
	assert_int_equal(baseline(&table, table.n, bytecodes, sizeof(bytecodes), pc, &offset),
			 -EINVAL);
	for (size_t n = 0; n < table.n; n++)
		assert_int_equal(baseline(&table, n, bytecodes, sizeof(bytecodes), pc - 1, &offset),
				 -EINVAL);
	for (size_t n = 0; n <= 17; n++)
		assert_int_equal(baseline(&table, table.n, bytecodes, n, pc - 1, &offset), -EINVAL);
}

static void test_baseline_broken(void **state)
{
	static const uint8_t unknown[] = { N_SIZES, 4, 4 }, prefix_last[] = { 4, 0 },
			     prefix_unknown[] = { 0, N_SIZES, 4 };
	struct image_table table = { .n = 0 }, large = { .n = 0 };
	int64_t offset = 42;

	(void)state;
	for (int i = 0; i < 8; i++)
		image_table_vlq(&table, 1);
	assert_int_equal(baseline(&table, table.n, unknown, 3, 5, &offset), -EINVAL);
	assert_int_equal(baseline(&table, table.n, prefix_last, 2, 5, &offset), -EINVAL);
	assert_int_equal(baseline(&table, table.n, prefix_unknown, 3, 5, &offset), -EINVAL);
	image_table_vlq(&large, 0);
	image_table_vlq(&large, UINT64_MAX); /* the sum must not run over */
	assert_int_equal(baseline(&large, large.n, prefix_last, 2, 0, &offset), -EINVAL);
	assert_int_equal(offset, 42);
}

static void test_garbage(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	(void)state;
	for (int i = 0; i < N_GARBAGE; i++) {
		struct image_table table = { .n = 0 };
		uint8_t bytecodes[40];
		uint64_t value = 0;
		int64_t offset = 0;

		for (size_t at = 0; at < 40; at++) {
			next_random(&seed);
			table.bytes[at] = (uint8_t)seed & (i & 1 ? 0xff : 0x8f);
			bytecodes[at] = (uint8_t)(seed >> 8) % (N_SIZES + !(i & 7));
		}
		table.n = seed % 40;
		if (!find(table.bytes, table.n, i & 2, (int64_t)(seed >> 40), &value)) {
			struct lt_v8_position position = lt_v8_position__of(value);

			assert_true(position.script_offset >= -1 &&
				    position.script_offset < 0x3fffffff);
			assert_true(position.inlining_id >= -1 && position.inlining_id < 65535);
		}
		if (!baseline(&table, table.n, bytecodes, 40 - table.n, seed >> 52, &offset))
			assert_true(offset >= -1 && offset < (int64_t)(40 - table.n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),	 cmocka_unit_test(test_encodings_differ),
		cmocka_unit_test(test_broken),	 cmocka_unit_test(test_position),
		cmocka_unit_test(test_baseline), cmocka_unit_test(test_baseline_broken),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
