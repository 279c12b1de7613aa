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
#include "agent/errand.h"
#include "agent/signals.h"
#include "agent/util/new_file.h"
#include "agent/util/stop.h"
#include "looptop/log.h"

#define DURATION_SECONDS 30
#define LATE_PART 5 /* turns from this part of the stall threshold on are recorded one by one */

static int take(void *ctx, const struct lt_snapshot *snapshot)
{
	return lt_doctor__add(ctx, snapshot);
}

static int fail_html(int err, const char *path, const char *why)
{
	return lt_err(err, "write the report to %s: %s", path, why);
}

/* In a process that may still write where only root may: who watches others may not. */
static int write_file(void *ctx, const char *bytes, size_t size)
{
	struct lt_new_file *file = ctx;
	int err = lt_new_file__begin(file);

	if (!err && fwrite(bytes, 1, size, file->out) != size)
		err = errno ? -errno : -EIO;
	if (!err)
		err = lt_new_file__commit(file);
	lt_new_file__close(file);
	return err;
}

/* Before anything is watched: 30 seconds are not for nothing. */
static int open_html(struct lt_new_file *file, const char *path, struct lt_errand **ret_errand)
{
	const char *why;
	int err = lt_new_file__open(file, path, &why);

	return err ? fail_html(err, path, why) : lt_errand__new(write_file, file, ret_errand);
}

static int write_html(const struct lt_doctor *doctor, struct lt_errand *errand, const char *path)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&page, &size);
	int err = out ? lt_doctor__html(doctor, out) : -errno;

	if (out && fclose(out) && !err)
		err = -errno;
	if (!err)
		err = lt_errand__run(errand, page, size);
	free(page);
	return err ? fail_html(err, path, strerror(-err)) : 0;
}

static int report(const struct lt_options *options, const struct lt_doctor *doctor,
		  struct lt_errand *errand)
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
	return errand ? write_html(doctor, errand, options->html_path) : 0;
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

static int examine(const struct lt_options *options, struct lt_doctor *doctor,
		   struct lt_errand *errand)
{
	struct lt_pipeline *pipeline;
	int err = lt_pipeline__new(options, LT_START_WITH_TARGETS, &pipeline);

	if (err)
		return err;
	err = watch(options, pipeline, doctor);
	lt_stop__in_order();
	if (!err)
		err = report(options, doctor, errand);
	lt_pipeline__free(pipeline);
	return err;
}

static enum lt_exit run(const struct lt_options *options)
{
	struct lt_options own = *options;
	struct lt_doctor_opts opts = { .stall_seconds = options->stall_seconds,
				       .cpus = (int)sysconf(_SC_NPROCESSORS_ONLN) };
	struct lt_new_file file = { .dir = -1, .fd = -1 };
	struct lt_errand *errand = NULL;
	struct lt_doctor *doctor;
	int err = 0;

	if (!own.duration_seconds && !own.count)
		own.duration_seconds = DURATION_SECONDS;
	own.stall_seconds /= LATE_PART;
	own.keep_tasks = true;
	lt_signals__install();
	lt_stop__patient_output();
	doctor = lt_doctor__new(&opts);
	if (!doctor)
		return lt_exit_of(lt_err(-errno, "start the doctor: %s", strerror(errno)));
	if (own.html_path)
		err = open_html(&file, own.html_path, &errand);
	if (!err)
		err = examine(&own, doctor, errand);
	lt_errand__free(errand);
	lt_new_file__close(&file);
	lt_doctor__free(doctor);
	return lt_exit_of(err);
}

const struct lt_cmd lt_cmd_doctor = { "doctor", run };
