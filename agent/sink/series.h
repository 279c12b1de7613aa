/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The series that an exposition page is made of: taken from a snapshot, merged where their labels
 * are equal, bounded in number. A set does not change once it is made; pages are printed from it.
 */
#ifndef LOOPTOP_SINK_SERIES_H
#define LOOPTOP_SINK_SERIES_H

#include "looptop/metric.h"
#include "looptop/sink.h"

/* Upper bounds of buckets: 2^13 ns (8 us) to 2^35 ns (34 s), where lt_hist has exact bounds. */
#define LT_LE_FIRST 13
#define LT_LE_LAST  35
#define LT_LE_COUNT (LT_LE_LAST - LT_LE_FIRST + 1)

struct lt_buckets {
	double below[LT_LE_COUNT]; /* cumulative */
	double count; /* the bucket +Inf */
	double sum;
};

struct lt_series {
	const struct lt_metric *family; /* the first row of those that share the name */
	double value; /* of a counter or gauge */
	uint64_t source; /* the process or the thread that it is of; 0: looptop */
	uint32_t buckets; /* of a histogram: their place in the set */
	uint32_t order; /* of coming */
	uint32_t labels; /* offset of their text in the set */
	uint16_t rank; /* of the family on the page */
	bool ends; /* its process or loop ends with this snapshot */
	bool past; /* what ended ones left behind */
	bool held; /* what one that is unknown now had counted when it was last known */
	bool dropped; /* over the bound */
};

struct lt_series_list {
	struct lt_series *items;
	size_t n, room;
};

struct lt_series_set {
	struct lt_prom_opts opts;
	struct lt_series_list shown; /* sorted by family, then labels; no two are equal */
	/* What series that have ended counted. It lives on in equal series (the same name without
	 * a pid, Workers of one name), so that a sum does not fall when a part of it ends. */
	struct lt_series_list past;
	/* What each of several equal ones has counted. One that is unknown for a while (it has no probes) stays in the
	 * sum of them, which would fall, and later rise by all that it had ever counted. */
	struct lt_series_list parts;
	char *text; /* of the labels: name="value",…, each NUL-terminated */
	size_t text_used, text_room;
	struct lt_buckets *buckets;
	size_t n_buckets, buckets_room;
	size_t lines_dropped;
};

/* `before` is the set of the snapshot before this one, or NULL; borrowed for the call. NULL with
 * errno ENOMEM. */
struct lt_series_set *lt_series_set__new(const struct lt_snapshot *snapshot,
					 const struct lt_prom_opts *opts,
					 const struct lt_series_set *before);
void lt_series_set__free(struct lt_series_set *set);

/* What ends with a snapshot, and nothing else: a set with a past only. NULL with errno ENOMEM. */
struct lt_series_set *lt_series_set__leaving(const struct lt_snapshot *snapshot,
					     const struct lt_prom_opts *opts);
/* Adds the past of a set to that of another. 0 or -ENOMEM. */
int lt_series_set__retire(struct lt_series_set *set, const struct lt_series_set *leaving);
/* Keeps the past and the parts only: of a set of which no page is wanted any more. */
void lt_series_set__shrink(struct lt_series_set *set);

/* Has the process, or one of its loops, its last row in it? */
bool lt_process_has_end(const struct lt_process *process);
bool lt_snapshot_has_ends(const struct lt_snapshot *snapshot);

/* The page in one of the two formats; as lt_prometheus_page(). */
char *lt_series_set__page(const struct lt_series_set *set, bool openmetrics, size_t *ret_length);

/* Between the files of the set: collect.c fills shown, merge.c merges it, series.c sees to what lives on. ended_only: of processes that have
 * an end in it only. 0 or -ENOMEM. */
int lt_series_set__collect(struct lt_series_set *set, const struct lt_snapshot *snapshot,
			   bool ended_only);
/* Sorts the series, and equal ones become one. 0 or -ENOMEM. */
int lt_series_set__merge(struct lt_series_set *set);
/* Takes out of the parts what the series of another set knows. */
void lt_series_set__forget(struct lt_series_set *set, const struct lt_series_set *other,
			   const struct lt_series *known);
int lt_series_list__add(struct lt_series_list *list, const struct lt_series *series);
/* Keeps a text; its offset in *ret_offset. */
int lt_series_set__keep(struct lt_series_set *set, const char *text, uint32_t *ret_offset);
/* Keeps a histogram's buckets; their place in *ret_place. */
int lt_series_set__keep_buckets(struct lt_series_set *set, const struct lt_buckets *buckets,
				uint32_t *ret_place);

/* A process or one of its threads, whoever gets its number next. */
static inline uint64_t lt_series_source(const struct lt_process *process, int tid)
{
	double seconds = lt_known(process->start_time) ? process->start_time : 0;

	return (uint64_t)(uint32_t)tid << 32 | (uint32_t)(int64_t)(100 * seconds);
}

/* Upper bounds of a histogram's buckets, LT_LE_COUNT at most: its family's own, or ours. */
size_t lt_series_n_bounds(const struct lt_metric *family);
double lt_series_bound(const struct lt_metric *family, size_t i);

/* Lines that a series takes on a page. */
size_t lt_series_lines(const struct lt_series *series);

#endif
