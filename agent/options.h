/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The command line. */
#ifndef LOOPTOP_OPTIONS_H
#define LOOPTOP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/probe/probe.h"

enum lt_format { LT_FORMAT_TEXT, LT_FORMAT_JSON, LT_FORMAT_CSV };

/* Are compilations and deoptimisations counted? AUTO: in a process that is open on the screen. */
enum lt_jit_probes { LT_JIT_AUTO, LT_JIT_ON, LT_JIT_OFF };

struct lt_options {
	const char *command; /* "top" if none was given */
	int *pids; /* targets named by number */
	size_t n_pids;
	const char *name_glob; /* -n, NULL: none */
	double interval_seconds;
	long count; /* rows to show, 0: no end */
	double duration_seconds; /* 0: no end */
	bool tier_auto;
	enum lt_tier tier; /* the highest that may be used */
	bool all_tiers; /* each process starts at its tier, also when none was named (stalls, doctor) */
	bool pool, gc;
	enum lt_jit_probes jit;
	double stall_seconds;
	double budget_ratio; /* share of one core, for a target */
	double total_budget_ratio; /* for all of them */
	size_t target_memory_bytes; /* for what comes from all targets */
	bool perf_only; /* attach by perf events even where multi links work */
	bool oldest_way; /* and as if links had no cookies, and atomic operations told no old value */
	bool generic; /* all processes with an epoll descriptor are looked for, too */
	enum lt_wait_way waits; /* LT_WAITS_NONE: the best that there is */
	bool keep_tasks; /* each pool task, one by one (doctor) */
	enum lt_format format;
	const char *listen;
	bool no_pid_label;
	size_t max_series;
	size_t stall_functions; /* agent: how many functions are labels, 0: none */
	unsigned names; /* agent: sets of names beside the native ones, 1 << LT_NAMES_… */
	const char *html_path; /* doctor, NULL: no page */
	bool ascii;
	const char *theme;
	int verbose;
};

/* Parses the command line; prints and exits by itself for --help, --version and usage errors (2). */
void lt_options__parse(struct lt_options *options, int argc, char **argv);

#endif
