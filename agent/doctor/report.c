/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define IDLE_LOOP 0.5

__attribute__((format(printf, 2, 3))) static void note(struct lt_report_notes *notes,
						       const char *fmt, ...)
{
	va_list args;

	if (notes->n == LT_REPORT_NOTES)
		return;
	va_start(args, fmt);
	vsnprintf(notes->text[notes->n++], LT_FINDING_TEXT, fmt, args);
	va_end(args);
}

/* The load of the busiest loop; NAN: none is known. */
static double busiest(const struct lt_doctor *doctor)
{
	double most = NAN;

	for (size_t i = 0; i < doctor->n_processes; i++)
		for (size_t k = 0; k < doctor->processes[i]->n_loops; k++)
			most = fmax(most, lt_loop_utilization(doctor->processes[i]->loops[k]));
	return most;
}

static bool tasks_left_out(const struct lt_doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_processes; i++)
		if (doctor->processes[i]->tasks_left_out > 0)
			return true;
	return false;
}

void lt_report_notes(const struct lt_doctor *doctor, const struct lt_diagnosis *diagnosis,
		     struct lt_report_notes *notes)
{
	double load = busiest(doctor);

	notes->n = 0;
	if (!diagnosis->n_findings && load < IDLE_LOOP)
		note(notes,
		     "The loop was idle %s of the time and nothing held it up. If requests are slow all the same, "
		     "look elsewhere: the database, other services it calls, the network, a proxy in front.",
		     LT_RATIO(1 - load));
	if (doctor->lost > 0)
		note(notes,
		     "%s events could not be delivered while it was watched: figures are too low by that.",
		     LT_COUNT(doctor->lost));
	if (diagnosis->left_out)
		note(notes, "%zu more findings had no room.", diagnosis->left_out);
	if (doctor->processes_left_out > 0 || doctor->loops_left_out > 0)
		note(notes, "Only %d processes and %d loops are looked at; there were more.",
		     LT_DR_PROCESSES_MAX, LT_DR_LOOPS_MAX);
	if (tasks_left_out(doctor))
		note(notes,
		     "More pool tasks came than are kept one by one: estimates for the pool are of a part.");
}

char *lt_report_process(const struct lt_dr_process *process, char *buf, size_t size)
{
	snprintf(buf, size, "%.200s (pid %d, %.40s%s%.40s, tier %.20s)", process->name,
		 process->pid, process->runtime ? process->runtime : "unknown runtime",
		 process->runtime_version ? " " : "",
		 process->runtime_version ? process->runtime_version : "",
		 process->tier ? process->tier : "-");
	return buf;
}

char *lt_report_estimate(const struct lt_finding *finding, size_t *index, bool ascii, char *buf,
			 size_t size)
{
	const struct lt_estimate *first = &finding->estimates[*index], *estimate = first;
	int n = snprintf(buf, size, "%s:", first->cure);

	for (; *index < finding->n_estimates && n >= 0 && (size_t)n < size; (*index)++) {
		estimate = &finding->estimates[*index];
		if (strcmp(estimate->cure, first->cure))
			break;
		n += snprintf(buf + n, size - (size_t)n, "%s %s %s %s %s",
			      estimate == first ? "" : ",", estimate->figure,
			      LT_SECONDS(estimate->before), ascii ? "->" : "\u2192",
			      LT_SECONDS(estimate->after));
	}
	return buf;
}
