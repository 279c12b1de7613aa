/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Source maps: what bundlers and compilers write, and what nobody should. Files and paths: v8_sourcemap_load.c. */
#include "agent/v8/sourcemap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/v8/sourcemap_internal.h"
#include "tests/unit/growth.h"
#include "tests/unit/random.h"
#include "sourcemap_file.h"

#define DATA	     "tests/unit/data/sourcemap"
#define N_MUTATIONS  30000
#define N_BIG	     2000000 /* segments */
#define BIG_TEXT_MAX (24u << 20)

/* Literals that no tool changes; each is once in the sources. */
static const struct {
	const char *mark, *file;
} marks[] = {
	{ "\"mark:negative\"", "invoice.ts" }, { "\"mark:total\"", "invoice.ts" },
	{ "\"mark:line\"", "server.ts" },      { "\"mark:empty\"", "server.ts" },
	{ "\"mark:join\"", "server.ts" },      { "\"mark:done\"", "server.ts" },
	{ "\"mark:failed\"", "server.ts" },
};

static char *read_data(const char *name)
{
	char path[256], *text;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), DATA "/%s", name);
	file = fopen(path, "re");
	assert_non_null(file);
	text = calloc(1, 1 << 16);
	length = fread(text, 1, (1 << 16) - 1, file);
	assert_true(length > 0);
	fclose(file);
	return text;
}

/* Where a mark is, in lines and UTF-16 units from 1. */
static bool position_of(const char *text, const char *mark, int *ret_line, int *ret_column)
{
	const char *end = strstr(text, mark);

	*ret_line = *ret_column = 1;
	for (const char *p = text; end && p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\n') {
			++*ret_line;
			*ret_column = 1;
		} else if ((c & 0xc0) != 0x80) {
			*ret_column += c >= 0xf0 ? 2 : 1;
		}
	}
	return end != NULL;
}

/* Looks each mark of a generated text up, n_lines further down. */
static void check_marks(const struct lt_sourcemap *map, const char *generated, const char *folder,
			int n_lines, unsigned n_expected)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		int line, column, from_line, from_column, found_line, found_column;
		char name[64], path[256], *source;
		const char *file;

		if (!position_of(generated, marks[i].mark, &line, &column))
			continue;
		n++;
		snprintf(name, sizeof(name), "src/%s", marks[i].file);
		snprintf(path, sizeof(path), "%s/%s", folder, marks[i].file);
		source = read_data(name);
		assert_true(position_of(source, marks[i].mark, &from_line, &from_column));
		free(source);
		assert_int_equal(lt_sourcemap__find(map, line + n_lines, column, &file, &found_line,
						    &found_column, NULL),
				 0);
		assert_string_equal(file, path);
		assert_int_equal(found_line, from_line);
		assert_int_equal(found_column, from_column);
	}
	assert_int_equal(n, n_expected);
}

/* Loads the map of a script of the test's data as that of a process with that root. */
static struct lt_sourcemap *load(const char *script, char **ret_text)
{
	struct lt_sourcemap *map = NULL;
	char path[64], *url;

	*ret_text = read_data(script);
	url = lt_sourcemap__url(*ret_text, strlen(*ret_text));
	assert_non_null(url);
	snprintf(path, sizeof(path), "/%s", script);
	assert_int_equal(load_sourcemap(DATA, path, url, &map), 0);
	free(url);
	return map;
}

static void test_real_maps(void **state)
{
	static const struct {
		const char *script, *folder;
		unsigned n_marks;
	} scripts[] = {
		{ "bundle.js", "/src", 7 },
		{ "min.js", "webpack://billing/src", 7 },
		{ "server.js", "/srv/app/src", 5 },
		{ "invoice.js", "/srv/app/src", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		char *text;
		struct lt_sourcemap *map = load(scripts[i].script, &text);

		check_marks(map, text, scripts[i].folder, 0, scripts[i].n_marks);
		lt_sourcemap__free(map);
		free(text);
	}
}

static void test_names(void **state)
{
	const char *file, *name;
	char *text;
	struct lt_sourcemap *map = load("min.js", &text);
	const char *function = strstr(text, "async function ");
	int line, column;

	(void)state;
	assert_non_null(function);
	column = (int)(function - text) + (int)strlen("async function ") + 1;
	assert_int_equal(lt_sourcemap__find(map, 1, column, &file, &line, &column, &name), 0);
	assert_string_equal(name, "handle");
	assert_int_equal(line, 3);
	assert_int_equal(column, (int)strlen("async function ") + 1);
	assert_int_equal(lt_sourcemap__find(map, 1, 1, &file, &line, &column, &name), 0);
	assert_null(name);
	assert_int_equal(lt_sourcemap__find(map, 4, 1, &file, &line, &column, &name), -ENOENT);
	assert_int_equal(lt_sourcemap__find(map, 5, 1, &file, &line, &column, &name), -ENOENT);
	assert_int_equal(lt_sourcemap__find(map, 0, 0, &file, &line, &column, &name), -ENOENT);
	assert_int_equal(lt_sourcemap__find(map, -1, 1, &file, &line, &column, &name), -ENOENT);
	assert_int_equal(
		lt_sourcemap__find(map, INT32_MAX, INT32_MAX, &file, &line, &column, &name),
		-ENOENT);
	lt_sourcemap__free(map);
	free(text);
}

static struct lt_sourcemap *parse(const char *text, const char *base)
{
	struct lt_sourcemap *map = NULL;

	assert_int_equal(lt_sourcemap__parse(text, strlen(text), base, &map), 0);
	return map;
}

/* Asserts what a map has at a place: "file:line:column:name", "" for nothing. */
static void check(const struct lt_sourcemap *map, int line, int column, const char *expected)
{
	char text[1200] = "";
	const char *file, *name;
	int from_line, from_column;

	if (!lt_sourcemap__find(map, line, column, &file, &from_line, &from_column, &name))
		snprintf(text, sizeof(text), "%s:%d:%d:%s", file, from_line, from_column,
			 name ? name : "-");
	assert_string_equal(text, expected);
}

static void test_lookup(void **state)
{
	struct lt_sourcemap *map = parse(
		"\xef\xbb\xbf)]}' not for browsers\n"
		"{\"version\":3,\"sources\":[\"a.ts\",null,\"\\u0000b\\n.ts\",\"../lib/%C3%BC.ts\"],"
		"\"names\":[\"f\",7,\"ünï\\u202e\"],"
		"\"mappings\":\"EAAAA,IAEE,E;;ICDF,ECCAC,ECCCC;IAAA,FAAC\"}",
		"/app/x.map");
	struct lt_sourcemap *root =
		parse("{\"version\":3,\"sourceRoot\":\"webpack://app\",\"sources\":"
		      "[\"../a.ts\",\"/b.ts\"],\"mappings\":\"AAAA,CCAA\"}",
		      "/app/x.map");

	(void)state;
	check(map, 1, 1, "");
	check(map, 1, 2, "");
	check(map, 1, 3, "/app/a.ts:1:1:f");
	check(map, 1, 6, "/app/a.ts:1:1:f");
	check(map, 1, 7, "/app/a.ts:3:3:-");
	check(map, 1, 8, "/app/a.ts:3:3:-");
	check(map, 1, 9, ""); /* a group of one number: nobody's */
	check(map, 1, 1000, "");
	check(map, 2, 1, "");
	check(map, 3, 4, "");
	check(map, 3, 5, ""); /* the source is null */
	check(map, 3, 7, "/app/?b?.ts:3:1:-");
	check(map, 3, 9, "/lib/ü.ts:4:2:ünï?");
	check(map, 4, 2, "");
	check(map, 4, 3, "/lib/ü.ts:4:3:-"); /* columns that go back */
	check(map, 4, 5, "/lib/ü.ts:4:2:-");
	check(map, 5, 1, "");
	lt_sourcemap__free(map);
	check(root, 1, 1, "webpack://app/../a.ts:1:1:-");
	check(root, 1, 2, "webpack://app/b.ts:1:1:-");
	lt_sourcemap__free(root);
	lt_sourcemap__free(NULL);
}

static int refused(const char *text, size_t length)
{
	/* no byte behind it is readable */
	char *copy = malloc(length ? length : 1);
	struct lt_sourcemap *map = NULL;
	int err;

	memcpy(copy, text, length);
	err = lt_sourcemap__parse(copy, length, "/x.map", &map);
	free(copy);
	assert_null(map);
	return err;
}

#define MAP(mappings) \
	"{\"version\":3,\"sources\":[\"a\"],\"names\":[],\"mappings\":\"" mappings "\"}"
#define SECTION(line, column, map)                               \
	"{\"offset\":{\"line\":" line ",\"column\":" column "}," \
	"\"map\":" map "}"
#define SECTIONS(list) "{\"version\":3,\"sections\":[" list "]}"

static void test_broken(void **state)
{
	static const char *const broken[] = {
		"",
		"{}",
		"[]",
		"null",
		"\xef\xbb\xbf",
		")]}'",
		"{\"version\":3}",
		"{\"version\":3,\"mappings\":7}",
		"{\"version\":2,\"mappings\":\"\"}",
		"{\"version\":\"3\",\"mappings\":\"\"}",
		"{\"mappings\":\"\"}",
		"{\"version\":3,\"sources\":{},\"mappings\":\"\"}",
		"{\"version\":3,\"names\":\"x\",\"mappings\":\"\"}",
		"{\"version\":3,\"mappings\":\"AAAA\"}", /* there are no sources */
		MAP("AA"),
		MAP("AAA"),
		MAP("AAAAA"), /* there are no names */
		MAP("AAAAAA"),
		MAP("D"), /* before the line */
		MAP("AADA"),
		MAP("ACAA"), /* no such source */
		MAP("A!"),
		MAP("A A"),
		MAP("g"), /* a number without an end */
		MAP("ggggggE"), /* 2^31 */
		MAP("ggggggggggggggggggggggA"),
		MAP("+/////D,+/////D"),
		MAP("AAAA\\u0000"),
		SECTIONS("7"),
		SECTIONS("{\"map\":" MAP("") "}"),
		SECTIONS("{\"offset\":{\"line\":1},\"map\":" MAP("") "}"),
		SECTIONS(SECTION("-1", "0", MAP(""))),
		SECTIONS(SECTION("1.5", "0", MAP(""))),
		SECTIONS(SECTION("2147483647", "0", MAP(""))),
		SECTIONS(SECTION("99999999999999999999", "0", MAP(""))),
		SECTIONS(SECTION("0", "0", SECTIONS(SECTION("0", "0", MAP(""))))),
		SECTIONS(SECTION("3", "0", MAP("")) "," SECTION("2", "9", MAP(""))),
		SECTIONS(SECTION("3", "2", MAP("")) "," SECTION("3", "1", MAP(""))),
		"{\"version\":3,\"sections\":{}}",
		"{\"sections\":[" SECTION("0", "0", MAP("")) "]}",
	};
	char *text = read_data("bundle.js.map");
	size_t end = (size_t)(strrchr(text, '}') - text);

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (refused(broken[i], strlen(broken[i])) != -EINVAL)
			fail_msg("not refused: %s", broken[i]);
	for (size_t length = 0; length <= end; length++)
		assert_int_equal(refused(text, length), -EINVAL);
	free(text);
}

/* Texts that would become much more in memory. */
static void test_bounds(void **state)
{
	static const struct {
		const char *part, *end;
		size_t n;
		int err;
	} bombs[] = {
		{ "[", "", 100000, -EINVAL },
		{ "[", "", 3000000, -EFBIG },
		{ "[],", "", 1500000, -EFBIG },
		{ "{", "", 70000, -EFBIG },
		{ "{\"sections\":[", "", 30000, -EINVAL },
		{ " ", "", LT_SOURCEMAP_MAX + 1, -EFBIG },
	};
	char *text = malloc(LT_SOURCEMAP_MAX + 1), *p = text;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		size_t size = strlen(bombs[i].part);

		p = text;
		for (size_t n = 0; n < bombs[i].n; n++, p += size)
			memcpy(p, bombs[i].part, size);
		assert_int_equal(refused(text, (size_t)(p - text)), bombs[i].err);
	}
	p = text + sprintf(text, "{\"version\":3,\"mappings\":\"\",\"sources\":[\"a\"");
	for (int i = 0; i < 65536; i++)
		p += sprintf(p, ",\"a\"");
	p += sprintf(p, "]}");
	assert_int_equal(refused(text, (size_t)(p - text)), -EFBIG);
	free(text);
}

static void test_sections(void **state)
{
	char *bundle = read_data("bundle.js"), *bundle_map = read_data("bundle.js.map"), *text;
	struct lt_sourcemap *map;

	(void)state;
	assert_true(asprintf(&text,
			     SECTIONS(SECTION("0", "0", MAP("AAAA,UAAA")) "," SECTION(
				     "0", "10", MAP("EAAA;AACA")) "," SECTION("100", "0", "%s")),
			     bundle_map) > 0);
	map = parse(text, "/bundle.js.map");
	check(map, 1, 10, "/a:1:1:-");
	check(map, 1, 11, ""); /* of the second section, which begins later: not the first's */
	check(map, 1, 12, "");
	check(map, 1, 13, "/a:1:1:-");
	check(map, 2, 1, "/a:2:1:-");
	check(map, 100, 1, "");
	check_marks(map, bundle, "/src", 100, 7);
	lt_sourcemap__free(map);
	free(text);
	free(bundle);
	free(bundle_map);
}

/* --- garbage, and much of it --------------------------------------------------------------------- */

static size_t mutate(char *text, size_t length, uint64_t *seed)
{
	static const char likely[] = "{}[]\",;:AgDE+/-0129\\.~\xff";
	unsigned n = 1 + (unsigned)(next_random(seed) % 4);

	for (unsigned i = 0; i < n && length > 1; i++) {
		size_t at = next_random(seed) % length, cut;

		switch (next_random(seed) % 8) {
		case 0: /* what follows is missing */
			length = at;
			break;
		case 1: /* a part is missing */
			cut = next_random(seed) % 32;
			cut = cut < length - at ? cut : length - at;
			memmove(text + at, text + at + cut, length - at - cut);
			length -= cut;
			break;
		case 2:
			text[at] ^= (char)(1 << next_random(seed) % 8);
			break;
		default:
			text[at] = likely[next_random(seed) % (sizeof(likely) - 1)];
		}
	}
	return length;
}

/* What a map that was taken says is within its bounds, wherever it is asked. */
static void ask(const struct lt_sourcemap *map, uint64_t *seed)
{
	for (int i = 0; i < 20; i++) {
		uint64_t r = next_random(seed);
		int line = r & 1 ? (int)(r >> 8 & 63) : (int)(r >> 8 & INT32_MAX);
		int column = r & 2 ? (int)(r >> 40 & 63) : (int)(r >> 33);
		int from_line = 0, from_column = 0;
		const char *file = NULL, *name = NULL;

		if (lt_sourcemap__find(map, line, column, &file, &from_line, &from_column, &name))
			continue;
		assert_in_range(strlen(file), 1, 1023);
		assert_true(!name || strlen(name) < 256);
		assert_true(from_line > 0 && from_column > 0);
	}
}

static void test_garbage(void **state)
{
	static const char *const names[] = { "bundle.js.map", "invoice.js.map", "server.js.map" };
	uint64_t seed = 0x5eed5eed5eed5eedull;
	unsigned n_taken = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *whole = read_data(names[i]), *text;
		size_t length = strlen(whole);

		for (int n = 0; n < N_MUTATIONS / 3; n++) {
			struct lt_sourcemap *map = NULL;
			size_t now;
			int err;

			text = malloc(length);
			memcpy(text, whole, length);
			now = mutate(text, length, &seed);
			err = lt_sourcemap__parse(text, now, "/srv/app.js.map", &map);
			free(text);
			assert_true(err == 0 || err == -EINVAL);
			if (err)
				continue;
			n_taken++;
			ask(map, &seed);
			lt_sourcemap__free(map);
		}
		free(whole);
	}
	assert_in_range(n_taken, N_MUTATIONS / 50, N_MUTATIONS); /* not all of it was refused */
}

/* A map of so many segments, its columns in order, or all backwards in one line. */
static double check_big(size_t n, bool backwards)
{
	char *text = malloc(BIG_TEXT_MAX), *p = text, *last = NULL;
	struct lt_sourcemap *map;
	double seconds;

	assert_non_null(text);
	p += sprintf(p, "{\"version\":3,\"sources\":[\"a\"],\"mappings\":\"%s",
		     backwards ? "ggggG" : "A"); /* 3 << 20, or 0 */
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, ",%sAA%s", backwards ? "D" : "C", i ? "C" : "A");
	p += sprintf(p, "\"}");
	assert_true(p < text + BIG_TEXT_MAX);
	assert_true(asprintf(&last, "/a:1:%zu:-", n) > 0);
	seconds = cpu_seconds();
	map = parse(text, "/x.map");
	check(map, 1, backwards ? (3 << 20) : 2, "/a:1:1:-");
	check(map, 1, backwards ? (3 << 20) + 1 - (int)n : 1 + (int)n, last);
	check(map, 1, 1, "");
	lt_sourcemap__free(map);
	seconds = cpu_seconds() - seconds;
	free(last);
	free(text);
	return seconds;
}

static double forwards(size_t n)
{
	return check_big(n, false);
}

static double backwards(size_t n)
{
	return check_big(n, true);
}

/* A map as large as they come. */
static void test_big(void **state)
{
	(void)state;
	assert_grows_with_size(forwards, N_BIG);
	assert_grows_with_size(backwards, N_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_maps), cmocka_unit_test(test_names),
		cmocka_unit_test(test_lookup),	  cmocka_unit_test(test_broken),
		cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_sections),
		cmocka_unit_test(test_garbage),	  cmocka_unit_test(test_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
