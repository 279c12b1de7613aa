/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Finding processes with an event loop: which are there, which are new, when each is looked at. A process
 * is its pid and its start time. It is recognised by the files that are mapped into it, at once when it
 * begins, and then more and more rarely, for a library may be loaded later. Times are CLOCK_MONOTONIC.
 */
#ifndef LOOPTOP_TARGET_DISCOVER_H
#define LOOPTOP_TARGET_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

struct lt_discovery;

/* generic: processes with an epoll descriptor too, whatever is mapped into them. NULL with errno. */
struct lt_discovery *lt_discovery__new(bool generic);
void lt_discovery__free(struct lt_discovery *discovery);

/* Looks through /proc for processes that are not known yet, and forgets those that have ended. 0 or -errno. */
int lt_discovery__scan(struct lt_discovery *discovery, uint64_t now_ns);

/* A process runs another program since now, or was forked and may soon do so: it is looked at anew. */
void lt_discovery__began(struct lt_discovery *discovery, int pid, bool forked, uint64_t now_ns);
void lt_discovery__ended(struct lt_discovery *discovery, int pid);

/* Looks at those whose time has come, until the clock shows deadline_ns; the others stay for the next time. */
void lt_discovery__look(struct lt_discovery *discovery, uint64_t now_ns, uint64_t deadline_ns);

/* Looks at all that are known, in everything that is mapped into them, until the clock shows deadline_ns. */
void lt_discovery__look_through(struct lt_discovery *discovery, uint64_t deadline_ns);

/* A process that was recognised. */
struct lt_found {
	int pid;
	uint64_t seen_ns; /* when it was */
	double seen_time; /* Unix time of that */
};

/* The next one that nobody took yet and that has had time to map its files; it is taken now. False: none. */
bool lt_discovery__next(struct lt_discovery *discovery, uint64_t now_ns, struct lt_found *ret_found);

/* Somebody says now why it cannot be attached to; true: for the first time. */
bool lt_discovery__mark_told(struct lt_discovery *discovery, int pid);

/* Gives it back: it is told again at that time. */
void lt_discovery__postpone(struct lt_discovery *discovery, int pid, uint64_t until_ns);

#endif
