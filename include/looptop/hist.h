/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The one histogram layout of looptop: log-linear, 16 buckets for each power of two, from 64 ns to
 * 137 s, so that a bucket is at most 6.25 % wide and its middle at most 3.2 % wrong. Pure
 * arithmetic on integers, compiled into the BPF programs and into user space alike.
 */
#ifndef LOOPTOP_HIST_H
#define LOOPTOP_HIST_H

#include <linux/types.h>

#define LT_HIST_UNIT_SHIFT 6 /* the smallest bucket is 2^6 = 64 ns wide */
#define LT_HIST_SUB_BITS 4
#define LT_HIST_SUB (1u << LT_HIST_SUB_BITS)
#define LT_HIST_EXP_MAX 30 /* of a value in units: 2^31 units of 64 ns = 137 s */
#define LT_HIST_BUCKETS ((LT_HIST_EXP_MAX - LT_HIST_SUB_BITS + 2) * LT_HIST_SUB) /* 448 */

/* The bucket of a duration. Longer ones than 137 s fall into the last bucket. */
static inline __attribute__((always_inline)) __u32 lt_hist_index(__u64 ns)
{
	__u64 units = ns >> LT_HIST_UNIT_SHIFT;
	__u32 exp = 0;

	if (units < LT_HIST_SUB)
		return (__u32)units;
	if (units >> (LT_HIST_EXP_MAX + 1))
		return LT_HIST_BUCKETS - 1;
	/* Binary search for the highest bit: BPF has no count-leading-zeros instruction. */
	for (__u32 step = 16; step; step >>= 1)
		if (units >> (exp + step))
			exp += step;
	return (exp - LT_HIST_SUB_BITS + 1) * LT_HIST_SUB +
	       ((__u32)(units >> (exp - LT_HIST_SUB_BITS)) & (LT_HIST_SUB - 1));
}

/* The smallest duration that falls into bucket i, in ns; for i = LT_HIST_BUCKETS the end of all. */
static inline __u64 lt_hist_lower_ns(__u32 i)
{
	__u32 exp = i / LT_HIST_SUB + LT_HIST_SUB_BITS - 1;

	if (i < LT_HIST_SUB)
		return (__u64)i << LT_HIST_UNIT_SHIFT;
	return (__u64)(LT_HIST_SUB + i % LT_HIST_SUB)
	       << (exp - LT_HIST_SUB_BITS + LT_HIST_UNIT_SHIFT);
}

#endif
