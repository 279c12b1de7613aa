/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_TESTS_HIST_ADD_H
#define LOOPTOP_TESTS_HIST_ADD_H

#include "looptop/snapshot.h"

/* Adds n values of so many nanoseconds. */
static inline void hist_add(struct lt_hist *hist, uint64_t ns, double n)
{
	uint32_t i = lt_hist_index(ns);
	double seconds = (double)ns / 1e9;

	hist->count += n;
	hist->sum += seconds * n;
	hist->bucket_count[i] += n;
	hist->bucket_sum[i] += seconds * n;
	if (seconds > hist->max)
		hist->max = seconds;
}

#endif
