/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* V8's strings of all kinds, and those that lie: about their length, their parts, their type. */
#include "agent/v8/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/v8_image.h"

#define READS_MAX 700 /* that any string may take */

static struct image image;
static struct lt_v8_heap heap;

static int set_up(void **state)
{
	(void)state;
	image_new(&image, 4, 4 << 20);
	heap = (struct lt_v8_heap){ .memory = image_memory(&image), .layout = &image.layout };
	lt_v8_heap__begin(&heap);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	image_free(&image);
	return 0;
}

static int read_text(uint64_t word, char *buf, size_t size)
{
	uint64_t reads = image.reads;
	int err;

	memset(heap.maps, 0, sizeof(heap.maps));
	lt_v8_heap__begin(&heap);
	err = lt_v8_string__text(&heap, word, buf, size);
	assert_true(image.reads - reads <= READS_MAX);
	return err;
}

static void check(uint64_t word, const char *expected)
{
	char *buf = malloc(300);

	assert_int_equal(read_text(word, buf, 300), 0);
	assert_string_equal(buf, expected);
	free(buf);
}

static void check_refused(uint64_t word, int expected_err)
{
	char buf[300];
	int err = read_text(word, buf, sizeof(buf));

	assert_int_equal(err, expected_err);
}

static uint64_t text(const char *latin1)
{
	return image_string(&image, latin1);
}

static void test_kinds(void **state)
{
	static const uint16_t units[] = { 'a', 0xe4, 0x4f60, 0xd835, 0xdcb3, 'z' };
	uint64_t flat = text("Invoice.total"), wide = image_string16(&image, units, 6);
	uint64_t cons = image_cons(&image, image_cons(&image, text("a."), text("prototype")),
				   image_cons(&image, text("."), wide));
	uint64_t external = image_external(&image, "external_name", 13, true);

	(void)state;
	check(flat, "Invoice.total");
	check(text(""), "");
	check(text("f\xfcr_\xe4lter"), "für_älter"); /* one-byte strings are Latin-1 */
	check(wide, "aä你𝒳z");
	check(cons, "a.prototype.aä你𝒳z");
	check(image_thin(&image, flat), "Invoice.total");
	check(image_thin(&image, image_thin(&image, cons)), "a.prototype.aä你𝒳z");
	check(image_sliced(&image, flat, 8, 5), "total");
	check(image_sliced(&image, external, 9, 4), "name");
	check(image_sliced(&image, image_thin(&image, flat), 0, 7), "Invoice");
	check(external, "external_name");
	check(image_external(&image, units, 6, false), "aä你𝒳z");
	check(image_cons(&image, flat, text("")), "Invoice.total");
	check(image_sliced(&image, cons, 9, 5), "pe.aä"); /* V8 makes none of these, but may */
}

/* What no terminal should be sent. */
static void test_not_printable(void **state)
{
	static const uint16_t lone[] = { 'a', 0xd835, 'b', 0xdcb3, 'c', 0xd835 };
	static const uint16_t swapped[] = { 0xdcb3, 0xd835 };
	static const uint16_t marks[] = { 'a', 0x202e, 0x200b, 0, 'b' };
	uint64_t with_nul = text("a_b");

	(void)state;
	*image_at(&image, with_nul, 17) = 0;
	check(with_nul, "a?b");
	check(text("a\x1b[31mb\n\x7f\x9b"), "a?[31mb???");
	check(image_string16(&image, lone, 6), "a\xef\xbf\xbd"
					       "b\xef\xbf\xbd"
					       "c\xef\xbf\xbd");
	check(image_string16(&image, swapped, 2), "\xef\xbf\xbd\xef\xbf\xbd");
	check(image_string16(&image, marks, 5), "a???b");
}

/* Cut between characters, whatever the room. */
static void test_cut(void **state)
{
	uint16_t units[2000];
	uint64_t wide;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		units[i] = i % 2 ? 0xdcb3 : 0xd835;
	wide = image_string16(&image, units, 2000);
	for (size_t size = 1; size < 40; size++) {
		char *buf = malloc(size);
		size_t length;

		assert_int_equal(read_text(wide, buf, size), 0);
		length = strlen(buf);
		assert_true(length < size && length % 4 == 0);
		for (size_t i = 0; i < length; i += 4)
			assert_memory_equal(buf + i, "𝒳", 4);
		free(buf);
	}
	{
		char *buf = malloc(4096);

		assert_int_equal(read_text(wide, buf, 4096), 0);
		assert_in_range(strlen(buf), 2000, 4095); /* of 8000 bytes */
		free(buf);
	}
}

static void test_cyclic(void **state)
{
	uint64_t thin = image_thin(&image, text("x"));
	uint64_t cons = image_cons(&image, text("ab"), text("cd"));
	uint64_t other = image_cons(&image, text("ef"), text("gh"));
	uint64_t sliced = image_sliced(&image, text("abcd"), 0, 4);

	(void)state;
	image_put(&image, thin, 16, thin);
	check_refused(thin, -E2BIG);
	image_put(&image, cons, 16, cons);
	check_refused(cons, -E2BIG);
	image_put(&image, cons, 16, text("ab"));
	image_put(&image, cons, 24, other);
	image_put(&image, other, 24, cons);
	image_put_half(&image, cons, 12, 1000);
	image_put_half(&image, other, 12, 1000);
	check_refused(cons, -EINVAL); /* the parts are as long as the whole */
	image_put(&image, sliced, 16, sliced);
	check_refused(sliced, -E2BIG);
}

/* Deeper than any name is: no recursion, and not for ever. */
static void test_deep(void **state)
{
	uint64_t left = text("x"), right = text("x"), thin = text("x");

	(void)state;
	for (int i = 0; i < 2000; i++) {
		left = image_cons(&image, left, text("y"));
		right = image_cons(&image, text("y"), right);
		thin = image_thin(&image, thin);
	}
	check_refused(left, -E2BIG);
	check_refused(right, -E2BIG);
	check_refused(thin, -E2BIG);
}

static void test_lengths_lie(void **state)
{
	static const uint32_t too_long[] = { 1u << 29, INT32_MAX, UINT32_MAX };
	uint64_t flat = text("flat"), last, cons = image_cons(&image, flat, text("!"));
	uint64_t external = image_external(&image, "data", 4, true);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		image_put_half(&image, flat, 12, too_long[i]);
		check_refused(flat, -EINVAL);
		check_refused(cons, -EINVAL);
	}
	image_put_half(&image, flat, 12, 2); /* less than the cons string needs */
	check_refused(cons, -EINVAL);
	image_put_half(&image, flat, 12, 4);
	check(cons, "flat!");
	image_put(&image, cons, 24, text("!?")); /* parts that are longer than the whole */
	check_refused(cons, -EINVAL);
	image_put(&image, cons, 24, text("!"));
	check(cons, "flat!");
	check_refused(image_sliced(&image, flat, 2, 3), -EINVAL);
	check_refused(image_sliced(&image, flat, 5, 1), -EINVAL);
	check_refused(image_sliced(&image, flat, -1, 1), -EINVAL);
	check_refused(image_sliced(&image, flat, INT32_MAX, 4), -EINVAL);
	check_refused(image_string_of(&image, IMAGE_SLICED, 2, flat, cons), -EINVAL);
	image_put(&image, external, 24, 0);
	check_refused(external, -EFAULT);
	image_put(&image, external, 24, UINT64_MAX - 1);
	check_refused(external, -EFAULT);
	last = text("last of the image");
	image_put_half(&image, last, 12, 1000); /* it ends before */
	check_refused(last, -EFAULT);
}

static void test_types_lie(void **state)
{
	static const uint64_t words[] = { 0,	      1,	  7ull << 32,	  0xdeadbeef, 3,
					  IMAGE_BASE, UINT64_MAX, 1ull << 47 | 1, 0x11 };
	uint64_t flat = text("flat"), map;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		check_refused(words[i], -EFAULT);
	check_refused(flat | 2, -EFAULT); /* weak */
	check_refused(image_object(&image, image.layout.script_type, 64), -EINVAL);
	for (int type = 0; type < 8; type++)
		if (type == 4 || type > 5)
			check_refused(image_string_of(&image, type, 4, flat, flat), -EINVAL);
	check_refused(image_string_of(&image, IMAGE_EXTERNAL | IMAGE_UNCACHED | IMAGE_ONE_BYTE, 4,
				      flat, image_alloc(&image, 64, 8)),
		      -EINVAL);
	check_refused(image_string_of(&image, IMAGE_CONS, 4, 0, flat), -EFAULT);
	check_refused(image_string_of(&image, IMAGE_CONS, 8, flat, image_smi(7)), -EFAULT);
	check_refused(image_string_of(&image, IMAGE_THIN, 4, image.undefined, 0), -EINVAL);
	/* a map that is none, or that cannot be read */
	map = image_alloc(&image, 64, 8) + 1;
	image_put(&image, flat, 0, map);
	check_refused(flat, -EFAULT);
	image_put(&image, flat, 0, IMAGE_BASE + (8 << 20) + 1);
	check_refused(flat, -EFAULT);
}

/* Whichever read fails: the text or an error. */
static void test_reads_fail(void **state)
{
	uint64_t cons = image_cons(&image, image_thin(&image, text("left.")),
				   image_sliced(&image, text("some right"), 5, 5));
	char buf[64];

	(void)state;
	image.fail_err = -EFAULT;
	for (int once = 0; once < 2; once++)
		for (uint64_t n = 1;; n++) {
			int err;

			image.fail_once = once;
			image.fail_at = image.reads + n;
			err = read_text(cons, buf, sizeof(buf));
			if (image.reads < image.fail_at)
				break; /* it took fewer reads */
			assert_true(err == -EFAULT || (!err && !strcmp(buf, "left.right")));
		}
	image.fail_at = 0;
	check(cons, "left.right");
}

struct change {
	uint64_t at_read, word;
	unsigned char bytes[48];
};

static void change_now(struct image *self, uint64_t address, size_t length)
{
	struct change *change = self->ctx;

	(void)address;
	(void)length;
	if (self->reads == change->at_read)
		memcpy(image_at(self, change->word, 0), change->bytes, sizeof(change->bytes));
}

/* The garbage collector puts something else where the string was, between any two reads: what comes out is
 * the old text, the new one, or nothing; never something of both. */
static void test_moved(void **state)
{
	uint64_t old = text("computeInvoiceTotal_____"), new = text("x");
	unsigned char saved[48];
	struct change change = { .word = old };
	unsigned n_changed = 0;
	char buf[64];

	(void)state;
	image_put_half(&image, old, 8, 0x1234567); /* hashes */
	image_put_half(&image, new, 8, 0x89abcde);
	memcpy(image_at(&image, new, 16), "parseBody", 9);
	image_put_half(&image, new, 12, 9);
	memcpy(change.bytes, image_at(&image, new, 0), 48);
	memcpy(saved, image_at(&image, old, 0), 48);
	image.before_read = change_now;
	image.ctx = &change;
	for (uint64_t n = 1; n < 20; n++) {
		int err;

		memcpy(image_at(&image, old, 0), saved, 48);
		change.at_read = image.reads + n;
		err = read_text(old, buf, sizeof(buf));
		n_changed += image.reads >= change.at_read;
		assert_true(err || !strcmp(buf, "computeInvoiceTotal_____") ||
			    !strcmp(buf, "parseBody"));
	}
	assert_in_range(n_changed, 3, 19);
}

static void test_budget(void **state)
{
	uint64_t flat = text("flat");
	char buf[64];

	(void)state;
	for (int i = 0; i < 100000; i++)
		if (lt_v8_string__text(&heap, flat, buf, sizeof(buf))) {
			assert_in_range(image.reads, 1000, 10000);
			assert_int_equal(lt_v8_string__text(&heap, flat, buf, sizeof(buf)), -EBUSY);
			check(flat, "flat"); /* with the next stack */
			return;
		}
	fail_msg("no bound of what one stack may cost");
}

/* A process that has ended is not asked again. */
static void test_gone(void **state)
{
	uint64_t flat = text("flat"), reads;
	char buf[64];

	(void)state;
	image.fail_at = 1;
	image.fail_err = -ESRCH;
	assert_int_equal(lt_v8_string__text(&heap, flat, buf, sizeof(buf)), -ESRCH);
	reads = image.reads;
	image.fail_at = 0;
	assert_int_equal(lt_v8_string__text(&heap, flat, buf, sizeof(buf)), -ESRCH);
	assert_int_equal(image.reads, reads);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(kinds), TEST(not_printable), TEST(cut),	   TEST(cyclic),
		TEST(deep),  TEST(lengths_lie),	  TEST(types_lie), TEST(reads_fail),
		TEST(moved), TEST(budget),	  TEST(gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
