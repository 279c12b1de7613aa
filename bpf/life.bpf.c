/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The life of processes. The end of threads: a loop's record is closed at once, so that a reused id never
 * gets into it. Programs that begin, for whoever looks for event loops: only the pid is told, and only so
 * many of a storm.
 */
#include "bpf/hist.h"

lt_inline void tell(__u32 type, __u32 tgid, __u32 tid)
{
	struct lt_event *event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);

	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){
		.type = type, .tgid = tgid, .tid = tid, .start_ns = bpf_ktime_get_ns()
	};
	bpf_ringbuf_submit(event, 0);
}

lt_inline void tell_begin(__u32 type, __u32 tgid)
{
	if (lt_begins >= LT_BEGINS_MAX) {
		__sync_fetch_and_add(&lt_begins_left, 1);
		return;
	}
	__sync_fetch_and_add(&lt_begins, 1);
	tell(type, tgid, tgid);
}

SEC("raw_tp/sched_process_exec")
int lt_exec(void *ctx)
{
	tell_begin(LT_EVENT_EXEC, bpf_get_current_pid_tgid() >> 32);
	return 0;
}

/* Most children run another program soon and are told of then; those that never do are known by this. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(lt_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = parent->tgid;

	if (child->pid == child->tgid && bpf_map_lookup_elem(&lt_followed, &tgid))
		tell_begin(LT_EVENT_FORK, child->tgid);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int lt_thread_exit(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct lt_loop_key key = { .tgid = id >> 32, .tid = (__u32)id };
	struct lt_loop_rec *loop;

	if (!bpf_map_lookup_elem(&lt_followed, &key.tgid))
		return 0;
	bpf_map_delete_elem(&lt_threads, &key.tid);
	loop = bpf_map_lookup_elem(&lt_loops, &key);
	if (loop) {
		loop->flags |= LT_LOOP_ENDED;
		tell(LT_EVENT_LOOP_ENDED, key.tgid, key.tid);
	}
	if (key.tid == key.tgid)
		tell(LT_EVENT_ENDED, key.tgid, key.tid);
	return 0;
}
