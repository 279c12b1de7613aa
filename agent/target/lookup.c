/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What openat2(2) does with RESOLVE_IN_ROOT, part by part. That call takes its flags from memory, where no seccomp
 * filter sees them: who may make it may open for writing whatever there is, and nobody here may.
 */
#include "agent/target/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define LINKS_MAX 40 /* as in the kernel */
#define PARTS_MAX 1024 /* links within links are that long in all */

/* The folders from the root to where we are: ".." goes back to one that is held, not to what is above it by now. */
struct walk {
	int root_fd;
	int fds[DEPTH_MAX];
	unsigned depth, links;
	char rest[PATH_MAX];
};

static int top(const struct walk *walk)
{
	return walk->depth ? walk->fds[walk->depth - 1] : walk->root_fd;
}

static void leave(struct walk *walk, unsigned depth)
{
	while (walk->depth > depth)
		close(walk->fds[--walk->depth]);
}

/* What the link says comes before what was to come. */
static int follow(struct walk *walk, int link_fd, const char *behind)
{
	char text[PATH_MAX], rest[PATH_MAX];
	struct statfs fs;
	ssize_t n;

	/* Those of /proc lead where no text says. */
	if (fstatfs(link_fd, &fs) || fs.f_type == PROC_SUPER_MAGIC)
		return -ELOOP;
	n = readlinkat(link_fd, "", text, sizeof(text) - 1);
	if (n <= 0)
		return n ? -errno : -ENOENT;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	text[n] = '\0';
	if (text[0] == '/')
		leave(walk, 0);
	if (snprintf(rest, sizeof(rest), "%s/%s", text, behind) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, rest, sizeof(rest));
	return 0;
}

/* One part; *behind is what comes after it. */
static int step(struct walk *walk, const char *part, const char *behind, bool *ret_followed)
{
	struct stat st;
	int fd, err;

	*ret_followed = false;
	if (!strcmp(part, ".."))
		leave(walk, walk->depth ? walk->depth - 1 : 0);
	if (!strcmp(part, "..") || !strcmp(part, "."))
		return 0;
	if (walk->depth == DEPTH_MAX)
		return -ENAMETOOLONG;
	fd = openat(top(walk), part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISLNK(st.st_mode)) {
		walk->fds[walk->depth++] = fd;
		return 0;
	}
	err = follow(walk, fd, behind);
	close(fd);
	*ret_followed = !err;
	return err;
}

static int walk_all(struct walk *walk)
{
	const char *rest = walk->rest;
	int err = 0;

	for (unsigned parts = 0; !err && *(rest += strspn(rest, "/")); parts++) {
		size_t length = strcspn(rest, "/");
		char part[NAME_MAX + 1];
		bool followed;

		if (length >= sizeof(part) || parts >= PARTS_MAX)
			return -ENAMETOOLONG;
		memcpy(part, rest, length);
		part[length] = '\0';
		err = step(walk, part, rest + length, &followed);
		rest = followed ? walk->rest : rest + length;
	}
	return err;
}

int lt_look_up(int root_fd, const char *path)
{
	struct walk walk = { .root_fd = root_fd };
	int err, fd = -1;

	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, strlen(path) + 1);
	err = walk_all(&walk);
	if (!err) {
		fd = fcntl(top(&walk), F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : fd;
	}
	leave(&walk, 0);
	return err;
}
