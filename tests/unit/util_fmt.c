/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Figures and foreign text: exact outputs, widths, and every broken form of UTF-8. */
#include "agent/util/fmt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef char *(*format_fn)(char *buf, size_t size, double value);

static void check(format_fn fn, double value, const char *want)
{
	char buf[32];

	assert_string_equal(fn(buf, sizeof(buf), value), want);
}

static void test_seconds(void **state)
{
	(void)state;
	check(lt_fmt_more, NAN, "-");
	check(lt_fmt_more, 0.0002, ">0");
	check(lt_fmt_more, 0.9996, ">0.9s");
	check(lt_fmt_more, 9.999, ">9.9s");
	check(lt_fmt_more, 12.99, ">12s");
	check(lt_fmt_more, 0.0999, ">99ms");
	check(lt_fmt_more, 999.9, ">999s");
	check(lt_fmt_more, 1000, ">0.2h");
	check(lt_fmt_more, 35999, ">9.9h");
	check(lt_fmt_more, 1e7, ">999h");
	check(lt_fmt_more, INFINITY, ">999h");
	check(lt_fmt_seconds, NAN, "-");
	check(lt_fmt_seconds, 0, "0");
	check(lt_fmt_seconds, 3e-10, "0.3ns");
	check(lt_fmt_seconds, 64e-9, "64ns");
	check(lt_fmt_seconds, 999.6e-9, "1.0us");
	check(lt_fmt_seconds, 12e-6, "12us");
	check(lt_fmt_seconds, 999.7e-6, "1.0ms");
	check(lt_fmt_seconds, 3.44e-3, "3.4ms");
	check(lt_fmt_seconds, 9.96e-3, "10ms");
	check(lt_fmt_seconds, 0.12, "120ms");
	check(lt_fmt_seconds, 0.9996, "1.00s");
	check(lt_fmt_seconds, 2.314, "2.31s");
	check(lt_fmt_seconds, 9.996, "10.0s");
	check(lt_fmt_seconds, 99.96, "100s");
	check(lt_fmt_seconds, 720, "12min");
	check(lt_fmt_seconds, 720000, "200h");
}

static void test_counts(void **state)
{
	(void)state;
	check(lt_fmt_count, NAN, "-");
	check(lt_fmt_count, 0, "0");
	check(lt_fmt_count, 0.01, "<0.1");
	check(lt_fmt_count, 0.2, "0.2");
	check(lt_fmt_count, 7, "7");
	check(lt_fmt_count, 812, "812");
	check(lt_fmt_count, 9999, "9999");
	check(lt_fmt_count, 10000, "10.0k");
	check(lt_fmt_count, 999960, "1.0M");
	check(lt_fmt_count, 4.1e6, "4.1M");
	check(lt_fmt_bytes, NAN, "-");
	check(lt_fmt_bytes, 0, "0B");
	check(lt_fmt_bytes, 1536, "1.5K");
	check(lt_fmt_bytes, 83886080, "80M");
	check(lt_fmt_ratio, NAN, "-");
	check(lt_fmt_ratio, 0, "0 %");
	check(lt_fmt_ratio, 0.0001, "<0.1%");
	check(lt_fmt_ratio, 0.004, "0.4 %");
	check(lt_fmt_ratio, 0.714, "71 %");
	check(lt_fmt_ratio, 1, "100 %");
}

/* Whatever the size of the figure, it fits the column that the header promises. */
static void test_widths(void **state)
{
	char buf[64];

	(void)state;
	for (double x = 1e-12; x < 3e7; x *= 1.0101) {
		assert_in_range(strlen(lt_fmt_seconds(buf, sizeof(buf), x)), 1, 6);
		assert_string_not_equal(buf, "0");
	}
	for (double x = 1e-6; x < 1e15; x *= 1.0101) {
		assert_in_range(strlen(lt_fmt_count(buf, sizeof(buf), x)), 1, 6);
		assert_in_range(strlen(lt_fmt_bytes(buf, sizeof(buf), x)), 1, 6);
	}
	for (double x = 1e-9; x < 99; x *= 1.0101) {
		assert_in_range(strlen(lt_fmt_ratio(buf, sizeof(buf), x)), 1, 6);
		assert_string_not_equal(buf, "0 %");
	}
}

static void text_is(const char *src, const char *want)
{
	char buf[64];

	assert_string_equal(lt_fmt_text(buf, sizeof(buf), src), want);
}

static void test_text(void **state)
{
	char small[4];

	(void)state;
	text_is("server.js", "server.js");
	text_is("a\nb\x1b[31m\x7f", "a?b?[31m?");
	text_is("\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80", "\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80");
	text_is("\xff\xfe", "??");
	text_is("\xc0\x80", "??"); /* overlong */
	text_is("\xe0\x80\x80", "???");
	text_is("\xed\xa0\x80", "???"); /* a surrogate */
	text_is("\xf4\x90\x80\x80", "????"); /* over U+10FFFF */
	text_is("a\xe6\xbc", "a??"); /* cut at the end */
	text_is("\xc2\x9b", "?"); /* the control CSI */
	text_is("a\xe2\x80\xae" "b", "a?b"); /* right-to-left override */
	assert_string_equal(lt_fmt_text(small, sizeof(small), "ab\xc3\xa9"), "ab");
	assert_string_equal(lt_fmt_text(small, 1, "ab"), "");
}

static void test_utf8(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(lt_fmt_utf8(buf, sizeof(buf), "a\n\xc3\xa9\xff"),
			    "a\n\xc3\xa9\xef\xbf\xbd");
	assert_string_equal(lt_fmt_utf8(buf, 3, "\xff"), "");
	assert_string_equal(lt_fmt_utf8(buf, 4, "\xff"), "\xef\xbf\xbd");
}

static void test_cell(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "abc", 5, false), "abc  ");
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "abcde", 5, false), "abcde");
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "abcdef", 5, false), "abcd\xe2\x80\xa6");
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "abcdef", 5, true), "abcd~");
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "\xc3\xa9t", 3, true), "?t ");
	/* Two columns each: "漢漢" fits four; cut to three it is one, the mark. */
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "\xe6\xbc\xa2\xe6\xbc\xa2", 4, false),
			    "\xe6\xbc\xa2\xe6\xbc\xa2");
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "\xe6\xbc\xa2\xe6\xbc\xa2", 3, false),
			    "\xe6\xbc\xa2\xe2\x80\xa6");
	/* Combining marks take no column, however many there are. */
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "e\xcc\x81", 2, false), "e\xcc\x81 ");
	assert_string_equal(lt_fmt_cell(buf, sizeof(buf), "x", 0, false), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seconds), cmocka_unit_test(test_counts),
		cmocka_unit_test(test_widths), cmocka_unit_test(test_text),
		cmocka_unit_test(test_utf8), cmocka_unit_test(test_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
