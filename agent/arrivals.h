/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Processes that come while looptop runs: the kernel's events and looks through /proc put together, and how
 * much time may be spent on them. What is done with them is for the pipeline to say.
 */
#ifndef LOOPTOP_ARRIVALS_H
#define LOOPTOP_ARRIVALS_H

#include "agent/target/discover.h"
#include "looptop/abi.h"

struct lt_arrivals;
struct lt_images;

/* name_glob: only those whose display name it matches; NULL: all. generic: see discover.h. images are borrowed. NULL
 * with errno. */
struct lt_arrivals *lt_arrivals__new(const char *name_glob, bool generic,
				     struct lt_images *images);
void lt_arrivals__free(struct lt_arrivals *arrivals);

/* LT_EVENT_EXEC, _FORK or _ENDED. */
void lt_arrivals__event(struct lt_arrivals *arrivals, const struct lt_event *event);

/* Looks at those whose time has come. told: the kernel tells of processes that begin, but for `left` of them
 * since the start. */
void lt_arrivals__look(struct lt_arrivals *arrivals, bool told, uint64_t left);

/* Everything that is there, until the clock shows deadline_ns: for the start. 0 or -errno. */
int lt_arrivals__look_at_all(struct lt_arrivals *arrivals, uint64_t deadline_ns);

/* The next process to attach to; false: none, or enough time was spent on attaching for now. `all`: whether
 * or not. */
bool lt_arrivals__next(struct lt_arrivals *arrivals, bool all, struct lt_found *ret_found);

/* It cannot be attached to yet. */
void lt_arrivals__later(struct lt_arrivals *arrivals, int pid);
/* It does not answer: it is tried again every second, which costs nothing until it does. True: for the first time. */
bool lt_arrivals__silent(struct lt_arrivals *arrivals, int pid);

/* So long it took to attach. */
void lt_arrivals__spent(struct lt_arrivals *arrivals, uint64_t ns);

#endif
