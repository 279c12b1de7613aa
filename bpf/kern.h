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

#include "bpf/machine.h"

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

LT_THREAD_STRUCT;

struct sched_info { /* with CONFIG_SCHED_INFO */
	unsigned long long run_delay; /* ns on run queues, without the wait that goes on */
};

struct signal_struct {
	struct {
		int counter;
	} live; /* threads that have not begun to exit */
	unsigned int flags;
	struct mm_struct *oom_mm; /* of a process that the kernel kills for its memory */
};

struct task_struct {
	int pid, tgid;
	int exit_code; /* as wait(2) has it */
	struct signal_struct *signal;
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
	volatile __u64 regs[LT_REGISTERS] = LT_REGISTERS_OF(ctx);

	return regs[reg & (LT_REGISTERS - 1)];
}

#endif
