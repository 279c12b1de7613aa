/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A sink takes snapshots and shows them: text rows, JSON lines, CSV, Prometheus. One file a sink,
 * one descriptor at its top.
 */
#ifndef LOOPTOP_SINK_H
#define LOOPTOP_SINK_H

#include <stdio.h>

#include "looptop/snapshot.h"

struct lt_sink_opts {
	FILE *out; /* borrowed */
	int header_every; /* text: rows between two headers, 0: the terminal's height */
	bool colour; /* text: severity in colour */
	bool ascii; /* text: no characters beyond ASCII */
};

struct lt_sink {
	const char *name; /* "text", "json", "csv" */
	/* NULL with errno set on failure; the state is freed by close. */
	void *(*open)(const struct lt_sink_opts *opts);
	/* 0, or -errno: -EPIPE when the reader has gone. Borrows the snapshot. */
	int (*write)(void *state, const struct lt_snapshot *snapshot);
	/* Flushes; 0 or -errno. */
	int (*close)(void *state);
};

extern const struct lt_sink lt_sink_text, lt_sink_json, lt_sink_csv;
extern const struct lt_sink lt_sink_stalls, lt_sink_stalls_json;

#define LT_STALL_FUNCTIONS_MAX 100

struct lt_blockers; /* agent/sink/blockers.h */
struct lt_delays; /* agent/sink/delays.h */

struct lt_prom_opts {
	bool openmetrics; /* OpenMetrics 1.0 instead of the text format 0.0.4 */
	/* Drop `pid` and merge what is equal then: counters, histograms and counts add up, of
	 * ratios and of lengths of stalls the worst is taken. */
	bool no_pid_label;
	size_t max_series; /* 0: no bound; what is left out is counted in the output itself */
	/* So many functions that blocked longest get a series each, the rest one together; at most
	 * LT_STALL_FUNCTIONS_MAX. 0: none, their names are no labels. */
	size_t stall_functions;
	const struct lt_blockers *blockers; /* which they are; the exporter's HTTP side has its own */
	/* Sets of names beside the native ones (metric.h): 1 << LT_NAMES_PROM_CLIENT, … */
	unsigned names;
	const struct lt_delays *delays; /* figures that only they have; as with blockers */
};

/* The exposition page of a snapshot: NUL-terminated, to be freed by the caller; NULL with errno. */
char *lt_prometheus_page(const struct lt_snapshot *snapshot, const struct lt_prom_opts *opts,
			 size_t *ret_length);

/* One snapshot as one JSON object without a newline; to be freed by the caller; NULL with errno. */
char *lt_json_line(const struct lt_snapshot *snapshot);

/* The exporter's HTTP side (libmicrohttpd). */
struct lt_http;
struct lt_http_opts {
	const char *listen; /* "127.0.0.1:9478", "[::1]:9478", ":9478" */
	struct lt_prom_opts prom;
};
/* NULL with errno set (and the error logged) on failure, for instance EADDRINUSE. */
struct lt_http *lt_http__new(const struct lt_http_opts *opts);
/* The port it listens on (of use with port 0). */
int lt_http__port(const struct lt_http *http);
/* What scrapes get from now on. The snapshot is borrowed until the next call; it is read by scrapes from here on,
 * unless lt_http__hold() says otherwise. Before the first call, and when calls stop to come, /metrics and /readyz
 * answer 503. To be called by one thread, as the next two. What processes of the same labels counted that have
 * ended stays in the sums. */
int lt_http__publish(struct lt_http *http, const struct lt_snapshot *snapshot);
/* Nobody reads the snapshot, until it is published or released: it may be changed, or be freed if another one is
 * published next. Waits for a scrape that reads it. */
void lt_http__hold(struct lt_http *http);
void lt_http__release(struct lt_http *http);
void lt_http__free(struct lt_http *http);

#endif
