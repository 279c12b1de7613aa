/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* V8's strings in another process: sequential, external, and what is made of those (cons, slices, thin). */
#ifndef LOOPTOP_V8_STRINGS_H
#define LOOPTOP_V8_STRINGS_H

#include "agent/v8/heap.h"

#define LT_V8_PARTS_MAX 64

/* A piece of a string that lies together in memory. */
struct lt_v8_part {
	uint64_t address;
	uint32_t length; /* in UTF-16 units */
	bool one_byte; /* Latin-1, otherwise UTF-16 */
};

struct lt_v8_string {
	uint32_t length; /* in UTF-16 units, of the whole string */
	uint32_t n_units; /* of the parts: less if a limit was given */
	size_t n_parts;
	struct lt_v8_part parts[LT_V8_PARTS_MAX];
};

/* Finds the pieces of the first `limit` units of a string. 0; -EINVAL: word is no string; -E2BIG: too
 * many pieces; or another -errno. */
int lt_v8_string__open(struct lt_v8_heap *heap, uint64_t word, uint32_t limit,
		       struct lt_v8_string *ret_string);

/* Reads n units from unit `from` on. 0 or -errno. */
int lt_v8_string__units(struct lt_v8_heap *heap, const struct lt_v8_string *string, uint32_t from,
			uint16_t *units, uint32_t n);

/* The string as printable UTF-8, cut if it does not fit. 0; -EAGAIN: it was moved meanwhile; or -errno as
 * above. size ≤ 4096. */
int lt_v8_string__text(struct lt_v8_heap *heap, uint64_t word, char *buf, size_t size);

#endif
