/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which parts of a file were read. An analysis is a function of these and of nothing else: while their sum stays
 * the same, another analysis would find the same.
 */
#ifndef LOOPTOP_TARGET_EXTENTS_H
#define LOOPTOP_TARGET_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

#include "looptop/runtime.h"

struct lt_extents;

/* For a file of so many bytes. NULL: out of memory, or it is too large to be noted; noting then does nothing. */
struct lt_extents *lt_extents__new(uint64_t file_size);
void lt_extents__free(struct lt_extents *extents);

/* These bytes were read, or may have been. */
void lt_extents__note(struct lt_extents *extents, uint64_t offset, uint64_t size);

/* All that was noted, in order, in at most max parts; where there would be more, they have what lies between them
 * as well. How many there are; 0: nothing is known. */
size_t lt_extents__list(const struct lt_extents *extents, struct lt_extent *ret_parts, size_t max);

/*
 * The sum of these parts of a file, under a key that nobody knows who could choose the contents. 0, or -errno: -EIO
 * the file is shorter.
 */
int lt_extents_sum(int fd, const struct lt_extent *parts, size_t n, uint64_t key,
		   uint64_t *ret_sum);

#endif
