/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Component by component, as the kernel may be told not to (protected_symlinks is a setting, and is about sticky
 * folders only).
 */
#include "agent/util/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's */

static const char why_link[] =
	"a symbolic link on the way belongs to another user or is in a folder of theirs (name the folder itself)";
static const char why_proc[] = "the way leads through a link of /proc (name the folder itself)";

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

bool lt_folder_is_ours(int dir)
{
	struct stat st;

	return !fstat(dir, &st) && is_trusted(st.st_uid) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* A hard link to somebody's symbolic link would look like theirs: the only name counts. */
static bool may_follow(int dir, const struct stat *link)
{
	struct stat st;

	return is_trusted(link->st_uid) && link->st_nlink == 1 && !fstat(dir, &st) &&
	       is_trusted(st.st_uid) &&
	       (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX));
}

/* /proc's links to what processes have open are no paths, even if they read like one. */
static bool is_magic(int link, const char *target)
{
	struct statfs fs;

	return target[0] == '/' && !fstatfs(link, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* What is still to go, and what has been seen on the way. */
struct way {
	char rest[PATH_MAX];
	int links;
	const char **ret_why;
};

/* Puts what a link says before the rest of the way. */
static int follow(struct way *way, int dir, int link, const struct stat *st)
{
	char target[PATH_MAX], joined[2 * PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

	if (n < 0 || ++way->links > LINKS_MAX)
		return n < 0 ? -errno : -ELOOP;
	target[n] = '\0';
	if (is_magic(link, target)) {
		*way->ret_why = why_proc;
		return -ELOOP;
	}
	/* Of other links in /proc the kernel is the author. */
	if (!may_follow(dir, st)) {
		*way->ret_why = why_link;
		return -ELOOP;
	}
	if (snprintf(joined, sizeof(joined), "%s/%s", target, way->rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(way->rest, joined, sizeof(way->rest));
	return 0;
}

static int start_of(const char *path)
{
	int dir = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

/* One step from dir, which is closed. The new folder, or -errno. */
static int step(struct way *way, int dir, const char *name)
{
	int next = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct stat st;

	if (next < 0 || fstat(next, &st))
		err = -errno;
	else if (S_ISLNK(st.st_mode))
		err = follow(way, dir, next, &st);
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (!err && S_ISLNK(st.st_mode)) {
		close(next);
		if (way->rest[0] != '/')
			return dir; /* it leads on from where it is */
		next = start_of(way->rest);
		err = next < 0 ? next : 0;
	}
	close(dir);
	if (err && next >= 0)
		close(next);
	return err ? err : next;
}

/* Takes the first name off the rest. False: there is none. */
static bool next_name(struct way *way, char name[NAME_MAX + 1], int *ret_err)
{
	const char *begin = way->rest + strspn(way->rest, "/");
	size_t n = strcspn(begin, "/");

	*ret_err = n > NAME_MAX ? -ENAMETOOLONG : 0;
	if (!n || *ret_err)
		return false;
	memcpy(name, begin, n);
	name[n] = '\0';
	memmove(way->rest, begin + n, strlen(begin + n) + 1);
	return true;
}

int lt_folder_open(const char *path, size_t length, const char **ret_why)
{
	struct way way = { .ret_why = ret_why };
	char name[NAME_MAX + 1];
	int dir, err = 0;

	if (length >= sizeof(way.rest))
		return -ENAMETOOLONG;
	memcpy(way.rest, path, length);
	dir = start_of(way.rest);
	while (dir >= 0 && next_name(&way, name, &err))
		dir = step(&way, dir, name);
	if (dir >= 0 && err) {
		close(dir);
		dir = err;
	}
	if (dir < 0 && !*ret_why)
		*ret_why = strerror(-dir);
	return dir;
}
