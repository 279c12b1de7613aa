/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/waits.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/util/clock.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define LINKS_MAX	   6
#define CALIBRATION_CALLS  200
#define CALIBRATION_ROUNDS 5

/* A tracepoint that slows every call of the host by more than this is worth a line. */
#define TAX_TOLD_NS 10

struct lt_waits {
	struct lt_looptop_bpf *skel;
	enum lt_wait_way way;
	struct bpf_link *links[LINKS_MAX];
	size_t n_links;
	int users;
	double hit_cost_ns, tax_ns;
};

static const char *const calls[] = { "epoll_wait", "epoll_pwait", "epoll_pwait2" };

#define CALLS (sizeof(calls) / sizeof(calls[0]))

struct function_programs {
	struct bpf_program *entry[CALLS], *exit[CALLS];
};

static struct function_programs functions_of(const struct lt_looptop_bpf *skel)
{
	return (struct function_programs){
		.entry = { skel->progs.lt_fn_wait, skel->progs.lt_fn_pwait,
			   skel->progs.lt_fn_pwait2 },
		.exit = { skel->progs.lt_fx_wait, skel->progs.lt_fx_pwait,
			  skel->progs.lt_fx_pwait2 },
	};
}

void lt_waits__select(struct lt_looptop_bpf *skel, enum lt_wait_way way)
{
	struct function_programs functions = functions_of(skel);
	struct btf *btf = way == LT_WAITS_FUNCTIONS ? btf__load_vmlinux_btf() : NULL;

	for (size_t i = 0; i < CALLS; i++) {
		bool there = btf && lt_wait_function_id(btf, calls[i]) > 0;

		bpf_program__set_autoload(functions.entry[i], there);
		bpf_program__set_autoload(functions.exit[i], there);
	}
	btf__free(btf);
	bpf_program__set_autoload(skel->progs.lt_tp_enter, way == LT_WAITS_TRACEPOINTS);
	bpf_program__set_autoload(skel->progs.lt_tp_exit, way == LT_WAITS_TRACEPOINTS);
	bpf_program__set_autoload(skel->progs.lt_raw_enter, way == LT_WAITS_ALL_CALLS);
	bpf_program__set_autoload(skel->progs.lt_raw_exit, way == LT_WAITS_ALL_CALLS);
}

struct lt_waits *lt_waits__new(struct lt_looptop_bpf *skel, enum lt_wait_way way)
{
	struct lt_waits *waits = calloc(1, sizeof(*waits));

	if (!waits)
		return NULL;
	waits->skel = skel;
	waits->way = way;
	waits->hit_cost_ns = NAN;
	return waits;
}

static void detach(struct lt_waits *waits)
{
	for (size_t i = 0; i < waits->n_links; i++)
		bpf_link__destroy(waits->links[i]);
	waits->n_links = 0;
}

void lt_waits__free(struct lt_waits *waits)
{
	if (!waits)
		return;
	detach(waits);
	free(waits);
}

static int add(struct lt_waits *waits, struct bpf_link *link)
{
	if (!link)
		return -errno;
	waits->links[waits->n_links++] = link;
	return 0;
}

/* The ends first: a beginning whose end is not told would be worse than an end without its beginning. */
static int attach_functions(struct lt_waits *waits)
{
	struct function_programs functions = functions_of(waits->skel);
	int err = 0;

	for (size_t i = 0; !err && i < CALLS; i++)
		if (bpf_program__autoload(functions.exit[i]))
			err = add(waits, bpf_program__attach(functions.exit[i]));
	for (size_t i = 0; !err && i < CALLS; i++)
		if (bpf_program__autoload(functions.entry[i]))
			err = add(waits, bpf_program__attach(functions.entry[i]));
	return err;
}

/* A call that this kernel does not have has no tracepoint either. */
static int attach_tracepoint(struct lt_waits *waits, struct bpf_program *program,
			     const char *prefix, const char *call)
{
	char name[64];
	int err;

	snprintf(name, sizeof(name), "%s%s", prefix, call);
	err = add(waits, bpf_program__attach_tracepoint(program, "syscalls", name));
	return err == -ENOENT ? 0 : err;
}

static int attach_tracepoints(struct lt_waits *waits)
{
	int err = 0;

	for (size_t i = 0; !err && i < CALLS; i++)
		err = attach_tracepoint(waits, waits->skel->progs.lt_tp_exit, "sys_exit_",
					calls[i]);
	for (size_t i = 0; !err && i < CALLS; i++)
		err = attach_tracepoint(waits, waits->skel->progs.lt_tp_enter, "sys_enter_",
					calls[i]);
	return !err && !waits->n_links ? -ENOENT : err;
}

static int attach_all_calls(struct lt_waits *waits)
{
	int err = add(waits, bpf_program__attach(waits->skel->progs.lt_raw_exit));

	return err ? err : add(waits, bpf_program__attach(waits->skel->progs.lt_raw_enter));
}

static int attach(struct lt_waits *waits)
{
	switch (waits->way) {
	case LT_WAITS_FUNCTIONS:
		return attach_functions(waits);
	case LT_WAITS_TRACEPOINTS:
		return attach_tracepoints(waits);
	case LT_WAITS_ALL_CALLS:
		return attach_all_calls(waits);
	default:
		return -EOPNOTSUPP;
	}
}

/* One call that does nothing; the best of some rounds. epoll_fd < 0: another call. */
static double call_ns(int epoll_fd)
{
	double best = INFINITY;
	struct epoll_event event;

	for (int round = 0; round < CALIBRATION_ROUNDS; round++) {
		uint64_t begin_ns = lt_now_ns();

		for (int i = 0; i < CALIBRATION_CALLS; i++) {
			if (epoll_fd >= 0)
				epoll_pwait(epoll_fd, &event, 1, 0, NULL);
			else
				syscall(SYS_getppid);
		}
		best = fmin(best, (double)(lt_now_ns() - begin_ns) / CALIBRATION_CALLS);
	}
	return best;
}

static void set_bit(const struct lt_waits *waits, uint32_t tgid)
{
	__atomic_store_n(&waits->skel->bss->lt_waiters[tgid % LT_WATCHED_SIZE], 1, __ATOMIC_RELAXED);
}

/* Our own calls, while we are watched ourselves: what a wait costs then, and any call. */
static void calibrate(struct lt_waits *waits, int epoll_fd, double bare_wait_ns, double bare_ns)
{
	struct lt_proc_cfg cfg = { .flags = LT_PROC_ANY_WAIT };
	struct lt_loop_key key = { (uint32_t)getpid(), (uint32_t)syscall(SYS_gettid) };
	const struct bpf_map *procs = waits->skel->maps.lt_procs;

	waits->tax_ns = fmax(call_ns(-1) - bare_ns, 0);
	set_bit(waits, key.tgid);
	if (bpf_map__update_elem(procs, &key.tgid, sizeof(key.tgid), &cfg, sizeof(cfg), BPF_ANY))
		return;
	waits->hit_cost_ns = fmax((call_ns(epoll_fd) - bare_wait_ns) / 2, 1);
	bpf_map__delete_elem(procs, &key.tgid, sizeof(key.tgid), 0);
	bpf_map__delete_elem(waits->skel->maps.lt_loops, &key, sizeof(key), 0);
	lt_debug("a hit at a wait costs %.0f ns", waits->hit_cost_ns);
	if (waits->tax_ns > TAX_TOLD_NS)
		lt_warn("waits are told by tracepoints, for lack of a better way: while this runs, each "
			"system call of the host takes %.0f ns longer (see looptop check)",
			waits->tax_ns);
}

static int attach_first(struct lt_waits *waits)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), err;
	double bare_wait_ns = call_ns(epoll_fd), bare_ns = call_ns(-1);

	err = attach(waits);
	if (err)
		detach(waits);
	else if (isnan(waits->hit_cost_ns) && epoll_fd >= 0)
		calibrate(waits, epoll_fd, bare_wait_ns, bare_ns);
	if (epoll_fd >= 0)
		close(epoll_fd);
	return err;
}

/* False if the process has no record yet, which is made later. */
static void set_flag(const struct lt_waits *waits, uint32_t tgid, bool on)
{
	const struct bpf_map *procs = waits->skel->maps.lt_procs;
	struct lt_proc_cfg cfg;

	if (bpf_map__lookup_elem(procs, &tgid, sizeof(tgid), &cfg, sizeof(cfg), 0))
		return;
	cfg.flags = on ? cfg.flags | LT_PROC_ANY_WAIT : cfg.flags & ~LT_PROC_ANY_WAIT;
	bpf_map__update_elem(procs, &tgid, sizeof(tgid), &cfg, sizeof(cfg), BPF_EXIST);
}

int lt_waits__watch(struct lt_waits *waits, int pid)
{
	int err = waits->users ? 0 : attach_first(waits);

	if (err)
		return lt_err(
			err,
			"attach to pid %d: watch its waits by system calls: %s (see looptop check)",
			pid, strerror(-err));
	waits->users++;
	set_bit(waits, (uint32_t)pid);
	set_flag(waits, (uint32_t)pid, true);
	return 0;
}

void lt_waits__unwatch(struct lt_waits *waits, int pid)
{
	set_flag(waits, (uint32_t)pid, false);
	if (--waits->users == 0)
		detach(waits);
}

/* A thread that has entered a function before it was attached to is not seen to leave it. */
uint32_t lt_waits__seed_flags(const struct lt_waits *waits)
{
	return LT_LOOP_ANY_WAIT | (waits->way == LT_WAITS_FUNCTIONS ? LT_LOOP_END_UNSEEN : 0);
}

double lt_waits__hit_cost_ns(const struct lt_waits *waits)
{
	return waits->hit_cost_ns;
}
