/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The host name of a process's container. Its UTS namespace is not entered; container runtimes put the name
 * into the container's /etc/hostname, which is read through /proc/PID/root. All below that is the container's:
 * no link leads out of it, nothing but a small regular file of a local file system is opened.
 */
#include "agent/target/hostname.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/target/lookup.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef ZFS_SUPER_MAGIC
#define ZFS_SUPER_MAGIC 0x2fc12fc1
#endif

/* Is it in another namespace of this kind than we are? False also if it may not be asked. */
static bool is_elsewhere(int pid, const char *kind)
{
	char path[48];
	struct stat own, its;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &own))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return stat(path, &its) == 0 && (own.st_ino != its.st_ino || own.st_dev != its.st_dev);
}

/* A file system that cannot make us wait for somebody, as FUSE and NFS can. */
static bool is_local(int fd)
{
	static const unsigned long local[] = { EXT4_SUPER_MAGIC,  XFS_SUPER_MAGIC,
					       BTRFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
					       TMPFS_MAGIC,	  ZFS_SUPER_MAGIC,
					       F2FS_SUPER_MAGIC,  SQUASHFS_MAGIC };
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((unsigned long)fs.f_type == local[i])
			return true;
	return false;
}

/* A descriptor of the file's place, which opens no device and waits for no pipe; -errno. */
static int find_file(int pid)
{
	char path[48];
	int root, fd;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = lt_look_up(root, "etc/hostname");
	close(root);
	return fd;
}

/* Its first bytes. How many, or -errno. */
static int read_file(int place, char *buf, size_t size)
{
	char path[48];
	struct stat st;
	ssize_t n;
	int fd;

	if (fstat(place, &st) || !S_ISREG(st.st_mode) || !is_local(place))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size);
	close(fd);
	return n < 0 ? -EIO : (int)n;
}

int lt_parse_hostname(const char *text, size_t length, char name[LT_HOSTNAME_SIZE])
{
	size_t n = 0;

	while (n < length && text[n] != '\n')
		n++;
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\r'))
		n--;
	if (!n || n >= LT_HOSTNAME_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !memchr("-._", text[i], 3))
			return -EINVAL;
	memcpy(name, text, n);
	name[n] = '\0';
	return 0;
}

void lt_process_hostname(int pid, char name[LT_HOSTNAME_SIZE])
{
	char text[LT_HOSTNAME_SIZE * 2];
	int place, n;

	name[0] = '\0';
	/* With our file system, the file has our name, whatever its own is. */
	if (!is_elsewhere(pid, "uts") || !is_elsewhere(pid, "mnt"))
		return;
	place = find_file(pid);
	if (place < 0)
		return;
	n = read_file(place, text, sizeof(text));
	close(place);
	if (n <= 0 || lt_parse_hostname(text, (size_t)n, name))
		name[0] = '\0';
}
