/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* All that the programs must know of the machine: registers, system calls, the thread pointer. */
#ifndef LOOPTOP_BPF_MACHINE_H
#define LOOPTOP_BPF_MACHINE_H

#include <linux/types.h>

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

#define LT_REGISTERS 16 /* by their numbers in instructions; a power of two */
#define LT_REGISTERS_OF(ctx)                                                                     \
	{                                                                                        \
		[LT_REG_RAX] = (ctx)->ax, [LT_REG_RCX] = (ctx)->cx, [LT_REG_RDX] = (ctx)->dx,    \
		[LT_REG_RBX] = (ctx)->bx, [LT_REG_RSP] = (ctx)->sp, [LT_REG_RBP] = (ctx)->bp,    \
		[LT_REG_RSI] = (ctx)->si, [LT_REG_RDI] = (ctx)->di, [LT_REG_R8] = (ctx)->r8,     \
		[LT_REG_R9] = (ctx)->r9, [LT_REG_R10] = (ctx)->r10, [LT_REG_R11] = (ctx)->r11,   \
		[LT_REG_R12] = (ctx)->r12, [LT_REG_R13] = (ctx)->r13, [LT_REG_R14] = (ctx)->r14, \
		[LT_REG_R15] = (ctx)->r15,                                                       \
	}

/* Those that a function must give back as they were. */
#define LT_KEPT_REGISTERS_OF(ctx)                                         \
	{                                                                 \
		(ctx)->bx, (ctx)->r12, (ctx)->r13, (ctx)->r14, (ctx)->r15 \
	}

/* What a wait has returned, at its end's site. */
#define LT_WAIT_RESULT(ctx) ((ctx)->ax)

/* Of a sample and of the kernel's own record of user space's registers. */
#define lt_user_regs	      pt_regs
#define LT_REGS_PC(regs)      ((regs)->ip)
#define LT_REGS_FP(regs)      ((regs)->bp)
#define LT_REGS_SP(regs)      ((regs)->sp)
#define LT_REGS_IN_USER(regs) ((regs)->cs & 3)

#define LT_THREAD_STRUCT              \
	struct thread_struct {        \
		unsigned long fsbase; \
	}
#define LT_THREAD_POINTER(task) ((task)->thread.fsbase)

#define LT_SYSCALL_PREFIX	"__x64_sys_"
#define LT_SYSCALL_NUMBER(regs) ((regs)->orig_ax)
#define LT_SYS_EPOLL_WAIT	232
#define LT_SYS_EPOLL_PWAIT	281
#define LT_SYS_EPOLL_PWAIT2	441

#elif defined(__TARGET_ARCH_arm64)

struct user_pt_regs {
	__u64 regs[31]; /* x0 ... x30 */
	__u64 sp, pc, pstate;
};

struct pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
	__u64 orig_x0;
	__s32 syscallno;
};

#define LT_REGISTERS 32
#define LT_REGISTERS_OF(ctx)                                                                    \
	{                                                                                       \
		(ctx)->regs[0], (ctx)->regs[1], (ctx)->regs[2], (ctx)->regs[3], (ctx)->regs[4], \
			(ctx)->regs[5], (ctx)->regs[6], (ctx)->regs[7], (ctx)->regs[8],         \
			(ctx)->regs[9], (ctx)->regs[10], (ctx)->regs[11], (ctx)->regs[12],      \
			(ctx)->regs[13], (ctx)->regs[14], (ctx)->regs[15], (ctx)->regs[16],     \
			(ctx)->regs[17], (ctx)->regs[18], (ctx)->regs[19], (ctx)->regs[20],     \
			(ctx)->regs[21], (ctx)->regs[22], (ctx)->regs[23], (ctx)->regs[24],     \
			(ctx)->regs[25], (ctx)->regs[26], (ctx)->regs[27], (ctx)->regs[28],     \
			(ctx)->regs[29], (ctx)->regs[30], (ctx)->sp,                            \
	}

#define LT_KEPT_REGISTERS_OF(ctx)                                                           \
	{                                                                                   \
		(ctx)->regs[19], (ctx)->regs[20], (ctx)->regs[21], (ctx)->regs[22],         \
			(ctx)->regs[23], (ctx)->regs[24], (ctx)->regs[25], (ctx)->regs[26], \
			(ctx)->regs[27], (ctx)->regs[28],                                   \
	}

/* Compilers copy it to a register that is kept before the first site that is cheap: the cookie says to which. */
#define LT_WAIT_RESULT(ctx)   lt_register(ctx, LT_COOKIE_SUB(lt_cookie(ctx)))

#define lt_user_regs	      user_pt_regs
#define LT_REGS_PC(ctx)	      ((ctx)->pc)
#define LT_REGS_FP(ctx)	      ((ctx)->regs[29])
#define LT_REGS_SP(ctx)	      ((ctx)->sp)
#define LT_REGS_IN_USER(regs) (((regs)->pstate & 15) == 0)

#define LT_THREAD_STRUCT                        \
	struct thread_struct {                  \
		struct {                        \
			unsigned long tp_value; \
		} uw;                           \
	}
#define LT_THREAD_POINTER(task) ((task)->thread.uw.tp_value)

#define LT_SYSCALL_PREFIX	"__arm64_sys_"
#define LT_SYSCALL_NUMBER(regs) ((regs)->syscallno)
#define LT_SYS_EPOLL_PWAIT	22
#define LT_SYS_EPOLL_WAIT	LT_SYS_EPOLL_PWAIT /* it has no other */
#define LT_SYS_EPOLL_PWAIT2	441

#else
#error "looptop's BPF programs know x86-64 and arm64"
#endif

#endif
