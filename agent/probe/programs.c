/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/programs.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is built twice: with the atomic operations of Linux 5.12, and with a lock instead. */
struct build {
	struct bpf_program *atomic, *plain;
};

static struct build build_of(const struct lt_looptop_bpf *skel, enum lt_role role)
{
	const struct build builds[LT_ROLE_MAX] = {
		[LT_ROLE_WAIT_BEGIN] = { skel->progs.lt_wait_begin, NULL },
		[LT_ROLE_WAIT_END] = { skel->progs.lt_wait_end, NULL },
		[LT_ROLE_PHASE] = { skel->progs.lt_phase, NULL },
		[LT_ROLE_TASK_SUBMIT] = { skel->progs.lt_task_submit, skel->progs.lp_task_submit },
		[LT_ROLE_TASK_START] = { skel->progs.lt_task_start, skel->progs.lp_task_start },
		[LT_ROLE_TASK_END] = { skel->progs.lt_task_end, skel->progs.lp_task_end },
		[LT_ROLE_TASK_DELIVER] = { skel->progs.lt_task_deliver,
					   skel->progs.lp_task_deliver },
		[LT_ROLE_SYNC_END] = { skel->progs.lt_sync_end, skel->progs.lp_sync_end },
		[LT_ROLE_GC_BEGIN] = { skel->progs.lt_gc_begin, skel->progs.lp_gc_begin },
		[LT_ROLE_GC_KIND] = { skel->progs.lt_gc_kind, skel->progs.lp_gc_kind },
		[LT_ROLE_GC_END] = { skel->progs.lt_gc_end, skel->progs.lp_gc_end },
		[LT_ROLE_STEP_BEGIN] = { skel->progs.lt_step_begin, skel->progs.lp_step_begin },
		[LT_ROLE_STEP_END] = { skel->progs.lt_step_end, skel->progs.lp_step_end },
		[LT_ROLE_OUT_OF_MEMORY] = { skel->progs.lt_out_of_memory, NULL },
		[LT_ROLE_COMPILED] = { skel->progs.lt_compiled, NULL },
		[LT_ROLE_DEOPT] = { skel->progs.lt_deopt, NULL },
	};

	return builds[role];
}

static bool is_plain(const struct build *build, const struct lt_features *features)
{
	return build->plain && !features->atomic_fetch;
}

struct bpf_program *lt_programs__of_role(const struct lt_probe *probe, enum lt_role role)
{
	struct build build = build_of(lt_probe__skeleton(probe), role);

	return is_plain(&build, lt_probe__features(probe)) ? build.plain : build.atomic;
}

struct bpf_program *lt_programs__found(const struct lt_probe *probe)
{
	const struct lt_looptop_bpf *skel = lt_probe__skeleton(probe);

	return lt_probe__features(probe)->atomic_fetch ? skel->progs.lt_task_found :
							 skel->progs.lp_task_found;
}

static void choose_attach_type(struct lt_looptop_bpf *skel)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog,
				     skel->obj) if (bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE)
		bpf_program__set_expected_attach_type(prog, LT_BPF_TRACE_UPROBE_MULTI);
}

void lt_programs__choose(struct lt_looptop_bpf *skel, const struct lt_features *features,
			 bool has_causes, bool has_stacks, bool has_jit)
{
	bpf_program__set_autoload(skel->progs.lt_sched_switch, has_causes);
	bpf_program__set_autoload(skel->progs.lt_sched_wakeup, has_causes);
	bpf_program__set_autoload(skel->progs.lt_sample, has_stacks);
	bpf_program__set_autoload(skel->progs.lt_compiled, has_jit);
	bpf_program__set_autoload(skel->progs.lt_deopt, has_jit);
	for (enum lt_role role = LT_ROLE_NONE + 1; role < LT_ROLE_MAX; role++) {
		struct build build = build_of(skel, role);

		if (!build.plain)
			continue;
		bpf_program__set_autoload(build.atomic, features->atomic_fetch);
		bpf_program__set_autoload(build.plain, !features->atomic_fetch);
	}
	bpf_program__set_autoload(skel->progs.lt_task_found, features->atomic_fetch);
	bpf_program__set_autoload(skel->progs.lp_task_found, !features->atomic_fetch);
	skel->rodata->lt_has_cookies = features->attach_cookie;
	skel->rodata->lt_has_kernel_types = features->kernel_btf;
	if (features->uprobe_multi)
		choose_attach_type(skel);
}

int lt_programs__own_types(const void *object, size_t size)
{
	int fd = memfd_create("looptop-types", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, object, size) != (ssize_t)size) {
		close(fd);
		return -EIO;
	}
	return fd;
}
