/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/multi.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The link_create part of union bpf_attr with its uprobe_multi member. */
struct link_create_attr {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t uprobe_flags;
	uint32_t pid;
	uint32_t pad;
};

int lt_multi_attach(int prog_fd, int file_fd, int pid, const uint64_t *offsets,
		    const uint64_t *cookies, size_t count)
{
	char path[64];
	struct link_create_attr attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = LT_BPF_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.count = (uint32_t)count,
		.pid = (uint32_t)pid,
	};
	long fd;

	/* The kernel wants a path; this one leads to the open inode, whatever became of its name. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}
