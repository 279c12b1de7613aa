/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop agent: collects at its own interval and serves the latest snapshot to Prometheus. */
#include <errno.h>
#include <string.h>

#include "agent/cmd/cmd.h"
#include "agent/pipeline.h"
#include "agent/signals.h"
#include "agent/util/clock.h"
#include "agent/util/stop.h"
#include "looptop/log.h"
#include "looptop/sink.h"

/* While the collector sleeps, scrapes may read the snapshot. */
static void begin_rest(void *ctx)
{
	lt_http__release(ctx);
}

static void end_rest(void *ctx)
{
	lt_http__hold(ctx);
}

/* Waits for the deadline; a stall that begins or ends meanwhile is published at once. False: a signal. */
static bool serve_until(struct lt_pipeline *pipeline, struct lt_http *http, uint64_t deadline_ns)
{
	bool changed;

	while (!lt_pipeline__wait(pipeline, deadline_ns, -1, &changed)) {
		const struct lt_snapshot *latest = lt_pipeline__latest(pipeline);

		if (lt_signals__stopped())
			return false;
		if (!changed)
			continue;
		if (latest && latest->sequence > 1)
			lt_http__publish(http, latest); /* the next one tells if it fails */
	}
	return true;
}

/* Those that nobody can have wanted: the counter does not say whose end it was. */
static void tell_ends(const struct lt_snapshot *snapshot)
{
	char how[LT_END_TEXT_SIZE];

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct lt_process *process = &snapshot->processes[i];

		if (process->ended && process->end.reason != LT_END_NO_REASON)
			lt_warn("watch %s (pid %d): it has ended: %s", process->name ? process->name : "?",
				process->pid, lt_end__text(how, &process->end));
	}
}

static int collect(const struct lt_options *options, struct lt_pipeline *pipeline,
		   struct lt_http *http)
{
	uint64_t interval_ns = (uint64_t)(options->interval_seconds * 1e9);
	uint64_t begin = lt_now_ns();
	struct lt_rest rest = { begin_rest, end_rest, http };

	lt_pipeline__set_rest(pipeline, &rest);
	for (long n = 0; !lt_signals__stopped();) {
		uint64_t deadline =
			lt_grid_next(begin, interval_ns, lt_pipeline__tick_ns(pipeline));
		const struct lt_snapshot *snapshot;
		int err;

		if (!serve_until(pipeline, http, deadline))
			break;
		snapshot = lt_pipeline__tick(pipeline);
		if (!snapshot)
			return errno == EOWNERDEAD ? -errno : lt_err(-errno, "collect: %s", strerror(errno));
		err = lt_http__publish(http, snapshot);
		if (err)
			return lt_err(err, "publish metrics: %s", strerror(-err));
		tell_ends(snapshot);
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
						    .max_series = options->max_series,
						    .stall_functions = options->stall_functions,
						    .names = options->names } };
	struct lt_pipeline *pipeline;
	struct lt_http *http;
	int err;

	lt_signals__install();
	lt_stop__patient_output();
	/* The port first: one that is taken is told at once, before any probe is placed. */
	http = lt_http__new(&http_opts);
	if (!http)
		return errno == EINVAL ? LT_EXIT_USAGE : LT_EXIT_FAILED;
	err = lt_pipeline__new(options, LT_START_ANYWAY, &pipeline);
	if (!err) {
		lt_info("serving metrics on port %d", lt_http__port(http));
		err = collect(options, pipeline, http);
		lt_stop__in_order();
		lt_http__hold(http);
		lt_pipeline__free(pipeline);
	}
	lt_http__free(http);
	return lt_exit_of(err);
}

const struct lt_cmd lt_cmd_agent = { "agent", run };
