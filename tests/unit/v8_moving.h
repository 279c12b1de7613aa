/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* For tests of the resolver: the garbage collector, at work between two of its reads. */
#ifndef LOOPTOP_TESTS_V8_MOVING_H
#define LOOPTOP_TESTS_V8_MOVING_H

#include "tests/unit/v8_image.h"

struct move {
	uint64_t at_read, to, from; /* the memory at `to` becomes what is at `from`, … */
	size_t size;
	uint64_t holder; /* … and this object's word at `offset`, if there is one, becomes `copy` */
	int offset;
	uint64_t copy;
};

/* As before_read; ctx is the move. */
static inline void move_now(struct image *image, uint64_t address, size_t length)
{
	struct move *move = image->ctx;

	(void)address;
	(void)length;
	if (image->reads != move->at_read)
		return;
	memcpy(image_at(image, move->to, 0), image_at(image, move->from, 0), move->size);
	if (move->holder)
		image_put(image, move->holder, move->offset, move->copy);
}

#endif
