/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Adding to a histogram: by its only writer, or by many threads at once. */
#ifndef LOOPTOP_BPF_HIST_H
#define LOOPTOP_BPF_HIST_H

#include "bpf/atomic.h"

/* The maximum of the running collection interval (abi.h), for its only writer. */
lt_inline void lt_max_own(__u64 max[2], __u32 max_epoch[2], __u64 value)
{
	__u32 epoch = lt_epoch, half = epoch & 1;

	if (max_epoch[half] != epoch || value > max[half])
		max[half] = value;
	max_epoch[half] = epoch;
}

/* The same for concurrent writers, who may not lose one; under the lock. */
lt_inline void lt_max(__u64 max[2], __u32 max_epoch[2], __u64 value)
{
	__u32 epoch = lt_epoch, half = epoch & 1;
	__u64 seen;

	if (max_epoch[half] != epoch) {
		max[half] = value;
		max_epoch[half] = epoch;
		return;
	}
	for (int tries = 0; tries < 4; tries++) {
		seen = max[half];
		if (value <= seen || lt_replace(&max[half], seen, value))
			return;
	}
}

/*
 * The bucket, in a register of its own: without the barrier clang checks one copy of the index and
 * uses another, which the verifier (Linux 6.18 as well) then calls unbounded.
 */
lt_inline __u64 lt_bucket(__u64 ns)
{
	__u64 i = lt_hist_index(ns);

	barrier_var(i);
	return i;
}

/* For a histogram that one thread writes. */
lt_inline void lt_hist_add(struct lt_hist_rec *hist, __u64 ns)
{
	__u64 i = lt_bucket(ns);

	if (i >= LT_HIST_BUCKETS) /* never; the verifier wants to see it */
		return;
	hist->count[i]++;
	hist->sum_ns[i] += ns;
	lt_max_own(hist->max_ns, hist->max_epoch, ns);
}

/* For a histogram that threads write at the same time. */
lt_inline void lt_hist_add_shared(struct lt_hist_rec *hist, __u64 ns)
{
	__u64 i = lt_bucket(ns);
	struct lt_lock lock;

	if (i >= LT_HIST_BUCKETS)
		return;
	lt_add(&hist->sum_ns[i], ns);
	lt_add(&hist->count[i], 1);
	lt_lock(&lock, bpf_get_current_pid_tgid() >> 32);
	lt_max(hist->max_ns, hist->max_epoch, ns);
	lt_unlock(&lock);
}

#endif
