/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the BPF programs and user space share: roles, records, keys, drop counters. All records
 * are cumulative since attach: user space keeps the previous reading and subtracts, so that no
 * event is lost between a read and a reset. No product name stands here: a runtime is a table
 * of "this address plays this role".
 */
#ifndef LOOPTOP_ABI_H
#define LOOPTOP_ABI_H

#include "looptop/abi_pool.h"
#include "looptop/hist.h"

/* What happens when a thread reaches a probed address. */
enum lt_role {
	LT_ROLE_NONE,
	/* loop */
	LT_ROLE_WAIT_BEGIN, /* arg: enum lt_wait_abi */
	LT_ROLE_WAIT_END, /* arg: enum lt_wait_abi */
	LT_ROLE_PHASE, /* arg: the enum lt_phase that begins here */
	/* thread pool */
	LT_ROLE_TASK_SUBMIT, /* arg: enum lt_submit_abi */
	LT_ROLE_TASK_START, /* arg: enum lt_kind, or LT_KIND_MAX: find out from the task */
	LT_ROLE_TASK_END, /* arg: number of the register that points at the task's queue node */
	LT_ROLE_TASK_DELIVER, /* first argument = task, second = status */
	LT_ROLE_SYNC_END, /* an exit of the function that runs file system calls */
	/* garbage collection */
	LT_ROLE_GC_BEGIN,
	LT_ROLE_GC_KIND, /* second argument = collector: 0 scavenger, 1 mark-compact, 2 minor MS */
	LT_ROLE_GC_END,
	LT_ROLE_STEP_BEGIN, /* an incremental marking slice on this thread */
	LT_ROLE_STEP_END,
	LT_ROLE_OUT_OF_MEMORY, /* the engine gives up; arg: enum lt_memory_abi */
	/* compilation of a script's functions */
	LT_ROLE_COMPILED, /* arg: enum lt_compiler */
	LT_ROLE_DEOPT, /* first argument = function: its optimised code is left, for good or for bad */
	LT_ROLE_MAX,
};

/* Where the interesting registers are at a wait's site. */
enum lt_wait_abi {
	LT_WAIT_CALL, /* at the call of epoll_*wait: argument 1 = epoll fd */
	LT_WAIT_HOOK, /* at a function: argument 1 = loop */
	/* In both the sub argument is a register: at WAIT_BEGIN that which holds the timeout (ms), at WAIT_END
	 * that which holds what epoll_*wait returned; on x86-64 it is always the return register. */
};

enum lt_submit_abi {
	LT_SUBMIT_QUEUE_WORK, /* uv_queue_work(loop, req, work_cb, after): task = arg2 + 88 */
	LT_SUBMIT_WORK, /* uv__work_submit(loop, task, kind, work, done): task = arg2 */
};

/* Numbers of x86-64's general purpose registers, as in its instructions. On arm64 xn is n. */
enum lt_reg {
	LT_REG_RAX, LT_REG_RCX, LT_REG_RDX, LT_REG_RBX, LT_REG_RSP, LT_REG_RBP, LT_REG_RSI,
	LT_REG_RDI, LT_REG_R8, LT_REG_R9, LT_REG_R10, LT_REG_R11, LT_REG_R12, LT_REG_R13,
	LT_REG_R14, LT_REG_R15,
};

/* A cookie travels from the site table to the program: role, argument, sub argument, site index. */
#define LT_COOKIE(role, arg, sub, site) \
	((__u64)(role) | (__u64)(arg) << 8 | (__u64)(sub) << 16 | (__u64)(site) << 32)
#define LT_COOKIE_ARG(cookie) ((__u32)((cookie) >> 8) & 0xff)
#define LT_COOKIE_SUB(cookie) ((__u32)((cookie) >> 16) & 0xff)
#define LT_COOKIE_SITE(cookie) ((__u32)((cookie) >> 32) & 0xff)

/* The phases of a turn, in the order of a turn. */
enum lt_phase {
	LT_PHASE_TIMERS,
	LT_PHASE_PENDING,
	LT_PHASE_IDLE,
	LT_PHASE_PREPARE,
	LT_PHASE_POLL_WAIT,
	LT_PHASE_POLL_CALLBACKS,
	LT_PHASE_CHECK,
	LT_PHASE_CLOSING,
	LT_PHASE_MAX,
	LT_PHASE_POLL_SETUP = LT_PHASE_MAX, /* entry of the poll: ends prepare, counts an iteration;
					     * its time belongs to poll_callbacks */
	LT_PHASE_UNKNOWN = 0xff,
};

/* Kinds of thread pool tasks. */
enum lt_kind {
	LT_KIND_FS,
	LT_KIND_DNS,
	LT_KIND_CRYPTO,
	LT_KIND_ZLIB,
	LT_KIND_NAPI,
	LT_KIND_OTHER,
	LT_KIND_MAX,
};

enum lt_gc {
	LT_GC_SCAVENGE, /* the numbers of V8's enum GarbageCollector, the same in all versions */
	LT_GC_MARK_COMPACT,
	LT_GC_MINOR_MARK_SWEEP,
	LT_GC_INCREMENTAL_STEP,
	LT_GC_MAX,
};

/* What compiles functions, the quickest first; each makes faster code of what the one before made. */
enum lt_compiler {
	LT_COMPILER_BYTECODE,
	LT_COMPILER_BASELINE,
	LT_COMPILER_MIDTIER,
	LT_COMPILER_OPTIMISING,
	LT_COMPILER_MAX,
};

/* What an engine had no more memory of when it gave up. */
enum lt_out_of_memory { LT_MEMORY_LEFT, LT_MEMORY_NO_HEAP, LT_MEMORY_NONE };

/* How a function that gives up tells whether it is the heap that is full. */
enum lt_memory_abi {
	LT_MEMORY_BOOL, /* its third argument says so */
	LT_MEMORY_DETAILS, /* its third argument is the address of a bool that does */
	LT_MEMORY_OTHER, /* it never is */
};

/* flags of LT_EVENT_ENDED */
#define LT_ENDED_BY_OOM_KILLER 1u
#define LT_ENDED_NO_HEAP 2u
#define LT_ENDED_NO_MEMORY 4u
#define LT_ENDED_STATUS_UNKNOWN (~0ull) /* as its status */

enum lt_tier { LT_TIER_MEMORY, LT_TIER_WAIT, LT_TIER_PHASES, LT_TIER_FULL, LT_TIER_MAX };

/* Why something was not delivered: name in every output, what it means. */
#define LT_LOST_CAUSES(X) \
	X(RING_FULL, "ring_full", "events that did not fit the ring buffer") \
	X(MAP_FULL, "map_full", "loops, tasks or threads for which a kernel table had no room") \
	X(READ_FAILED, "read_failed", "reads of the target's memory that failed") \
	X(UNPAIRED, "unpaired", "waits, tasks or pauses whose beginning or end was not seen")

enum lt_lost {
#define LT_LOST_ENUM(id, name, help) LT_LOST_##id,
	LT_LOST_CAUSES(LT_LOST_ENUM)
#undef LT_LOST_ENUM
	LT_LOST_MAX,
};

/*
 * A histogram in a map. sum and count are cumulative; a count may wrap (user space subtracts
 * modulo 2^32). max_ns[epoch & 1] is the maximum of the collection interval max_epoch[epoch & 1];
 * user space advances the epoch at each reading and then reads the closed half.
 */
struct lt_hist_rec {
	__u64 sum_ns[LT_HIST_BUCKETS];
	__u32 count[LT_HIST_BUCKETS];
	__u64 max_ns[2];
	__u32 max_epoch[2];
};

/* One loop = one thread. Only that thread writes its record. */
struct lt_loop_key {
	__u32 tgid;
	__u32 tid;
};

#define LT_LOOP_ENDED 1u /* flag: the thread has ended */
#define LT_LOOP_SEEDED 2u /* flag: user space put the record there, from the target's memory */
#define LT_LOOP_NESTED 4u /* flag: another loop runs inside a turn of this one (spawnSync) */
#define LT_LOOP_DOUBLE_POLL 8u /* flag: each poll phase begins with a wait of timeout 0 */
#define LT_LOOP_ANY_WAIT 16u /* flag: each wait of the thread is one of its loop, whatever it waits on */
#define LT_LOOP_END_UNSEEN 32u /* flag: seeded in a wait, of whose end nobody will tell */

/* A byte for each thread id of a loop, modulo the bytes that there are: set without an atomic operation. */
#define LT_WATCHED_SIZE 65536

/* Why a loop's thread is not running. */
enum lt_off { LT_OFF_NOT, LT_OFF_RUNQUEUE, LT_OFF_THROTTLED, LT_OFF_SLEEP, LT_OFF_MAX };

/*
 * Time that a loop's thread did not spend on its own work. The totals have one writer each and only grow:
 * the scheduler's programs write the first group, the thread's own probes the second; who charges them to
 * turns remembers what it has seen of them.
 */
struct lt_off_rec {
	__u64 total_ns[LT_OFF_MAX]; /* off the CPU, by why, inside waits too */
	__u64 since_ns; /* of the state in why */
	__u64 why; /* enum lt_off */
	__u64 cfs_rq; /* address of the run queue on which the thread stands while it is off, */
	__u64 held_ns; /* and for how long that had ever been throttled then (kernel 6.6 and later) */
	__u64 ran_ns, waited_ns; /* what the thread ever ran, and waited for a CPU, when it was switched out last */
};

/* Garbage collection on the loop's thread: running, or asleep until V8's helper threads are done. */
struct lt_gc_time {
	__u64 total_ns;
	__u64 slept_ns; /* the part of total_ns that off.total_ns[LT_OFF_SLEEP] has too */
	__u64 begin_ns; /* of the running pause or slice, 0: none */
	__u64 begin_waited_ns; /* off totals but for the sleep, then */
	__u64 begin_slept_ns; /* off.total_ns[LT_OFF_SLEEP] then */
};

/*
 * What a loop's thread costs beside its probe hits, by the programs' own clock: its switches and wakeups, of which
 * one in LT_COST_TIMED is timed (a clock in each would make them dearer), and the samples of its stack.
 */
struct lt_cost_rec {
	__u64 events;
	__u64 timed, timed_ns;
	__u64 sample_ns;
};

#define LT_COST_TIMED 64

/*
 * seq_end is the first member and seq_begin the last, the writer advances begin before and end
 * after an update: a reader that copies upwards has a consistent record when both are equal.
 */
struct lt_loop_rec {
	__u64 seq_end;
	__u64 loop_ptr; /* address of the loop's structure in the target, 0: not known */
	__u64 frame_sp; /* stack pointer in the loop's own run function, 0: not known */
	__u64 first_ns; /* CLOCK_MONOTONIC of the first event */
	__u64 last_ns; /* of the latest event; busy, idle and phases are counted up to here */
	__u64 hits;
	__u64 waits;
	__u64 iterations; /* counted where a phase probe tells them, otherwise 0 */
	__u64 turns;
	__u64 busy_ns;
	__u64 idle_ns;
	__u64 phase_ns[LT_PHASE_MAX];
	__u64 unknown_ns; /* observed, in no known phase */
	__u64 turn_start_ns; /* 0: no turn is running */
	__u64 wait_start_ns; /* 0: not in a wait */
	__s64 wait_timeout_ns; /* of the running or latest wait; -1: none, 0: it may not block */
	__u32 phase; /* the current enum lt_phase */
	__u32 pad;
	__u32 flags;
	__u32 boundaries; /* phase events since the latest wait's end */
	__s32 wait_events; /* what the latest wait returned */
	__s32 epfd; /* the loop's own epoll instance; waits on others are nested in its turns */
	__u64 stalls; /* ended turns over the threshold */
	__u64 stall_ns;
	__u64 isolate; /* address of the engine's state for this thread in the target, 0: not known */
	struct lt_off_rec off;
	struct lt_cost_rec cost;
	struct lt_gc_time gc;
	__u64 off_seen_ns[LT_OFF_MAX], gc_seen_ns; /* of the totals, at last_ns */
	__u64 off_busy_ns[LT_OFF_MAX], gc_busy_ns; /* the parts of busy_ns */
	__u64 off_turn_ns[LT_OFF_MAX], gc_turn_ns; /* the totals at the beginning of the running turn */
	struct lt_hist_rec turn;
	struct lt_hist_rec lateness;
	__u64 seq_begin;
};

/*
 * How the stack of a JavaScript thread is walked (facts, v8-stacks 2 … 5). Offsets in bytes; of V8's heap
 * objects from the object's address (the tagged word less 1).
 */
struct lt_walk_cfg {
	__u32 flags;
	__s32 isolate_tls_off; /* of the current isolate's pointer from the thread pointer (fs base) */
	__s32 c_entry_fp_off; /* of the word c_entry_fp from the isolate */
	__u16 function_type_first, function_type_last; /* instance types of JSFunction */
	__u16 shared_type; /* instance type of SharedFunctionInfo */
	__u16 shared_off; /* JSFunction.shared */
};

#define LT_WALK_ISOLATE 1u /* flag: isolate_tls_off is known */
#define LT_WALK_C_ENTRY 2u /* flag: c_entry_fp_off is known */
#define LT_WALK_SHARED 4u /* flag: the types and shared_off are known */

/* One process: what the programs must know of it, written by user space before attaching. */
struct lt_proc_cfg {
	__u64 stall_ns;
	__u64 pool_size_addr; /* of the u32 number of pool threads in the target, 0: unknown */
	__u64 task_cb; /* the work callback of tasks that have a class, 0: none have */
	__s32 task_class_off; /* of the task's vtable pointer from the task */
	__s32 task_type_off; /* of a pointer to the task's type name from the task, 0: there is none */
	__u32 flags;
	__u32 pad;
	struct lt_walk_cfg walk;
};

#define LT_PROC_TASKS 2u /* flag: each task that is delivered makes an event */
#define LT_PROC_DOUBLE_POLL 1u /* flag: each poll phase begins with a wait of timeout 0 */
#define LT_PROC_NO_LOOPS 8u /* flag: the probes of loops are not all in; none gets a record */
#define LT_PROC_ANY_WAIT 4u /* flag: each thread that waits in epoll is a loop; told by its system calls */

struct lt_proc_rec {
	__u64 out_of_memory; /* enum lt_out_of_memory: whether its engine has given up for lack of it */
	__u64 hits; /* of pool and GC probes; those of the loops are in their records */
	__u64 pool_state; /* busy threads, queued tasks, queued slow-I/O tasks; of tasks we saw */
	__u64 pool_size; /* number of pool threads as read at the latest event, 0: none yet */
	__u64 saturated_ns; /* sum of (end - begin) of saturated spans; while one runs: minus its begin */
	__u64 saturated; /* 1 while a saturated span runs */
	__u64 max_busy[2]; /* by epoch & 1 as in lt_hist_rec */
	__u64 max_depth[2];
	__u32 max_busy_epoch[2];
	__u32 max_depth_epoch[2];
	__u64 sync_calls; /* file system calls made on a loop's own thread */
	__u64 sync_ns;
};

struct lt_kind_key {
	__u32 tgid;
	__u32 kind;
};

struct lt_task_rec {
	__u64 submitted, started, completed, cancelled;
	struct lt_hist_rec wait, run, delivery;
};

struct lt_gc_rec {
	struct lt_hist_rec pause;
};

/* Compilations and deoptimisations on one thread, which alone writes it. */
struct lt_jit_rec {
	__u64 first_ns; /* CLOCK_MONOTONIC of the first event: another one is another record */
	__u64 compiled[LT_COMPILER_MAX];
	__u64 deopts;
	__u64 window; /* the span of time in which the deoptimisations below were */
	__u64 told; /* of them by an event */
};

/* So many deoptimisations of a thread make an event in each span of 2^25 ns (34 ms); all are counted. */
#define LT_DEOPTS_TOLD 16
#define LT_DEOPTS_WINDOW_SHIFT 25

#define LT_STACK_FRAMES_MAX 96

#define LT_FRAME_RESUMED 1u /* flag: found by c_entry_fp; the chain of frame pointers was broken above */

/* One frame as it was found, innermost first. Words are the target's, as they are. */
struct lt_raw_frame {
	__u64 pc; /* of the sample, or the return address into this frame; 0: an exit frame met by c_entry_fp */
	__u64 fp;
	__u64 shared; /* address of the SharedFunctionInfo that the frame's function had then, 0: none */
	__u64 bytecode_offset; /* word at fp - 40 */
	__u64 bytecode_array; /* at fp - 32 */
	__u64 argc; /* at fp - 24 */
	__u64 function; /* at fp - 16 */
	__u64 context; /* at fp - 8: a context, or a marker that tells the frame's type */
	__u64 flags;
	/* Of a JavaScript function: the words between its return address and its caller's frame pointer, folded
	 * into one number: its arguments and what its caller keeps. It stays the same while one call goes on,
	 * but for objects that are moved. 0: unknown. */
	__u64 activation;
};

/* So many words are read at once, and so many times: a caller with more locals is folded in part. */
#define LT_ACTIVATION_WORDS 8
#define LT_ACTIVATION_READS 8

static inline __attribute__((always_inline)) __u64
lt_activation_fold(__u64 all, const __u64 words[LT_ACTIVATION_WORDS], __u64 n)
{
	for (__u64 i = 0; i < LT_ACTIVATION_WORDS; i++)
		if (i < n)
			all = all * 31 + words[i];
	return all;
}

/*
 * node::AsyncHooks in a Node environment (src/env.h, 16 … 26): two AliasedBuffers side by side, each
 * {isolate, count, 0, address of its numbers, …}: u32s, and then doubles. From Node 18 on an AliasedBuffer has
 * a vtable, which makes it a word longer: the lowest bit of the address that is handed around tells.
 */
#define LT_ASYNC_BUFFER_BYTES 48
#define LT_ASYNC_BUFFER_LONGER 1ull
#define LT_ASYNC_BUFFER_DATA 24
#define LT_ASYNC_STACK_LENGTH 7 /* how many callbacks run inside one another */
#define LT_ASYNC_EXECUTION_ID 0 /* of the callback that runs */
#define LT_ASYNC_COUNTER 2

#define LT_SAMPLE_HZ 99 /* not in step with timers of whole milliseconds */

/* The stack of a loop's thread in a turn that is late. */
struct lt_raw_stack {
	__u32 type; /* LT_EVENT_STACK */
	__u32 tgid;
	__u32 tid;
	__u32 n_frames;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 turn_start_ns; /* with tid, which turn */
	__u64 isolate; /* address, 0: unknown */
	/* Bits of the double that Node gives the callback of nextTick that runs; 0: unknown, or one runs inside
	 * of another. */
	__u64 execution_id;
	__u64 ip; /* of the sample in user space; the first frame's pc */
	struct lt_raw_frame frames[LT_STACK_FRAMES_MAX]; /* n_frames of them */
};

/* The ring buffer carries only what is rare. */
enum lt_event_type {
	LT_EVENT_STALL = 1,
	LT_EVENT_LOOP_ENDED,
	LT_EVENT_STACK,
	LT_EVENT_TASK,
	LT_EVENT_EXEC, /* a process runs another program from now on: one that is watched; or, where they are looked for, any */
	LT_EVENT_FORK, /* a process that is watched has a child, tgid; likewise */
	LT_EVENT_ENDED, /* a process that is watched has ended; kind: LT_ENDED_… flags; duration_ns: as wait(2) has it */
	LT_EVENT_COLLECTED, /* a full garbage collection has ended on this thread */
	LT_EVENT_DEOPT, /* a function's optimised code was left on this thread */
};

/* So many EXEC and FORK events between two readings of the ring; the rest is only counted. */
#define LT_BEGINS_MAX 128

struct lt_event {
	__u32 type;
	__u32 tgid;
	__u32 tid;
	__u32 kind; /* TASK: enum lt_kind; STALL: 1 if the thread ended in it; ENDED: flags */
	__u64 start_ns; /* CLOCK_MONOTONIC; TASK: of the submission */
	__u64 duration_ns; /* TASK: from the end of its run to its delivery */
	/* STALL: parts of the duration; TASK: [0] wait, [1] run; DEOPT: [0] address of the function's
	 * SharedFunctionInfo */
	__u64 off_ns[LT_OFF_MAX];
	__u64 gc_ns;
};

_Static_assert(LT_HIST_BUCKETS == 448, "the bucket count is part of the ABI");
_Static_assert(sizeof(struct lt_hist_rec) == 448 * 12 + 24, "no padding in lt_hist_rec");
_Static_assert(sizeof(struct lt_raw_frame) == 80, "no padding in lt_raw_frame");
_Static_assert(sizeof(struct lt_event) == 72, "no padding in lt_event");

#endif
