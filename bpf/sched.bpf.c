/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What keeps a loop's thread from running: asleep, waiting for a CPU, or held by the CPU limit of a
 * cgroup. These programs see each switch of the host, hence the one bit that they look at first.
 */
#include "bpf/hist.h"

lt_inline bool is_watched(__u32 tid)
{
	return lt_watched[tid / 64 % LT_WATCHED_WORDS] >> tid % 64 & 1;
}

lt_inline struct lt_loop_rec *loop_of(const struct task_struct *task)
{
	struct lt_loop_key key = { .tgid = task->tgid, .tid = task->pid };

	return bpf_map_lookup_elem(&lt_loops, &key);
}

lt_inline bool is_runnable(const struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state == 0;
	return ((const struct task_struct___old *)task)->state == 0;
}

/* A thread that could run but is not on a CPU: is its cgroup held, or is the CPU taken? */
lt_inline enum lt_off why_queued(const struct task_struct *task)
{
	if (bpf_core_field_exists(struct cfs_rq, throttle_count) &&
	    task->se.cfs_rq->throttle_count > 0)
		return LT_OFF_THROTTLED;
	return LT_OFF_RUNQUEUE;
}

/* For how long a run queue has ever been throttled; 0 where the kernel does not say. */
lt_inline __u64 held_ns(__u64 cfs_rq)
{
	__u64 held = 0;

	if (cfs_rq && bpf_core_field_exists(struct cfs_rq, throttled_clock_self_time))
		bpf_core_read(&held, sizeof(held), &((struct cfs_rq *)cfs_rq)->throttled_clock_self_time);
	return held;
}

/* Only the CPU that switches a thread, or the one that wakes it, is here for it at a time. */
lt_inline void go(struct lt_loop_rec *loop, enum lt_off why, __u64 now)
{
	__u64 was = loop->off.why;

	if (was > LT_OFF_NOT && was < LT_OFF_MAX)
		loop->off.total_ns[was] += now - loop->off.since_ns;
	loop->off.since_ns = now;
	loop->off.why = why;
}

/*
 * A thread is switched out that was not seen to be switched in: some switches come without their event. The
 * kernel's own account of the thread, exact at this moment, says how much of the span it ran.
 */
lt_inline void heal(struct lt_loop_rec *loop, const struct task_struct *task, __u64 now)
{
	__u64 ran = task->se.sum_exec_runtime - loop->off.ran_ns, span = now - loop->off.since_ns;

	if (loop->off.why != LT_OFF_NOT && loop->off.ran_ns)
		loop->off.since_ns += ran < span ? ran : span;
	loop->off.ran_ns = task->se.sum_exec_runtime;
}

/* From here on the thread could run. */
lt_inline void go_queued(struct lt_loop_rec *loop, const struct task_struct *task, __u64 now)
{
	go(loop, why_queued(task), now);
	loop->off.cfs_rq = (__u64)task->se.cfs_rq;
	loop->off.held_ns = held_ns(loop->off.cfs_rq);
}

/* It runs again. A limit that held it has ended since, and others may have been before it in the queue. */
lt_inline void go_on(struct lt_loop_rec *loop, __u64 now)
{
	bool queued = loop->off.why == LT_OFF_RUNQUEUE || loop->off.why == LT_OFF_THROTTLED;
	__u64 held = queued ? held_ns(loop->off.cfs_rq) : 0, span = now - loop->off.since_ns;

	if (held) {
		held -= loop->off.held_ns;
		held = held < span ? held : span;
		loop->off.total_ns[LT_OFF_THROTTLED] += held;
		loop->off.since_ns += held;
		loop->off.why = LT_OFF_RUNQUEUE;
	}
	go(loop, LT_OFF_NOT, now);
}

/* Once for each loop, while its thread is still current: a thread that sleeps cannot be asked. */
lt_inline void note_isolate(struct lt_loop_rec *loop, const struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &tgid);
	__u64 isolate = 0;

	if (!cfg || !(cfg->walk.flags & LT_WALK_ISOLATE))
		return;
	if (!bpf_probe_read_user(&isolate, sizeof(isolate),
				 (void *)(task->thread.fsbase + cfg->walk.isolate_tls_off)))
		loop->isolate = isolate;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(lt_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct lt_loop_rec *loop;

	if (is_watched(prev->pid)) {
		loop = loop_of(prev);
		if (loop) {
			heal(loop, prev, bpf_ktime_get_ns());
			if (preempt || is_runnable(prev))
				go_queued(loop, prev, bpf_ktime_get_ns());
			else
				go(loop, LT_OFF_SLEEP, bpf_ktime_get_ns());
			if (!loop->isolate)
				note_isolate(loop, prev);
		}
	}
	if (is_watched(next->pid)) {
		loop = loop_of(next);
		if (loop)
			go_on(loop, bpf_ktime_get_ns());
	}
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(lt_sched_wakeup, struct task_struct *task)
{
	struct lt_loop_rec *loop;

	if (!is_watched(task->pid))
		return 0;
	loop = loop_of(task);
	if (loop && loop->off.why == LT_OFF_SLEEP)
		go_queued(loop, task, bpf_ktime_get_ns());
	return 0;
}
