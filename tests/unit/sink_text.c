/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Rows for people: columns that stay where they are, headers, notes, terminals of any width. */
#include <signal.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"

static char *print(const struct lt_snapshot *snapshot, int times, struct lt_sink_opts opts)
{
	return sink_print(&lt_sink_text, opts, snapshot, times);
}

static void test_golden(void **state)
{
	struct fixture *fx = fixture_new();
	char *text = print(&fx->snapshot, 2, (struct lt_sink_opts){ 0 });

	(void)state;
	golden_compare("rows.txt", text);
	free(text);
	text = print(&fx->snapshot, 2, (struct lt_sink_opts){ .ascii = true });
	golden_compare("rows-ascii.txt", text);
	for (const char *s = text; *s; s++)
		assert_true((*s >= ' ' && *s <= '~') || *s == '\n');
	free(text);
	free(fx);
}

/* Calls check for each line that begins with a time and is no note. */
static void each_row(char *text, void (*check)(const char *row, void *ctx), void *ctx)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (line[0] >= '0' && line[0] <= '9' && strncmp(line + 8, " - ", 3))
			check(line, ctx);
}

static void row_is_whole(const char *row, void *ctx)
{
	size_t *rows = ctx;

	if (strlen(row) != 100)
		fail_msg("%zu columns: %s", strlen(row), row);
	/* Every column begins after a blank. */
	for (size_t i = 0; i < 13; i++) {
		static const int blanks[] = { 8, 16, 30, 39, 45, 51, 57, 63, 69, 75, 81, 87, 93 };

		if (row[blanks[i]] != ' ')
			fail_msg("no blank at %d: %s", blanks[i], row);
	}
	(*rows)++;
}

/* Figures of any size keep their columns. */
static void test_columns_stay(void **state)
{
	struct fixture *fx = fixture_new();
	size_t rows = 0, wanted = 0;

	(void)state;
	for (double x = 1e-9; x < 3000; x *= 1.37, wanted += 5) {
		struct lt_loop *loop = &fx->loops[0];
		char *text;

		loop->lag = (struct lt_lag){ x, x, x, x, x, x };
		loop->stalled_seconds = x;
		loop->turns = x * 1e6;
		loop->utilization = fmin(x, 1);
		fx->processes[0].gc_seconds = fmin(x, 9);
		fx->processes[0].pool.queue_depth = rint(x * 1000);
		fx->processes[0].pool.kinds[0].wait.p99 = x;
		text = print(&fx->snapshot, 1, (struct lt_sink_opts){ .ascii = true });
		each_row(text, row_is_whole, &rows);
		free(text);
	}
	assert_int_equal(rows, wanted);
	free(fx);
}

static void test_unknown_and_not_applicable(void **state)
{
	struct fixture *fx = fixture_new();
	char *text;

	(void)state;
	fx->snapshot.processes = &fx->processes[2];
	fx->snapshot.n_processes = 1;
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ .ascii = true });
	assert_non_null(
		strstr(text, "    3%     -     -     -     -     .     .     .     -      0\n"));
	assert_null(strcasestr(text, "nan"));
	free(text);
	/* A pool that no probe watches: there, but its waits are unknown. */
	fx->processes[2].pool = fixture_unknown_pool();
	fx->processes[2].pool.unused = false;
	fx->processes[2].pool.size = 4;
	fx->processes[2].pool.busy = 1;
	fx->processes[2].pool.queue_depth = 0;
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ .ascii = true });
	assert_non_null(strstr(text, "  1/4     0     -     -      0\n"));
	free(text);
	free(fx);
}

static void test_stall_column(void **state)
{
	struct fixture *fx = fixture_new();
	char *text;

	(void)state;
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ 0 });
	assert_non_null(strstr(text, " >1.30s\n")); /* it runs */
	free(text);
	fx->loops[0].stalled_seconds = 0;
	fx->loops[0].n_stalls = 1;
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ 0 });
	assert_non_null(strstr(text, "  212ms\n")); /* the longest that ended */
	free(text);
	free(fx);
}

/* Told once when it has lasted, and again only after an interval without. */
static void test_deopt_storm(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_deopt deopts[2] = { { { .function = "f\x1b[31m", .file = "/a.js", .line = 7 }, 5 },
				      { { .function = "g" }, 5 } };
	struct lt_sink_opts opts = { .ascii = true };
	const char *line;
	char *text;
	void *sink;

	(void)state;
	fx->snapshot.n_processes = 1;
	fx->loops[0].jit = (struct lt_jit){ .compiles = { 0, 0, NAN, 20 }, .deopts = 90, .functions = deopts,
					    .n_functions = 2 };
	text = print(&fx->snapshot, 2, opts);
	assert_null(strstr(text, "deoptimisations"));
	free(text);
	text = print(&fx->snapshot, 9, opts);
	assert_int_equal(count_of(text, "deoptimisations"), 1);
	line = strstr(text, "server.js[4121]: main: 90 deoptimisations, most often of f");
	assert_non_null(line);
	assert_non_null(strstr(line, " at /a.js:7\n"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = calloc(1, GOLDEN_MAX);
	assert_non_null(text);
	opts.out = tmpfile();
	assert_non_null(opts.out);
	sink = lt_sink_text.open(&opts);
	for (int i = 0; i < 10; i++) {
		deopts[0].count = deopts[1].count = i == 4 ? 1 : 5;
		assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
	}
	assert_int_equal(lt_sink_text.close(sink), 0);
	rewind(opts.out);
	text[fread(text, 1, GOLDEN_MAX - 1, opts.out)] = '\0';
	fclose(opts.out);
	assert_int_equal(count_of(text, "deoptimisations"), 2);
	free(text);
	/* So many in a minute are none too many; and it is told where it was written. */
	deopts[0].count = 19;
	fx->snapshot.interval_seconds = 60;
	text = print(&fx->snapshot, 9, opts);
	assert_null(strstr(text, "deoptimisations"));
	free(text);
	deopts[0].count = 20;
	deopts[0].where.original_file = "/a.ts";
	text = print(&fx->snapshot, 9, opts);
	assert_non_null(strstr(text, " at /a.ts\n"));
	free(text);
	/* Nothing is made of it: a loop that is handed over to better code. */
	fx->loops[0].jit.compiles[3] = 9;
	text = print(&fx->snapshot, 9, opts);
	assert_null(strstr(text, "deoptimisations"));
	free(text);
	free(fx);
}

static void test_header_again(void **state)
{
	struct fixture *fx = fixture_new();
	char *text;

	(void)state;
	fx->snapshot.n_processes = 1;
	fx->processes[0].n_loops = 1;
	fx->snapshot.self.lost[0] = fx->snapshot.self.lost[3] = 0;
	text = print(&fx->snapshot, 50, (struct lt_sink_opts){ .header_every = 10 });
	assert_int_equal(count_of(text, "PROCESS"), 5);
	free(text);
	text = print(&fx->snapshot, 50, (struct lt_sink_opts){ 0 }); /* 24 lines, as in vmstat */
	assert_int_equal(count_of(text, "PROCESS"), 3);
	free(text);
	free(fx);
}

static void test_notes(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_sink_opts opts = { .ascii = true, .out = tmpfile() };
	void *sink = lt_sink_text.open(&opts);
	char text[16384];
	size_t begin;

	(void)state;
	assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
	fx->snapshot.self.lost[0] = fx->snapshot.self.lost[3] = 0;
	assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
	begin = (size_t)ftell(opts.out);
	fx->processes[0].tier = "wait";
	fx->processes[0].missing = fx->missing_memory;
	fx->processes[1].ended = true;
	fx->processes[1].end = (struct lt_end){ .time = fx->processes[1].start_time + 12.5,
						.how = LT_END_SIGNAL,
						.code = -1,
						.signal = SIGKILL,
						.reason = LT_END_OOM_KILLER };
	fx->loops[1].ended = true;
	assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
	fx->snapshot.n_processes = 0;
	assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
	assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
	assert_int_equal(lt_sink_text.close(sink), 0);
	rewind(opts.out);
	text[fread(text, 1, sizeof(text) - 1, opts.out)] = '\0';
	fclose(opts.out);
	/* Told once: what a process is, what it misses, what was lost. */
	assert_int_equal(
		count_of(text,
			 "server.js[4121]: node 20.20.2, container 3f2a9c01d4e5, host "
			 "web-5d8f7-x2k9q, pod 8f1c2d3e-4a5b-4c6d-9e7f-0123456789ab, tier phases\n"),
		1);
	assert_int_equal(count_of(text, "uvserver[812]: missing: GC: no probe is on\n"), 1);
	assert_int_equal(count_of(text, " - lost: 3 ring_full, 1 unpaired\n"), 1);
	assert_null(strstr(text, "[4121]: now at tier phases"));
	/* Told when it changes. */
	assert_non_null(strstr(text + begin, "server.js[4121]: now at tier wait\n"));
	assert_non_null(strstr(text + begin, "server.js[4121]: missing: turns, lag and phases"));
	assert_non_null(strstr(text + begin, "server.js[4121]: has ended: loop worker-1\n"));
	assert_non_null(strstr(text + begin, "[4377]: has ended: killed by SIGKILL, by the kernel's out-of-memory killer (12.5s after its start)\n"));
	assert_int_equal(count_of(text, "no event loop to measure\n"), 1);
	free(fx);
}

/* Escape sequences come from us alone, and only when colour is wanted. */
static void test_colour(void **state)
{
	struct fixture *fx = fixture_new();
	char *text;

	(void)state;
	fx->loops[0].utilization = 0.95;
	fx->loops[0].lag.p99 = 0.03;
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ 0 });
	assert_null(strchr(text, '\033'));
	free(text);
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ .colour = true });
	assert_non_null(strstr(text, "\033[1;31m95%\033[0m"));
	assert_non_null(strstr(text, "\033[33m30ms\033[0m"));
	assert_null(strstr(text, "\033[31m")); /* that of the hostile name */
	free(text);
	free(fx);
}

static void row_fits(const char *row, void *ctx)
{
	if (strlen(row) > *(size_t *)ctx)
		fail_msg("%zu columns: %s", strlen(row), row);
}

/* On a terminal the rows fit its width, whatever must be left out for it. */
static void test_narrow_terminals(void **state)
{
	struct fixture *fx = fixture_new();
	int fd = posix_openpt(O_RDWR | O_NOCTTY), tty;

	(void)state;
	assert_true(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	tty = open(ptsname(fd), O_RDWR | O_NOCTTY);
	assert_true(tty >= 0);
	for (unsigned short width = 64; width <= 120; width = (unsigned short)(width + 7)) {
		struct winsize size = { .ws_col = width, .ws_row = 24 };
		struct lt_sink_opts opts = { .ascii = true, .out = fdopen(dup(tty), "w") };
		size_t n = 0, limit = width;
		char text[16384];
		void *sink;

		assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
		sink = lt_sink_text.open(&opts);
		fx->snapshot.n_processes = 1;
		assert_int_equal(lt_sink_text.write(sink, &fx->snapshot), 0);
		assert_int_equal(lt_sink_text.close(sink), 0);
		while (n < sizeof(text) - 1 && (!n || !strstr(text, "lost: 3"))) {
			ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);

			assert_true(got > 0);
			n += (size_t)got;
			text[n] = '\0';
		}
		fclose(opts.out);
		for (char *s = strchr(text, '\r'); s; s = strchr(s, '\r'))
			memmove(s, s + 1, strlen(s));
		assert_non_null(strstr(text, "p99"));
		assert_non_null(strstr(text, "STALL"));
		assert_true((width >= 100) == (strstr(text, "TIME ") != NULL));
		each_row(text, row_fits, &limit);
	}
	close(tty);
	close(fd);
	free(fx);
}

static void test_lost_reader(void **state)
{
	struct fixture *fx = fixture_new();

	(void)state;
	sink_closed_pipe(&lt_sink_text, &fx->snapshot);
	sink_full_disk(&lt_sink_text, &fx->snapshot);
	free(fx);
}

static void test_no_loops(void **state)
{
	struct fixture *fx = fixture_new();
	char *text;

	(void)state;
	fx->processes[0].n_loops = 0;
	fx->snapshot.n_processes = 1;
	text = print(&fx->snapshot, 1, (struct lt_sink_opts){ .ascii = true });
	assert_non_null(
		strstr(text, "4121 server.js     .            .     .     .     .     .   4/4"));
	free(text);
	free(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_columns_stay),
		cmocka_unit_test(test_unknown_and_not_applicable),
		cmocka_unit_test(test_stall_column),
		cmocka_unit_test(test_deopt_storm),
		cmocka_unit_test(test_header_again),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_narrow_terminals),
		cmocka_unit_test(test_lost_reader),
		cmocka_unit_test(test_no_loops),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
