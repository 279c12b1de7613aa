/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which targets do not answer, since when, and when they are asked again: each time twice as late. Nothing but
 * arithmetic; who asks is in reader.c.
 */
#ifndef LOOPTOP_TARGET_SILENT_H
#define LOOPTOP_TARGET_SILENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LT_SILENT_FIRST_NS   1000000000ull /* until it is asked for the first time */
#define LT_SILENT_LONGEST_NS 60000000000ull
#define LT_SILENT_GOOD_NS    60000000000ull /* after so long without another silence it begins anew */

enum lt_part {
	LT_PART_MEMORY, /* and its files, and all else of it that may make one wait */
	LT_PART_ARGUMENTS, /* the command line and the environment: all else may be there */
	LT_PART_MAX,
};

struct lt_silence {
	int pid;
	enum lt_part part;
	uint64_t start_ticks; /* with the pid, its identity */
	uid_t uid;
	bool silent; /* false: it has answered since, and is remembered for LT_SILENT_GOOD_NS */
	bool asking; /* somebody asks it, and is not waited for */
	uint64_t since_ns, until_ns; /* it is asked from then on; of one that has answered: when it did */
	uint64_t pause_ns;
	void *request; /* what it did not answer; owned, by free() */
};

struct lt_silences {
	struct lt_silence *items;
	size_t n, room;
};

/* It did not answer. NULL: out of memory. */
struct lt_silence *lt_silences__add(struct lt_silences *silences, int pid, enum lt_part part,
				    uint64_t start_ticks, uint64_t now_ns);
/* NULL: it answers, as far as is known. One that has answered meanwhile is no silence. */
struct lt_silence *lt_silences__find(const struct lt_silences *silences, int pid, enum lt_part part);

/* Is it to be asked? */
bool lt_silence__is_due(const struct lt_silence *silence, uint64_t now_ns);
/* What became of it. */
void lt_silence__answered(struct lt_silence *silence, uint64_t now_ns);
void lt_silence__still(struct lt_silence *silence, uint64_t now_ns);

/* Forgets those that have answered for long. */
void lt_silences__sweep(struct lt_silences *silences, uint64_t now_ns);
void lt_silences__drop(struct lt_silences *silences, struct lt_silence *silence);
void lt_silences__clear(struct lt_silences *silences);

/*
 * For how long an answer may be waited for. What was waited for in vain is taken off from a credit that time fills, so
 * that many targets that do not answer take a fifth of the time and not all of it.
 */
struct lt_patience {
	uint64_t credit_ns, credited_ns;
	bool begun;
};

uint64_t lt_patience__deadline_ns(struct lt_patience *patience, uint64_t now_ns);
void lt_patience__spent(struct lt_patience *patience, uint64_t ns);

#endif
