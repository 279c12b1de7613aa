/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* From a script in memory to its source map: by the URL that V8 keeps, by the last comment of the source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/util/budget.h"
#include "tests/unit/v8_stage.h"

/* Line 1 from column 3 on is line 5, column 1 of a.ts. */
#define MAP "{\"version\":3,\"sources\":[\"src/a.ts\"],\"mappings\":\"EAIA\"}"
#define URL "data:application/json," MAP
#define OTHER \
	"data:application/json,{%22version%22:3,%22sources%22:[%22b.ts%22],%22mappings%22:%22AAAA%22}"
/* as it stands in a comment, in which there are no quotes */
#define COMMENT "\n//# sourceMappingURL=" OTHER "\n"

static int set_up(void **state)
{
	(void)state;
	return stage_open(4, 64 << 20);
}

static uint64_t script(const char *name, const char *source, uint64_t url)
{
	uint64_t word = image_script(&image, text(name), text(source));

	image_put(&image, word, image.layout.script_source_url + 8, url);
	return word;
}

/* What is told of a place: "file:line:column", "" if nothing is. */
static void find_original(uint64_t word, struct lt_stack_frame *frame)
{
	struct lt_v8_script *found;

	next_stack();
	lt_v8_script__file(v8, word - 1, &frame->user);
	found = lt_v8_script__get(v8, word - 1);
	assert_non_null(found);
	lt_v8_original__find(v8, found, frame);
}

static void check(uint64_t word, int line, int column, const char *expected)
{
	struct lt_stack_frame frame = { .line = line, .column = column };
	char told[256] = "";

	find_original(word, &frame);
	/* what takes longer than a tick may wait is told later */
	for (int i = 0; *expected && !frame.original_file && i < 1000; i++) {
		usleep(10000);
		find_original(word, &frame);
	}
	if (frame.original_file)
		snprintf(told, sizeof(told), "%s:%d:%d", frame.original_file, frame.original_line,
			 frame.original_column);
	else
		assert_int_equal(frame.original_line + frame.original_column, 0);
	assert_string_equal(told, expected);
	assert_int_equal(frame.line, line); /* the generated place is told as it is */
}

static void test_by_url(void **state)
{
	uint64_t word = script("/srv/app.js", "x" COMMENT, text(URL));

	(void)state;
	for (int i = 0; i < 3; i++) {
		check(word, 1, 3, "/srv/src/a.ts:5:1");
		check(word, 1, 2, "");
		check(word, 2, 1, "");
		check(word, 0, 0, "");
		check(word, 1, 0, ""); /* any statement of the line */
	}
	check(script("file:///srv/m%20n/app.mjs", "x", text(URL)), 1, 3, "/srv/m n/src/a.ts:5:1");
}

static void test_by_comment(void **state)
{
	char *source = malloc((2u << 20) + 200);

	(void)state;
	check(script("/srv/app.js", "x" COMMENT, image.undefined), 1, 1, "/srv/b.ts:1:1");
	check(script("/srv/app.js", "x" COMMENT, text("")), 1, 1, "/srv/b.ts:1:1");
	memset(source, 'x', 2u << 20);
	strcpy(source + (2u << 20), COMMENT);
	check(script("/srv/app.js", source, image.undefined), 1, 1, "/srv/b.ts:1:1");
	/* far from the end: not looked for */
	memset(source, 'x', (2u << 20) + 150);
	memcpy(source, COMMENT, strlen(COMMENT));
	check(script("/srv/app.js", source, image.undefined), 1, 1, "");
	check(script("/srv/app.js", "no comment", image.undefined), 1, 1, "");
	free(source);
}

static void test_none(void **state)
{
	uint64_t lying = text(URL), nameless = script("", "x", text(URL));

	(void)state;
	check(script("node:internal/timers", "x", text(URL)), 1, 3, ""); /* Node's own */
	check(nameless, 1, 3, "");
	check(script("/srv/app.js", "x", text("data:application/json,{}")), 1, 3, "");
	check(script("/srv/app.js", "x", text("app.js.map")), 1, 3, ""); /* of no process */
	check(script("/srv/app.js", "x", 0xdeadbeef), 1, 3, "");
	image_put_half(&image, lying, 12, (1u << 29) - 1);
	check(script("/srv/app.js", "x", lying), 1, 3, "");
	image_put_half(&image, lying, 12, 40 << 20); /* not all of it is there */
	check(script("/srv/app.js", "x", lying), 1, 3, "");
}

/* Whichever read fails: the right place or none. */
static void test_reads_fail(void **state)
{
	(void)state;
	image.fail_err = -EFAULT;
	image.fail_once = true;
	for (uint64_t n = 1; n < 60; n++) {
		uint64_t word = script("/srv/app.js", "x", text(URL));
		struct lt_stack_frame frame = { .line = 1, .column = 3 };
		struct lt_v8_script *found;

		next_stack();
		image.fail_at = image.reads + n;
		lt_v8_script__file(v8, word - 1, &frame.user);
		found = lt_v8_script__get(v8, word - 1);
		if (found)
			lt_v8_original__find(v8, found, &frame);
		if (frame.original_file)
			assert_string_equal(frame.original_file, "/srv/src/a.ts");
		image.fail_at = 0;
	}
}

/* Maps of many scripts: all together stay within the budget, and one that had to go is read again. */
static void test_memory(void **state)
{
	const size_t n_segments = 700000;
	char *url = malloc(8u << 20), *p = url;
	uint64_t word, scripts[6];

	(void)state;
	lt_budget__set(8u << 20);
	p += sprintf(p, "data:,{\"version\":3,\"sources\":[\"a.ts\"],\"mappings\":\"AAAA");
	for (size_t i = 0; i < n_segments; i++)
		p += sprintf(p, ",CAAC");
	sprintf(p, "\"}");
	word = text(url);
	for (int i = 0; i < 6; i++) { /* each takes some 3 MB */
		scripts[i] = script("/srv/app.js", "x", word);
		check(scripts[i], 1, 9, "/srv/a.ts:1:9");
		assert_in_range(lt_budget__used(), 1u << 20, 8u << 20);
	}
	assert_in_range(lt_budget__used(), 4u << 20, 8u << 20);
	check(script("/srv/app.js", "x", text(URL)), 1, 3, "/srv/src/a.ts:5:1"); /* a small one */
	check(scripts[0], 1, 10, "/srv/a.ts:1:10");
	assert_in_range(lt_budget__used(), 4u << 20, 8u << 20);
	/* one that is larger than all of it */
	lt_budget__set(1u << 20);
	check(script("/srv/app.js", "x", word), 1, 9, "");
	assert_in_range(lt_budget__used(), 0, 1u << 20);
	lt_budget__set(64u << 20);
	lt_v8__forget(v8);
	check(script("/srv/app.js", "x", word), 1, 9, "/srv/a.ts:1:9");
	free(url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_url), TEST(by_comment), TEST(none), TEST(reads_fail), TEST(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
