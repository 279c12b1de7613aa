/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Waits and turns. A turn runs from the end of a wait to the beginning of the next; a wait that
 * brought nothing and is followed at once by another makes none.
 */
#include "bpf/cookie.h"
#include "bpf/loop.h"

/* Without the flag that says so, two waits this close are one poll (libuv needs about 1 us). */
#define LT_AT_ONCE_NS 50000

#define LT_NS_PER_MS 1000000ll

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
	__u64 candidates[] = { ctx->bx, ctx->r12, ctx->r13, ctx->r14, ctx->r15 };

	if (epfd <= 0)
		return 0;
#pragma unroll
	for (int i = 0; i < 5; i++)
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

lt_inline void report_stall(struct lt_loop_rec *loop, __u64 start_ns, __u64 duration_ns)
{
	struct lt_loop_key key = lt_current();
	struct lt_event *event;

	loop->stalls++;
	loop->stall_ns += duration_ns;
	event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);
	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){ .type = LT_EVENT_STALL,
				    .tgid = key.tgid,
				    .tid = key.tid,
				    .start_ns = start_ns,
				    .duration_ns = duration_ns,
				    .gc_ns = loop->gc_seen_ns - loop->gc_turn_ns };
#pragma unroll
	for (int i = 0; i < LT_OFF_MAX; i++)
		event->off_ns[i] = loop->off_seen_ns[i] - loop->off_turn_ns[i];
	bpf_ringbuf_submit(event, 0);
}

/* Did nothing happen between the latest wait's end and this wait's beginning? */
lt_inline bool continues_poll(const struct lt_loop_rec *loop, __u64 gap_ns, __s32 timeout_ms)
{
	if (loop->boundaries)
		return false;
	if (loop->wait_events < 0) /* interrupted: libuv polls again, unless the timeout was 0 */
		return loop->wait_timeout_ms != 0;
	if (loop->wait_events > 0 || loop->wait_timeout_ms != 0 || timeout_ms == 0)
		return false;
	return (loop->flags & LT_LOOP_DOUBLE_POLL) || gap_ns < LT_AT_ONCE_NS;
}

SEC("uprobe")
int lt_wait_begin(struct pt_regs *ctx)
{
	__u64 cookie = lt_cookie(ctx), now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);
	__s32 timeout_ms;

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	if (!is_own_wait(loop, ctx, LT_COOKIE_ARG(cookie)))
		goto out;
	timeout_ms = lt_register(ctx, LT_COOKIE_SUB(cookie));
	if (loop->wait_start_ns && !(loop->flags & LT_LOOP_SEEDED))
		lt_lose(LT_LOST_UNPAIRED);
	loop->flags &= ~LT_LOOP_SEEDED;
	lt_loop_advance(loop, now);
	if (loop->turn_start_ns) {
		__u64 turn_ns = now - loop->turn_start_ns;

		if (!continues_poll(loop, turn_ns, timeout_ms)) {
			loop->turns++;
			lt_hist_add(&loop->turn, turn_ns);
			if (turn_ns > lt_stall_ns)
				report_stall(loop, loop->turn_start_ns, turn_ns);
		}
		loop->turn_start_ns = 0;
	}
	loop->waits++;
	loop->wait_start_ns = now;
	loop->wait_timeout_ms = timeout_ms;
	loop->phase = LT_PHASE_POLL_WAIT;
out:
	lt_loop_end(loop);
	return 0;
}

/* How late a wait that timed out ended. An event or a signal may end it before. */
lt_inline void count_lateness(struct lt_loop_rec *loop, __u64 now)
{
	__s64 late_ns = (__s64)(now - loop->wait_start_ns) - loop->wait_timeout_ms * LT_NS_PER_MS;

	if (loop->wait_timeout_ms > 0 && loop->wait_events == 0)
		lt_hist_add(&loop->lateness, late_ns > 0 ? late_ns : 0);
}

SEC("uprobe")
int lt_wait_end(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct lt_loop_rec *loop = lt_loop_get(now);

	if (!loop)
		return 0;
	lt_loop_begin(loop);
	if (loop->flags & LT_LOOP_NESTED)
		goto out;
	lt_loop_advance(loop, now);
	loop->wait_events = (__s32)ctx->ax;
	if (loop->wait_start_ns && !(loop->flags & LT_LOOP_SEEDED))
		count_lateness(loop, now);
	else if (loop->turn_start_ns)
		lt_lose(LT_LOST_UNPAIRED);
	loop->flags &= ~LT_LOOP_SEEDED;
	loop->wait_start_ns = 0;
	loop->turn_start_ns = now;
#pragma unroll
	for (int i = 0; i < LT_OFF_MAX; i++)
		loop->off_turn_ns[i] = loop->off_seen_ns[i];
	loop->gc_turn_ns = loop->gc_seen_ns;
	loop->boundaries = 0;
	loop->phase = LT_PHASE_POLL_CALLBACKS;
out:
	lt_loop_end(loop);
	return 0;
}
