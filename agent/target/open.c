/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TRIES_MAX 8 /* something is being renamed meanwhile */
#define CHUNK	  65536

/* Looks path up with the root for "/", also in symbolic links. A descriptor, or -errno. */
static int look_up(int root_fd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = -EAGAIN;

	for (unsigned i = 0; i < TRIES_MAX && fd == -EAGAIN; i++) {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd < 0)
			fd = -errno;
	}
	return fd;
}

/* The same without openat2(2), one part after the other, where there are no symbolic links. */
static int look_up_plain(int root_fd, const char *path)
{
	int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	while (fd >= 0 && *(path += strspn(path, "/"))) {
		char part[NAME_MAX + 1];
		size_t length = strcspn(path, "/");
		struct stat st;
		int next = -1;

		if (length >= sizeof(part) || (length == 2 && !strncmp(path, "..", 2))) {
			errno = length == 2 ? EXDEV : ENAMETOOLONG;
		} else {
			memcpy(part, path, length);
			part[length] = '\0';
			next = openat(fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		}
		if (next >= 0 && !fstat(next, &st) && S_ISLNK(st.st_mode)) {
			close(next);
			next = -1;
			errno = ELOOP;
		}
		if (next < 0)
			next = -errno;
		close(fd);
		fd = next;
		path += length;
	}
	return fd;
}

/* Of a file system that is served by this kernel from memory or a disk: not over a network, not by a program, and not
 * made up by the kernel, where reading may do something. */
static bool is_local(int fd)
{
	static const unsigned long local[] = {
		EXT4_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC,
		OVERLAYFS_SUPER_MAGIC,
		TMPFS_MAGIC,
		RAMFS_MAGIC,
		SQUASHFS_MAGIC,
		ISOFS_SUPER_MAGIC,
		MSDOS_SUPER_MAGIC,
		REISERFS_SUPER_MAGIC,
		NILFS_SUPER_MAGIC,
		0x58465342, /* XFS */
		0x2fc12fc1, /* ZFS */
		0xe0f5e1e2, /* EROFS */
		0xca451a4e, /* bcachefs */
		0x3153464a, /* JFS */
		0x2011bab0, /* exFAT */
		0x24051905, /* UBIFS */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((uint32_t)fs.f_type == local[i])
			return true;
	return false;
}

static int read_into(int fd, int copy, size_t copy_bytes, void (*moved)(void))
{
	char chunk[CHUNK];
	size_t done = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		done += (size_t)n;
		if (done > copy_bytes)
			return -EFBIG;
		if (write(copy, chunk, (size_t)n) != n)
			return -errno;
		if (moved)
			moved();
	}
}

/* A copy in memory, which nobody changes or keeps from us. A descriptor, or -errno. */
static int copy_file(int fd, size_t copy_bytes, void (*moved)(void))
{
	int copy = memfd_create("looptop", MFD_CLOEXEC), err;

	if (copy < 0)
		return -errno;
	err = read_into(fd, copy, copy_bytes, moved);
	if (!err && lseek(copy, 0, SEEK_SET))
		err = -errno;
	if (!err)
		return copy;
	close(copy);
	return err;
}

/* Opens what was looked up, if it is a file that may be read. */
static int open_found(int found_fd, size_t copy_bytes, void (*moved)(void),
		      struct lt_opened *opened)
{
	char link[64];
	int fd;

	/* First: a file system that is not of the list is asked for nothing else. */
	if (!is_local(found_fd))
		return -LT_NOT_LOCAL;
	if (fstat(found_fd, &opened->st))
		return -errno;
	if (S_ISDIR(opened->st.st_mode))
		return -EISDIR;
	if (!S_ISREG(opened->st.st_mode))
		return -EINVAL;
	if (copy_bytes == LT_LOOK)
		return 0;
	if (copy_bytes && opened->st.st_size > (off_t)copy_bytes)
		return -EFBIG;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found_fd);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!copy_bytes) {
		opened->fd = fd;
		return 0;
	}
	opened->fd = copy_file(fd, copy_bytes, moved);
	close(fd);
	return opened->fd < 0 ? opened->fd : 0;
}

int lt_open_below(const char *root, const char *path, bool plain, size_t copy_bytes,
		  void (*moved)(void), struct lt_opened *ret_opened)
{
	int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int found_fd = -ENOSYS, err;

	ret_opened->fd = -1;
	if (root_fd < 0)
		return -errno;
	if (!plain)
		found_fd = look_up(root_fd, path);
	/* EPERM: from a seccomp filter that is older than the system call. */
	if (found_fd == -ENOSYS || found_fd == -EPERM)
		found_fd = look_up_plain(root_fd, path);
	close(root_fd);
	if (found_fd < 0)
		return found_fd;
	err = open_found(found_fd, copy_bytes, moved, ret_opened);
	close(found_fd);
	return err;
}

static int open_proc(const char *path, size_t copy_bytes, void (*moved)(void),
		     struct lt_opened *opened)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	opened->fd = copy_file(fd, copy_bytes, moved);
	close(fd);
	return opened->fd < 0 ? opened->fd : 0;
}

static int open_link(const char *path, size_t copy_bytes, void (*moved)(void),
		     struct lt_opened *opened)
{
	int err, found_fd = open(path, O_PATH | O_CLOEXEC);

	if (found_fd < 0)
		return -errno;
	err = open_found(found_fd, copy_bytes, moved, opened);
	close(found_fd);
	return err;
}

int lt_open_here(int pid, enum lt_open_what what, const char *path, size_t copy_bytes,
		 void (*moved)(void), struct lt_opened *ret_opened)
{
	char full[128];

	ret_opened->fd = -1;
	if (what == LT_OPEN_BELOW_ROOT) {
		snprintf(full, sizeof(full), "/proc/%d/root", pid);
		return lt_open_below(full, path, false, copy_bytes, moved, ret_opened);
	}
	if ((size_t)snprintf(full, sizeof(full), "/proc/%d/%s", pid, path) >= sizeof(full))
		return -ENAMETOOLONG;
	return what == LT_OPEN_PROC ? open_proc(full, copy_bytes, moved, ret_opened)
				    : open_link(full, copy_bytes, moved, ret_opened);
}
