/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Source maps that were read in a process with limits: each file once for all scripts and processes that name it.
 * They count to the budget (agent/util/budget.h).
 */
#ifndef LOOPTOP_V8_MAPSTORE_H
#define LOOPTOP_V8_MAPSTORE_H

#include <stdint.h>

#include "agent/v8/sourcemap.h"

struct lt_stored_map;

/* The map of a source, whose descriptor it takes over; owner: a process of the user whose source it is, for a data:
 * URL. To be put back. NULL: memory ran out. */
struct lt_stored_map *lt_mapstore__get(struct lt_sourcemap_source *take_source, int owner);
void lt_mapstore__put(struct lt_stored_map *map);

/*
 * As lt_sourcemap__find(), with texts that are the map's until the next call of any of these. -EAGAIN: it is being
 * read, or cannot be now; -ESTALE: it had to make room for others, and is to be got anew.
 */
int lt_mapstore__find(struct lt_stored_map *map, int line, int column, const char **ret_file,
		      int *ret_line, int *ret_column);

#endif
