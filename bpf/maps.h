/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The tables that the programs share, defined in maps.bpf.c. Sizes are set by user space before
 * load. All are preallocated: a probe must never allocate.
 */
#ifndef LOOPTOP_BPF_MAPS_H
#define LOOPTOP_BPF_MAPS_H

#include "bpf/kern.h"

/* What a thread is doing, whether it runs a loop or not. */
struct lt_thread {
	__u64 gc_begin_ns; /* 0: no pause is running */
	__u64 step_begin_ns;
	__u64 sync_begin_ns;
	__u32 gc_kind; /* enum lt_gc, LT_GC_MAX: not known yet */
	__u32 gc_nested;
};

struct lt_class_key {
	__u64 tgid;
	__u64 vtable;
};

struct lt_site_key {
	__u64 tgid;
	__u64 address; /* in the target */
};

struct lt_procs_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct lt_proc_cfg);
};

/* Processes whose children and end are told of, whether they have probes or not. */
struct lt_followed_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* tgid */
	__type(value, __u32);
};

struct lt_proc_recs_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct lt_proc_rec);
};

struct lt_loops_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct lt_loop_key);
	__type(value, struct lt_loop_rec);
};

struct lt_tasks_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct lt_task_key);
	__type(value, struct lt_task_life);
};

struct lt_kinds_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct lt_kind_key);
	__type(value, struct lt_task_rec);
};

struct lt_gcs_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct lt_kind_key);
	__type(value, struct lt_gc_rec);
};

struct lt_jits_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct lt_loop_key);
	__type(value, struct lt_jit_rec);
};

struct lt_classes_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct lt_class_key);
	__type(value, __u32); /* enum lt_kind */
};

/* The cookies of sites, where links carry none. */
struct lt_sites_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct lt_site_key);
	__type(value, __u64);
};

/* A process is in here while one CPU changes what its threads share (atomic.h). */
struct lt_locks_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32); /* tgid */
	__type(value, __u32);
};

struct lt_threads_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* tid */
	__type(value, struct lt_thread);
};

struct lt_ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
};

/* One CPU builds one stack at a time: its program is not interrupted by itself. */
struct lt_stacks_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lt_raw_stack);
};

extern struct lt_procs_map lt_procs SEC(".maps");
extern struct lt_followed_map lt_followed SEC(".maps");
extern struct lt_proc_recs_map lt_proc_recs SEC(".maps");
extern struct lt_loops_map lt_loops SEC(".maps");
extern struct lt_tasks_map lt_tasks SEC(".maps");
extern struct lt_kinds_map lt_kinds SEC(".maps");
extern struct lt_gcs_map lt_gcs SEC(".maps");
extern struct lt_jits_map lt_jits SEC(".maps");
extern struct lt_classes_map lt_classes SEC(".maps");
extern struct lt_sites_map lt_sites SEC(".maps");
extern struct lt_locks_map lt_locks SEC(".maps");
extern struct lt_threads_map lt_threads SEC(".maps");
extern struct lt_ring_map lt_ring SEC(".maps");
extern struct lt_stacks_map lt_stacks SEC(".maps");

extern __u64 lt_lost[LT_LOST_MAX]; /* read by user space through the mapped .bss */
extern __u32 lt_begins; /* processes told of since user space set it to 0; at most LT_BEGINS_MAX, and one a CPU more */
extern __u64 lt_begins_left; /* those that were not told of */
extern __u32 lt_epoch; /* the collection interval, advanced by user space at each reading */
extern const struct lt_loop_rec lt_zero_loop; /* what a new record starts from */
extern const volatile __u64 lt_stall_ns; /* a longer turn is a stall */
extern const volatile __u64 lt_late_ns; /* in a longer turn the stack is sampled */
extern const volatile bool
	lt_has_kernel_types; /* what is read of the kernel was found in its BTF */
extern const volatile bool lt_tells_begins; /* of all programs, not only of those of processes that are watched */
extern const volatile bool lt_has_cookies; /* bpf_get_attach_cookie works at uprobes (Linux 5.15) */
/* Not 0 for each thread id of a loop, modulo its size: what the scheduler's programs ask first. */
extern __u8 lt_watched[LT_WATCHED_SIZE];
/* Likewise for each process whose waits are told by its system calls; user space sets them. */
extern __u8 lt_waiters[LT_WATCHED_SIZE];

#endif
