/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_ARRAY_H
#define LOOPTOP_UTIL_ARRAY_H

#include <stdlib.h>

/* Room for one more behind the n items of an array: the array, which has twice the capacity (`least` at
 * first) if it was full. NULL when memory ran out: then the array is as it was. */
static inline void *lt_array_room(void *items, size_t n, size_t *capacity, size_t least,
				  size_t size)
{
	size_t more = *capacity ? 2 * *capacity : least;

	if (n < *capacity)
		return items;
	items = reallocarray(items, more, size);
	if (items)
		*capacity = more;
	return items;
}

#endif
