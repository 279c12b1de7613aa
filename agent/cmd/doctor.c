/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop doctor: watches for a while, then says in plain words what holds the process back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cmd/cmd.h"
#include "agent/cmd/rows.h"
#include "agent/doctor/doctor.h"
#include "agent/signals.h"
#include "agent/util/stop.h"
#include "looptop/log.h"

#define DURATION_SECONDS 30
#define LATE_PART 5 /* turns from this part of the stall threshold on are recorded one by one */

static int take(void *ctx, const struct lt_snapshot *snapshot)
{
	return lt_doctor__add(ctx, snapshot);
}

static int write_html(const struct lt_doctor *doctor, const char *path)
{
	FILE *out = fopen(path, "we");
	int err;

	if (!out)
		return lt_err(-errno, "write the report to %s: %s", path, strerror(errno));
	err = lt_doctor__html(doctor, out);
	if (fclose(out) && !err)
		err = -errno;
	return err ? lt_err(err, "write the report to %s: %s", path, strerror(-err)) : 0;
}

static int report(const struct lt_options *options, const struct lt_doctor *doctor)
{
	bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	int err = options->format == LT_FORMAT_JSON ?
			  lt_doctor__json(doctor, stdout) :
			  lt_doctor__text(doctor, stdout, colour, options->ascii);

	if (!err && fflush(stdout))
		err = -errno;
	if (err == -EPIPE || (err == -EINTR && lt_signals__stopped()))
		err = 0;
	if (err)
		return lt_err(err, "write the report: %s", strerror(-err));
	return options->html_path ? write_html(doctor, options->html_path) : 0;
}

static int watch(const struct lt_options *options, struct lt_pipeline *pipeline,
		 struct lt_doctor *doctor)
{
	const struct lt_rows rows = { .take = take, .ctx = doctor };

	if (options->format == LT_FORMAT_JSON)
		lt_rows__announce(pipeline);
	else if (isatty(STDERR_FILENO))
		fprintf(stderr, "looptop: watching for %.0f s (Ctrl-C ends it early and reports)\n",
			options->duration_seconds);
	return lt_rows__run(options, pipeline, &rows);
}

static enum lt_exit run(const struct lt_options *options)
{
	struct lt_options own = *options;
	struct lt_doctor_opts opts = { .stall_seconds = options->stall_seconds,
				       .cpus = (int)sysconf(_SC_NPROCESSORS_ONLN) };
	struct lt_pipeline *pipeline;
	struct lt_doctor *doctor;
	int err;

	if (!own.duration_seconds && !own.count)
		own.duration_seconds = DURATION_SECONDS;
	own.stall_seconds /= LATE_PART;
	own.keep_tasks = true;
	lt_signals__install();
	lt_stop__patient_output();
	doctor = lt_doctor__new(&opts);
	if (!doctor)
		return lt_exit_of(lt_err(-errno, "start the doctor: %s", strerror(errno)));
	err = lt_pipeline__new(&own, LT_START_WITH_TARGETS, &pipeline);
	if (!err) {
		err = watch(&own, pipeline, doctor);
		lt_stop__in_order();
		if (!err)
			err = report(&own, doctor);
		lt_pipeline__free(pipeline);
	}
	lt_doctor__free(doctor);
	return lt_exit_of(err);
}

const struct lt_cmd lt_cmd_doctor = { "doctor", run };
