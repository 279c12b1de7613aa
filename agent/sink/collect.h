/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Between the files that turn a snapshot into series. */
#ifndef LOOPTOP_SINK_COLLECT_H
#define LOOPTOP_SINK_COLLECT_H

#include "agent/sink/series.h"

#define LT_LABELS_MAX 2048 /* bytes; seven of the longest fit */

/* The order of families on a page; rows of the tables follow, one table after the other. */
enum {
	LT_RANK_BUILD,
	LT_RANK_PROCESS,
	LT_RANK_VERSION,
	LT_RANK_METRICS
};

/* What is being walked: one process, one of its loops or kinds. */
struct lt_walk {
	struct lt_series_set *set;
	const struct lt_name_set *names; /* whose rows are walked */
	const size_t *family_of; /* by row of the table: the first row with its Prometheus name */
	size_t before; /* rows of the tables before this one */
	const void *base; /* the structure that offsets are in */
	char prefix[LT_LABELS_MAX]; /* labels of the process or loop */
	bool ends;
	uint64_t source; /* of the series that are added */
	int err; /* the first failure; all later steps do nothing */
};

/* Appends name="value", cut and printable, with quotes escaped. */
void lt_walk__label(char *labels, const char *name, const char *value);

/* A series with the walk's labels and one more, or NULL. */
void lt_walk__add(struct lt_walk *walk, size_t rank, const struct lt_metric *family,
		  const char *label, const char *value, struct lt_series *series);

/* Whose names the rows are that come next. */
void lt_walk__names(struct lt_walk *walk, enum lt_names names);

/* The figures of a scope. */
void lt_walk__scope(struct lt_walk *walk, enum lt_scope scope, const void *base);

/* collect_names.c: a process's figures under the names of others, for those who asked for them. */
void lt_walk__others_names(struct lt_walk *walk, const struct lt_process *process);

#endif
