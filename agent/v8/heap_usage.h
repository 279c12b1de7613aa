/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * How large the heap of an isolate is, from its memory: what v8.getHeapStatistics() would say inside. The process
 * runs on meanwhile, so a reading must make sense as a whole, or it is taken again.
 */
#ifndef LOOPTOP_V8_HEAP_USAGE_H
#define LOOPTOP_V8_HEAP_USAGE_H

#include <stdbool.h>

#include "agent/v8/v8.h"

struct lt_heap_source {
	const struct lt_heap_layout *layout;
	struct lt_v8_memory memory;
	uint64_t bias; /* of the file with V8 */
	bool has_available; /* lt_heap__has_available() has said so; otherwise that is unknown */
};

/* The isolate that the object around address points at (node::Environment, around one of its handles), with all
 * that is checked once: the spaces' own getters read what the layout says. 0 and the isolate; -ENOENT: there is
 * none; -EOPNOTSUPP with *ret_why: it is there, but its heap is of another kind. */
int lt_heap__find(const struct lt_heap_source *source, uint64_t address, uint64_t *ret_isolate,
		  const char **ret_why);

/* Do the spaces' own getters read what is available in them where the layout says? */
bool lt_heap__has_available(const struct lt_heap_source *source, uint64_t isolate);

/* Reads it; used_after_gc_bytes stays unknown. While a collection runs, 2 ms are waited for its end; if it goes on,
 * what is used is unknown too. 0, or -errno: -EAGAIN: no reading made sense. */
int lt_heap__read(const struct lt_heap_source *source, uint64_t isolate, struct lt_heap *ret_heap);

/* The same with one look, and without waiting: -EBUSY while a collection runs. */
int lt_heap__read_once(const struct lt_heap_source *source, uint64_t isolate,
		       struct lt_heap *ret_heap);

#endif
