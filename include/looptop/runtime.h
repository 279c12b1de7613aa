/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What user space knows of a target before it attaches: the files mapped into it, the probe
 * sites in them, the addresses and layouts that memory reads need. Made by agent/target and
 * agent/runtime, used by agent/probe and the commands. Nothing here needs libbpf.
 */
#ifndef LOOPTOP_RUNTIME_H
#define LOOPTOP_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "looptop/abi.h"
#include "looptop/v8.h"

/* What a trap at an instruction costs: the kernel emulates it, or single-steps it (5 × dearer). */
enum lt_site_cost { LT_SITE_EMULATED, LT_SITE_STEPPED };

/* Which switch turns a site on: a loop site belongs to the lowest tier that uses it. */
enum lt_group {
	LT_GROUP_WAIT, /* tiers wait, phases, full */
	LT_GROUP_PHASES, /* tiers phases, full */
	LT_GROUP_FULL, /* tier full */
	LT_GROUP_POOL,
	LT_GROUP_GC,
	LT_GROUP_JIT,
	LT_GROUP_MAX,
};

struct lt_site {
	enum lt_role role;
	enum lt_group group;
	enum lt_site_cost cost;
	uint8_t arg, sub; /* of the role, see abi.h */
	uint64_t file_offset; /* what uprobes want */
	uint64_t vaddr; /* in the file's own address space */
	uint64_t function; /* where the function begins that it was decoded from */
	uint8_t length; /* of the instruction */
	uint8_t bytes[16]; /* the instruction, and zeros */
	char symbol[64]; /* "uv__io_poll+0x1f3": for check and messages; cut if longer */
};

/* Layout constants of libuv that are not the same in all versions (facts 1.5). -1: unknown. */
struct lt_uv_layout {
	int32_t idle_time; /* provider_idle_time in internal_fields */
	int32_t entry_time; /* provider_entry_time in internal_fields */
	int32_t loop_count; /* metrics.loop_count in internal_fields, -1 before libuv 1.46 */
	int32_t mutex_bytes; /* of wq_mutex in uv_loop_t (agent/target/uv_layout.h); 0: unknown */
};

#define LT_IMAGE_SITES_MAX 128
#define LT_IMAGE_CLASSES_MAX 192
#define LT_IMAGE_PARTS_MAX 64

/* A part of a file. */
struct lt_extent {
	uint64_t offset, size; /* bytes */
};

/* A class of pool tasks: objects whose vtable pointer is vtable belong to kind. */
struct lt_task_class {
	uint64_t vtable; /* value of the object's vtable pointer, in the file's address space */
	enum lt_kind kind;
};

/* One ELF file, analysed once. All addresses are the file's own. */
struct lt_image {
	char build_id[41]; /* hex, "" if the file has none */
	char runtime[16]; /* "node", "libuv", "" */
	char runtime_version[32]; /* "20.20.2", "" unknown */
	char uv_version[16]; /* "1.46.0", "" unknown */
	bool stripped; /* no local symbols: its functions were found by structure */
	struct lt_site sites[LT_IMAGE_SITES_MAX];
	size_t n_sites;
	struct lt_task_class classes[LT_IMAGE_CLASSES_MAX];
	size_t n_classes;
	uint32_t hidden_kinds; /* bit enum lt_kind: its tasks are counted as other */
	struct lt_uv_layout uv;
	/* Addresses of data and functions, 0: not found. */
	uint64_t default_loop; /* of default_loop_struct */
	uint64_t nthreads, idle_threads, slow_running; /* u32 each */
	uint64_t pool_queue, slow_queue; /* of the queue heads wq and slow_io_pending_wq */
	uint64_t task_cb; /* the one work callback of Node's ThreadPoolWork */
	uint64_t check_immediate; /* node::Environment::CheckImmediate */
	uint64_t run_timers; /* node::Environment::RunTimers */
	int32_t task_class_off, task_type_off; /* as in struct lt_proc_cfg */
	struct lt_v8_layout v8; /* level LT_V8_NONE: no V8 in it */
	char missing[16][160]; /* one sentence each: what was not found and what it costs */
	size_t n_missing;
	uint32_t missing_jit; /* bit i: missing[i] is of LT_GROUP_JIT, for those who ask for it */
	/* The parts of the file that all this was read from; none: they are not known. */
	struct lt_extent parts[LT_IMAGE_PARTS_MAX];
	size_t n_parts;
};

struct lt_file;
struct lt_images;
struct lt_recall;

/* A file mapped executable into a process. */
struct lt_module {
	struct lt_file *file; /* of the module; others may have it too */
	int fd; /* its: open on the mapped inode itself, never by its path */
	char path[256]; /* as the process sees it, for messages only; cut if longer */
	uint64_t dev, ino;
	uint64_t bias; /* run-time address = file address + bias (0 for non-PIE) */
	const struct lt_image *image; /* the file's */
};

#define LT_MODULES_MAX 4

/* A process that can be measured. */
struct lt_target {
	int pid;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat: with pid, the identity */
	double start_time; /* Unix time */
	char name[64]; /* display name: script or command; printable, cut if longer */
	char exe[256];
	char comm[16];
	char container[13]; /* "" none */
	char pod[37]; /* uid, "" none */
	char hostname[65]; /* of its container, "" ours or unknown */
	int parent_pid; /* when it was opened */
	uint64_t place; /* then; the same for processes in the same working directory; 0: unknown */
	char cgroup[256];
	bool generic; /* no module of it has a loop that is known: any thread that waits in epoll is one */
	const char *runtime; /* of the most specific module: "node", else "libuv"; or "generic" */
	const char *runtime_version, *uv_version; /* "" unknown */
	struct lt_module modules[LT_MODULES_MAX];
	size_t n_modules;
	struct lt_recall *recall; /* NULL: its memory is read piece by piece */
};

/* libuv's own account of one loop, read from the target's memory (facts 6.2). */
struct lt_loop_mem {
	uint64_t loop_ptr, fields_ptr; /* of the loop, and of its internal fields */
	uint64_t read_ns; /* CLOCK_MONOTONIC of the reading */
	uint64_t idle_ns; /* provider_idle_time: ended waits that may block */
	uint64_t entry_ns; /* provider_entry_time: beginning of the running wait, 0: none runs */
	uint64_t iterations; /* metrics.loop_count; UINT64_MAX: this version has none */
	uint64_t time_ms; /* uv_now: CLOCK_MONOTONIC ms when the loop last looked */
	uint32_t active_handles;
	uint32_t has_check; /* a check handle is there: in Node, a loop that runs JavaScript */
	bool metrics_on; /* UV_METRICS_IDLE_TIME is set: idle_ns counts, polls are double */
};

/* All idle time until it was read, with that of the wait that ran then. */
static inline uint64_t lt_loop_mem__idle_ns(const struct lt_loop_mem *mem)
{
	bool waits = mem->entry_ns && mem->read_ns > mem->entry_ns;

	return mem->idle_ns + (waits ? mem->read_ns - mem->entry_ns : 0);
}

struct lt_pool_mem {
	uint64_t read_ns;
	uint32_t size; /* 0: the pool was not used yet */
	uint32_t idle;
	uint32_t slow_running;
	int32_t queue_depth; /* queued tasks, -1: not countable (more than the bound, or torn) */
	int32_t slow_queue_depth;
};

/* The tasks of a pool that have not ended. Ages are lower bounds: one that was there before us has the time when it was
 * found. */
struct lt_pool_unfinished {
	uint64_t oldest_queued_ns; /* CLOCK_MONOTONIC since when the oldest one waits; 0: none does */
	uint64_t oldest_running_ns; /* likewise, since when it runs */
	uint32_t queued[LT_KIND_MAX], running[LT_KIND_MAX];
};

#define LT_UV_KINDS 18 /* of handles, by libuv's own numbers (enum uv_handle_type) */

/* What a loop holds open, read from the target's memory. */
struct lt_handles_mem {
	uint64_t read_ns; /* CLOCK_MONOTONIC of the loop's block */
	uint64_t active; /* libuv's own count of handles that keep the loop alive */
	uint64_t requests;
	uint64_t timer_due_ns; /* of the next timer, CLOCK_MONOTONIC; UINT64_MAX: there is none, 0: unknown */
	/* Of the last walk through all handles. */
	bool walked; /* there was one, and it came to an end */
	struct {
		uint32_t open; /* as uv_walk() shows them, without those being closed */
		uint32_t held; /* of these, active and referenced: they keep the loop alive */
		uint32_t referenced; /* of these, active or not */
	} kinds[LT_UV_KINDS];
	uint32_t listening; /* streams that take connections */
	uint32_t blocked; /* streams with bytes queued */
	uint64_t queued_bytes; /* by libuv, in all of them */
	/* The one that has been blocked for the longest time; of equals, the one with the most bytes. */
	struct {
		int fd; /* -1: there is none */
		uint32_t kind; /* as in kinds */
		uint64_t queued_bytes;
		uint64_t blocked_ns; /* since the first of the walks that found it so, without a gap */
		char peer[80]; /* printable; "": not known (yet) */
	} worst;
	/* Node's own counters; -1: unknown. */
	int64_t immediates; /* setImmediate() callbacks that wait */
	int64_t timers; /* setTimeout() and setInterval() timers that keep the loop alive */
	int next_tick; /* 1: the queue of process.nextTick() is not empty */
};

/*
 * Opens and analyses a process: identity, mapped files, sites. 0, or -errno with the error logged:
 * -ESRCH no such process (or it ended meanwhile), -EACCES/-EPERM naming the capability, -ENOEXEC
 * it runs no event loop that is known (the message says what it is), -EINVAL its file is broken, -EAGAIN
 * (with images that are not waited for) one of its files is still being read.
 * The caller frees with lt_target__close().
 */
int lt_target__open(int pid, struct lt_target **ret_target);

/* The same, with files that are analysed and open once for all targets; images must outlive them. */
int lt_target__open_with(int pid, struct lt_images *images, struct lt_target **ret_target);
void lt_target__close(struct lt_target *target);

/* True while the same process is there (pid and start time). */
bool lt_target__alive(const struct lt_target *target);

/* The run-time address of a file address of the module that has it, 0 if addr is 0. */
uint64_t lt_module__address(const struct lt_module *module, uint64_t addr);

/* The module that holds the loop and pool code (its image has wait sites), or NULL. */
const struct lt_module *lt_target__uv_module(const struct lt_target *target);

/* Length of the mutex in the target's uv_loop_t, behind which much lies; 0: its layout is not known. */
size_t lt_uv_mutex_bytes(const struct lt_target *target);

/* Reads libuv's account of the loop at loop_ptr (0: the default loop). 0, or -errno: -EFAULT torn
 * or unmapped, -ENOENT not known where, -EPERM, -ESRCH. Everything read is checked; nothing is
 * written to the target. */
int lt_read_loop(const struct lt_target *target, uint64_t loop_ptr, struct lt_loop_mem *ret_mem);

/* The same; *mem is what was read before, or {0}. One that was read before costs a read less; in_brief: of one that
 * waits time_ms, active_handles and has_check may stay as they were. */
int lt_read_loop_again(const struct lt_target *target, uint64_t loop_ptr, bool in_brief,
		       struct lt_loop_mem *mem);

/* Address of node::Environment::CheckImmediate, 0 where the file has no symbols. */
uint64_t lt_check_immediate(const struct lt_target *target);

/* An address inside of the node::Environment that runs on this loop: its immediates' check handle. 0: it was not
 * found. */
uint64_t lt_find_environment(const struct lt_target *target, uint64_t loop_ptr);

/* Where node::AsyncHooks of the environment on this loop is (abi.h: LT_ASYNC_…); 0: it was not found. */
uint64_t lt_find_async_hooks(const struct lt_target *target, uint64_t loop_ptr);

int lt_read_pool(const struct lt_target *target, struct lt_pool_mem *ret_mem);

/* A Worker's loop lies on its thread's stack (facts, memory-reads 2.7): found by scanning the stack of
 * a thread that waits for events. 0 and its address, -EAGAIN while it does not wait for events,
 * -ENOENT, or another -errno. */
int lt_find_thread_loop(const struct lt_target *target, int tid, uint64_t *ret_loop_ptr);

#endif
