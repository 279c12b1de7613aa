/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Every text of a snapshot that a target may choose, in every sink: no line is broken or forged, no terminal is told
 * anything, no spreadsheet computes, no page of metrics is other than it would have been.
 */
#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/sink/blockers.h"
#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"
#include "tests/unit/hostile_text.h"

static void set_frame(struct lt_stack_frame *frame, const char *text)
{
	frame->function = text;
	frame->file = text;
	if (frame->original_file)
		frame->original_file = text;
}

/* All that comes from targets; what looptop says itself (tiers, runtimes, what is missing) is its own. */
static struct fixture *fixture_with(const char *text)
{
	static struct lt_deopt deopts[2];
	struct fixture *fx = fixture_new();

	for (int i = 0; i < 3; i++) {
		struct lt_process *process = &fx->processes[i];

		process->name = process->cgroup = process->exe = process->hostname = text;
		process->container = process->pod = text;
		process->runtime_version = process->libuv_version = text;
	}
	for (int i = 0; i < 2; i++) {
		deopts[i] = (struct lt_deopt){ .count = 2 };
		deopts[i].where = fx->frames[1];
		set_frame(&deopts[i].where, text);
	}
	for (int i = 0; i < 5; i++) {
		fx->loops[i].name = text;
		if (fx->loops[i].streams.worst.peer)
			fx->loops[i].streams.worst.peer = text;
		if (fx->loops[i].jit.n_functions)
			fx->loops[i].jit.functions = deopts;
	}
	for (int i = 0; i < 7; i++)
		set_frame(&fx->frames[i], text);
	return fx;
}

static char *written(const struct lt_sink *sink, const char *text)
{
	struct fixture *fx = fixture_with(text);
	char *out_text = NULL;
	size_t length;
	struct lt_sink_opts opts = { .out = open_memstream(&out_text, &length) };
	void *sink_state;

	assert_non_null(opts.out);
	sink_state = sink->open(&opts);
	assert_non_null(sink_state);
	assert_int_equal(sink->write(sink_state, &fx->snapshot), 0);
	assert_int_equal(sink->close(sink_state), 0);
	fclose(opts.out);
	free(fx);
	return out_text;
}

static void test_no_line_is_forged(void **state)
{
	static const struct lt_sink *const sinks[] = { &lt_sink_text, &lt_sink_csv, &lt_sink_json,
						       &lt_sink_stalls, &lt_sink_stalls_json };

	(void)state;
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		char *plain = written(sinks[i], "plain");

		for (size_t k = 0; k < N_HOSTILE; k++) {
			char *text = written(sinks[i], hostile_texts[k]);

			if (!is_harmless(text))
				fail_msg("%s: text %zu", sinks[i]->name, k);
			assert_int_equal(count_lines(text), count_lines(plain));
			free(text);
		}
		free(plain);
	}
}

static void test_json(void **state)
{
	static const struct lt_sink *const sinks[] = { &lt_sink_json, &lt_sink_stalls_json };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < N_HOSTILE; k++) {
			char *text = written(sinks[i], hostile_texts[k]), *save = NULL;

			for (char *line = strtok_r(text, "\n", &save); line;
			     line = strtok_r(NULL, "\n", &save)) {
				json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

				assert_non_null(value);
				assert_null(json_object_get(value, "forged"));
				json_decref(value);
			}
			free(text);
		}
	}
}

/* What a spreadsheet takes for a formula at the beginning of a cell, with any separator that its user's country has. */
static void assert_no_formula(const char *cell)
{
	static const char *const wide[] = { "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
					    "\xef\xbc\xa0" };
	const char *begin = cell + strspn(cell, " \"");
	char *end;

	(void)strtod(begin, &end); /* a number is one */
	if (end != begin && !*end)
		return;
	assert_true(!*begin || !strchr("=+-@\t\r", *begin));
	for (size_t i = 0; i < 4; i++)
		assert_true(strncmp(begin, wide[i], strlen(wide[i])) != 0);
}

/* One row of a CSV, quotes taken off. How many cells it has. */
static int check_row(const char **at)
{
	int n = 0;

	for (bool more = true; more; n++) {
		char cell[1024];
		size_t used = 0;
		const char *s = *at;
		bool quotes = *s == '"';

		for (s += quotes; *s && (quotes || (*s != ',' && *s != '\n')); s++) {
			if (quotes && *s == '"' && s[1] != '"')
				break;
			if (quotes && *s == '"')
				s++;
			assert_true(used < sizeof(cell) - 1);
			cell[used++] = *s;
		}
		s += quotes;
		cell[used] = '\0';
		assert_no_formula(cell);
		for (char *part = cell; (part = strchr(part, ';'));)
			assert_no_formula(++part);
		assert_true(*s == ',' || *s == '\n');
		more = *s == ',';
		*at = s + 1;
	}
	return n;
}

static void test_csv(void **state)
{
	(void)state;
	for (size_t k = 0; k < N_HOSTILE; k++) {
		char *text = written(&lt_sink_csv, hostile_texts[k]);
		const char *at = text;
		int columns = check_row(&at);

		while (*at)
			assert_int_equal(check_row(&at), columns);
		free(text);
	}
}

/* name{label="value",…} number, with \\, \" and \n as the only escapes. */
static void check_sample(const char *line)
{
	const char *s = line;
	char *end;

	assert_true(!strncmp(s, "looptop_", 8));
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	if (*s == '{') {
		do {
			s++;
			while (isalnum((unsigned char)*s) || *s == '_')
				s++;
			assert_int_equal(*s++, '=');
			assert_int_equal(*s++, '"');
			for (; *s != '"'; s++) {
				assert_true(*s);
				if (*s == '\\')
					assert_true(*++s && strchr("\\\"n", *s));
			}
			s++;
		} while (*s == ',');
		assert_int_equal(*s++, '}');
	}
	assert_int_equal(*s++, ' ');
	(void)strtod(s, &end);
	assert_true(end != s && !*end);
}

static void check_page(char *page, bool openmetrics)
{
	char *save = NULL;

	assert_true(is_harmless(page));
	for (char *line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_string_not_equal(line, "looptop_self_targets 666");
		if (line[0] != '#')
			check_sample(line);
		else
			assert_true(!strncmp(line, "# HELP looptop_", 15) ||
				    !strncmp(line, "# TYPE looptop_", 15) ||
				    !strncmp(line, "# UNIT looptop_", 15) ||
				    (openmetrics && !strcmp(line, "# EOF")));
	}
}

/* Also where the functions that blocked are labels. */
static void test_metrics(void **state)
{
	(void)state;
	for (size_t k = 0; k < 4 * N_HOSTILE; k++) {
		struct fixture *fx = fixture_with(hostile_texts[k / 4]);
		struct lt_blockers *blockers = lt_blockers__new(5);
		struct lt_prom_opts opts = { .openmetrics = k & 1,
					     .no_pid_label = k & 2,
					     .stall_functions = 5,
					     .blockers = blockers };
		size_t length;
		char *page;

		assert_int_equal(lt_blockers__look(blockers, &fx->snapshot), 0);
		page = lt_prometheus_page(&fx->snapshot, &opts, &length);
		assert_non_null(page);
		assert_non_null(strstr(page, "looptop_stall_function_seconds_total{"));
		check_page(page, opts.openmetrics);
		free(page);
		lt_blockers__free(blockers);
		free(fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_line_is_forged),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
