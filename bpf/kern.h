/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The few kernel types that the programs use. Registers at a uprobe are a plain struct pt_regs,
 * whose layout is stable; nothing here needs the kernel's BTF at build time.
 */
#ifndef LOOPTOP_BPF_KERN_H
#define LOOPTOP_BPF_KERN_H

/* bpf_tracing.h picks the kernel's register names (di, si …) by this macro. */
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
/* Names and numbers of system calls. */
#define LT_SYSCALL_PREFIX   "__x64_sys_"
#define LT_SYS_EPOLL_WAIT   232
#define LT_SYS_EPOLL_PWAIT  281
#define LT_SYS_EPOLL_PWAIT2 441
#else
#error "looptop's BPF programs know x86-64 only so far"
#endif

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Fields of the running kernel: libbpf puts in their offsets when it loads the programs. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cfs_rq {
	int throttle_count; /* > 0: a cgroup above it has used up its share; with CONFIG_CFS_BANDWIDTH */
	__u64 throttled_clock_self_time; /* since 6.6: ended throttling, on this CPU */
};

struct sched_entity {
	struct cfs_rq *cfs_rq;
	__u64 sum_exec_runtime;
};

struct thread_struct {
	unsigned long fsbase;
};

struct sched_info { /* with CONFIG_SCHED_INFO */
	unsigned long long run_delay; /* ns on run queues, without the wait that goes on */
};

struct task_struct {
	int pid, tgid;
	unsigned int __state; /* since Linux 5.14 */
	struct sched_entity se;
	struct sched_info sched_info;
	struct thread_struct thread;
};

struct task_struct___old { /* until 5.13 */
	long state;
};

#pragma clang attribute pop

#include "looptop/abi.h"

#define lt_inline static __always_inline

/*
 * A general purpose register by its number in instruction encodings. By way of an array: from a
 * switch clang makes one load from a computed address in the context, which the verifier refuses.
 */
lt_inline __u64 lt_register(const struct pt_regs *ctx, __u32 reg)
{
	volatile __u64 regs[16] = {
		[LT_REG_RAX] = ctx->ax, [LT_REG_RCX] = ctx->cx, [LT_REG_RDX] = ctx->dx,
		[LT_REG_RBX] = ctx->bx, [LT_REG_RSP] = ctx->sp, [LT_REG_RBP] = ctx->bp,
		[LT_REG_RSI] = ctx->si, [LT_REG_RDI] = ctx->di, [LT_REG_R8] = ctx->r8,
		[LT_REG_R9] = ctx->r9,	[LT_REG_R10] = ctx->r10, [LT_REG_R11] = ctx->r11,
		[LT_REG_R12] = ctx->r12, [LT_REG_R13] = ctx->r13, [LT_REG_R14] = ctx->r14,
		[LT_REG_R15] = ctx->r15,
	};

	return regs[reg & 15];
}

#endif
