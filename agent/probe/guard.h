/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The process that puts probes into targets, has them in its hands, and takes them out.
 *
 * The kernel gives up in the middle of putting probes in or taking them out when the thread that does it is about to be
 * killed, and leaves breakpoints in the target for which nobody will ever ask again: see register_for_each_vma() and
 * get_user_pages(), Linux 6.18 "failed to unregister, leaking uprobe". A process that is ending already cannot be killed
 * any more. So both are done where the user's kill does not hit: in a child that is in no group or session of ours,
 * that has another name, hears no signal that can be blocked, and ends by itself when we do, however we do.
 */
#ifndef LOOPTOP_PROBE_GUARD_H
#define LOOPTOP_PROBE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "looptop/runtime.h"

/* What one call may ask for at the most. */
#define LT_GUARD_SITES_MAX LT_IMAGE_SITES_MAX

struct lt_guard;

/* 0, or -errno with the error logged. */
int lt_guard__new(struct lt_guard **ret_guard);

/* Begins to take out all that is left, without waiting for it; no more can be attached then. Accepts NULL. */
void lt_guard__end(struct lt_guard *guard);

/* The same, and waits for it, at the end of the program for a moment only: the rest needs nobody. Accepts NULL. */
void lt_guard__free(struct lt_guard *guard);

/* False if it was killed: no probe is in any target then. */
bool lt_guard__alive(struct lt_guard *guard);

/* CPU time that it has used; 0 without one. */
double lt_guard__cpu_seconds(const struct lt_guard *guard);

/* A program at file offsets of the file that is open at file_fd, in the process pid only. */
struct lt_guard_sites {
	int prog_fd, file_fd, pid;
	const uint64_t *offsets, *cookies; /* n of each */
	size_t n;
	bool multi; /* by one multi link, not by an event for each */
	bool has_cookies; /* events carry them */
	bool is_trial; /* whether this way works is not known yet: the right to another one is kept */
};

/*
 * Puts them in. How many links that are, with their numbers stored into ret_links, or -errno: then none is there.
 * -ECANCELED: the end was asked for meanwhile; -EOWNERDEAD: it was killed.
 */
int lt_guard__attach(struct lt_guard *guard, const struct lt_guard_sites *sites,
		     int ret_links[LT_GUARD_SITES_MAX]);

/* Takes n links out, all at the same time; wait: returns when they are. */
void lt_guard__detach(struct lt_guard *guard, const int *links, size_t n, bool wait);

#endif
