/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the walk over handles and the reading of them share. */
#ifndef LOOPTOP_TARGET_HANDLE_INTERNAL_H
#define LOOPTOP_TARGET_HANDLE_INTERNAL_H

#include "agent/target/handle_walk.h"
#include "agent/util/clock.h"

#define LT_HANDLE_NONE UINT32_MAX

/* A handle as it was read, and its links. */
struct lt_seen {
	struct lt_handle handle;
	uint64_t loop, next, prev; /* nodes of the queue */
	bool read; /* in this walk */
};

struct lt_handle_list {
	struct lt_seen *items;
	size_t n, capacity;
};

struct lt_handle_walk {
	struct lt_source source;
	int pid;
	struct lt_handle_list known; /* where handles were, or may be */
	struct lt_handle_list found; /* by the walk that runs */
	struct lt_handle *handles; /* the result */
	size_t handles_capacity;
	uint32_t *table; /* by address: index in known, or LT_HANDLE_NONE */
	size_t table_size; /* a power of two */
	uint64_t *watchers;
	size_t watchers_capacity;
	unsigned char *block; /* what a batch reads */
	struct iovec *pieces;
	size_t batch; /* handles that there is room for in block and pieces */
	uint64_t deadline_ns, cpu_deadline_ns; /* on CLOCK_MONOTONIC, of this thread's CPU time */
	unsigned singles; /* calls for one handle */
};

/* Has the walk taken more time than it may? */
static inline bool lt_handle_walk__is_late(const struct lt_handle_walk *walk)
{
	return lt_thread_cpu_ns() > walk->cpu_deadline_ns || lt_now_ns() > walk->deadline_ns;
}

/* A new item, all 0; NULL when memory ran out. */
struct lt_seen *lt_handle_list__add(struct lt_handle_list *list);

/* Reads one handle. -EFAULT: it is not there. */
int lt_handle_walk__read_one(const struct lt_source *source, uint64_t address,
			     struct lt_seen *seen);

/* Does it stand in the loop's queue, behind the node prev? */
bool lt_handle_walk__fits(const struct lt_seen *seen, uint64_t loop_ptr, uint64_t prev);

/* Index in known, or LT_HANDLE_NONE: it is read on its own then. */
uint32_t lt_handle_walk__look_up(const struct lt_handle_walk *walk, uint64_t address);

/* Enters what is known, with room for n in all. */
int lt_handle_walk__make_table(struct lt_handle_walk *walk, size_t n);

/* Adds an address to what is known. */
int lt_handle_walk__know(struct lt_handle_walk *walk, uint64_t address);

/* Makes the table, and adds the watched descriptors' handles: new sockets are there first. What turns out to be
 * no stream is never looked up. */
int lt_handle_walk__know_watched(struct lt_handle_walk *walk, const unsigned char *loop);

/* Reads all that is known, as far as it is there. */
int lt_handle_walk__read_known(struct lt_handle_walk *walk);

#endif
