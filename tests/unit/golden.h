/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * For the tests of sinks: what they print compared with golden files, printing into a text, and a
 * pipe whose reader has gone. LT_GOLDEN_WRITE=1 writes the files anew. Include after cmocka.h.
 */
#ifndef LOOPTOP_TESTS_GOLDEN_H
#define LOOPTOP_TESTS_GOLDEN_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "looptop/sink.h"

#define GOLDEN_DIR "tests/unit/golden/sink/"
#define GOLDEN_MAX (1 << 20)

static inline void golden_compare(const char *name, const char *have)
{
	char path[256], *want = calloc(1, GOLDEN_MAX);
	FILE *file;

	assert_non_null(want);
	snprintf(path, sizeof(path), GOLDEN_DIR "%s", name);
	if (getenv("LT_GOLDEN_WRITE")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(have, file);
		assert_int_equal(fclose(file), 0);
	}
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	want[fread(want, 1, GOLDEN_MAX - 1, file)] = '\0';
	fclose(file);
	if (strcmp(want, have) != 0)
		print_error("%s differs; printed was:\n%s\n", path, have);
	assert_string_equal(want, have);
	free(want);
}

/* Writes a snapshot so many times and returns all that was printed; to be freed. */
static inline char *sink_print(const struct lt_sink *sink, struct lt_sink_opts opts,
			       const struct lt_snapshot *snapshot, int times)
{
	char *text = calloc(1, GOLDEN_MAX);
	void *state;

	opts.out = tmpfile();
	assert_non_null(text);
	assert_non_null(opts.out);
	state = sink->open(&opts);
	assert_non_null(state);
	for (int i = 0; i < times; i++)
		assert_int_equal(sink->write(state, snapshot), 0);
	assert_int_equal(sink->close(state), 0);
	rewind(opts.out);
	assert_true(fread(text, 1, GOLDEN_MAX - 1, opts.out) < GOLDEN_MAX - 1);
	fclose(opts.out);
	return text;
}

/* The reader of a pipe goes away: the sink says so at the next snapshot, and nothing worse comes. */
static inline void sink_closed_pipe(const struct lt_sink *sink, const struct lt_snapshot *snapshot)
{
	struct lt_sink_opts opts = { 0 };
	void *state;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	opts.out = fdopen(fds[1], "w");
	assert_non_null(opts.out);
	state = sink->open(&opts);
	assert_non_null(state);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(sink->write(state, snapshot), -EPIPE);
	assert_int_not_equal(sink->close(state), 0);
	fclose(opts.out);
}

/* /dev/full takes nothing. */
static inline void sink_full_disk(const struct lt_sink *sink, const struct lt_snapshot *snapshot)
{
	struct lt_sink_opts opts = { .out = fopen("/dev/full", "w") };
	void *state;

	assert_non_null(opts.out);
	state = sink->open(&opts);
	assert_non_null(state);
	assert_int_equal(sink->write(state, snapshot), -ENOSPC);
	sink->close(state);
	fclose(opts.out);
}

static inline size_t count_of(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *s = strstr(text, what); s; s = strstr(s + strlen(what), what))
		n++;
	return n;
}

#endif
