/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The stack of a turn that is late: frame pointers, and where native code without them breaks the chain,
 * the frame that the engine noted when it called out (facts, v8-stacks 3 … 5). What moves under garbage
 * collection is read here, at once; names are for user space.
 */
#include "bpf/hist.h"
#include "bpf/object.h"
#include "bpf/off.h"

/* The context of a perf event program, with the registers under the kernel's names. */
struct lt_perf_ctx {
	struct lt_user_regs regs;
	__u64 sample_period, addr;
};

struct walk {
	__u64 pc, fp, low; /* a caller's frame lies above low */
	__u64 c_entry_fp; /* 0: none, or met */
	struct lt_walk_cfg cfg;
};

/* The SharedFunctionInfo of the function in a frame, 0: there is none. */
lt_inline __u64 shared_of(const struct lt_walk_cfg *cfg, const struct lt_raw_frame *frame)
{
	return lt_is_object(frame->context) ? lt_shared_of(cfg, frame->function) : 0;
}

lt_inline __u64 activation_of(const struct lt_raw_frame *frame, __u64 caller_fp)
{
	__u64 all = frame->function * 31 + frame->context, at = frame->fp + 16;
	__u64 words[LT_ACTIVATION_WORDS];

	for (int i = 0; i < LT_ACTIVATION_READS && at < caller_fp; i++) {
		if (bpf_probe_read_user(words, sizeof(words), (void *)at))
			return i ? all : 0;
		all = lt_activation_fold(all, words, (caller_fp - at) / sizeof(*words));
		at += sizeof(words);
	}
	return all;
}

/* One frame a call; 1 ends the walk. */
static long walk_frame(__u32 index, struct walk *walk)
{
	__u32 zero = 0, n;
	struct lt_raw_stack *stack = bpf_map_lookup_elem(&lt_stacks, &zero);
	bool dead = !walk->fp || walk->fp & 7 || walk->fp < walk->low;
	struct lt_raw_frame *frame;
	__u64 words[7]; /* from fp - 40 to fp + 8 */

	if (!stack)
		return 1;
	n = stack->n_frames;
	if (n >= LT_STACK_FRAMES_MAX)
		return 1;
	frame = &stack->frames[n];
	frame->flags = 0;
	if (walk->c_entry_fp && (dead || walk->fp > walk->c_entry_fp)) {
		walk->fp = walk->c_entry_fp;
		walk->pc = 0;
		frame->flags = LT_FRAME_RESUMED;
		dead = false;
	}
	if (walk->fp == walk->c_entry_fp)
		walk->c_entry_fp = 0;
	if (dead)
		return 1;
	if (bpf_probe_read_user(words, sizeof(words), (void *)(walk->fp - 40))) {
		walk->fp = 0;
		return walk->c_entry_fp ? 0 : 1;
	}
	frame->pc = walk->pc;
	frame->fp = walk->fp;
	frame->bytecode_offset = words[0];
	frame->bytecode_array = words[1];
	frame->argc = words[2];
	frame->function = words[3];
	frame->context = words[4];
	frame->shared = shared_of(&walk->cfg, frame);
	frame->activation = frame->shared ? activation_of(frame, words[5]) : 0;
	stack->n_frames = n + 1;
	walk->low = walk->fp + 1;
	walk->fp = words[5];
	walk->pc = words[6];
	return 0;
}

lt_inline void find_isolate(struct lt_raw_stack *stack, struct walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 isolate = 0;

	stack->isolate = 0;
	if (!(walk->cfg.flags & LT_WALK_ISOLATE))
		return;
	if (bpf_probe_read_user(&isolate, sizeof(isolate),
				(void *)(LT_THREAD_POINTER(task) + walk->cfg.isolate_tls_off)))
		return;
	stack->isolate = isolate;
	if (!isolate || !(walk->cfg.flags & LT_WALK_C_ENTRY))
		return;
	if (bpf_probe_read_user(&walk->c_entry_fp, sizeof(walk->c_entry_fp),
				(void *)(isolate + walk->cfg.c_entry_fp_off)))
		walk->c_entry_fp = 0;
}

/* The cookie tells where the environment's AsyncHooks are, 0 where they were not found. */
lt_inline __u64 execution_id(__u64 hooks)
{
	__u64 first = (hooks & ~LT_ASYNC_BUFFER_LONGER) + LT_ASYNC_BUFFER_DATA;
	__u64 second = first + LT_ASYNC_BUFFER_BYTES + 8 * (hooks & LT_ASYNC_BUFFER_LONGER);
	__u64 fields = 0, ids = 0, id = 0;
	__u32 length = 0;

	if (!hooks || bpf_probe_read_user(&fields, sizeof(fields), (void *)first) ||
	    bpf_probe_read_user(&ids, sizeof(ids), (void *)second) ||
	    bpf_probe_read_user(&length, sizeof(length),
				(void *)(fields + LT_ASYNC_STACK_LENGTH * sizeof(__u32))) ||
	    length != 1 ||
	    bpf_probe_read_user(&id, sizeof(id), (void *)(ids + LT_ASYNC_EXECUTION_ID * sizeof(id))))
		return 0;
	return id;
}

lt_inline void emit(const struct lt_raw_stack *stack)
{
	__u64 n = stack->n_frames;

	barrier_var(n);
	if (n > LT_STACK_FRAMES_MAX)
		return;
	if (bpf_ringbuf_output(&lt_ring, (void *)stack,
			       __builtin_offsetof(struct lt_raw_stack, frames) +
				       n * sizeof(struct lt_raw_frame),
			       0))
		lt_lose(LT_LOST_RING_FULL);
}

/* The context's words are read one by one: the verifier wants a constant offset in each load. */
lt_inline int user_registers(const volatile struct lt_perf_ctx *ctx, struct walk *walk)
{
	struct lt_user_regs regs;

	walk->pc = LT_REGS_PC(&ctx->regs);
	walk->fp = LT_REGS_FP(&ctx->regs);
	walk->low = LT_REGS_SP(&ctx->regs);
	if (LT_REGS_IN_USER(&ctx->regs))
		return 0;
	if (bpf_probe_read_kernel(&regs, sizeof(regs),
				  (void *)bpf_task_pt_regs(bpf_get_current_task_btf())))
		return -1;
	walk->pc = LT_REGS_PC(&regs);
	walk->fp = LT_REGS_FP(&regs);
	walk->low = LT_REGS_SP(&regs);
	return 0;
}

SEC("perf_event")
int lt_sample(struct lt_perf_ctx *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct lt_loop_key key = { .tgid = id >> 32, .tid = (__u32)id };
	struct lt_loop_rec *loop = bpf_map_lookup_elem(&lt_loops, &key);
	struct walk walk = { 0 };
	struct lt_raw_stack *stack;
	struct lt_proc_cfg *cfg;
	__u32 zero = 0;

	if (!loop)
		return 0;
	lt_off_settle(loop, bpf_get_current_task_btf(), now);
	if (!loop->turn_start_ns || now - loop->turn_start_ns < lt_late_ns)
		return 0;
	cfg = bpf_map_lookup_elem(&lt_procs, &key.tgid);
	stack = bpf_map_lookup_elem(&lt_stacks, &zero);
	if (!cfg || !stack)
		return 0;
	walk.cfg = cfg->walk;
	if (user_registers(ctx, &walk))
		return 0;
	stack->type = LT_EVENT_STACK;
	stack->tgid = key.tgid;
	stack->tid = key.tid;
	stack->time_ns = now;
	stack->turn_start_ns = loop->turn_start_ns;
	stack->ip = walk.pc;
	stack->n_frames = 0;
	stack->execution_id = execution_id(bpf_get_attach_cookie(ctx));
	find_isolate(stack, &walk);
	/* Whether its code keeps frame pointers is not known: what would be found by following a register that
	 * holds something else are callers that never called. */
	if (!(cfg->flags & LT_PROC_ANY_WAIT))
		bpf_loop(LT_STACK_FRAMES_MAX + 8, walk_frame, &walk, 0);
	emit(stack);
	loop->cost.sample_ns += bpf_ktime_get_ns() - now;
	return 0;
}
