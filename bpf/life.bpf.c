/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The end of threads: a loop's record is closed at once, so that a reused id never gets into it. */
#include "bpf/hist.h"

SEC("raw_tp/sched_process_exit")
int lt_thread_exit(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct lt_loop_key key = { .tgid = id >> 32, .tid = (__u32)id };
	struct lt_loop_rec *loop;
	struct lt_event *event;

	if (!bpf_map_lookup_elem(&lt_procs, &key.tgid))
		return 0;
	bpf_map_delete_elem(&lt_threads, &key.tid);
	loop = bpf_map_lookup_elem(&lt_loops, &key);
	if (!loop)
		return 0;
	loop->flags |= LT_LOOP_ENDED;
	event = bpf_ringbuf_reserve(&lt_ring, sizeof(*event), 0);
	if (!event) {
		lt_lose(LT_LOST_RING_FULL);
		return 0;
	}
	*event = (struct lt_event){ .type = LT_EVENT_LOOP_ENDED,
				    .tgid = key.tgid,
				    .tid = key.tid,
				    .start_ns = bpf_ktime_get_ns() };
	bpf_ringbuf_submit(event, 0);
	return 0;
}
