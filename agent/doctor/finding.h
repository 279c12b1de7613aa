/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Findings: what holds a process back, in sentences and figures, and what a cure would bring. Rules make
 * them; the reports only write them down. Texts of a target are printable since they were collected.
 */
#ifndef LOOPTOP_DOCTOR_FINDING_H
#define LOOPTOP_DOCTOR_FINDING_H

#include "agent/doctor/collect.h"

#define LT_FINDINGS_MAX	     256
#define LT_FINDING_SEEN	     6
#define LT_FINDING_ADVICE    5
#define LT_FINDING_ESTIMATES 5
#define LT_FINDING_TEXT	     400

/* What a figure would be with a cure. */
struct lt_estimate {
	char cure[LT_FINDING_TEXT]; /* "without parseInvoice", "UV_THREADPOOL_SIZE=8" */
	const char *figure; /* "lag p99" */
	const char *key; /* "lag_p99_seconds", for machines */
	double before, after; /* seconds */
};

struct lt_finding {
	const char *id; /* "sync-javascript", …: for machines, never changed */
	const struct lt_dr_process *process;
	const struct lt_dr_loop *loop; /* NULL: it is about the process */
	const struct lt_blocker *blocker; /* the function that it is about, or NULL */
	char title[LT_FINDING_TEXT];
	char seen[LT_FINDING_SEEN][LT_FINDING_TEXT]; /* figures */
	size_t n_seen;
	const char *why; /* it hurts */
	const char *advice[LT_FINDING_ADVICE];
	size_t n_advice;
	struct lt_estimate estimates[LT_FINDING_ESTIMATES];
	size_t n_estimates;
	char caveat
		[LT_FINDING_TEXT]; /* when the estimates do not hold; "": they are what they are */
	bool comes_first; /* whatever the others weigh */
	double weight_seconds; /* what the best cure takes off the tail and the mean; they are sorted by it */
};

/* One thing that was looked at, in all processes. */
struct lt_checked {
	const char *what; /* "pool: queueing and saturation" */
	const char *reason; /* why it could not be looked at anywhere; NULL: it was */
};

struct lt_diagnosis {
	struct lt_finding *findings; /* by weight, the heaviest first */
	size_t n_findings;
	size_t left_out; /* there was no room for */
	struct lt_checked *checked;
	size_t n_checked;
};

/* Looks at everything that was collected. NULL with errno; freed by lt_diagnosis__free. */
struct lt_diagnosis *lt_diagnosis__new(const struct lt_doctor *doctor);
void lt_diagnosis__free(struct lt_diagnosis *diagnosis);

/* A new finding, to be filled in; NULL: there is no room, which is counted. */
struct lt_finding *lt_finding__new(struct lt_diagnosis *diagnosis, const char *id,
				   const struct lt_dr_process *process,
				   const struct lt_dr_loop *loop);

/* Adds a sentence with figures, an advice, an estimate (which adds its gain to the weight if it is the
 * best one so far of this figure). What does not fit is dropped. */
void lt_finding__seen(struct lt_finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void lt_finding__advise(struct lt_finding *finding, const char *advice);
void lt_finding__estimate(struct lt_finding *finding, const char *figure, const char *key,
			  double before, double after, const char *cure_fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* True if there is a finding with this id about the process. */
bool lt_diagnosis__has(const struct lt_diagnosis *diagnosis, const char *id,
		       const struct lt_dr_process *process);

/* A duration as the reports say it; buf has room for 16 bytes. */
#define LT_SECONDS(x) lt_fmt_seconds((char[16]){ 0 }, 16, (x))
#define LT_RATIO(x)   lt_fmt_ratio((char[16]){ 0 }, 16, (x))
#define LT_BYTES(x)   lt_fmt_bytes((char[16]){ 0 }, 16, (x))
#define LT_COUNT(x)   lt_fmt_count((char[16]){ 0 }, 16, (x))

#endif
