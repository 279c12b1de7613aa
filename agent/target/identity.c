/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define SETTLED_SECONDS 2

/* As in linux/magic.h, which does not have all of them. */
#define MAGIC_EXT      0xef53
#define MAGIC_ZFS      0x2fc12fc1
#define MAGIC_BCACHEFS 0xca451a4e
#define MAGIC_XFS      0x58465342
#define MAGIC_BTRFS    0x9123683e
#define MAGIC_F2FS     0xf2f52010

/*
 * File systems on disks. On these an owner is what the host's root made him, an inode's number stays its own, and the
 * change time is the kernel's clock's. Left out, and analysed anew each time: FUSE and network file systems, where a
 * server says what is in a file and whose it is; overlay, whose upper layer may be a user's or a container's; tmpfs and
 * overlay can be mounted in a user's own namespace; images (squashfs, erofs), whose maker chose owners and times.
 */
static bool is_disk(uint64_t file_system)
{
	static const uint64_t disks[] = { MAGIC_EXT,  MAGIC_XFS, MAGIC_BTRFS,
					  MAGIC_F2FS, MAGIC_ZFS, MAGIC_BCACHEFS };

	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++)
		if (file_system == disks[i])
			return true;
	return false;
}

const char *lt_identity_why_not(const struct stat *st, uint64_t file_system, bool no_setuid,
				uint64_t now_s)
{
	uint64_t changed_s =
		(uint64_t)(st->st_ctim.tv_sec > st->st_mtim.tv_sec ? st->st_ctim.tv_sec
								   : st->st_mtim.tv_sec);

	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if (st->st_uid != 0)
		return "its owner is not root";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner may write to it";
	if (!is_disk(file_system))
		return "it is on a file system that others than root may have made";
	if (no_setuid) /* as a user's disk is mounted for him */
		return "its file system is mounted nosuid: what is on it is not trusted";
	if (now_s < changed_s + SETTLED_SECONDS)
		return "it was changed just now";
	return NULL;
}

/* Is user 0 the host's root? Otherwise whoever made this namespace is. */
static bool is_host_namespace(void)
{
	static enum {
		UNKNOWN,
		HOST,
		OTHER
	} found;
	unsigned inside, outside, length;
	FILE *file = found == UNKNOWN ? fopen("/proc/self/uid_map", "re") : NULL;

	if (found == UNKNOWN)
		found = file && fscanf(file, "%u %u %u", &inside, &outside, &length) == 3 &&
					inside == 0 && outside == 0 && length == UINT32_MAX
				? HOST
				: OTHER;
	if (file)
		fclose(file);
	return found == HOST;
}

/*
 * A descriptor from the time when the file was still a user's writes on. The kernel gives a read lease only while
 * there is none; it is given back at once. Should somebody open the file in between, its signal is one that is ignored.
 */
static bool has_no_writers(int fd)
{
	bool leased;

	if (fcntl(fd, F_SETSIG, SIGURG))
		return false;
	leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
	if (leased)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	return leased;
}

int lt_identify(int fd, struct lt_identity *ret_identity, const char **ret_why_not)
{
	struct statfs fs;
	struct stat st;

	*ret_why_not = "its attributes are not known";
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return -errno;
	*ret_why_not = lt_identity_why_not(&st, (uint64_t)fs.f_type, fs.f_flags & ST_NOSUID,
					   (uint64_t)time(NULL));
	if (!*ret_why_not && !is_host_namespace())
		*ret_why_not = "looptop is in a user namespace, whose root is not the host's";
	if (!*ret_why_not && !has_no_writers(fd))
		*ret_why_not = "somebody has it open for writing, or that cannot be told";
	if (*ret_why_not)
		return -EPERM;
	memset(ret_identity, 0, sizeof(*ret_identity));
	*ret_identity = (struct lt_identity){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = (uint64_t)st.st_size,
		.modified_s = (uint64_t)st.st_mtim.tv_sec,
		.modified_ns = (uint64_t)st.st_mtim.tv_nsec,
		.changed_s = (uint64_t)st.st_ctim.tv_sec,
		.changed_ns = (uint64_t)st.st_ctim.tv_nsec,
	};
	return 0;
}
