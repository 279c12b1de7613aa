/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Waits at sites in a target's code: which loop's they are, and the registers that tell of them. */
#include "bpf/cookie.h"
#include "bpf/wait.h"

/* Is `loop` in the target a loop structure whose epoll instance is epfd? */
lt_inline bool is_loop_of(__u64 loop, __s32 epfd)
{
	__s32 found = -1;

	if (loop & 7 || loop < 4096)
		return false;
	return !bpf_probe_read_user(&found, sizeof(found), (void *)(loop + LT_BACKEND_FD_OFF)) &&
	       found == epfd;
}

/*
 * At the call of epoll_wait the loop is in some callee-saved register, which one differs from
 * build to build: the one whose backend_fd is the descriptor waited on. Once for each loop.
 */
lt_inline __u64 find_loop(const struct pt_regs *ctx, __s32 epfd)
{
	__u64 candidates[] = LT_KEPT_REGISTERS_OF(ctx);

	if (epfd <= 0)
		return 0;
#pragma unroll
	for (unsigned i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		if (is_loop_of(candidates[i], epfd))
			return candidates[i];
	return 0;
}

/*
 * Does this wait belong to the thread's own loop? Another loop may run inside one of its
 * callbacks (spawnSync does): its waits are busy time of the outer one.
 */
lt_inline bool is_own_wait(struct lt_loop_rec *loop, const struct pt_regs *ctx, __u32 abi)
{
	bool own;

	if (abi == LT_WAIT_HOOK) {
		__u64 ptr = PT_REGS_PARM1(ctx);

		if (!loop->loop_ptr)
			loop->loop_ptr = ptr;
		own = loop->loop_ptr == ptr;
	} else {
		__s32 epfd = PT_REGS_PARM1(ctx);

		if (loop->epfd < 0 && (!loop->loop_ptr || is_loop_of(loop->loop_ptr, epfd))) {
			loop->epfd = epfd;
			if (!loop->loop_ptr)
				loop->loop_ptr = find_loop(ctx, epfd);
		}
		own = loop->epfd == epfd;
	}
	if (own)
		loop->flags &= ~LT_LOOP_NESTED;
	else
		loop->flags |= LT_LOOP_NESTED;
	return own;
}

SEC("uprobe")
int lt_wait_begin(struct pt_regs *ctx)
{
	__u64 cookie = lt_cookie(ctx), now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	if (is_own_wait(loop, ctx, LT_COOKIE_ARG(cookie)))
		lt_wait_enter(loop, now,
			      lt_ms_timeout((__s32)lt_register(ctx, LT_COOKIE_SUB(cookie))));
	lt_loop_end(loop);
	return 0;
}

SEC("uprobe")
int lt_wait_end(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	if (!(loop->flags & LT_LOOP_NESTED))
		lt_wait_leave(loop, now, (__s32)LT_WAIT_RESULT(ctx));
	lt_loop_end(loop);
	return 0;
}
