/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Garbage collection pauses and marking slices, on the thread that is stopped by them. The kind of
 * a pause is told by a probe inside it.
 */
#include "bpf/hist.h"

lt_inline struct lt_thread *thread_get(void)
{
	static const struct lt_thread zero = { .gc_kind = LT_GC_MAX };
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = (__u32)id, tgid = id >> 32;
	struct lt_proc_rec *proc = bpf_map_lookup_elem(&lt_proc_recs, &tgid);
	struct lt_thread *thread;

	if (!proc)
		return NULL;
	lt_add(&proc->hits, 1);
	thread = bpf_map_lookup_elem(&lt_threads, &tid);
	if (thread)
		return thread;
	bpf_map_update_elem(&lt_threads, &tid, &zero, BPF_NOEXIST);
	thread = bpf_map_lookup_elem(&lt_threads, &tid);
	if (!thread)
		lt_lose(LT_LOST_MAP_FULL);
	return thread;
}

lt_inline void count_pause(__u32 kind, __u64 ns)
{
	static const struct lt_gc_rec zero;
	struct lt_kind_key key = { .tgid = bpf_get_current_pid_tgid() >> 32, .kind = kind };
	struct lt_gc_rec *rec = bpf_map_lookup_elem(&lt_gcs, &key);

	if (!rec) {
		bpf_map_update_elem(&lt_gcs, &key, &zero, BPF_NOEXIST);
		rec = bpf_map_lookup_elem(&lt_gcs, &key);
	}
	if (rec)
		lt_hist_add_shared(&rec->pause, ns);
	else
		lt_lose(LT_LOST_MAP_FULL);
}

SEC("uprobe")
int lt_gc_begin(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	if (!thread)
		return 0;
	if (thread->gc_begin_ns)
		thread->gc_nested++;
	else
		thread->gc_begin_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("uprobe")
int lt_gc_kind(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();
	__u32 collector = PT_REGS_PARM2(ctx);

	if (thread && !thread->gc_nested && collector <= LT_GC_MINOR_MARK_SWEEP)
		thread->gc_kind = collector;
	return 0;
}

SEC("uprobe")
int lt_gc_end(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	if (!thread || !thread->gc_begin_ns) /* it began before the attach */
		return 0;
	if (thread->gc_nested) {
		thread->gc_nested--;
		return 0;
	}
	if (thread->gc_kind < LT_GC_MAX)
		count_pause(thread->gc_kind, bpf_ktime_get_ns() - thread->gc_begin_ns);
	else
		lt_lose(LT_LOST_UNPAIRED);
	thread->gc_begin_ns = 0;
	thread->gc_kind = LT_GC_MAX;
	return 0;
}

SEC("uprobe")
int lt_step_begin(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	if (thread && !thread->gc_begin_ns) /* inside a pause it is part of the pause */
		thread->step_begin_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("uprobe")
int lt_step_end(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	if (thread && thread->step_begin_ns) {
		count_pause(LT_GC_INCREMENTAL_STEP, bpf_ktime_get_ns() - thread->step_begin_ns);
		thread->step_begin_ns = 0;
	}
	return 0;
}
