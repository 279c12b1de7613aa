/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/v8/mapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/target/maps.h"

/* What is no regular file is not opened at all: a device may act on that. */
static int open_by_path(int pid, const struct lt_mapping *mapping)
{
	char path[sizeof(mapping->path) + 32];
	struct stat st;
	int fd, link;

	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
	link = open(path, O_PATH | O_CLOEXEC);
	if (link < 0)
		return -errno;
	if (fstat(link, &st) || !S_ISREG(st.st_mode) || st.st_ino != mapping->ino) {
		close(link);
		return -ESTALE;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", link);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		fd = -errno;
	close(link);
	return fd;
}

int lt_mapfile__open(int pid, const struct lt_mapping *mapping)
{
	int fd = lt_maps_open(pid, mapping);

	return fd >= 0 || (fd != -EPERM && fd != -EACCES) ? fd : open_by_path(pid, mapping);
}
