/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the three forms of the report (text.c, json.c, html.c) have in common. */
#ifndef LOOPTOP_DOCTOR_REPORT_H
#define LOOPTOP_DOCTOR_REPORT_H

#include "agent/doctor/estimate.h"
#include "agent/doctor/finding.h"
#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"

#define LT_REPORT_NOTES 6

/* Sentences that are true of the whole report: what it could not see, and what "nothing found" means. */
struct lt_report_notes {
	char text[LT_REPORT_NOTES][LT_FINDING_TEXT];
	size_t n;
};

void lt_report_notes(const struct lt_doctor *doctor, const struct lt_diagnosis *diagnosis,
		     struct lt_report_notes *notes);

/* "server.js (pid 4121, node 20.20.2, tier phases)" */
char *lt_report_process(const struct lt_dr_process *process, char *buf, size_t size);

/* "without parseInvoice: lag p99 48ms → 9.0ms, lag max 212ms → 14ms", of the estimates from *index on that
 * are of one cure; *index moves behind them. An ASCII arrow if asked for. */
char *lt_report_estimate(const struct lt_finding *finding, size_t *index, bool ascii, char *buf,
			 size_t size);
#endif
