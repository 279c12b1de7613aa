/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Loading the programs, and reading what they counted. */
#include "agent/probe/programs.h"
#include "agent/probe/tasks.h"
#include "agent/probe/waits.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "looptop/err.h"
#include "looptop/log.h"

/* Tables are preallocated: so many loops, task kinds, threads for each target. */
#define LOOPS_PER_TARGET 16
#define MIN_LOOPS 128
#define THREADS_PER_TARGET 32
#define MIN_THREADS 256
#define CLASSES_PER_TARGET LT_IMAGE_CLASSES_MAX
#define SITES_PER_TARGET   LT_IMAGE_SITES_MAX

/* A record that is being written is read again. Of a loop that spins nearly half of the copies meet a writer; one that
 * lost its CPU to us in the middle of a write goes on when we sleep. Without a copy the loop's next row would have the
 * time of two intervals. */
#define CONSISTENT_TRIES 64
#define TRIES_AT_ONCE	 16

/* Stacks are sampled from this part of the stall threshold on: a stall then has some by its threshold. */
#define LATE_PART 4

struct lt_probe {
	struct lt_looptop_bpf *skel;
	struct ring_buffer *ring;
	struct lt_features features;
	struct lt_waits *waits;
	struct lt_tasks *tasks;
	enum lt_wait_way wait_way;
	bool has_causes, has_stacks, tells_begins;
	struct lt_drain drain; /* the running one */
	struct lt_guard *guard; /* borrowed */
};

struct lt_looptop_bpf *lt_probe__skeleton(const struct lt_probe *probe)
{
	return probe->skel;
}

struct lt_waits *lt_probe__waits(const struct lt_probe *probe)
{
	return probe->waits;
}

struct lt_tasks *lt_probe__tasks(const struct lt_probe *probe)
{
	return probe->tasks;
}

struct lt_guard *lt_probe__guard(const struct lt_probe *probe)
{
	return probe->guard;
}

double lt_probe__wait_cost_ns(const struct lt_probe *probe)
{
	return lt_waits__hit_cost_ns(probe->waits);
}

enum lt_wait_way lt_probe__wait_way(const struct lt_probe *probe)
{
	return probe->wait_way;
}

const struct lt_features *lt_probe__features(const struct lt_probe *probe)
{
	return &probe->features;
}

static unsigned at_least(unsigned value, unsigned minimum)
{
	return value > minimum ? value : minimum;
}

static void size_tables(const struct lt_features *features, struct lt_looptop_bpf *skel,
			unsigned targets)
{
	unsigned loops = at_least(targets * LOOPS_PER_TARGET, MIN_LOOPS);

	bpf_map__set_max_entries(skel->maps.lt_procs, targets);
	bpf_map__set_max_entries(skel->maps.lt_proc_recs, targets);
	bpf_map__set_max_entries(skel->maps.lt_loops, loops);
	bpf_map__set_max_entries(skel->maps.lt_jits, loops);
	bpf_map__set_max_entries(skel->maps.lt_kinds, targets * LT_KIND_MAX);
	bpf_map__set_max_entries(skel->maps.lt_gcs, targets * LT_GC_MAX);
	bpf_map__set_max_entries(skel->maps.lt_classes, targets * CLASSES_PER_TARGET);
	bpf_map__set_max_entries(skel->maps.lt_sites,
				 features->attach_cookie ? 1 : targets * SITES_PER_TARGET);
	bpf_map__set_max_entries(skel->maps.lt_locks, targets);
	bpf_map__set_max_entries(skel->maps.lt_threads,
				 at_least(targets * THREADS_PER_TARGET, MIN_THREADS));
}

static int on_event(void *ctx, void *data, size_t size)
{
	const struct lt_drain *drain = &((struct lt_probe *)ctx)->drain;
	const struct lt_raw_stack *stack = data;

	if (size < sizeof(uint32_t))
		return 0;
	if (stack->type == LT_EVENT_STACK) {
		size_t head = offsetof(struct lt_raw_stack, frames);

		if (drain->stack && size >= head && stack->n_frames <= LT_STACK_FRAMES_MAX &&
		    size >= head + stack->n_frames * sizeof(stack->frames[0]))
			drain->stack(drain->ctx, stack);
	} else if (drain->event && size >= sizeof(struct lt_event)) {
		drain->event(drain->ctx, data);
	}
	return 0;
}

static void attach_scheduler(struct lt_probe *probe)
{
	struct lt_looptop_bpf *skel = probe->skel;

	if (!probe->has_causes)
		return;
	skel->links.lt_sched_switch = bpf_program__attach(skel->progs.lt_sched_switch);
	skel->links.lt_sched_wakeup = bpf_program__attach(skel->progs.lt_sched_wakeup);
	if (skel->links.lt_sched_switch && skel->links.lt_sched_wakeup)
		return;
	probe->has_causes = false;
	lt_info("watch the scheduler: %s; causes of busy time are unknown", strerror(errno));
}

bool lt_probe__has_causes(const struct lt_probe *probe)
{
	return probe->has_causes;
}

bool lt_probe__has_stacks(const struct lt_probe *probe)
{
	return probe->has_stacks;
}

bool lt_probe__tells_begins(const struct lt_probe *probe)
{
	return probe->tells_begins;
}

uint64_t lt_probe__begins_left(const struct lt_probe *probe)
{
	return __atomic_load_n(&probe->skel->bss->lt_begins_left, __ATOMIC_RELAXED);
}

/* Who ends; and who begins, for whoever looks for processes: without it they are found by looking through /proc. */
static void attach_life(struct lt_probe *probe, bool begins)
{
	struct lt_looptop_bpf *skel = probe->skel;

	skel->links.lt_thread_exit = bpf_program__attach(skel->progs.lt_thread_exit);
	if (!skel->links.lt_thread_exit)
		lt_info("watch threads end: %s; ended Workers are noticed a second later",
			strerror(errno));
	skel->links.lt_exec = bpf_program__attach(skel->progs.lt_exec);
	if (!skel->links.lt_exec && !begins)
		lt_info("watch programs begin: %s; a process that runs another program is not noticed",
			strerror(errno));
	if (!begins)
		return;
	probe->tells_begins = skel->links.lt_exec;
	if (!probe->tells_begins)
		lt_info("watch programs begin: %s; new processes are noticed some seconds later",
			strerror(errno));
	if (bpf_program__autoload(skel->progs.lt_fork))
		skel->links.lt_fork = bpf_program__attach(skel->progs.lt_fork);
}

const char *lt_probe__no_causes(const struct lt_probe *probe)
{
	const char *why = lt_features__no_causes(&probe->features);

	if (probe->has_causes)
		return NULL;
	return why ? why : "the kernel refuses the programs for the scheduler's events";
}

const char *lt_probe__no_stacks(const struct lt_probe *probe)
{
	const char *why = lt_features__no_stacks(&probe->features);

	if (probe->has_stacks)
		return NULL;
	return why ? why : "the kernel refuses the program that samples them";
}

/* libbpf asks the kernel what links it has, with a program that it loads, at the first perf event: now, while
 * programs may be loaded. */
static void try_sampling(struct lt_probe *probe)
{
	struct lt_sampler *sampler = probe->has_stacks ? lt_sampler__new(probe) : NULL;
	int err = sampler ? lt_sampler__add(sampler, (int)syscall(SYS_gettid), 0) : 0;

	if (err)
		lt_debug("try to sample stacks: %s", strerror(-err));
	lt_sampler__free(sampler);
}

/* Opens the object and loads what has_causes and has_stacks leave of it. */
static int load_programs(struct lt_probe *probe, const struct lt_probe_opts *opts)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_opts);
	struct lt_looptop_bpf *skel;
	int types_fd = -1, err;
	char path[64];
	size_t size;

	if (!probe->features.kernel_btf) {
		const void *object = lt_looptop_bpf__elf_bytes(&size);

		types_fd = lt_programs__own_types(object, size);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", types_fd);
		open_opts.btf_custom_path = path;
	}
	skel = lt_looptop_bpf__open_opts(&open_opts);
	if (!skel) {
		err = -errno;
		goto out;
	}
	size_tables(&probe->features, skel, opts->max_targets);
	skel->rodata->lt_tells_begins = opts->tell_begins;
	bpf_program__set_autoload(skel->progs.lt_fork,
				  opts->tell_begins && probe->features.kernel_btf);
	lt_programs__choose(skel, &probe->features, probe->has_causes, probe->has_stacks,
			    !opts->no_jit);
	lt_waits__select(skel, opts->waits);
	skel->rodata->lt_stall_ns = opts->stall_ns;
	skel->rodata->lt_late_ns = opts->stall_ns / LATE_PART;
	err = lt_looptop_bpf__load(skel);
	if (err)
		lt_looptop_bpf__destroy(skel);
	else
		probe->skel = skel;
out:
	if (types_fd >= 0)
		close(types_fd);
	return err;
}

/* What the kernel refuses to load is left out: first the stacks, then the causes; the rest works alone. */
static int load(struct lt_probe *probe, const struct lt_probe_opts *opts)
{
	struct lt_looptop_bpf *skel;
	int err;

	probe->has_causes = !lt_features__no_causes(&probe->features);
	probe->has_stacks = !lt_features__no_stacks(&probe->features);
	err = load_programs(probe, opts);
	if (err && probe->has_stacks) {
		probe->has_stacks = false;
		err = load_programs(probe, opts);
	}
	if (err && probe->has_causes) {
		probe->has_causes = false;
		err = load_programs(probe, opts);
	}
	if (err)
		return lt_err(err, "load the BPF programs: %s (see looptop check)", strerror(-err));
	skel = probe->skel;
	probe->wait_way = opts->waits;
	probe->waits = lt_waits__new(skel, opts->waits);
	probe->tasks = lt_tasks__new(opts->max_targets);
	if (!probe->waits || !probe->tasks)
		return lt_err(-ENOMEM, "load the BPF programs: out of memory");
	attach_scheduler(probe);
	attach_life(probe, opts->tell_begins);
	try_sampling(probe);
	probe->ring = ring_buffer__new(bpf_map__fd(skel->maps.lt_ring), on_event, probe, NULL);
	if (!probe->ring)
		return lt_err(-errno, "open the ring buffer: %s", strerror(errno));
	return 0;
}

int lt_probe__new(const struct lt_probe_opts *opts, const struct lt_features *features,
		  struct lt_probe **ret_probe)
{
	struct lt_probe *probe;
	int err;

	if (features->error == -ECANCELED)
		return -ECANCELED;
	if (features->error)
		return lt_err(features->error, "%s", features->why_not);
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return lt_err(-ENOMEM, "load the BPF programs: out of memory");
	probe->features = *features;
	probe->guard = opts->guard;
	err = load(probe, opts);
	if (err) {
		lt_probe__free(probe);
		return err;
	}
	*ret_probe = probe;
	return 0;
}

void lt_probe__free(struct lt_probe *probe)
{
	if (!probe)
		return;
	ring_buffer__free(probe->ring);
	lt_waits__free(probe->waits);
	lt_tasks__free(probe->tasks);
	lt_looptop_bpf__destroy(probe->skel);
	free(probe);
}

void lt_probe__follow(struct lt_probe *probe, int pid)
{
	uint32_t tgid = (uint32_t)pid, value = 1;

	if (bpf_map_update_elem(bpf_map__fd(probe->skel->maps.lt_followed), &tgid, &value, BPF_ANY))
		lt_debug("follow pid %d: %s", pid, strerror(errno));
}

void lt_probe__unfollow(struct lt_probe *probe, int pid)
{
	uint32_t tgid = (uint32_t)pid;

	bpf_map_delete_elem(bpf_map__fd(probe->skel->maps.lt_followed), &tgid);
}

uint32_t lt_probe__close_epoch(struct lt_probe *probe)
{
	uint32_t closed = probe->skel->bss->lt_epoch;

	__atomic_store_n(&probe->skel->bss->lt_epoch, closed + 1, __ATOMIC_RELEASE);
	return closed;
}

/* 0 and a copy that no writer was in the middle of; -EAGAIN if none could be had. */
static int read_loop(int map_fd, const struct lt_loop_key *key, struct lt_loop_rec *rec)
{
	static const struct timespec pause = { .tv_nsec = 50000 };

	for (int i = 1; i <= CONSISTENT_TRIES; i++) {
		if (bpf_map_lookup_elem(map_fd, key, rec))
			return -errno;
		if (rec->seq_begin == rec->seq_end)
			return 0;
		if (i % TRIES_AT_ONCE == 0)
			nanosleep(&pause, NULL);
	}
	return -EAGAIN;
}

int lt_probe__each_loop(struct lt_probe *probe, lt_loop_fn fn, void *ctx)
{
	int map_fd = bpf_map__fd(probe->skel->maps.lt_loops);
	struct lt_loop_key key, *prev = NULL, next;
	struct lt_loop_rec *rec = malloc(sizeof(*rec));
	int err = 0;

	if (!rec)
		return -ENOMEM;
	while (!err && bpf_map_get_next_key(map_fd, prev, &next) == 0) {
		int read_err = read_loop(map_fd, &next, rec);

		if (read_err == 0)
			err = fn(ctx, &next, rec);
		else if (read_err == -EAGAIN)
			lt_debug("read the record of thread %u: torn %d times", next.tid,
				 CONSISTENT_TRIES);
		key = next;
		prev = &key;
	}
	free(rec);
	return err;
}

int lt_probe__read_loop(struct lt_probe *probe, const struct lt_loop_key *key,
			struct lt_loop_rec *ret_rec)
{
	return read_loop(bpf_map__fd(probe->skel->maps.lt_loops), key, ret_rec);
}

void lt_probe__forget_loop(struct lt_probe *probe, const struct lt_loop_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(probe->skel->maps.lt_loops), key);
}

void lt_probe__forget_jit(struct lt_probe *probe, const struct lt_loop_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(probe->skel->maps.lt_jits), key);
}

void lt_probe__lost(const struct lt_probe *probe, uint64_t ret_lost[LT_LOST_MAX])
{
	for (int i = 0; i < LT_LOST_MAX; i++)
		ret_lost[i] = __atomic_load_n(&probe->skel->bss->lt_lost[i], __ATOMIC_RELAXED);
}

int lt_probe__drain(struct lt_probe *probe, const struct lt_drain *drain)
{
	int n;

	probe->drain = *drain;
	__atomic_store_n(&probe->skel->bss->lt_begins, 0, __ATOMIC_RELAXED);
	n = ring_buffer__consume(probe->ring);
	probe->drain = (struct lt_drain){ 0 };
	return n < 0 ? n : 0;
}
