/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A throw-away object: what can this kernel do, and what does one hit cost here? Its program does
 * what a typical probe does (a look-up, the time, two counters) on a function of our own.
 */
#include "bpf/kern.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64[4]);
} lt_caps_map SEC(".maps");

const volatile bool lt_has_cookies = true;

SEC("uprobe")
int lt_caps_hit(struct pt_regs *ctx)
{
	__u64 key = lt_has_cookies ? bpf_get_attach_cookie(ctx) : 1, now = bpf_ktime_get_ns();
	__u64 *value = bpf_map_lookup_elem(&lt_caps_map, &key);

	if (!value)
		return 0;
	value[0]++;
	value[1] += now - value[2];
	value[2] = now;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
