/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Opening a file that a target names, in the target's own file system (agent/target/open.h). */
#include "agent/v8/sourcemap_internal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/target/open.h"

/* The root of a process is looked into by somebody who may hang. */
static int open_in(const char *root, const char *path, bool plain, struct lt_opened *ret_opened)
{
	int pid, end = 0;

	if (!plain && sscanf(root, "/proc/%d/root%n", &pid, &end) == 1 && end && !root[end])
		return lt_open(pid, LT_OPEN_BELOW_ROOT, path, 0, ret_opened);
	return lt_open_below(root, path, plain, 0, NULL, ret_opened);
}

int lt_source_open(const char *root, const char *path, bool plain, int *ret_fd, size_t *ret_size)
{
	struct lt_opened opened;
	int err = open_in(root, path, plain, &opened);

	if (err)
		return err;
	if (opened.st.st_size > LT_SOURCEMAP_MAX) {
		close(opened.fd);
		return -EFBIG;
	}
	*ret_fd = opened.fd;
	*ret_size = (size_t)opened.st.st_size;
	return 0;
}
