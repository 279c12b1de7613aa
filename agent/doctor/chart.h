/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Charts of the page, as SVG in the text of the page. */
#ifndef LOOPTOP_DOCTOR_CHART_H
#define LOOPTOP_DOCTOR_CHART_H

#include "agent/doctor/collect.h"
#include "agent/doctor/finding.h"

/* Text in an element or a quoted attribute. */
void lt_html_text(FILE *out, const char *text);

/* Lag over time, on a scale of powers of ten, the worst above p99; below it what busy time went on. */
void lt_chart_lag(FILE *out, const struct lt_dr_process *process, const struct lt_dr_loop *loop);
void lt_chart_causes(FILE *out, const struct lt_dr_process *process, const struct lt_dr_loop *loop);
/* How many tasks were in the pool, and its threads as a line. */
void lt_chart_pool(FILE *out, const struct lt_dr_process *process);
/* What each cure would bring: a pair of bars for each estimate. */
void lt_chart_estimates(FILE *out, const struct lt_finding *finding);

#endif
