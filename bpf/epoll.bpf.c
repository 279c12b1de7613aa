/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Waits of any thread, by its system calls: for processes in whose code there are no sites. Three ways lead
 * here; user space attaches the cheapest that the kernel has. All of them see every process of the host,
 * hence the one byte that is looked at first.
 */
#include "bpf/wait.h"

#define LT_NS_PER_S    1000000000ll
#define LT_SECONDS_MAX 1000000000ll /* a longer timeout is none */

lt_inline bool is_told_of(__u32 tgid)
{
	struct lt_proc_cfg *cfg;

	if (!lt_waiters[tgid % LT_WATCHED_SIZE])
		return false;
	cfg = bpf_map_lookup_elem(&lt_procs, &tgid);
	return cfg && cfg->flags & LT_PROC_ANY_WAIT;
}

/* epoll_pwait2 takes a struct timespec, or NULL for no timeout. */
lt_inline __s64 timespec_timeout(__u64 address)
{
	__s64 parts[2]; /* seconds, nanoseconds */

	if (!address)
		return -1;
	if (bpf_probe_read_user(parts, sizeof(parts), (void *)address)) {
		lt_lose(LT_LOST_READ_FAILED);
		return -1;
	}
	if (parts[0] < 0 || parts[0] > LT_SECONDS_MAX)
		return -1;
	return parts[0] * LT_NS_PER_S + parts[1];
}

lt_inline int begin(__u64 timeout, bool is_timespec)
{
	__u64 now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	lt_wait_enter(loop, now,
		      is_timespec ? timespec_timeout(timeout) : lt_ms_timeout((__s32)timeout));
	lt_loop_end(loop);
	return 0;
}

lt_inline int end(__s64 result)
{
	__u64 now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	lt_wait_leave(loop, now, (__s32)result);
	lt_loop_end(loop);
	return 0;
}

lt_inline bool is_current_told_of(void)
{
	return is_told_of(bpf_get_current_pid_tgid() >> 32);
}

/* --- by the functions of the system calls; nobody else's calls are slowed down ------------------- */

/* The functions' one argument: the registers of the call. */
lt_inline int function_begins(const struct pt_regs *regs, bool is_timespec)
{
	__u64 timeout = 0;

	if (!is_current_told_of())
		return 0;
	bpf_probe_read_kernel(&timeout, sizeof(timeout), &PT_REGS_PARM4_SYSCALL(regs));
	return begin(timeout, is_timespec);
}

SEC("fentry/" LT_SYSCALL_PREFIX "epoll_wait")
int BPF_PROG(lt_fn_wait, const struct pt_regs *regs)
{
	return function_begins(regs, false);
}

SEC("fentry/" LT_SYSCALL_PREFIX "epoll_pwait")
int BPF_PROG(lt_fn_pwait, const struct pt_regs *regs)
{
	return function_begins(regs, false);
}

SEC("fentry/" LT_SYSCALL_PREFIX "epoll_pwait2")
int BPF_PROG(lt_fn_pwait2, const struct pt_regs *regs)
{
	return function_begins(regs, true);
}

SEC("fexit/" LT_SYSCALL_PREFIX "epoll_wait")
int BPF_PROG(lt_fx_wait, const struct pt_regs *regs, long result)
{
	return is_current_told_of() ? end(result) : 0;
}

SEC("fexit/" LT_SYSCALL_PREFIX "epoll_pwait")
int BPF_PROG(lt_fx_pwait, const struct pt_regs *regs, long result)
{
	return is_current_told_of() ? end(result) : 0;
}

SEC("fexit/" LT_SYSCALL_PREFIX "epoll_pwait2")
int BPF_PROG(lt_fx_pwait2, const struct pt_regs *regs, long result)
{
	return is_current_told_of() ? end(result) : 0;
}

/* --- by the tracepoints of these calls, each attached to two or three ---------------------------- */

/* The number is an int where the kernel hands over struct syscall_trace_enter's own type: what stands behind it, up to
 * the arguments, is then whatever was on the kernel's stack. */
struct enter_ctx {
	__u64 common;
	__s32 number, undefined;
	__u64 args[6];
};

struct exit_ctx {
	__u64 common;
	__s32 number, undefined;
	__s64 result;
};

SEC("tracepoint")
int lt_tp_enter(struct enter_ctx *ctx)
{
	if (!is_current_told_of())
		return 0;
	return begin(ctx->args[3], ctx->number == LT_SYS_EPOLL_PWAIT2);
}

SEC("tracepoint")
int lt_tp_exit(struct exit_ctx *ctx)
{
	return is_current_told_of() ? end(ctx->result) : 0;
}

/* --- by the tracepoints of all calls, where tracefs is not mounted ------------------------------- */

lt_inline bool is_epoll_wait(__u64 number)
{
	return number == LT_SYS_EPOLL_WAIT || number == LT_SYS_EPOLL_PWAIT ||
	       number == LT_SYS_EPOLL_PWAIT2;
}

SEC("raw_tp/sys_enter")
int lt_raw_enter(struct bpf_raw_tracepoint_args *ctx)
{
	const struct pt_regs *regs = (const struct pt_regs *)ctx->args[0];
	__u64 timeout = 0;

	if (!is_epoll_wait(ctx->args[1]) || !is_current_told_of())
		return 0;
	bpf_probe_read_kernel(&timeout, sizeof(timeout), &PT_REGS_PARM4_SYSCALL(regs));
	return begin(timeout, ctx->args[1] == LT_SYS_EPOLL_PWAIT2);
}

SEC("raw_tp/sys_exit")
int lt_raw_exit(struct bpf_raw_tracepoint_args *ctx)
{
	const struct pt_regs *regs = (const struct pt_regs *)ctx->args[0];
	typeof(+LT_SYSCALL_NUMBER(regs)) number = 0;

	if (!is_current_told_of())
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number), &LT_SYSCALL_NUMBER(regs));
	return is_epoll_wait(number) ? end((__s64)ctx->args[1]) : 0;
}
