/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Functions that are compiled, and optimised code that is left again, counted by thread. Which function that
 * was is told for some of them, a bounded number in each span of time: a storm is the same function again and
 * again.
 */
#include "bpf/cookie.h"
#include "bpf/loop.h"
#include "bpf/object.h"

/* The record of the current thread, made if need be; NULL: the process is none of ours, or there is no room. */
lt_inline struct lt_jit_rec *jit_get(__u64 now)
{
	static const struct lt_jit_rec zero;
	struct lt_loop_key key = lt_current();
	struct lt_proc_rec *proc = bpf_map_lookup_elem(&lt_proc_recs, &key.tgid);
	struct lt_jit_rec *rec;

	if (!proc)
		return NULL;
	lt_add(&proc->hits, 1);
	rec = bpf_map_lookup_elem(&lt_jits, &key);
	if (rec)
		return rec;
	bpf_map_update_elem(&lt_jits, &key, &zero, BPF_NOEXIST);
	rec = bpf_map_lookup_elem(&lt_jits, &key);
	if (rec)
		rec->first_ns = now;
	else
		lt_lose(LT_LOST_MAP_FULL);
	return rec;
}

SEC("uprobe")
int lt_compiled(struct pt_regs *ctx)
{
	struct lt_jit_rec *rec = jit_get(bpf_ktime_get_ns());
	__u32 compiler = LT_COOKIE_ARG(lt_cookie(ctx));

	if (rec && compiler < LT_COMPILER_MAX)
		rec->compiled[compiler]++;
	return 0;
}

/* May one more be told of now? */
lt_inline bool has_room(struct lt_jit_rec *rec, __u64 now)
{
	__u64 window = now >> LT_DEOPTS_WINDOW_SHIFT;

	if (rec->window != window) {
		rec->window = window;
		rec->told = 0;
	}
	return rec->told++ < LT_DEOPTS_TOLD;
}

/* A function moves with the next collection; what it is a closure of rarely does. */
lt_inline void tell_deopt(__u64 function, __u64 now)
{
	struct lt_loop_key key = lt_current();
	struct lt_proc_cfg *cfg = bpf_map_lookup_elem(&lt_procs, &key.tgid);
	__u64 shared = cfg ? lt_shared_of(&cfg->walk, function) : 0;
	struct lt_event *event;

	if (!shared) /* nobody could say whose it was */
		return;
	event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);
	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return;
	}
	*event = (struct lt_event){ .type = LT_EVENT_DEOPT,
				    .tgid = key.tgid,
				    .tid = key.tid,
				    .start_ns = now,
				    .off_ns = { shared } };
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int lt_deopt(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct lt_jit_rec *rec = jit_get(now);

	if (!rec)
		return 0;
	rec->deopts++;
	if (has_room(rec, now))
		tell_deopt(PT_REGS_PARM1(ctx), now);
	return 0;
}
