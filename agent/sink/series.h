/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Writing an exposition page: headings, labels, samples, the bound on their number. */
#ifndef LOOPTOP_SINK_SERIES_H
#define LOOPTOP_SINK_SERIES_H

#include "looptop/metric.h"
#include "looptop/sink.h"

struct lt_labels {
	const struct lt_process *process; /* NULL: none of its labels */
	const char *loop, *kind; /* NULL: no such label */
};

struct lt_page;

/* NULL with errno. */
struct lt_page *lt_page__new(const struct lt_prom_opts *opts);

/* looptop_build_info and looptop_process_info. */
void lt_page__info(struct lt_page *page, const struct lt_snapshot *snapshot);

/* One family: heading, then samples, then its end (where equal series have been added up). */
void lt_page__family(struct lt_page *page, const char *name, enum lt_prom_type type,
		     const char *help);
void lt_page__family_end(struct lt_page *page);

/* A value of a counter or gauge; unknown ones leave no series. further: the value of the metric's
 * own label, or NULL. */
void lt_page__sample(struct lt_page *page, const struct lt_metric *metric,
		     const struct lt_labels *labels, const char *further, double value);

/* The buckets of a histogram in rising order, then its end. */
void lt_page__bucket(struct lt_page *page, const struct lt_metric *metric,
		     const struct lt_labels *labels, double le, double count);
void lt_page__histogram_end(struct lt_page *page, const struct lt_metric *metric,
			    const struct lt_labels *labels, double count, double sum);

/* The finished page, to be freed by the caller, and the end of the writer. NULL with errno. */
char *lt_page__finish(struct lt_page *page, size_t *ret_length);

#endif
