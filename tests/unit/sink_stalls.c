/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* `stalls`: each stall once when it is seen, again when it is twice as long, and once with its end. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/sink/blockers.h"
#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"

struct told {
	const struct lt_sink *sink;
	void *state;
	FILE *out;
	char *text;
	size_t length;
};

static void open_told(struct told *told, const struct lt_sink *sink, bool colour, bool ascii)
{
	struct lt_sink_opts opts = { .colour = colour, .ascii = ascii };

	*told = (struct told){ .sink = sink };
	told->out = open_memstream(&told->text, &told->length);
	assert_non_null(told->out);
	opts.out = told->out;
	told->state = sink->open(&opts);
	assert_non_null(told->state);
}

static void tell(struct told *told, const struct lt_snapshot *snapshot)
{
	assert_int_equal(told->sink->write(told->state, snapshot), 0);
}

static void end(struct told *told)
{
	assert_int_equal(told->sink->close(told->state), 0);
	fclose(told->out);
}

/* How many lines begin a stall in text, or are one in JSON. */
static int count(const char *text, const char *part)
{
	int n = 0;

	while ((text = strstr(text, part))) {
		n++;
		text++;
	}
	return n;
}

static void test_golden(void **state)
{
	struct fixture *fx = fixture_new();
	struct told told;

	(void)state;
	setenv("TZ", "UTC", 1);
	open_told(&told, &lt_sink_stalls, false, false);
	tell(&told, &fx->snapshot);
	end(&told);
	golden_compare("stalls.txt", told.text);
	free(told.text);
	open_told(&told, &lt_sink_stalls_json, false, false);
	tell(&told, &fx->snapshot);
	end(&told);
	golden_compare("stalls.ndjson", told.text);
	free(told.text);
	free(fx);
}

static void test_each_is_told_once(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_stall *running = &fx->stalls[1];
	struct told told;

	(void)state;
	assert_true(running->ongoing);
	running->start_time = fx->stalls[0].start_time + 1;
	open_told(&told, &lt_sink_stalls_json, false, false);
	tell(&told, &fx->snapshot);
	tell(&told, &fx->snapshot); /* a pulse that changed another loop */
	running->seconds *= 1.9;
	tell(&told, &fx->snapshot);
	fflush(told.out);
	assert_int_equal(count(told.text, "\"ongoing\":true"), 1);
	assert_int_equal(count(told.text, "\"event\":\"stall\""), 2);
	running->seconds *= 1.1;
	tell(&told, &fx->snapshot);
	running->seconds *= 1.1;
	running->ongoing = false;
	fx->loops[0].stalls = running;
	fx->loops[0].n_stalls = 1;
	fx->snapshot.sequence++;
	tell(&told, &fx->snapshot);
	tell(&told, &fx->snapshot);
	end(&told);
	assert_int_equal(count(told.text, "\"ongoing\":true"), 2);
	assert_int_equal(count(told.text, "\"event\":\"stall\""), 4);
	free(told.text);
	free(fx);
}

/* A function, or a way of starving, that was not known at first is worth a line; a short stall that doubles is
 * not. */
static void test_news(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_stall *running = &fx->stalls[1];
	const struct lt_stack_frame *where = running->where;
	struct told told;

	(void)state;
	assert_non_null(where);
	running->seconds = 0.15;
	running->where = NULL;
	running->starvation = LT_STARVED_NOT;
	open_told(&told, &lt_sink_stalls_json, false, false);
	tell(&told, &fx->snapshot);
	running->where = where;
	tell(&told, &fx->snapshot);
	running->seconds = 0.4;
	tell(&told, &fx->snapshot);
	fflush(told.out);
	assert_int_equal(count(told.text, "\"ongoing\":true"), 2);
	running->starvation = LT_STARVED_BY_NEXT_TICK;
	tell(&told, &fx->snapshot);
	tell(&told, &fx->snapshot);
	end(&told);
	assert_int_equal(count(told.text, "\"ongoing\":true"), 3);
	free(told.text);
	free(fx);
}

/* Behind its stalls, the one that the end cut short among them; once, though the snapshot comes again. */
static void test_an_end_is_told_once(void **state)
{
	static const struct lt_sink *const sinks[] = { &lt_sink_stalls, &lt_sink_stalls_json };
	static const char *const words[][3] = {
		{ "blocked for 1.30s, when the process ended", "has ended: killed by SIGKILL", "still blocked" },
		{ "\"cut_short\":true", "\"end\":{\"time\":1790000000.25,\"how\":\"signal\",\"code\":null,"
				       "\"signal\":\"SIGKILL\",\"reason\":null}", "\"ongoing\":true" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture *fx = fixture_new();
		struct lt_process *process = &fx->processes[0];
		struct told told;

		process->ended = true;
		process->end = (struct lt_end){ .time = 1790000000.25, .how = LT_END_SIGNAL, .code = -1, .signal = 9 };
		fx->stalls[1].ongoing = false;
		fx->stalls[1].cut_short = true;
		open_told(&told, sinks[i], false, false);
		tell(&told, &fx->snapshot);
		tell(&told, &fx->snapshot);
		end(&told);
		assert_int_equal(count(told.text, words[i][0]), 1);
		assert_int_equal(count(told.text, words[i][1]), 1);
		assert_true(strstr(told.text, words[i][0]) < strstr(told.text, words[i][1]));
		assert_null(strstr(told.text, words[i][2]));
		free(told.text);
		free(fx);
	}
}

static void test_plain_and_coloured(void **state)
{
	struct fixture *fx = fixture_new();
	struct told told;

	(void)state;
	open_told(&told, &lt_sink_stalls, false, true);
	tell(&told, &fx->snapshot);
	end(&told);
	for (const char *byte = told.text; *byte; byte++)
		assert_true(*byte == '\n' || (*byte >= ' ' && (unsigned char)*byte < 0x7f));
	free(told.text);
	open_told(&told, &lt_sink_stalls, true, false);
	tell(&told, &fx->snapshot);
	end(&told);
	assert_non_null(strstr(told.text, "\033[1;31m"));
	free(told.text);
	free(fx);
}

static void test_nobody_reads(void **state)
{
	const struct lt_sink *const sinks[] = { &lt_sink_stalls, &lt_sink_stalls_json };
	struct fixture *fx = fixture_new();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lt_sink_opts opts = { .out = fopen("/dev/full", "we") };
		void *sink;

		assert_non_null(opts.out);
		sink = sinks[i]->open(&opts);
		assert_int_equal(sinks[i]->write(sink, &fx->snapshot), -ENOSPC);
		sinks[i]->close(sink);
		fclose(opts.out);
	}
	free(fx);
}

/* One ended stall of such a function after the other, each in a snapshot of its own. */
static void block(struct lt_blockers *blockers, struct fixture *fx, const char *function,
		  double seconds)
{
	struct lt_stall *stall = &fx->stalls[0];

	fx->frames[0] =
		(struct lt_stack_frame){ .function = function, .file = "/app/a.js", .user = true };
	fx->snapshot.sequence++;
	stall->start_time -= 10; /* the clock may be set back */
	stall->seconds = seconds;
	stall->ongoing = false;
	stall->where = function ? &fx->frames[0] : NULL;
	fx->loops[0].n_stalls = 1;
	assert_int_equal(lt_blockers__look(blockers, &fx->snapshot), 0);
	assert_int_equal(lt_blockers__look(blockers, &fx->snapshot),
			 0); /* told again: not counted again */
}

static double seconds_of(const struct lt_blockers *blockers, const char *function)
{
	struct lt_blocking blocking;

	for (size_t i = 0; lt_blockers__get(blockers, i, &blocking); i++)
		if (!strcmp(blocking.function, function))
			return blocking.seconds;
	return -1;
}

/* The first ones have counters, which never fall; all seconds together are those of all stalls. */
static void test_blockers(void **state)
{
	struct lt_blockers *blockers = lt_blockers__new(2);
	struct fixture *fx = fixture_new();
	struct lt_blocking blocking;

	(void)state;
	block(blockers, fx, "a", 1);
	block(blockers, fx, "b", 2);
	block(blockers, fx, "c", 1.5); /* longer than a */
	assert_true(seconds_of(blockers, "a") == -1);
	assert_true(seconds_of(blockers, "b") == 2);
	assert_true(seconds_of(blockers, "c") == 1.5);
	assert_true(lt_blockers__rest(blockers) == 1); /* what a had */
	block(blockers, fx, "d", 0.25);
	block(blockers, fx, NULL, 0.5);
	assert_true(lt_blockers__rest(blockers) == 1.75);
	block(blockers, fx, "a", 1); /* 2 in all: it comes back, and counts from here on */
	assert_true(seconds_of(blockers, "a") == 1);
	assert_true(seconds_of(blockers, "c") == -1);
	assert_true(lt_blockers__rest(blockers) == 3.25);
	assert_false(lt_blockers__get(blockers, 2, &blocking));
	lt_blockers__free(blockers);
	free(fx);
}

static void test_blockers_are_bounded(void **state)
{
	struct lt_blockers *blockers = lt_blockers__new(3);
	struct fixture *fx = fixture_new();
	char function[32];

	(void)state;
	for (int i = 0; i < LT_BLOCKERS_KEPT + 100; i++) {
		snprintf(function, sizeof(function), "f%d", i);
		block(blockers, fx, function, i < 3 ? 2 : 1);
	}
	assert_true(seconds_of(blockers, "f0") == 2);
	assert_true(lt_blockers__rest(blockers) == LT_BLOCKERS_KEPT + 100 - 3);
	lt_blockers__free(blockers);
	free(fx);
}

static void test_functions_as_labels(void **state)
{
	struct lt_blockers *blockers = lt_blockers__new(1);
	struct fixture *fx = fixture_new();
	struct lt_prom_opts opts = { .blockers = blockers };
	char *page;

	(void)state;
	block(blockers, fx, "evil\"\\\n{}", 2);
	block(blockers, fx, "b", 1);
	page = lt_prometheus_page(&fx->snapshot, &opts, NULL);
	assert_non_null(page);
	assert_non_null(strstr(
		page,
		"looptop_stall_function_seconds_total{name=\"server.js\",function=\"evil\\\"\\\\?{}\","
		"file=\"/app/a.js\"} 2\n"));
	assert_non_null(strstr(page, "function=\"other\",file=\"\"} 1\n"));
	free(page);
	lt_blockers__free(blockers);
	free(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_each_is_told_once),
		cmocka_unit_test(test_news),
		cmocka_unit_test(test_an_end_is_told_once),
		cmocka_unit_test(test_plain_and_coloured),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_blockers),
		cmocka_unit_test(test_blockers_are_bounded),
		cmocka_unit_test(test_functions_as_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
