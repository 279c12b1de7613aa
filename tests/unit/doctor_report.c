/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The report in its three forms: complete, well-formed, and safe from what a target calls its functions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/doctor_case.h"
#include "tests/unit/hostile_text.h"

#define EVIL "<script>alert(1)</script>\"&\033[31m\x07"

enum form {
	TEXT,
	TEXT_ASCII,
	TEXT_COLOUR,
	JSON,
	HTML
};

static char *report(struct doctor_case *c, enum form form)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int err;

	assert_non_null(out);
	if (form == JSON)
		err = lt_doctor__json(c->doctor, out);
	else if (form == HTML)
		err = lt_doctor__html(c->doctor, out);
	else
		err = lt_doctor__text(c->doctor, out, form == TEXT_COLOUR, form == TEXT_ASCII);
	assert_int_equal(err, 0);
	fclose(out);
	return text;
}

static void ill(struct doctor_case *c, int i)
{
	case_stall(c, 0.2, "renderReport", NULL);
	if (i == 1)
		case_stall(c, 0.15, EVIL, NULL);
	c->process.pool.saturated_seconds = 0.9;
	c->process.pool.queue_depth_max = 12;
	case_tasks(c, "fs", 8, 0, 0.1, 0.05, 0.001);
}

static void test_text(void **state)
{
	struct doctor_case *c = case_new();
	char *text;

	(void)state;
	case_watch(c, ill);
	text = report(c, TEXT);
	assert_non_null(
		strstr(text, "server.js (pid 4121, node 22.1.0, tier phases), watched for 10.0s"));
	assert_non_null(strstr(text, "renderReport (/app/server.js:42)"));
	assert_non_null(strstr(text, "moving renderReport off the loop: lag p99"));
	assert_non_null(strstr(text, "UV_THREADPOOL_SIZE=8"));
	assert_non_null(strstr(text, "worker_threads"));
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\x07'));
	free(text);
	text = report(c, TEXT_ASCII);
	for (const char *byte = text; *byte; byte++)
		assert_true((unsigned char)*byte < 0x80);
	free(text);
	text = report(c, TEXT_COLOUR);
	assert_non_null(strstr(text, "\033[1;31m"));
	free(text);
	case_free(c);
}

static void test_nothing_found(void **state)
{
	struct doctor_case *c = case_new();
	char *text;

	(void)state;
	case_watch(c, NULL);
	text = report(c, TEXT);
	assert_non_null(strstr(text, "Nothing found"));
	assert_non_null(strstr(text, "look elsewhere"));
	assert_non_null(strstr(text, "Looked at"));
	assert_non_null(strstr(text, "Not looked at")); /* Workers, a container's limit */
	free(text);
	text = report(c, HTML);
	assert_non_null(strstr(text, "Nothing found"));
	free(text);
	case_free(c);
}

static void test_json(void **state)
{
	struct doctor_case *c = case_new();
	const char *id, *function;
	json_t *root, *finding, *estimate;
	char *text;

	(void)state;
	case_watch(c, ill);
	text = report(c, JSON);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "processes")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "findings")), 3);
	finding = json_array_get(json_object_get(root, "findings"), 0);
	id = json_string_value(json_object_get(finding, "id"));
	assert_string_equal(id, "sync-javascript");
	function =
		json_string_value(json_object_get(json_object_get(finding, "where"), "function"));
	assert_string_equal(function, "renderReport");
	estimate = json_array_get(json_object_get(finding, "estimates"), 0);
	assert_string_equal(json_string_value(json_object_get(estimate, "figure")),
			    "lag_p99_seconds");
	assert_true(json_real_value(json_object_get(estimate, "before")) >
		    json_real_value(json_object_get(estimate, "after")));
	for (size_t i = 1; i < 3; i++) { /* in order of weight */
		json_t *before = json_array_get(json_object_get(root, "findings"), i - 1);
		json_t *after = json_array_get(json_object_get(root, "findings"), i);

		assert_true(json_real_value(json_object_get(before, "weight_seconds")) >=
			    json_real_value(json_object_get(after, "weight_seconds")));
	}
	json_decref(root);
	free(text);
	case_free(c);
}

/* Every element that is opened is closed, in order; nothing is loaded from anywhere. */
static void check_elements(const char *page)
{
	static const char *const empty[] = { "!DOCTYPE", "meta", "rect", "line" };
	char open[32][16];
	size_t depth = 0;

	while ((page = strchr(page, '<'))) {
		bool closing = page[1] == '/', alone = false;
		size_t n = strcspn(++page + closing, " >");
		char name[16];

		assert_true(n < sizeof(name));
		snprintf(name, sizeof(name), "%.*s", (int)n, page + closing);
		for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
			alone |= strcmp(name, empty[i]) == 0;
		if (alone)
			continue;
		if (!closing) {
			assert_true(depth < 32);
			snprintf(open[depth++], sizeof(open[0]), "%s", name);
			continue;
		}
		assert_true(depth > 0);
		assert_string_equal(open[--depth], name);
	}
	assert_int_equal(depth, 0);
}

static void test_html(void **state)
{
	struct doctor_case *c = case_new();
	char *text;

	(void)state;
	case_watch(c, ill);
	text = report(c, HTML);
	check_elements(text);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "href="));
	assert_null(strstr(text, "http"));
	assert_null(strstr(text, "nan"));
	assert_non_null(strstr(text, "&lt;script&gt;"));
	assert_non_null(strstr(text, "<svg"));
	assert_non_null(strstr(text, "renderReport"));
	free(text);
	case_free(c);
}

static const char *evil_text;

static void evil(struct doctor_case *c, int i)
{
	const struct lt_stack_frame below = { .type = LT_FRAME_JS, .function = evil_text,
					      .file = evil_text, .original_file = evil_text,
					      .share = 1 };
	struct lt_stall *stall = case_stall(c, 0.2, evil_text, &below);
	struct lt_process *process = &c->process;

	c->frames[stall - c->stalls][1].file = evil_text;
	c->frames[stall - c->stalls][1].original_file = evil_text;
	process->name = process->exe = process->cgroup = process->hostname = evil_text;
	process->container = process->pod = process->runtime_version = evil_text;
	c->loops[0].name = evil_text;
	c->loops[0].streams.blocked = 1;
	c->loops[0].streams.queued_bytes = c->loops[0].streams.worst.queued_bytes = 5e7;
	c->loops[0].streams.longest_blocked_seconds = i + 1;
	c->loops[0].streams.worst.peer = evil_text;
}

/* What is between < and > in the page: only what looptop writes there itself. */
static void check_attributes(const char *page)
{
	while ((page = strchr(page, '<'))) {
		const char *end = strchr(page, '>'), *at;

		assert_non_null(end);
		at = memmem(page, (size_t)(end - page), "onerror", 7);
		assert_true(!at || memchr(page, '"', (size_t)(at - page))); /* within a value */
		assert_null(memmem(page, (size_t)(end - page), "<script", 7));
		assert_null(memmem(page, (size_t)(end - page), "<img", 4));
		page = end;
	}
}

static void test_hostile_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_HOSTILE; i++) {
		struct doctor_case *c = case_new();
		json_t *root;
		char *text;

		evil_text = hostile_texts[i];
		case_watch(c, evil);
		text = report(c, TEXT);
		assert_true(is_harmless(text));
		assert_null(strstr(text, "\n{\"event"));
		free(text);
		text = report(c, JSON);
		assert_true(is_harmless(text));
		assert_int_equal(count_lines(text), 1);
		root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		json_decref(root);
		free(text);
		text = report(c, HTML);
		assert_true(is_harmless(text));
		check_elements(text);
		check_attributes(text);
		assert_null(strstr(text, "<script"));
		assert_null(strstr(text, "<!--"));
		free(text);
		case_free(c);
	}
}

static void test_a_full_disk(void **state)
{
	struct doctor_case *c = case_new();
	FILE *full = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	case_watch(c, ill);
	assert_int_equal(lt_doctor__text(c->doctor, full, false, false), -ENOSPC);
	clearerr(full);
	assert_int_equal(lt_doctor__json(c->doctor, full), -ENOSPC);
	clearerr(full);
	assert_int_equal(lt_doctor__html(c->doctor, full), -ENOSPC);
	fclose(full);
	case_free(c);
}

/* Before the first interval has ended. */
static void test_nothing_watched(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	for (int form = TEXT; form <= HTML; form++)
		free(report(c, (enum form)form));
	case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	    cmocka_unit_test(test_nothing_found),
		cmocka_unit_test(test_json),	    cmocka_unit_test(test_html),
		cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_a_full_disk), cmocka_unit_test(test_nothing_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
