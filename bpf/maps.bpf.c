/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "bpf/maps.h"

struct lt_procs_map lt_procs SEC(".maps");
struct lt_followed_map lt_followed SEC(".maps");
struct lt_proc_recs_map lt_proc_recs SEC(".maps");
struct lt_loops_map lt_loops SEC(".maps");
struct lt_tasks_map lt_tasks SEC(".maps");
struct lt_kinds_map lt_kinds SEC(".maps");
struct lt_gcs_map lt_gcs SEC(".maps");
struct lt_jits_map lt_jits SEC(".maps");
struct lt_classes_map lt_classes SEC(".maps");
struct lt_sites_map lt_sites SEC(".maps");
struct lt_locks_map lt_locks SEC(".maps");
struct lt_threads_map lt_threads SEC(".maps");
struct lt_ring_map lt_ring SEC(".maps");
struct lt_stacks_map lt_stacks SEC(".maps");

__u64 lt_lost[LT_LOST_MAX];
__u32 lt_begins;
__u64 lt_begins_left;
__u32 lt_epoch;
const struct lt_loop_rec lt_zero_loop;
const volatile __u64 lt_stall_ns = 100000000;
const volatile __u64 lt_late_ns = 25000000;
const volatile bool lt_has_kernel_types = true;
const volatile bool lt_tells_begins = true;
const volatile bool lt_has_cookies = true;
__u8 lt_watched[LT_WATCHED_SIZE];
__u8 lt_waiters[LT_WATCHED_SIZE];

/* The helpers that the programs call are "GPL only"; so are the programs. */
char LICENSE[] SEC("license") = "GPL";
