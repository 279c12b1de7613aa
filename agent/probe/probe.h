/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The kernel side of measuring: the loaded programs and their tables, the probes in targets, and
 * reading what they counted. The only user of libbpf.
 */
#ifndef LOOPTOP_PROBE_PROBE_H
#define LOOPTOP_PROBE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/util/privilege.h"
#include "looptop/abi.h"
#include "looptop/runtime.h"

/* By which system calls waits are told, for processes in whose code there are no sites. */
enum lt_wait_way {
	LT_WAITS_NONE,
	LT_WAITS_FUNCTIONS, /* fentry and fexit: nobody else's calls are slowed down */
	LT_WAITS_TRACEPOINTS, /* syscalls:sys_enter_epoll_wait …: they tax every system call of the host */
	LT_WAITS_ALL_CALLS, /* raw_syscalls: likewise, twice as much; they need no tracefs */
};

/* Is there that way (LT_WAITS_NONE: which is the best)? LT_WAITS_NONE: there is not. */
enum lt_wait_way lt_wait_way__find(enum lt_wait_way asked);
const char *lt_wait_way__name(enum lt_wait_way way);

/* What this kernel lets us do, found by trying. */
struct lt_features {
	bool uprobe_multi; /* one link for many sites, no CAP_SYS_ADMIN needed (Linux 6.6) */
	bool kernel_btf; /* causes and stacks need it */
	bool bpf_loop; /* stacks need it (Linux 5.17) */
	bool attach_cookie; /* links tell sites apart (Linux 5.15), otherwise a table of addresses does */
	bool atomic_fetch; /* atomic operations that tell the old value (Linux 5.12), otherwise a lock */
	double hit_cost_ns; /* of one hit at an emulated instruction, calibrated; NAN: not known */
	int error; /* negative errno if probes are impossible at all, 0 otherwise */
	char why_not[256]; /* the sentence for it */
};

struct lt_guard; /* agent/probe/guard.h */

/* Loads a throw-away program and probes a function of our own. Always fills features; returns its
 * error. perf_only: as if the kernel had no multi links. */
int lt_features__probe(struct lt_guard *guard, struct lt_features *ret_features, bool perf_only);

/* Would probes be placed by multi links on this host, as far as can be told? */
bool lt_features__multi_expected(const struct lt_features *features, bool perf_only);

/* The smallest set of capabilities for measuring any process of this host, as text ("CAP_BPF and CAP_PERFMON"); with
 * missing only those of them that this process lacks. How many they are. */
#define LT_CAPABILITIES_SIZE 80
unsigned lt_capabilities(bool uprobe_multi, bool missing, char *text, size_t size);

/* Those that attaching takes once the programs are loaded, for lt_privilege__enter(). */
uint64_t lt_capabilities__attaching(const struct lt_features *features);

/* May this process sample threads (kernel.perf_event_paranoid)? */
bool lt_may_sample(void);

/* From now on as if the kernel were one before Linux 5.12; only where perf_only was asked for. */
void lt_features__forgo(struct lt_features *features);

/* Why there can be no causes of busy time, or no stacks, on this kernel; NULL: there can. */
const char *lt_features__no_causes(const struct lt_features *features);
const char *lt_features__no_stacks(const struct lt_features *features);

struct lt_probe;

struct lt_probe_opts {
	struct lt_guard *guard; /* borrowed */
	uint64_t stall_ns;
	unsigned max_targets; /* sizes the tables */
	enum lt_wait_way waits; /* LT_WAITS_NONE: no process is watched by its system calls */
	bool tell_begins; /* programs that begin anywhere on the host make an event */
	bool no_jit; /* nobody will ask for LT_GROUP_JIT: its programs are not loaded */
};

/* Loads the programs. 0, or -errno with the error logged (-EPERM names the capability). */
int lt_probe__new(const struct lt_probe_opts *opts, const struct lt_features *features,
		  struct lt_probe **ret_probe);
void lt_probe__free(struct lt_probe *probe);

/* Does it tell causes of busy time, and can it sample stacks? */
bool lt_probe__has_causes(const struct lt_probe *probe);
bool lt_probe__has_stacks(const struct lt_probe *probe);
/* Why not; NULL: it does. */
const char *lt_probe__no_causes(const struct lt_probe *probe);
const char *lt_probe__no_stacks(const struct lt_probe *probe);

/* What a hit costs in a process whose waits are told by its system calls; NAN: not known. */
double lt_probe__wait_cost_ns(const struct lt_probe *probe);

/* By which way are they told? */
enum lt_wait_way lt_probe__wait_way(const struct lt_probe *probe);

/* Does it tell of programs that begin, and how many were not told of because too many came at once? */
bool lt_probe__tells_begins(const struct lt_probe *probe);
uint64_t lt_probe__begins_left(const struct lt_probe *probe);

/* What is to be measured in one target. */
struct lt_wish {
	enum lt_tier tier; /* LT_TIER_MEMORY: no loop probes */
	bool pool;
	bool gc;
	bool jit;
	bool tasks; /* each delivered pool task makes an event (doctor) */
	const struct lt_walk_cfg *walk; /* how stacks are walked; NULL: by frame pointers alone */
};

/*
 * Tells of a process's end, of its loops' ends and (tell_begins) of its children from now on, whether it has
 * probes or not. One that cannot be followed for lack of room is noticed later, by looking.
 */
void lt_probe__follow(struct lt_probe *probe, int pid);
void lt_probe__unfollow(struct lt_probe *probe, int pid);

struct lt_attachment;

/*
 * Puts the probes into a target; they count from the moment this returns. 0, or -errno with the
 * error logged. The target is borrowed and must outlive the attachment.
 */
int lt_attachment__new(struct lt_probe *probe, const struct lt_target *target,
		       const struct lt_wish *wish, struct lt_attachment **ret_attachment);
/* Takes the probes out; target_ended: there is no such process any more, not even with another program, and nobody
 * waits until the kernel is done with them. Accepts NULL. */
void lt_attachment__free(struct lt_attachment *attachment, bool target_ended);

/* Adds or takes out loop probes, so that exactly those of the tier are there. */
int lt_attachment__set_tier(struct lt_attachment *attachment, enum lt_tier tier);
enum lt_tier lt_attachment__tier(const struct lt_attachment *attachment);

/* Takes out the probes of pool, garbage collection and compilation, for good. */
void lt_attachment__drop_extras(struct lt_attachment *attachment);

/* Puts in the probes of compilation alone, or takes them out with what they have counted. 0, or -errno with the error
 * logged: none are there then. */
int lt_attachment__set_jit(struct lt_attachment *attachment, bool on);

/* Is at least one site of this group attached? */
bool lt_attachment__has(const struct lt_attachment *attachment, enum lt_group group);

/* Gives a loop its record before its first event, from what the target's memory says. */
int lt_attachment__seed_loop(struct lt_attachment *attachment, int tid,
			     const struct lt_loop_mem *mem);

/* Tells the pool's programs of a task that was there before them, or that one is no longer there. 0 or -errno. */
int lt_attachment__found(const struct lt_attachment *attachment, enum lt_task_found what,
			 const struct lt_task_key *key, enum lt_kind kind, uint32_t flags,
			 uint32_t pool_size);

/* --- reading ---------------------------------------------------------------------------------- */

/* Ends the collection interval for the maxima (abi.h); returns the epoch that was closed. */
uint32_t lt_probe__close_epoch(struct lt_probe *probe);

/* Calls fn with a consistent copy of each loop's record; an error of fn ends it and is returned. */
typedef int (*lt_loop_fn)(void *ctx, const struct lt_loop_key *key, const struct lt_loop_rec *rec);
int lt_probe__each_loop(struct lt_probe *probe, lt_loop_fn fn, void *ctx);

/* One loop's record; 0, -ENOENT, or -EAGAIN when it was being written each time. */
int lt_probe__read_loop(struct lt_probe *probe, const struct lt_loop_key *key,
			struct lt_loop_rec *ret_rec);

/* Forgets a loop that has ended, and what was compiled on a thread. */
void lt_probe__forget_loop(struct lt_probe *probe, const struct lt_loop_key *key);
void lt_probe__forget_jit(struct lt_probe *probe, const struct lt_loop_key *key);

/* 0, or -ENOENT when nothing was counted yet. */
int lt_attachment__read_proc(const struct lt_attachment *attachment, struct lt_proc_rec *ret_rec);
int lt_attachment__read_kind(const struct lt_attachment *attachment, enum lt_kind kind,
			     struct lt_task_rec *ret_rec);
int lt_attachment__read_gc(const struct lt_attachment *attachment, enum lt_gc kind,
			   struct lt_gc_rec *ret_rec);
int lt_attachment__read_jit(const struct lt_attachment *attachment, int tid,
			    struct lt_jit_rec *ret_rec);

/* The process's pool tasks that have not ended, as they were once since the epoch was closed: the table of all targets is
 * walked when the first one is asked for. 0 or -errno. */
int lt_attachment__read_unfinished(const struct lt_attachment *attachment,
				   struct lt_pool_unfinished *ret_unfinished);

/* Events that could not be delivered, since the start, by cause. */
void lt_probe__lost(const struct lt_probe *probe, uint64_t ret_lost[LT_LOST_MAX]);

/* Hands over what the ring buffer holds; either function may be NULL. */
struct lt_drain {
	void (*event)(void *ctx, const struct lt_event *event);
	void (*stack)(void *ctx, const struct lt_raw_stack *stack); /* with n_frames frames, no more */
	void *ctx;
};
int lt_probe__drain(struct lt_probe *probe, const struct lt_drain *drain);

/* --- sampling stacks --------------------------------------------------------------------------- */

/* The clocks of the threads that are sampled: each runs only while its thread runs, and its program does
 * nothing unless the thread's turn is late. */
struct lt_sampler;

/* NULL with errno. The probe is borrowed. */
struct lt_sampler *lt_sampler__new(struct lt_probe *probe);
void lt_sampler__free(struct lt_sampler *sampler);
/* Samples a thread from now on; 0 also if it was sampled already; -errno, not logged. */
int lt_sampler__add(struct lt_sampler *sampler, int tid, uint64_t async_hooks);
void lt_sampler__remove(struct lt_sampler *sampler, int tid);

#endif
