/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The report for machines: one object on one line. */
#include <errno.h>
#include <stdlib.h>

#include "agent/doctor/report.h"
#include "agent/util/json.h"

#define REPORT_SCHEMA 1

static json_t *number(double x)
{
	return isfinite(x) ? json_real(rint(x * 1e9) / 1e9) : json_null();
}

static json_t *whole(double x)
{
	return isfinite(x) ? json_integer((json_int_t)llrint(x)) : json_null();
}

static json_t *loop_object(const struct lt_dr_loop *loop)
{
	struct lt_lag_figures lag = lt_estimate__now(loop);

	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "tid", loop->tid, "name",
			 lt_json_text(loop->name), "utilization", number(lt_loop_utilization(loop)),
			 "lag_p99_seconds", number(lag.p99), "lag_max_seconds", number(lag.max),
			 "lag_mean_seconds", number(lag.mean), "late_turns",
			 whole((double)loop->n_late + loop->late_left_out));
}

static json_t *process_object(const struct lt_dr_process *process)
{
	json_t *loops = json_array(), *missing = json_array();

	for (size_t i = 0; i < process->n_loops; i++)
		json_array_append_new(loops, loop_object(process->loops[i]));
	for (size_t i = 0; i < process->n_missing; i++)
		json_array_append_new(missing, lt_json_text(process->missing[i]));
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pid", process->pid,
			 "start_time", number(process->start_time), "name",
			 lt_json_text(process->name), "runtime", lt_json_text(process->runtime),
			 "runtime_version", lt_json_text(process->runtime_version), "tier",
			 lt_json_text(process->tier), "watched_seconds", number(process->seconds),
			 "loops", loops, "missing", missing);
}

static json_t *estimates_array(const struct lt_finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->n_estimates; i++) {
		const struct lt_estimate *estimate = &finding->estimates[i];

		json_array_append_new(array,
				      json_pack("{s:o, s:s, s:o, s:o}", "cure",
						lt_json_text(estimate->cure), "figure",
						estimate->key, "before", number(estimate->before),
						"after", number(estimate->after)));
	}
	return array;
}

static json_t *where_object(const struct lt_blocker *blocker)
{
	if (!blocker)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "function", lt_json_text(blocker->function),
			 "file", lt_json_text(blocker->file), "line",
			 whole(blocker->line > 0 ? blocker->line : NAN), "column",
			 whole(blocker->column > 0 ? blocker->column : NAN), "below",
			 lt_json_text(blocker->below));
}

static json_t *finding_object(const struct lt_finding *finding)
{
	json_t *seen = json_array(), *advice = json_array();

	for (size_t i = 0; i < finding->n_seen; i++)
		json_array_append_new(seen, lt_json_text(finding->seen[i]));
	for (size_t i = 0; i < finding->n_advice; i++)
		json_array_append_new(advice, lt_json_text(finding->advice[i]));
	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "id",
			 finding->id, "pid", finding->process->pid, "loop",
			 finding->loop ? lt_json_text(finding->loop->name) : json_null(), "title",
			 lt_json_text(finding->title), "where", where_object(finding->blocker),
			 "seen", seen, "why", finding->why, "advice", advice, "estimates",
			 estimates_array(finding), "caveat",
			 finding->caveat[0] ? lt_json_text(finding->caveat) : json_null(),
			 "weight_seconds", number(finding->weight_seconds));
}

static json_t *checked_array(const struct lt_diagnosis *diagnosis)
{
	json_t *array = json_array();

	for (size_t i = 0; i < diagnosis->n_checked; i++) {
		const struct lt_checked *checked = &diagnosis->checked[i];

		json_array_append_new(array, json_pack("{s:s, s:b, s:o}", "what", checked->what,
						       "looked_at", checked->reason == NULL,
						       "reason", lt_json_text(checked->reason)));
	}
	return array;
}

static json_t *report_object(const struct lt_doctor *doctor, const struct lt_diagnosis *diagnosis)
{
	json_t *processes = json_array(), *findings = json_array(), *notes = json_array();
	struct lt_report_notes texts;

	for (size_t i = 0; i < doctor->n_processes; i++)
		json_array_append_new(processes, process_object(doctor->processes[i]));
	for (size_t i = 0; i < diagnosis->n_findings; i++)
		json_array_append_new(findings, finding_object(&diagnosis->findings[i]));
	lt_report_notes(doctor, diagnosis, &texts);
	for (size_t i = 0; i < texts.n; i++)
		json_array_append_new(notes, lt_json_text(texts.text[i]));
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", REPORT_SCHEMA,
			 "time", number(doctor->last_time), "watched_seconds",
			 number(doctor->seconds), "lost_events", whole(doctor->lost), "processes",
			 processes, "findings", findings, "notes", notes, "checked",
			 checked_array(diagnosis));
}

int lt_doctor__json(const struct lt_doctor *doctor, FILE *out)
{
	struct lt_diagnosis *diagnosis = lt_diagnosis__new(doctor);
	json_t *report = diagnosis ? report_object(doctor, diagnosis) : NULL;
	char *text = report ? lt_json_dump(report, JSON_COMPACT) : NULL;
	int err = text ? 0 : -ENOMEM;

	errno = 0;
	if (text && fprintf(out, "%s\n", text) < 0)
		err = -(errno ? errno : EIO);
	free(text);
	json_decref(report);
	lt_diagnosis__free(diagnosis);
	return err;
}
