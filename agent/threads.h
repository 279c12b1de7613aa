/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The threads of a target, and which of them are known to run a loop. */
#ifndef LOOPTOP_THREADS_H
#define LOOPTOP_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "looptop/runtime.h"
#include "looptop/snapshot.h"

#define LT_THREADS_MAX 1024

struct lt_handles;
struct lt_live;

/* A thread, and the loop it may run. */
struct lt_thread_state {
	int tid;
	int tries; /* how often its stack was looked at */
	bool is_loop;
	bool here; /* in this interval's list */
	char name[32];
	uint64_t loop_ptr;
	bool has_mem;
	struct lt_loop_mem mem; /* the latest reading of its account */
	struct lt_handles *handles; /* owned; NULL: they are not read (yet) */
	int64_t seed_sleeps; /* its sleeps when its record was made, in the last of them */
	uint64_t isolate; /* of its JavaScript, 0: not found (yet) */
	int isolate_tries;
	double used_after_gc_bytes; /* of its heap; 0: no full collection has been seen */
	struct lt_heap heap; /* the latest reading of all of it */
	uint64_t heap_ns; /* when it was taken, 0: never */
	bool heap_missed; /* the interval's reading met a collection: it is read between the intervals too */
	uint64_t hits, hits_metered; /* of its record; those that have been paid for */
	double more_ns, more_ns_metered; /* what it cost beside them, the same */
};

struct lt_threads {
	struct lt_thread_state *items; /* owned */
	size_t n, room;
};

/* The thread, added if it is new: others may move then; NULL: there are too many, or memory ran out. */
struct lt_thread_state *lt_threads__add(struct lt_threads *threads, int tid);

/* Marks those that are here now, and adds the new ones. */
void lt_threads__list(struct lt_threads *threads, const struct lt_live *live);

/* Is a thread's name one that somebody gave it, or what Node calls all of its kind? comm: the name of the
 * process. */
bool lt_is_own_name(const char *name, const char *comm);

#endif
