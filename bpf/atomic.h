/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Changing what has many writers. Linux 5.12 brought atomic operations that tell the old value; programs
 * that need one are built a second time, with LT_PLAIN_ATOMICS, for kernels before. Those have only the
 * addition, and hold a lock instead: an entry of a table is made by one CPU alone. The holder is not
 * preempted, and programs at uprobes do not interrupt each other on one CPU, so it is held for less than a
 * microsecond.
 */
#ifndef LOOPTOP_BPF_ATOMIC_H
#define LOOPTOP_BPF_ATOMIC_H

#include "bpf/maps.h"

/* A counter with more than one writer; the old value is not to be used. */
#define lt_add(ptr, value) ((void)__sync_fetch_and_add(ptr, value))

lt_inline void lt_lose(enum lt_lost cause)
{
	lt_add(&lt_lost[cause], 1);
}

struct lt_lock {
	__u32 tgid;
	bool held;
};

#ifndef LT_PLAIN_ATOMICS

/* The name of a program with two builds. */
#define LT_SHARED(name) lt_##name

lt_inline void lt_lock(struct lt_lock *lock, __u32 tgid)
{
}

lt_inline void lt_unlock(const struct lt_lock *lock)
{
}

/* The value before; under the lock. */
lt_inline __u64 lt_fetch_add(__u64 *ptr, __u64 value)
{
	return __sync_fetch_and_add(ptr, value);
}

/* Is *ptr seen no longer, and value stored in it, or was another thread quicker? Under the lock. */
lt_inline bool lt_replace(__u64 *ptr, __u64 seen, __u64 value)
{
	return __sync_val_compare_and_swap(ptr, seen, value) == seen;
}

#else

#define LT_SHARED(name) lp_##name

#define LT_LOCK_TRIES 128

lt_inline void lt_lock(struct lt_lock *lock, __u32 tgid)
{
	__u32 one = 1;

	lock->tgid = tgid;
	lock->held = true;
	for (int i = 0; i < LT_LOCK_TRIES; i++)
		if (!bpf_map_update_elem(&lt_locks, &lock->tgid, &one, BPF_NOEXIST))
			return;
	lock->held = false; /* another thread may miss what is changed now: counted as such */
	lt_lose(LT_LOST_UNPAIRED);
}

lt_inline void lt_unlock(const struct lt_lock *lock)
{
	if (lock->held)
		bpf_map_delete_elem(&lt_locks, &lock->tgid);
}

lt_inline __u64 lt_fetch_add(__u64 *ptr, __u64 value)
{
	__u64 old = *(volatile __u64 *)ptr;

	lt_add(ptr, value);
	return old;
}

lt_inline bool lt_replace(__u64 *ptr, __u64 seen, __u64 value)
{
	*ptr = value;
	return true;
}

#endif

#endif
