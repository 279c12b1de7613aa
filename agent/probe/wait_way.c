/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* In which ways this kernel can tell of waits by system calls, found by trying. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/probe/internal.h"
#include "looptop/log.h"

#if defined(__x86_64__)
#define SYSCALL_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define SYSCALL_PREFIX "__arm64_sys_"
#else
#error "the names of system calls on this architecture are not known"
#endif

int lt_wait_function_id(const struct btf *btf, const char *call)
{
	char name[64];

	snprintf(name, sizeof(name), SYSCALL_PREFIX "%s", call);
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
}

/* Some kernels do not load such programs, others do not attach them. */
static bool can_watch_functions(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? lt_wait_function_id(btf, "epoll_pwait") : -ENOENT;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = id > 0 ? (uint32_t)id : 0);
	int fd = -1, link_fd = -1;

	if (id > 0)
		fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "lt_try", "GPL", nothing, 2, &opts);
	if (fd >= 0)
		link_fd = bpf_raw_tracepoint_open(NULL, fd);
	if (link_fd < 0)
		lt_debug("watch the functions of system calls: %s",
			 id > 0 ? strerror(errno) : "the kernel's BTF does not name them");
	if (link_fd >= 0)
		close(link_fd);
	if (fd >= 0)
		close(fd);
	btf__free(btf);
	return link_fd >= 0;
}

static bool can_watch_tracepoints(void)
{
	return access("/sys/kernel/tracing/events/syscalls/sys_exit_epoll_pwait/id", R_OK) == 0 ||
	       access("/sys/kernel/debug/tracing/events/syscalls/sys_exit_epoll_pwait/id", R_OK) ==
		       0;
}

enum lt_wait_way lt_wait_way__find(enum lt_wait_way asked)
{
	switch (asked) {
	case LT_WAITS_NONE:
		if (can_watch_functions())
			return LT_WAITS_FUNCTIONS;
		return can_watch_tracepoints() ? LT_WAITS_TRACEPOINTS : LT_WAITS_ALL_CALLS;
	case LT_WAITS_FUNCTIONS:
		return can_watch_functions() ? asked : LT_WAITS_NONE;
	case LT_WAITS_TRACEPOINTS:
		return can_watch_tracepoints() ? asked : LT_WAITS_NONE;
	default:
		return asked;
	}
}

const char *lt_wait_way__name(enum lt_wait_way way)
{
	static const char *const names[] = {
		[LT_WAITS_NONE] = "auto",
		[LT_WAITS_FUNCTIONS] = "fentry",
		[LT_WAITS_TRACEPOINTS] = "tracepoint",
		[LT_WAITS_ALL_CALLS] = "raw_tracepoint",
	};

	return names[way];
}
