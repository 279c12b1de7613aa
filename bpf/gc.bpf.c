/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Garbage collection pauses and marking slices, on the thread that is stopped by them. The kind of
 * a pause is told by a probe inside it.
 */
#include "bpf/hist.h"
#include "bpf/off.h"

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

lt_inline struct lt_loop_rec *current_loop(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct lt_loop_key key = { .tgid = id >> 32, .tid = (__u32)id };

	return bpf_map_lookup_elem(&lt_loops, &key);
}

lt_inline __u64 waited_ns(const struct lt_loop_rec *loop)
{
	return loop->off.total_ns[LT_OFF_RUNQUEUE] + loop->off.total_ns[LT_OFF_THROTTLED];
}

/* The same spans as the pauses, for the loop that runs on this thread, without its waits for a CPU. */
lt_inline void loop_gc_begin(__u64 now)
{
	struct lt_loop_rec *loop = current_loop();

	if (!loop)
		return;
	lt_off_settle(loop, (const struct task_struct *)bpf_get_current_task(), now);
	loop->gc.begin_waited_ns = waited_ns(loop);
	loop->gc.begin_slept_ns = loop->off.total_ns[LT_OFF_SLEEP];
	loop->gc.begin_ns = now;
}

lt_inline void loop_gc_end(__u64 now)
{
	struct lt_loop_rec *loop = current_loop();
	__u64 waited, span_ns;

	if (!loop || !loop->gc.begin_ns)
		return;
	lt_off_settle(loop, (const struct task_struct *)bpf_get_current_task(), now);
	span_ns = now - loop->gc.begin_ns;
	waited = waited_ns(loop) - loop->gc.begin_waited_ns;
	if (waited < span_ns)
		loop->gc.total_ns += span_ns - waited;
	loop->gc.slept_ns += loop->off.total_ns[LT_OFF_SLEEP] - loop->gc.begin_slept_ns;
	loop->gc.begin_ns = 0;
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

/* What is alive is known best now: user space reads the heap. */
lt_inline void tell_collected(__u64 now)
{
	struct lt_event *event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);
	__u64 id = bpf_get_current_pid_tgid();

	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){
		.type = LT_EVENT_COLLECTED, .tgid = id >> 32, .tid = (__u32)id, .start_ns = now
	};
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int LT_SHARED(gc_begin)(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	if (!thread)
		return 0;
	if (thread->gc_begin_ns) {
		thread->gc_nested++;
		return 0;
	}
	thread->gc_begin_ns = bpf_ktime_get_ns();
	loop_gc_end(thread->gc_begin_ns); /* a slice that turns into a pause */
	loop_gc_begin(thread->gc_begin_ns);
	return 0;
}

SEC("uprobe")
int LT_SHARED(gc_kind)(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();
	__u32 collector = PT_REGS_PARM2(ctx);

	if (thread && !thread->gc_nested && collector <= LT_GC_MINOR_MARK_SWEEP)
		thread->gc_kind = collector;
	return 0;
}

SEC("uprobe")
int LT_SHARED(gc_end)(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();
	__u64 now;

	if (!thread || !thread->gc_begin_ns) /* it began before the attach */
		return 0;
	if (thread->gc_nested) {
		thread->gc_nested--;
		return 0;
	}
	now = bpf_ktime_get_ns();
	loop_gc_end(now);
	if (thread->gc_kind < LT_GC_MAX)
		count_pause(thread->gc_kind, now - thread->gc_begin_ns);
	else
		lt_lose(LT_LOST_UNPAIRED);
	if (thread->gc_kind == LT_GC_MARK_COMPACT)
		tell_collected(now);
	thread->gc_begin_ns = 0;
	thread->gc_kind = LT_GC_MAX;
	return 0;
}

SEC("uprobe")
int LT_SHARED(step_begin)(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	if (!thread || thread->gc_begin_ns) /* inside a pause it is part of the pause */
		return 0;
	thread->step_begin_ns = bpf_ktime_get_ns();
	loop_gc_begin(thread->step_begin_ns);
	return 0;
}

SEC("uprobe")
int LT_SHARED(step_end)(struct pt_regs *ctx)
{
	struct lt_thread *thread = thread_get();

	__u64 now = bpf_ktime_get_ns();

	if (!thread || !thread->step_begin_ns)
		return 0;
	count_pause(LT_GC_INCREMENTAL_STEP, now - thread->step_begin_ns);
	thread->step_begin_ns = 0;
	loop_gc_end(now);
	return 0;
}
