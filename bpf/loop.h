/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The record of the loop that runs on the current thread: finding it, making it, and the two
 * counters that let user space see whether its copy is whole.
 */
#ifndef LOOPTOP_BPF_LOOP_H
#define LOOPTOP_BPF_LOOP_H

#include "bpf/hist.h"
#include "bpf/off.h"

#define LT_BACKEND_FD_OFF 64 /* uv_loop_t.backend_fd, libuv 1.43 … 1.52 on 64-bit Linux */

lt_inline struct lt_loop_key lt_current(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return (struct lt_loop_key){ .tgid = id >> 32, .tid = (__u32)id };
}

/* Makes the scheduler's programs look at this thread. It is never taken back: one too many costs a look-up. */
lt_inline void lt_watch(__u32 tid)
{
	lt_watched[tid % LT_WATCHED_SIZE] = 1;
}

/* The record of the current thread, made if need be; NULL: the process is none of ours, its probes are not all
 * in, or the table is full. */
lt_inline struct lt_loop_rec *lt_loop_get(__u64 now)
{
	struct lt_loop_key key = lt_current();
	struct lt_loop_rec *loop = bpf_map_lookup_elem(&lt_loops, &key);
	struct lt_proc_cfg *cfg;

	if (loop)
		return loop;
	cfg = bpf_map_lookup_elem(&lt_procs, &key.tgid);
	if (!cfg || cfg->flags & LT_PROC_NO_LOOPS)
		return NULL;
	if (bpf_map_update_elem(&lt_loops, &key, &lt_zero_loop, BPF_NOEXIST))
		lt_lose(LT_LOST_MAP_FULL);
	loop = bpf_map_lookup_elem(&lt_loops, &key);
	if (!loop)
		return NULL;
	lt_watch(key.tid);
	loop->first_ns = loop->last_ns = now;
	loop->phase = LT_PHASE_UNKNOWN;
	loop->epfd = -1;
	if (cfg->flags & LT_PROC_DOUBLE_POLL)
		loop->flags |= LT_LOOP_DOUBLE_POLL;
	if (cfg->flags & LT_PROC_ANY_WAIT)
		loop->flags |= LT_LOOP_ANY_WAIT;
	return loop;
}

lt_inline void lt_loop_begin(struct lt_loop_rec *loop)
{
	loop->seq_begin++;
	barrier();
	loop->hits++;
}

lt_inline void lt_loop_end(struct lt_loop_rec *loop)
{
	barrier();
	loop->seq_end = loop->seq_begin;
}

/* What the thread was kept from running since the latest event, and its garbage collection: parts of
 * its busy time, or of its idle time, which needs none. */
lt_inline void lt_loop_charge(struct lt_loop_rec *loop, bool busy, __u64 now)
{
	__u64 gc = loop->gc.total_ns;

	lt_off_settle(loop, (const struct task_struct *)bpf_get_current_task(), now);

#pragma unroll
	for (int i = LT_OFF_NOT + 1; i < LT_OFF_MAX; i++) {
		__u64 total = *(volatile __u64 *)&loop->off.total_ns[i];

		if (i == LT_OFF_SLEEP) /* asleep in garbage collection is that */
			total -= loop->gc.slept_ns;
		if (busy)
			loop->off_busy_ns[i] += total - loop->off_seen_ns[i];
		loop->off_seen_ns[i] = total;
	}
	if (busy)
		loop->gc_busy_ns += gc - loop->gc_seen_ns;
	loop->gc_seen_ns = gc;
}

/* What it did since the latest event is not known, and counts for nothing. */
lt_inline void lt_loop_skip(struct lt_loop_rec *loop, __u64 now)
{
	lt_loop_charge(loop, false, now);
	loop->last_ns = now;
	loop->wait_start_ns = loop->turn_start_ns = 0;
	loop->phase = LT_PHASE_UNKNOWN;
}

/* What was before is not known: the record is as a new one. */
lt_inline void lt_loop_begin_anew(struct lt_loop_rec *loop, __u64 now)
{
	lt_loop_skip(loop, now);
	loop->first_ns = now;
}

/* Counts the time since the latest event for the state that held until now. */
lt_inline void lt_loop_advance(struct lt_loop_rec *loop, __u64 now)
{
	__u64 span = now - loop->last_ns;
	bool idle = loop->wait_start_ns && loop->wait_timeout_ns != 0;
	__u32 phase = loop->phase;

	if (idle)
		loop->idle_ns += span;
	else
		loop->busy_ns += span;
	lt_loop_charge(loop, !idle, now);
	if (phase < LT_PHASE_MAX)
		loop->phase_ns[phase] += span;
	else
		loop->unknown_ns += span;
	loop->last_ns = now;
}

#endif
