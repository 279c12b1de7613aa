/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * uprobe_multi links (Linux 6.6, commit 89ae89f53d20): one system call for many sites. libbpf 1.1
 * does not know them, hence the raw call; the numbers are the kernel's ABI.
 */
#ifndef LOOPTOP_PROBE_MULTI_H
#define LOOPTOP_PROBE_MULTI_H

#include <stddef.h>
#include <stdint.h>

#define LT_BPF_TRACE_UPROBE_MULTI 48

/*
 * Attaches a program to count file offsets of the file open at file_fd, in the process pid only.
 * Returns a link descriptor, or -errno (-EINVAL: this kernel has no such links).
 */
int lt_multi_attach(int prog_fd, int file_fd, int pid, const uint64_t *offsets,
		    const uint64_t *cookies, size_t count);

#endif
