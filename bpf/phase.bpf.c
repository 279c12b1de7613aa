/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Phase boundaries between two waits: the site's argument is the phase that begins there. */
#include "bpf/cookie.h"
#include "bpf/loop.h"

/*
 * At a function's entry the first argument is the loop. At the sites inside uv_run it is nowhere
 * certain, but the stack pointer tells uv_run of this loop from one that is nested in a callback:
 * the entries are called from uv_run itself, one return address below.
 */
lt_inline bool is_own_phase(struct lt_loop_rec *loop, const struct pt_regs *ctx, __u32 phase)
{
	__u64 ptr = PT_REGS_PARM1(ctx), sp = PT_REGS_SP(ctx);

	if (phase == LT_PHASE_PENDING || phase == LT_PHASE_CLOSING)
		return loop->frame_sp == sp;
	if (!loop->loop_ptr)
		loop->loop_ptr = ptr;
	if (loop->loop_ptr != ptr) {
		loop->flags |= LT_LOOP_NESTED;
		return false;
	}
	loop->flags &= ~LT_LOOP_NESTED;
	loop->frame_sp = sp + sizeof(__u64);
	return true;
}

SEC("uprobe")
int lt_phase(struct pt_regs *ctx)
{
	__u64 cookie = lt_cookie(ctx), now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);
	__u32 phase = LT_COOKIE_ARG(cookie);

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	if (!is_own_phase(loop, ctx, phase))
		goto out;
	lt_loop_advance(loop, now);
	if (loop->wait_start_ns) {
		if (!(loop->flags & LT_LOOP_SEEDED))
			lt_lose(LT_LOST_UNPAIRED);
		loop->wait_start_ns = 0;
	}
	loop->flags &= ~LT_LOOP_SEEDED;
	loop->boundaries++;
	/* Check runs once in each pass through the poll phase: libuv's own count. */
	if (phase == LT_PHASE_CHECK)
		loop->iterations++;
	/* Setting up the poll belongs to the poll phase, before its wait. */
	loop->phase = phase == LT_PHASE_POLL_SETUP ? LT_PHASE_POLL_CALLBACKS : phase;
out:
	lt_loop_end(loop);
	return 0;
}
