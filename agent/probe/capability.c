/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Which capabilities measuring needs on this host, and which of them this process lacks. */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "agent/probe/probe.h"

struct need {
	int cap;
	const char *name;
};

/* CAP_SYS_ADMIN contains CAP_BPF and CAP_PERFMON, so that where it must be there they need not. */
static const struct need needs_multi[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
};
static const struct need needs_perf[] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
};
static const struct need needs_memlock = { CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE" };

#define NEEDS_MAX 4

/* Effective capabilities of this process; all of them if /proc does not say. */
static uint64_t effective_capabilities(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long caps = ~0ul;
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %lx", &caps) == 1)
			break;
	if (status)
		fclose(status);
	return caps;
}

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

static bool has(uint64_t caps, int cap)
{
	bool part_of_admin = cap == CAP_BPF || cap == CAP_PERFMON;

	return (caps >> cap & 1) || (part_of_admin && (caps >> CAP_SYS_ADMIN & 1));
}

/* "A", "A and B", "A, B and C". */
static void enumerate(const char *const *names, size_t n, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 !i	      ? ""
					 : i + 1 == n ? " and "
						      : ", ",
					 names[i]);
}

unsigned lt_capabilities(bool uprobe_multi, bool missing, char *text, size_t size)
{
	const struct need *needs = uprobe_multi ? needs_multi : needs_perf;
	size_t n_needs = uprobe_multi ? sizeof(needs_multi) / sizeof(needs_multi[0])
				      : sizeof(needs_perf) / sizeof(needs_perf[0]);
	uint64_t caps = effective_capabilities();
	const char *names[NEEDS_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < n_needs; i++)
		if (!missing || !has(caps, needs[i].cap))
			names[n++] = needs[i].name;
	if (needs_locked_memory() && (!missing || !has(caps, needs_memlock.cap)))
		names[n++] = needs_memlock.name;
	enumerate(names, n, text, size);
	return n;
}

bool lt_may_sample(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int paranoid = 0;

	if (file && fscanf(file, "%d", &paranoid) != 1)
		paranoid = 0;
	if (file)
		fclose(file);
	/* 3 is of Debian's and Android's kernels: nobody but CAP_SYS_ADMIN opens a perf event. */
	return paranoid < 3 || has(effective_capabilities(), CAP_SYS_ADMIN);
}
