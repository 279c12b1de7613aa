/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Why the thread of a loop is off the CPU, and for how long. The scheduler's events tell; but some switches
 * come without their event, and then the kernel's own account of the thread says what was missed.
 */
#ifndef LOOPTOP_BPF_OFF_H
#define LOOPTOP_BPF_OFF_H

#include "bpf/maps.h"

/* For how long a run queue has ever been throttled; 0 where the kernel does not say. */
lt_inline __u64 lt_held_ns(__u64 cfs_rq)
{
	__u64 held = 0;

	if (cfs_rq && bpf_core_field_exists(struct cfs_rq, throttled_clock_self_time))
		bpf_core_read(&held, sizeof(held),
			      &((struct cfs_rq *)cfs_rq)->throttled_clock_self_time);
	return held;
}

/* It waited for so long on a run queue: held by a limit, which others before it in the queue may have followed. */
lt_inline void lt_off_queued(struct lt_loop_rec *loop, __u64 waited_ns)
{
	__u64 held = lt_held_ns(loop->off.cfs_rq), why = loop->off.why;

	if (held) {
		held -= loop->off.held_ns;
		held = held < waited_ns ? held : waited_ns;
		loop->off.total_ns[LT_OFF_THROTTLED] += held;
		waited_ns -= held;
		why = LT_OFF_RUNQUEUE;
	}
	loop->off.total_ns[why == LT_OFF_THROTTLED ? LT_OFF_THROTTLED : LT_OFF_RUNQUEUE] +=
		waited_ns;
}

/*
 * The thread runs, or has just been switched out: if it was not seen to be switched in, what passed since it went
 * off is counted now. Its waits are exact, its sleep to what it ran since the scheduler's latest tick.
 */
lt_inline void lt_off_settle(struct lt_loop_rec *loop, const struct task_struct *task, __u64 now)
{
	__u64 span = now - loop->off.since_ns, ran = 0, waited = 0;

	if (!lt_has_kernel_types || loop->off.why == LT_OFF_NOT)
		return;
	bpf_core_read(&ran, sizeof(ran), &task->se.sum_exec_runtime);
	ran -= loop->off.ran_ns;
	ran = ran < span ? ran : span;
	if (bpf_core_field_exists(task->sched_info.run_delay)) {
		bpf_core_read(&waited, sizeof(waited), &task->sched_info.run_delay);
		waited -= loop->off.waited_ns;
	} else if (loop->off.why != LT_OFF_SLEEP) {
		waited = span - ran;
	}
	waited = waited < span ? waited : span;
	if (loop->off.why == LT_OFF_SLEEP && waited + ran < span)
		loop->off.total_ns[LT_OFF_SLEEP] += span - waited - ran;
	lt_off_queued(loop, waited);
	loop->off.why = LT_OFF_NOT;
	loop->off.since_ns = now;
}

#endif
