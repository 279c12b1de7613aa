/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The thread pool: a task is submitted on a loop's thread, started and ended on a pool thread,
 * delivered on the loop's thread again. Everything has many writers here.
 */
#include "bpf/cookie.h"
#include "bpf/hist.h"

#define LT_ECANCELED (-125) /* UV_ECANCELED, on every Linux */
#define LT_EEXIST (-17)

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
lt_inline void change_state_of(struct lt_proc_rec *proc, __u32 tgid, __u32 size, __u64 delta, __u64 now)
{
	struct lt_lock lock;
	__u64 old, state;

	proc->pool_size = size;
	lt_lock(&lock, tgid);
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

/* On a thread of the process. */
lt_inline void change_state(struct lt_proc_rec *proc, __u64 delta, __u64 now)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, size = 0;
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &tgid);

	if (cfg && cfg->pool_size_addr &&
	    bpf_probe_read_user(&size, sizeof(size), (void *)cfg->pool_size_addr))
		lt_lose(LT_LOST_READ_FAILED);
	change_state_of(proc, tgid, size, delta, now);
}

/* What a task is in the state while it waits. */
lt_inline __u64 queued(const struct lt_task_life *task)
{
	return LT_POOL_ONE_DEPTH + (task->flags & LT_TASK_SLOW ? LT_POOL_ONE_SLOW : 0);
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
	case LT_NAME7('n', 'o', 'd', 'e', '_', 's', 'q'): /* node_sqlite3.BackupJob */
		return LT_KIND_FS;
	}
	/* "fs.readfile" and others */
	return (name & 0xffffff) == LT_NAME7('f', 's', '.', 0, 0, 0, 0) ? LT_KIND_FS : LT_KIND_OTHER;
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

/* What a task is in the state now. */
lt_inline __u64 share_of(const struct lt_task_life *task)
{
	if (task->start_ns <= LT_TAKEN_BACK)
		return queued(task);
	return task->end_ns <= LT_TAKEN_BACK ? LT_POOL_ONE_BUSY : 0;
}

/*
 * The record of a task, in the place of one that was not seen to leave: its memory is used for another task now. What the
 * old one is in the state goes with it. False: there is no room.
 */
lt_inline bool put_task(struct lt_proc_rec *proc, struct lt_task_key *key, struct lt_task_life *task)
{
	struct lt_task_life *old = bpf_map_lookup_elem(&lt_tasks, key);
	__u64 left = old ? share_of(old) : 0;

	/* Whoever deletes it has its share to give back: a delivery, or user space, may be quicker. */
	if (old && !bpf_map_delete_elem(&lt_tasks, key) && left)
		change_state(proc, -left, bpf_ktime_get_ns());
	if (!bpf_map_update_elem(&lt_tasks, key, task, BPF_ANY))
		return true;
	lt_lose(LT_LOST_MAP_FULL);
	return false;
}

SEC("uprobe")
int LT_SHARED(task_submit)(struct pt_regs *ctx)
{
	__u32 abi = LT_COOKIE_ARG(lt_cookie(ctx));
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task_life task = { .submit_ns = bpf_ktime_get_ns() };
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
	if (!put_task(proc, &key, &task))
		return 0;
	lt_add(&rec->submitted, 1);
	change_state(proc, queued(&task), task.submit_ns);
	return 0;
}

/* By the function that a thread calls for it, or, where that is the same for many, by the task. */
lt_inline __u32 kind_of_start(__u32 tgid, __u64 task, __u32 kind)
{
	__u64 work_cb = 0;

	if (kind < LT_KIND_MAX)
		return kind;
	if (bpf_probe_read_user(&work_cb, sizeof(work_cb), (void *)(task + LT_TASK_TO_WORK_CB)))
		lt_lose(LT_LOST_READ_FAILED);
	return kind_of_work(tgid, task, work_cb);
}

/*
 * A work function that starts without a submission: on a loop's thread it is a synchronous file
 * system call; on a pool thread it was submitted before the attach.
 */
lt_inline void start_unknown(struct lt_proc_rec *proc, struct lt_task_key *key, __u32 kind, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct lt_loop_key loop_key = { .tgid = id >> 32, .tid = (__u32)id };
	struct lt_task_life task = { .start_ns = now, .flags = LT_TASK_EARLY };
	struct lt_task_rec *rec;

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
	task.kind = kind_of_start(loop_key.tgid, key->task, kind);
	if (!put_task(proc, key, &task))
		return;
	rec = kind_get(loop_key.tgid, task.kind);
	if (rec)
		lt_add(&rec->started, 1);
	change_state(proc, LT_POOL_ONE_BUSY, now);
}

SEC("uprobe")
int LT_SHARED(task_start)(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, kind = LT_COOKIE_ARG(lt_cookie(ctx));
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task_key key = { .tgid = tgid, .task = PT_REGS_PARM1(ctx) };
	__u64 now = bpf_ktime_get_ns();
	struct lt_task_rec *rec;
	struct lt_task_life *task;

	if (!proc)
		return 0;
	task = bpf_map_lookup_elem(&lt_tasks, &key);
	/* Started already: the memory is used for another task. */
	if (!task || task->start_ns || !lt_replace(&task->start_ns, 0, now)) {
		start_unknown(proc, &key, kind, now);
		return 0;
	}
	rec = kind_get(tgid, task->kind);
	if (rec)
		lt_add(&rec->started, 1);
	if (rec && !(task->flags & LT_TASK_EARLY))
		lt_hist_add_shared(&rec->wait, now - task->submit_ns);
	change_state(proc, LT_POOL_ONE_BUSY - queued(task), now);
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
	struct lt_task_life *task;

	if (!proc)
		return 0;
	task = bpf_map_lookup_elem(&lt_tasks, &key);
	if (!task || task->start_ns <= LT_TAKEN_BACK || task->end_ns ||
	    !lt_replace(&task->end_ns, 0, now)) /* it ran when we attached */
		return 0;
	change_state(proc, -LT_POOL_ONE_BUSY, now);
	rec = task->flags & LT_TASK_RAN ? NULL : kind_get(tgid, task->kind);
	if (rec)
		lt_hist_add_shared(&rec->run, now - task->start_ns);
	return 0;
}

/* The whole life of a task, for who asked for each of them. */
lt_inline void report_task(__u32 tgid, const struct lt_task_life *task, __u64 now)
{
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &tgid);
	struct lt_event *event;

	if (!cfg || !(cfg->flags & LT_PROC_TASKS) || !task->end_ns || task->flags & LT_TASK_EARLY)
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

/* The record is gone already: what it was in the state goes with it. */
lt_inline void deliver(struct lt_proc_rec *proc, const struct lt_task_life *task, __s32 status, __u64 now)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_task_rec *rec = kind_get(tgid, task->kind);
	bool started = task->start_ns > LT_TAKEN_BACK, ended = task->end_ns > LT_TAKEN_BACK;
	__u64 left = share_of(task);

	/* One that was found running may have ended a moment before it was told of. */
	if (started && !ended && !(task->flags & LT_TASK_RAN))
		lt_lose(LT_LOST_UNPAIRED);
	if (left)
		change_state(proc, -left, now);
	if (!rec)
		return;
	if (status == LT_ECANCELED && !started)
		lt_add(&rec->cancelled, 1);
	else
		lt_add(&rec->completed, 1);
	if (ended)
		lt_hist_add_shared(&rec->delivery, now - task->end_ns);
	report_task(tgid, task, now);
}

SEC("uprobe")
int LT_SHARED(task_deliver)(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct lt_proc_rec *proc = proc_get(tgid);
	struct lt_task_key key = { .tgid = tgid, .task = PT_REGS_PARM1(ctx) };
	struct lt_task_life *task, life;

	if (!proc)
		return 0;
	task = bpf_map_lookup_elem(&lt_tasks, &key);
	if (!task)
		return 0;
	life = *task;
	if (!bpf_map_delete_elem(&lt_tasks, &key))
		deliver(proc, &life, PT_REGS_PARM2(ctx), bpf_ktime_get_ns());
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

/* A task that was there before the probes. One that they have seen by now is theirs. False: there is no room. */
lt_inline bool add_found(struct lt_proc_rec *proc, struct lt_task_key *key, struct lt_task_life *task,
			 __u32 size)
{
	long err = bpf_map_update_elem(&lt_tasks, key, task, BPF_NOEXIST);

	if (!err)
		change_state_of(proc, key->tgid, size, share_of(task), task->submit_ns);
	return !err || err == LT_EEXIST;
}

/* It was gone before it was added, and the probes will never see what becomes of it. */
lt_inline void drop_found(struct lt_proc_rec *proc, struct lt_task_key *key, bool runs, __u32 size,
			  __u64 now)
{
	struct lt_task_life *task = bpf_map_lookup_elem(&lt_tasks, key);
	__u64 left;

	if (!task || !(task->flags & LT_TASK_FOUND) || task->end_ns || !task->start_ns == runs)
		return;
	left = share_of(task);
	/* A thread may start or end it now. */
	if (!lt_replace(runs ? &task->end_ns : &task->start_ns, 0, LT_TAKEN_BACK))
		return;
	if (!bpf_map_delete_elem(&lt_tasks, key))
		change_state_of(proc, key->tgid, size, -left, now);
}

/* Run by user space, with what it has found in a target's memory (abi_pool.h: enum lt_task_found_arg). 1: no room. */
SEC("raw_tp")
int LT_SHARED(task_found)(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tgid = ctx->args[LT_FOUND_ARG_TGID], what = ctx->args[LT_FOUND_ARG_WHAT];
	__u32 size = ctx->args[LT_FOUND_ARG_POOL_SIZE];
	struct lt_task_key key = { .tgid = tgid, .task = ctx->args[LT_FOUND_ARG_TASK] };
	struct lt_proc_rec *proc = bpf_map_lookup_elem(&lt_proc_recs, &tgid);
	struct lt_task_life task = { .submit_ns = bpf_ktime_get_ns() };

	if (!proc)
		return 0;
	if (what == LT_FOUND_NOT_QUEUED || what == LT_FOUND_NOT_RUNNING) {
		drop_found(proc, &key, what == LT_FOUND_NOT_RUNNING, size, task.submit_ns);
		return 0;
	}
	task.kind = ctx->args[LT_FOUND_ARG_KIND];
	task.flags = LT_TASK_EARLY | LT_TASK_FOUND | (ctx->args[LT_FOUND_ARG_FLAGS] & LT_TASK_SLOW);
	if (what == LT_FOUND_RUNNING) {
		task.start_ns = task.submit_ns;
		task.flags |= LT_TASK_RAN;
	}
	return add_found(proc, &key, &task, size) ? 0 : 1;
}
