/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Which capabilities measuring needs on this host, and which of them this process lacks. */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "agent/probe/probe.h"
#include "agent/util/privilege.h"

#define CAP(name) (1ull << CAP_##name)

/* CAP_SYS_ADMIN contains CAP_BPF and CAP_PERFMON, so that where it must be there they need not. */
#define NEEDS_MULTI (CAP(BPF) | CAP(PERFMON) | CAP(SYS_PTRACE))
#define NEEDS_PERF  (CAP(SYS_ADMIN) | CAP(SYS_PTRACE))

static bool is_kernel_since(unsigned major, unsigned minor)
{
	unsigned has_major = 0, has_minor = 0;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &has_major, &has_minor) != 2)
		return true;
	return has_major > major || (has_major == major && has_minor >= minor);
}

/* Before Linux 5.11 BPF tables count as locked memory, of which others than root have little. */
static bool needs_locked_memory(void)
{
	struct rlimit limit;

	return !is_kernel_since(5, 11) &&
	       (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur != RLIM_INFINITY);
}

bool lt_features__multi_expected(const struct lt_features *features, bool perf_only)
{
	if (!features->error)
		return features->uprobe_multi;
	/* It could not be tried: for want of a capability, or the kernel has none of it. */
	return !perf_only && is_kernel_since(6, 6);
}

/* Those that CAP_SYS_ADMIN contains are there with it. */
static uint64_t with_parts(uint64_t caps)
{
	return caps & CAP(SYS_ADMIN) ? caps | CAP(BPF) | CAP(PERFMON) : caps;
}

unsigned lt_capabilities(bool uprobe_multi, bool missing, char *text, size_t size)
{
	uint64_t needs = uprobe_multi ? NEEDS_MULTI : NEEDS_PERF;

	if (needs_locked_memory())
		needs |= CAP(SYS_RESOURCE);
	if (missing)
		needs &= ~with_parts(lt_capabilities__effective());
	return lt_capability_names(needs, text, size);
}

/* 3 is of Debian's and Android's kernels: nobody but CAP_SYS_ADMIN opens a perf event. */
static bool is_paranoid(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int paranoid = 0;

	if (file && fscanf(file, "%d", &paranoid) != 1)
		paranoid = 0;
	if (file)
		fclose(file);
	return paranoid >= 3;
}

bool lt_may_sample(void)
{
	return !is_paranoid() || lt_capabilities__effective() & CAP(SYS_ADMIN);
}

uint64_t lt_capabilities__attaching(const struct lt_features *features)
{
	uint64_t caps = features->uprobe_multi ? CAP(BPF) | CAP(PERFMON) : CAP(SYS_ADMIN);

	/* The clocks of threads, and tracepoints, are perf events. Tables were made at the start. */
	return is_paranoid() ? caps | CAP(SYS_ADMIN) : caps;
}
