/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/cmd/rows.h"

#include <errno.h>
#include <stdio.h>

#include "agent/signals.h"
#include "agent/util/clock.h"

void lt_rows__announce(const struct lt_pipeline *pipeline)
{
	fprintf(stderr, "{\"event\":\"attached\",\"time\":%.3f,\"targets\":%zu}\n", lt_wall_seconds(),
		lt_pipeline__targets(pipeline));
	fflush(stderr);
}

/* Waits for the interval's end. 1; 0 when it was interrupted for good; -errno. */
static int wait_until(struct lt_pipeline *pipeline, const struct lt_rows *rows, uint64_t deadline_ns,
		      const struct lt_snapshot *latest)
{
	bool changed;

	while (!lt_pipeline__wait(pipeline, deadline_ns, -1, &changed)) {
		int err;

		if (lt_signals__stopped())
			return 0;
		if (!changed)
			continue;
		err = rows->live && latest ? rows->take(rows->ctx, latest) : 0;
		if (err)
			return err;
	}
	return 1;
}

int lt_rows__run(const struct lt_options *options, struct lt_pipeline *pipeline,
		 const struct lt_rows *rows)
{
	uint64_t interval_ns = (uint64_t)(options->interval_seconds * 1e9), begin = lt_now_ns();
	const struct lt_snapshot *snapshot = lt_pipeline__latest(pipeline);
	int err = 0;

	for (long n = 0; !err && !lt_signals__stopped();) {
		uint64_t deadline =
			lt_grid_next(begin, interval_ns, lt_pipeline__tick_ns(pipeline));
		int waited = wait_until(pipeline, rows, deadline, snapshot);

		if (waited <= 0)
			return waited;
		snapshot = lt_pipeline__tick(pipeline);
		err = snapshot ? rows->take(rows->ctx, snapshot) : -errno;
		if (options->count && ++n >= options->count)
			break;
		if (options->duration_seconds && lt_now_ns() - begin >= options->duration_seconds * 1e9)
			break;
		if (options->n_pids && snapshot && !snapshot->self.targets)
			break; /* all that were named have ended */
	}
	return err;
}
