/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop agent: collects at its own interval and serves the latest snapshot to Prometheus. */
#include <errno.h>
#include <string.h>

#include "agent/cmd/cmd.h"
#include "agent/pipeline.h"
#include "agent/signals.h"
#include "agent/util/clock.h"
#include "looptop/log.h"
#include "looptop/sink.h"

static int collect(const struct lt_options *options, struct lt_pipeline *pipeline,
		   struct lt_http *http)
{
	uint64_t interval_ns = (uint64_t)(options->interval_seconds * 1e9);
	uint64_t begin = lt_now_ns(), deadline = begin + interval_ns;

	for (long n = 0; !lt_signals__stopped(); deadline += interval_ns) {
		const struct lt_snapshot *snapshot;
		int err;

		if (!lt_sleep_until(deadline, -1))
			break;
		snapshot = lt_pipeline__tick(pipeline);
		if (!snapshot)
			return lt_err(-errno, "collect: %s", strerror(errno));
		err = lt_http__publish(http, snapshot);
		if (err)
			return lt_err(err, "publish metrics: %s", strerror(-err));
		if (options->count && ++n >= options->count)
			break;
		if (options->duration_seconds && lt_now_ns() - begin >= options->duration_seconds * 1e9)
			break;
	}
	return 0;
}

static enum lt_exit run(const struct lt_options *options)
{
	struct lt_http_opts http_opts = { .listen = options->listen,
					  .prom = { .no_pid_label = options->no_pid_label,
						    .max_series = options->max_series } };
	struct lt_pipeline *pipeline;
	struct lt_http *http;
	int err;

	lt_signals__install();
	/* The port first: one that is taken is told at once, before any probe is placed. */
	http = lt_http__new(&http_opts);
	if (!http)
		return errno == EINVAL ? LT_EXIT_USAGE : LT_EXIT_FAILED;
	err = lt_pipeline__new(options, true, &pipeline);
	if (!err) {
		lt_info("serving metrics on port %d", lt_http__port(http));
		err = collect(options, pipeline, http);
		lt_pipeline__free(pipeline);
	}
	lt_http__free(http);
	return lt_exit_of(err);
}

const struct lt_cmd lt_cmd_agent = { "agent", run };
