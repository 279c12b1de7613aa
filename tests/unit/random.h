/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Numbers that look random and are the same in every run. A seed is not 0. */
#ifndef LOOPTOP_TESTS_RANDOM_H
#define LOOPTOP_TESTS_RANDOM_H

#include <stdint.h>

static inline uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* From 0 to 1. */
static inline double uniform(uint64_t *seed)
{
	return (double)(next_random(seed) >> 11) / 9007199254740992.0;
}

#endif
