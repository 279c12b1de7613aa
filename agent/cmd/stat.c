/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop stat: one row for each loop and interval, as text, JSON or CSV. looptop stalls: one block for each
 * stall, when it is seen first and when it has ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cmd/cmd.h"
#include "agent/cmd/rows.h"
#include "agent/signals.h"
#include "agent/util/stop.h"
#include "looptop/sink.h"

static const struct lt_sink *sink_of(const struct lt_options *options)
{
	enum lt_format format = options->format;

	if (!strcmp(options->command, "stalls"))
		return format == LT_FORMAT_JSON ? &lt_sink_stalls_json : &lt_sink_stalls;
	return format == LT_FORMAT_JSON ? &lt_sink_json :
	       format == LT_FORMAT_CSV	? &lt_sink_csv :
					  &lt_sink_text;
}

struct output {
	const struct lt_sink *sink;
	void *state;
};

static int take(void *ctx, const struct lt_snapshot *snapshot)
{
	struct output *output = ctx;

	return output->sink->write(output->state, snapshot);
}

static enum lt_exit run(const struct lt_options *options)
{
	const struct lt_sink *sink = sink_of(options);
	struct lt_sink_opts sink_opts = { .ascii = options->ascii,
					  .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct output output = { .sink = sink };
	const struct lt_rows rows = { .take = take,
				      .ctx = &output,
				      .live = !strcmp(options->command, "stalls") };
	struct lt_pipeline *pipeline;
	int err, close_err;

	lt_signals__install();
	lt_stop__patient_output();
	sink_opts.out = stdout;
	err = lt_pipeline__new(options, LT_START_WITH_TARGETS, &pipeline);
	if (err)
		return lt_exit_of(err);
	if (options->format == LT_FORMAT_JSON)
		lt_rows__announce(pipeline);
	output.state = sink->open(&sink_opts);
	err = output.state ? lt_rows__run(options, pipeline, &rows) : -errno;
	lt_stop__in_order();
	close_err = output.state ? sink->close(output.state) : 0;
	if (!err)
		err = close_err;
	lt_pipeline__free(pipeline);
	if (err == -EPIPE) /* head(1) has read enough: no failure */
		return LT_EXIT_OK;
	if (err == -EINTR && lt_signals__stopped()) /* nobody has read for as long as we may wait */
		return LT_EXIT_OK;
	if (err && err != -EOWNERDEAD)
		lt_err(err, "write rows: %s", strerror(-err));
	return err ? LT_EXIT_FAILED : LT_EXIT_OK;
}

const struct lt_cmd lt_cmd_stat = { "stat", run };
const struct lt_cmd lt_cmd_stalls = { "stalls", run };
