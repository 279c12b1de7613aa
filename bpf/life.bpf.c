/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The life of processes. The end of threads: a loop's record is closed at once, so that a reused id never
 * gets into it. Processes that end or run another program. Programs that begin, for whoever looks for event
 * loops: only the pid is told, and only so many of a storm.
 */
#include "bpf/cookie.h"
#include "bpf/wait.h"

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

/* The current thread runs this loop no more. */
lt_inline void end_loop(const struct lt_loop_key *key, __u64 now)
{
	struct lt_loop_rec *loop = bpf_map_lookup_elem(&lt_loops, key);

	if (!loop)
		return;
	loop->seq_begin++;
	barrier();
	lt_wait_cut_short(loop, now);
	loop->flags |= LT_LOOP_ENDED;
	lt_loop_end(loop);
	tell(LT_EVENT_LOOP_ENDED, key->tgid, key->tid);
}

/* One that is watched is another one now: its end is told of in any storm. */
SEC("raw_tp/sched_process_exec")
int lt_exec(void *ctx)
{
	struct lt_loop_key key = lt_current();

	if (bpf_map_lookup_elem(&lt_followed, &key.tgid)) {
		end_loop(&key, bpf_ktime_get_ns());
		tell(LT_EVENT_EXEC, key.tgid, key.tgid);
	} else if (lt_tells_begins) {
		tell_begin(LT_EVENT_EXEC, key.tgid);
	}
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

/* The engine is about to end the process, whatever its handlers do. */
SEC("uprobe")
int lt_out_of_memory(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, how = LT_COOKIE_ARG(lt_cookie(ctx));
	struct lt_proc_rec *proc = bpf_map_lookup_elem(&lt_proc_recs, &tgid);
	bool heap = false;

	if (!proc)
		return 0;
	if (how == LT_MEMORY_BOOL)
		heap = (__u8)PT_REGS_PARM3(ctx);
	else if (how == LT_MEMORY_DETAILS)
		bpf_probe_read_user(&heap, sizeof(heap), (void *)PT_REGS_PARM3(ctx));
	proc->out_of_memory = heap ? LT_MEMORY_NO_HEAP : LT_MEMORY_NONE;
	return 0;
}

lt_inline __u32 end_flags(__u32 tgid, const struct task_struct *task)
{
	struct lt_proc_rec *proc = bpf_map_lookup_elem(&lt_proc_recs, &tgid);
	__u64 lacked = proc ? proc->out_of_memory : LT_MEMORY_LEFT;
	__u32 flags = lacked == LT_MEMORY_NO_HEAP ? LT_ENDED_NO_HEAP : lacked ? LT_ENDED_NO_MEMORY : 0;

	/* The kernel marks those that it kills for their memory. */
	if (lt_has_kernel_types && bpf_core_field_exists(task->signal->oom_mm) &&
	    BPF_CORE_READ(task, signal, oom_mm))
		flags |= LT_ENDED_BY_OOM_KILLER;
	return flags;
}

lt_inline void tell_end(__u32 tgid, const struct task_struct *task, __u64 now)
{
	struct lt_event *event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);

	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){ .type = LT_EVENT_ENDED,
				    .tgid = tgid,
				    .tid = tgid,
				    .start_ns = now,
				    .kind = end_flags(tgid, task),
				    .duration_ns = LT_ENDED_STATUS_UNKNOWN };
	if (lt_has_kernel_types)
		event->duration_ns = (__u32)BPF_CORE_READ(task, exit_code);
	bpf_ringbuf_submit(event, 0);
}

#define LT_SIGNAL_GROUP_EXIT 4 /* SIGNAL_GROUP_EXIT of the kernel */

/* Does the process end with its first thread? Others can go on without it, and one of them can run another program. */
lt_inline bool ends_with(const struct task_struct *first)
{
	if (!lt_has_kernel_types)
		return true;
	return BPF_CORE_READ(first, signal, flags) & LT_SIGNAL_GROUP_EXIT ||
	       BPF_CORE_READ(first, signal, live.counter) == 0;
}

SEC("raw_tp/sched_process_exit")
int lt_thread_exit(void *ctx)
{
	const struct task_struct *task = (const struct task_struct *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct lt_loop_key key = { .tgid = id >> 32, .tid = (__u32)id };

	if (!bpf_map_lookup_elem(&lt_followed, &key.tgid))
		return 0;
	bpf_map_delete_elem(&lt_threads, &key.tid);
	end_loop(&key, now);
	if (key.tid == key.tgid && ends_with(task))
		tell_end(key.tgid, task, now);
	return 0;
}
