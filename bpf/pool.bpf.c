/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The thread pool: a task is submitted on a loop's thread, started and ended on a pool thread,
 * delivered on the loop's thread again. Everything has many writers here.
 */
#include "bpf/cookie.h"
#include "bpf/hist.h"

#define LT_ECANCELED (-125) /* UV_ECANCELED, on every Linux */

/* Offsets in libuv's requests, 1.43 … 1.52 on 64-bit Linux. */
#define LT_QUEUE_REQ_TO_TASK 88 /* uv_work_t.work_req */
#define LT_TASK_TO_WORK_CB (-16) /* uv_work_t.work_cb, from its work_req */
#define LT_QUEUE_NODE_OFF 24 /* uv__work.wq, which the worker holds a pointer to */

/* enum uv__work_kind of uv__work_submit */
#define LT_WORK_FAST_IO 1
#define LT_WORK_SLOW_IO 2

lt_inline struct lt_proc_rec *proc_get(__u32 tgid)
{
	struct lt_proc_rec *proc = bpf_map_lookup_elem(&lt_proc_recs, &tgid);

	if (proc)
		lt_add(&proc->hits, 1);
	return proc;
}

lt_inline struct lt_task_rec *kind_get(__u32 tgid, __u32 kind)
{
	static const struct lt_task_rec zero;
	struct lt_kind_key key = { .tgid = tgid, .kind = kind };
	struct lt_task_rec *rec = bpf_map_lookup_elem(&lt_kinds, &key);

	if (rec)
		return rec;
	bpf_map_update_elem(&lt_kinds, &key, &zero, BPF_NOEXIST);
	rec = bpf_map_lookup_elem(&lt_kinds, &key);
	if (!rec)
		lt_lose(LT_LOST_MAP_FULL);
	return rec;
}

/*
 * More work than threads. A thread between two tasks counts: it is about to take the next, and may
 * have lost its CPU to the loop that it has just woken. Slow tasks wait for a limit of their own,
 * and count only when no thread is left.
 */
lt_inline bool is_saturated(__u64 state, __u32 size)
{
	__u32 busy = LT_POOL_BUSY(state), depth = LT_POOL_DEPTH(state), slow = LT_POOL_SLOW(state);

	return size && (busy + depth - slow > size || (busy >= size && depth > 0));
}

/*
 * One change of the state tells the one before, so that each begin and end of saturation is seen by exactly
 * one thread; their times are summed with signs, in any order.
 */
lt_inline void change_state(struct lt_proc_rec *proc, __u64 delta, __u64 now)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, size = 0;
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &tgid);
	struct lt_lock lock;
	__u64 old, state;

	if (cfg && cfg->pool_size_addr &&
	    bpf_probe_read_user(&size, sizeof(size), (void *)cfg->pool_size_addr))
		lt_lose(LT_LOST_READ_FAILED);
	proc->pool_size = size;
	lt_lock(&lock);
	old = lt_fetch_add(&proc->pool_state, delta);
	state = old + delta;
	if (is_saturated(state, size) && !is_saturated(old, size)) {
		lt_add(&proc->saturated_ns, -now);
		lt_add(&proc->saturated, 1);
	} else if (!is_saturated(state, size) && is_saturated(old, size)) {
		lt_add(&proc->saturated_ns, now);
		lt_add(&proc->saturated, -1);
	}
	/* The state before counts too: it lasted from the interval's beginning until now. */
	lt_max(proc->max_busy, proc->max_busy_epoch, LT_POOL_BUSY(old));
	lt_max(proc->max_busy, proc->max_busy_epoch, LT_POOL_BUSY(state));
	lt_max(proc->max_depth, proc->max_depth_epoch, LT_POOL_DEPTH(old));
	lt_max(proc->max_depth, proc->max_depth_epoch, LT_POOL_DEPTH(state));
	lt_unlock(&lock);
}

/* The first seven characters of a name as one number, as a read into a u64 gives them. */
#define LT_NAME7(a, b, c, d, e, f, g) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
	 (__u64)(f) << 40 | (__u64)(g) << 48)

/* By the name that Node (18 and later) gives to each kind of its pool work. */
lt_inline __u32 kind_by_name(__u64 task, __s32 type_off)
{
	__u64 ptr = 0, name = 0;

	/* A string read stops behind the name's end and never leaves the eight bytes. */
	if (bpf_probe_read_user(&ptr, sizeof(ptr), (void *)(task + type_off)) ||
	    bpf_probe_read_user_str(&name, sizeof(name), (void *)ptr) < 0) {
		lt_lose(LT_LOST_READ_FAILED);
		return LT_KIND_OTHER;
	}
	switch (name) {
	case LT_NAME7('c', 'r', 'y', 'p', 't', 'o', 0):
		return LT_KIND_CRYPTO;
	case LT_NAME7('z', 'l', 'i', 'b', 0, 0, 0):
		return LT_KIND_ZLIB;
	case LT_NAME7('n', 'o', 'd', 'e', '_', 'a', 'p'): /* node_api */
		return LT_KIND_NAPI;
	}
	return LT_KIND_OTHER;
}

/* The kind of a uv_queue_work task: by its class, else by its name, else "other". */
lt_inline __u32 kind_of_work(__u32 tgid, __u64 task, __u64 work_cb)
{
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &tgid);
	struct lt_class_key key = { .tgid = tgid };
	__u32 *kind;

	if (!cfg || !cfg->task_cb || work_cb != cfg->task_cb)
		return LT_KIND_OTHER;
	if (cfg->task_class_off &&
	    bpf_probe_read_user(&key.vtable, sizeof(key.vtable),
				(void *)(task + cfg->task_class_off)))
		lt_lose(LT_LOST_READ_FAILED);
	kind = bpf_map_lookup_elem(&lt_classes, &key);
	if (kind)
		return *kind;
	return cfg->task_type_off ? kind_by_name(task, cfg->task_type_off) : LT_KIND_OTHER;
}

SEC("uprobe")
int LT_SHARED(task_submit)(struct pt_regs *ctx)
{
	__u32 abi = LT_COOKIE_ARG(lt_cookie(ctx));
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task task = { .submit_ns = bpf_ktime_get_ns() };
	struct lt_task_key key = { .tgid = tgid, .task = PT_REGS_PARM2(ctx) };
	struct lt_task_rec *rec;

	if (!proc)
		return 0;
	if (abi == LT_SUBMIT_QUEUE_WORK) {
		key.task += LT_QUEUE_REQ_TO_TASK;
		task.kind = kind_of_work(tgid, key.task, PT_REGS_PARM3(ctx));
	} else {
		__u32 work_kind = PT_REGS_PARM3(ctx);

		task.kind = work_kind == LT_WORK_FAST_IO ? LT_KIND_FS :
			    work_kind == LT_WORK_SLOW_IO ? LT_KIND_DNS :
							   LT_KIND_OTHER;
		task.flags = work_kind == LT_WORK_SLOW_IO ? LT_TASK_SLOW : 0;
	}
	rec = kind_get(tgid, task.kind);
	if (!rec)
		return 0;
	if (bpf_map_update_elem(&lt_tasks, &key, &task, BPF_ANY)) {
		lt_lose(LT_LOST_MAP_FULL);
		return 0;
	}
	lt_add(&rec->submitted, 1);
	change_state(proc, LT_POOL_ONE_DEPTH + (task.flags & LT_TASK_SLOW ? LT_POOL_ONE_SLOW : 0),
		     task.submit_ns);
	return 0;
}

/*
 * A work function that starts without a submission: on a loop's thread it is a synchronous file
 * system call; on a pool thread it was submitted before the attach.
 */
lt_inline void start_unknown(struct lt_proc_rec *proc, struct lt_task_key *key, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct lt_loop_key loop_key = { .tgid = id >> 32, .tid = (__u32)id };
	struct lt_task task = { .start_ns = now, .kind = LT_KIND_OTHER, .flags = LT_TASK_EARLY };

	if (loop_key.tid == loop_key.tgid || bpf_map_lookup_elem(&lt_loops, &loop_key)) {
		struct lt_thread thread = { .sync_begin_ns = now, .gc_kind = LT_GC_MAX };
		struct lt_thread *known;

		known = bpf_map_lookup_elem(&lt_threads, &loop_key.tid);
		if (known)
			known->sync_begin_ns = now;
		else if (bpf_map_update_elem(&lt_threads, &loop_key.tid, &thread, BPF_ANY))
			lt_lose(LT_LOST_MAP_FULL);
		return;
	}
	lt_add(&proc->early_started, 1);
	if (bpf_map_update_elem(&lt_tasks, key, &task, BPF_ANY))
		lt_lose(LT_LOST_MAP_FULL);
	else
		change_state(proc, LT_POOL_ONE_BUSY, now);
}

SEC("uprobe")
int LT_SHARED(task_start)(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task_key key = { .tgid = tgid, .task = PT_REGS_PARM1(ctx) };
	__u64 now = bpf_ktime_get_ns(), delta = LT_POOL_ONE_BUSY - LT_POOL_ONE_DEPTH;
	struct lt_task_rec *rec;
	struct lt_task *task;

	if (!proc)
		return 0;
	task = bpf_map_lookup_elem(&lt_tasks, &key);
	if (!task || task->start_ns) { /* started already: the memory is used for another task */
		start_unknown(proc, &key, now);
		return 0;
	}
	rec = kind_get(tgid, task->kind);
	if (!rec)
		return 0;
	task->start_ns = now;
	lt_add(&rec->started, 1);
	lt_hist_add_shared(&rec->wait, now - task->submit_ns);
	if (task->flags & LT_TASK_SLOW)
		delta -= LT_POOL_ONE_SLOW;
	change_state(proc, delta, now);
	return 0;
}

SEC("uprobe")
int LT_SHARED(task_end)(struct pt_regs *ctx)
{
	__u32 reg = LT_COOKIE_ARG(lt_cookie(ctx));
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task_key key = { .tgid = tgid,
				   .task = lt_register(ctx, reg) - LT_QUEUE_NODE_OFF };
	__u64 now = bpf_ktime_get_ns();
	struct lt_task_rec *rec;
	struct lt_task *task;

	if (!proc)
		return 0;
	task = bpf_map_lookup_elem(&lt_tasks, &key);
	if (!task || !task->start_ns || task->end_ns) /* it ran when we attached */
		return 0;
	task->end_ns = now;
	change_state(proc, -LT_POOL_ONE_BUSY, now);
	rec = kind_get(tgid, task->kind);
	if (rec && !(task->flags & LT_TASK_EARLY))
		lt_hist_add_shared(&rec->run, now - task->start_ns);
	return 0;
}

/* The whole life of a task, for who asked for each of them. */
lt_inline void report_task(__u32 tgid, const struct lt_task *task, __u64 now)
{
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &tgid);
	struct lt_event *event;

	if (!cfg || !(cfg->flags & LT_PROC_TASKS) || !task->end_ns)
		return;
	event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);
	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){ .type = LT_EVENT_TASK,
				    .tgid = tgid,
				    .kind = task->kind,
				    .start_ns = task->submit_ns,
				    .duration_ns = now - task->end_ns };
	event->off_ns[0] = task->start_ns - task->submit_ns;
	event->off_ns[1] = task->end_ns - task->start_ns;
	bpf_ringbuf_submit(event, 0);
}

lt_inline void deliver(struct lt_proc_rec *proc, const struct lt_task *task, __s32 status, __u64 now)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_task_rec *rec = kind_get(tgid, task->kind);
	__u64 slow = task->flags & LT_TASK_SLOW ? LT_POOL_ONE_SLOW : 0;

	if (task->start_ns && !task->end_ns) {
		lt_lose(LT_LOST_UNPAIRED);
		change_state(proc, -LT_POOL_ONE_BUSY, now);
	}
	if (!task->start_ns)
		change_state(proc, -LT_POOL_ONE_DEPTH - slow, now);
	if (!rec || task->flags & LT_TASK_EARLY)
		return;
	if (status == LT_ECANCELED && !task->start_ns)
		lt_add(&rec->cancelled, 1);
	else
		lt_add(&rec->completed, 1);
	if (task->end_ns)
		lt_hist_add_shared(&rec->delivery, now - task->end_ns);
	report_task(tgid, task, now);
}

SEC("uprobe")
int LT_SHARED(task_deliver)(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task_key key = { .tgid = tgid, .task = PT_REGS_PARM1(ctx) };
	struct lt_task *task;

	if (!proc)
		return 0;
	task = bpf_map_lookup_elem(&lt_tasks, &key);
	if (!task)
		return 0;
	deliver(proc, task, PT_REGS_PARM2(ctx), bpf_ktime_get_ns());
	bpf_map_delete_elem(&lt_tasks, &key);
	return 0;
}

SEC("uprobe")
int LT_SHARED(sync_end)(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = (__u32)id;
	struct lt_proc_rec *proc = proc_get(id >> 32);
	struct lt_thread *thread;

	if (!proc)
		return 0;
	thread = bpf_map_lookup_elem(&lt_threads, &tid);
	if (!thread || !thread->sync_begin_ns) /* a pool thread: its task has a site of its own */
		return 0;
	lt_add(&proc->sync_calls, 1);
	lt_add(&proc->sync_ns, bpf_ktime_get_ns() - thread->sync_begin_ns);
	thread->sync_begin_ns = 0;
	return 0;
}
