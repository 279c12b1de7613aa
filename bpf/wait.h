/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the beginning and the end of a wait mean for the loop of a thread, wherever they were seen. A turn
 * runs from the end of a wait to the beginning of the next; a wait that brought nothing and is followed at
 * once by another makes none.
 */
#ifndef LOOPTOP_BPF_WAIT_H
#define LOOPTOP_BPF_WAIT_H

#include "bpf/loop.h"

/* Without the flag that says so, two waits this close are one poll (libuv needs about 1 us). */
#define LT_AT_ONCE_NS 50000

#define LT_NS_PER_MS  1000000ll

/* As a number of milliseconds, where any negative one is no timeout. */
lt_inline __s64 lt_ms_timeout(__s32 timeout_ms)
{
	return timeout_ms < 0 ? -1 : timeout_ms * LT_NS_PER_MS;
}

lt_inline void report_stall(struct lt_loop_rec *loop, __u64 start_ns, __u64 duration_ns, bool cut_short)
{
	struct lt_loop_key key = lt_current();
	struct lt_event *event;

	loop->stalls++;
	loop->stall_ns += duration_ns;
	event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);
	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){ .type = LT_EVENT_STALL,
				    .tgid = key.tgid,
				    .tid = key.tid,
				    .kind = cut_short,
				    .start_ns = start_ns,
				    .duration_ns = duration_ns,
				    .gc_ns = loop->gc_seen_ns - loop->gc_turn_ns };
#pragma unroll
	for (int i = 0; i < LT_OFF_MAX; i++)
		event->off_ns[i] = loop->off_seen_ns[i] - loop->off_turn_ns[i];
	bpf_ringbuf_submit(event, 0);
}

/* Did nothing happen between the latest wait's end and this wait's beginning? */
lt_inline bool continues_poll(const struct lt_loop_rec *loop, __u64 gap_ns, __s64 timeout_ns)
{
	if (loop->boundaries)
		return false;
	if (loop->wait_events < 0) /* interrupted: libuv polls again, unless the timeout was 0 */
		return loop->flags & LT_LOOP_ANY_WAIT ? gap_ns < LT_AT_ONCE_NS
						      : loop->wait_timeout_ns != 0;
	if (loop->wait_events > 0 || loop->wait_timeout_ns != 0 || timeout_ns == 0)
		return false;
	return (loop->flags & LT_LOOP_DOUBLE_POLL) || gap_ns < LT_AT_ONCE_NS;
}

lt_inline void end_turn(struct lt_loop_rec *loop, __u64 now, __s64 timeout_ns)
{
	__u64 turn_ns = now - loop->turn_start_ns;

	if (!continues_poll(loop, turn_ns, timeout_ns)) {
		loop->turns++;
		lt_hist_add(&loop->turn, turn_ns);
		if (turn_ns > lt_stall_ns)
			report_stall(loop, loop->turn_start_ns, turn_ns, false);
	}
	loop->turn_start_ns = 0;
}

/* The thread ends: what it was in, a wait or a turn, ends with it. That includes what the engine tears down, and on some
 * kernels a core dump and the release of the memory. */
lt_inline void lt_wait_cut_short(struct lt_loop_rec *loop, __u64 now)
{
	__u64 turn_ns;

	if (loop->flags & LT_LOOP_END_UNSEEN) {
		lt_loop_skip(loop, now);
		return;
	}
	lt_loop_advance(loop, now);
	/* A wait that is interrupted for good does not come back to the program: what follows it is the kernel's. */
	if (loop->wait_events < 0 && !loop->boundaries)
		loop->turn_start_ns = 0;
	if (!loop->turn_start_ns)
		return;
	turn_ns = now - loop->turn_start_ns;
	loop->turns++;
	lt_hist_add(&loop->turn, turn_ns);
	if (turn_ns > lt_stall_ns)
		report_stall(loop, loop->turn_start_ns, turn_ns, true);
	loop->turn_start_ns = 0;
}

/* An event was missed. The kernel leaves out fentry and fexit programs where the same one has been interrupted
 * on that CPU; what is known of the loop then is not whether it waited or worked. */
lt_inline void lt_wait_missed(struct lt_loop_rec *loop, __u64 now)
{
	lt_lose(LT_LOST_UNPAIRED);
	if (loop->flags & LT_LOOP_ANY_WAIT)
		lt_loop_skip(loop, now);
}

/* A wait of the thread's own loop begins. */
lt_inline void lt_wait_enter(struct lt_loop_rec *loop, __u64 now, __s64 timeout_ns)
{
	if (loop->flags & LT_LOOP_END_UNSEEN)
		lt_loop_begin_anew(loop, now);
	else if (loop->wait_start_ns && !(loop->flags & LT_LOOP_SEEDED))
		lt_wait_missed(loop, now);
	loop->flags &= ~(LT_LOOP_SEEDED | LT_LOOP_END_UNSEEN);
	lt_loop_advance(loop, now);
	if (loop->turn_start_ns)
		end_turn(loop, now, timeout_ns);
	loop->waits++;
	loop->wait_start_ns = now;
	loop->wait_timeout_ns = timeout_ns;
	loop->phase = LT_PHASE_POLL_WAIT;
}

/* How late a wait that timed out ended. An event or a signal may end it before. */
lt_inline void count_lateness(struct lt_loop_rec *loop, __u64 now)
{
	__s64 late_ns = (__s64)(now - loop->wait_start_ns) - loop->wait_timeout_ns;

	if (loop->wait_timeout_ns > 0 && loop->wait_events == 0)
		lt_hist_add(&loop->lateness, late_ns > 0 ? late_ns : 0);
}

/* It ends, with so many events or an error. */
lt_inline void lt_wait_leave(struct lt_loop_rec *loop, __u64 now, __s32 events)
{
	/* In memory a wait that may not block looks like work: nothing of a seeded one was missed. */
	if (loop->turn_start_ns && !loop->wait_start_ns && !(loop->flags & LT_LOOP_SEEDED))
		lt_wait_missed(loop, now);
	lt_loop_advance(loop, now);
	loop->wait_events = events;
	if (loop->wait_start_ns && !(loop->flags & LT_LOOP_SEEDED))
		count_lateness(loop, now);
	loop->flags &= ~(LT_LOOP_SEEDED | LT_LOOP_END_UNSEEN);
	loop->wait_start_ns = 0;
	loop->turn_start_ns = now;
#pragma unroll
	for (int i = 0; i < LT_OFF_MAX; i++)
		loop->off_turn_ns[i] = loop->off_seen_ns[i];
	loop->gc_turn_ns = loop->gc_seen_ns;
	loop->boundaries = 0;
	loop->phase = LT_PHASE_POLL_CALLBACKS;
}

#endif
