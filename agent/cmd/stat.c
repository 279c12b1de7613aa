/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop stat: one row for each loop and interval, as text, JSON or CSV. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cmd/cmd.h"
#include "agent/pipeline.h"
#include "agent/signals.h"
#include "agent/util/clock.h"
#include "looptop/sink.h"

static const struct lt_sink *sink_of(enum lt_format format)
{
	return format == LT_FORMAT_JSON ? &lt_sink_json :
	       format == LT_FORMAT_CSV	? &lt_sink_csv :
					  &lt_sink_text;
}

/* A script that starts its load when it reads this misses nothing of it. */
static void announce(const struct lt_pipeline *pipeline)
{
	fprintf(stderr, "{\"event\":\"attached\",\"time\":%.3f,\"targets\":%zu}\n", lt_wall_seconds(),
		lt_pipeline__targets(pipeline));
	fflush(stderr);
}

static int write_rows(const struct lt_options *options, struct lt_pipeline *pipeline,
		      const struct lt_sink *sink, void *state)
{
	uint64_t interval_ns = (uint64_t)(options->interval_seconds * 1e9), begin = lt_now_ns();
	uint64_t deadline = begin + interval_ns;
	int err = 0;

	for (long n = 0; !err && !lt_signals__stopped(); deadline += interval_ns) {
		const struct lt_snapshot *snapshot;

		if (!lt_sleep_until(deadline, -1))
			break;
		snapshot = lt_pipeline__tick(pipeline);
		err = snapshot ? sink->write(state, snapshot) : -errno;
		if (options->count && ++n >= options->count)
			break;
		if (options->duration_seconds && lt_now_ns() - begin >= options->duration_seconds * 1e9)
			break;
		if (options->n_pids && snapshot && !snapshot->self.targets)
			break; /* all that were named have ended */
	}
	return err;
}

static enum lt_exit run(const struct lt_options *options)
{
	const struct lt_sink *sink = sink_of(options->format);
	struct lt_sink_opts sink_opts = { .out = stdout,
					  .ascii = options->ascii,
					  .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct lt_pipeline *pipeline;
	void *state;
	int err, close_err;

	lt_signals__install();
	err = lt_pipeline__new(options, false, &pipeline);
	if (err)
		return lt_exit_of(err);
	if (options->format == LT_FORMAT_JSON)
		announce(pipeline);
	state = sink->open(&sink_opts);
	err = state ? write_rows(options, pipeline, sink, state) : -errno;
	close_err = state ? sink->close(state) : 0;
	if (!err)
		err = close_err;
	lt_pipeline__free(pipeline);
	if (err == -EPIPE) /* head(1) has read enough: no failure */
		return LT_EXIT_OK;
	if (err)
		lt_err(err, "write rows: %s", strerror(-err));
	return err ? LT_EXIT_FAILED : LT_EXIT_OK;
}

const struct lt_cmd lt_cmd_stat = { "stat", run };
