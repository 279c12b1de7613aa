/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Opening a file that a target names, in the target's own file system, with the rights of the agent. The path
 * is hostile: it must not lead out of the root, and nothing may be opened that does something when it is (a
 * FIFO, a watchdog, a file of tracefs). So the file is looked up first, without opening it, and looked at.
 */
#include "agent/v8/sourcemap_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/target/lookup.h"

/* Whether a file is made up by the kernel: reading it may do something, and it is no map. */
static bool is_made_up(int fd)
{
	static const unsigned long magics[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,	  TRACEFS_MAGIC,      DEBUGFS_MAGIC,
		SECURITYFS_MAGIC, EFIVARFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		BPF_FS_MAGIC,	  SELINUX_MAGIC,  PSTOREFS_MAGIC,     BINFMTFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return true;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((unsigned long)fs.f_type == magics[i])
			return true;
	return false;
}

/* Opens what was looked up, if it is a file that may be read. */
static int open_found(int found_fd, int *ret_fd, size_t *ret_size)
{
	char link[64];
	struct stat st;
	int fd;

	if (fstat(found_fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) || is_made_up(found_fd))
		return -EINVAL;
	if (st.st_size > (off_t)LT_SOURCEMAP_MAX)
		return -EFBIG;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found_fd);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	*ret_size = (size_t)st.st_size;
	return 0;
}

int lt_source_open(const char *root, const char *path, int *ret_fd, size_t *ret_size)
{
	int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int found_fd, err;

	if (root_fd < 0)
		return -errno;
	found_fd = lt_look_up(root_fd, path);
	close(root_fd);
	if (found_fd < 0)
		return found_fd;
	err = open_found(found_fd, ret_fd, ret_size);
	close(found_fd);
	return err;
}
