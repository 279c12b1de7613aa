/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What keeps a loop's thread from running: asleep, waiting for a CPU, or held by the CPU limit of a
 * cgroup. These programs see each switch of the host, hence the one byte that they look at first.
 */
#include "bpf/hist.h"
#include "bpf/off.h"

lt_inline bool is_watched(__u32 tid)
{
	return lt_watched[tid % LT_WATCHED_SIZE];
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

/* Only the CPU that switches a thread, or the one that wakes it, is here for it at a time. */
lt_inline void go_off(struct lt_loop_rec *loop, const struct task_struct *task, enum lt_off why,
		      __u64 now)
{
	lt_off_settle(loop, task, now);
	loop->off.ran_ns = task->se.sum_exec_runtime;
	if (bpf_core_field_exists(task->sched_info.run_delay))
		loop->off.waited_ns = task->sched_info.run_delay;
	loop->off.cfs_rq = 0;
	loop->off.since_ns = now;
	loop->off.why = why;
}

/* Where it stands from now on, and for how long that was held before. */
lt_inline void note_queue(struct lt_loop_rec *loop, const struct task_struct *task)
{
	loop->off.cfs_rq = (__u64)task->se.cfs_rq;
	loop->off.held_ns = lt_held_ns(loop->off.cfs_rq);
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
				 (void *)(LT_THREAD_POINTER(task) + cfg->walk.isolate_tls_off)))
		loop->isolate = isolate;
}

lt_inline void switched_out(struct lt_loop_rec *loop, const struct task_struct *task,
			    bool preempted)
{
	__u64 now = bpf_ktime_get_ns();

	if (preempted || is_runnable(task)) {
		go_off(loop, task, why_queued(task), now);
		note_queue(loop, task);
	} else {
		go_off(loop, task, LT_OFF_SLEEP, now);
	}
	if (!loop->isolate)
		note_isolate(loop, task);
}

lt_inline void switched_in(struct lt_loop_rec *loop)
{
	__u64 now = bpf_ktime_get_ns(), span = now - loop->off.since_ns;

	if (loop->off.why == LT_OFF_SLEEP)
		loop->off.total_ns[LT_OFF_SLEEP] += span;
	else if (loop->off.why != LT_OFF_NOT)
		lt_off_queued(loop, span);
	loop->off.since_ns = now;
	loop->off.why = LT_OFF_NOT;
}

/* The time of one that is timed, otherwise 0. */
lt_inline __u64 cost_begins(struct lt_loop_rec *loop)
{
	return loop->cost.events++ % LT_COST_TIMED ? 0 : bpf_ktime_get_ns();
}

lt_inline void cost_ends(struct lt_loop_rec *loop, __u64 begin)
{
	if (!begin)
		return;
	loop->cost.timed++;
	loop->cost.timed_ns += bpf_ktime_get_ns() - begin;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(lt_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct lt_loop_rec *loop;
	__u64 begin;

	if (is_watched(prev->pid)) {
		loop = loop_of(prev);
		if (loop) {
			begin = cost_begins(loop);
			switched_out(loop, prev, preempt);
			cost_ends(loop, begin);
		}
	}
	if (is_watched(next->pid)) {
		loop = loop_of(next);
		if (loop) {
			begin = cost_begins(loop);
			switched_in(loop);
			cost_ends(loop, begin);
		}
	}
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(lt_sched_wakeup, struct task_struct *task)
{
	struct lt_loop_rec *loop;
	__u64 now, begin;

	if (!is_watched(task->pid))
		return 0;
	loop = loop_of(task);
	if (!loop || loop->off.why != LT_OFF_SLEEP)
		return 0;
	begin = cost_begins(loop);
	now = bpf_ktime_get_ns();
	loop->off.total_ns[LT_OFF_SLEEP] += now - loop->off.since_ns;
	loop->off.since_ns = now;
	loop->off.why = why_queued(task);
	note_queue(loop, task);
	cost_ends(loop, begin);
	return 0;
}
