/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/util/folder.h"
#include "agent/util/text.h"

#define TRIES 8 /* names that are taken */

static const char why_folder[] = "it is a folder";
static const char why_link[] =
	"it is a symbolic link, and links are not followed (name the file itself)";
static const char why_other[] =
	"it belongs to another user, in a folder that others can write to (remove it, or name another file)";
static const char why_kind[] = "it is neither a file nor a pipe or character device";

static void init(struct lt_new_file *file)
{
	*file = (struct lt_new_file){ .dir = -1, .fd = -1 };
}

/* "/dev/stdout", "/dev/stderr", "/dev/fd/N", "/proc/self/fd/N": our own descriptor, or -1. Opening these anew would
 * truncate what is behind them. */
static int own_descriptor(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *number = path + strlen(folders[i]);

		if (lt_starts_with(path, folders[i]) && *number && strlen(number) < 10 &&
		    strspn(number, "0123456789") == strlen(number))
			return atoi(number);
	}
	return -1;
}

/* What has that name now. */
static int look(struct lt_new_file *file, const char **ret_why)
{
	struct stat st;
	bool trusted;

	file->replaces = file->direct = false;
	if (fstatat(file->dir, file->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode)) {
		*ret_why = why_folder;
		return -EISDIR;
	}
	if (S_ISLNK(st.st_mode)) {
		*ret_why = why_link;
		return -ELOOP;
	}
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) {
		*ret_why = why_kind;
		return -EINVAL;
	}
	trusted = st.st_uid == geteuid() || st.st_uid == 0;
	if (!trusted && !lt_folder_is_ours(file->dir)) {
		*ret_why = why_other;
		return -EEXIST;
	}
	file->direct = !S_ISREG(st.st_mode);
	file->replaces = !file->direct;
	file->mode = st.st_mode & 0777;
	file->group = st.st_gid;
	return 0;
}

/* The name's beginning, so that whoever finds it knows whose it was, and a number that nobody guesses. */
static void name_temporary(struct lt_new_file *file)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)
			getpid(); /* a name that is taken is no danger, O_EXCL refuses it */
	snprintf(file->temporary, sizeof(file->temporary), ".%.200s.%016llx", file->name,
		 (unsigned long long)number);
}

static int create_temporary(struct lt_new_file *file)
{
	for (int i = 0; i < TRIES; i++) {
		name_temporary(file);
		file->fd = openat(file->dir, file->temporary,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (file->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	file->temporary[0] = '\0';
	return -errno;
}

static void drop_temporary(struct lt_new_file *file)
{
	if (file->temporary[0])
		unlinkat(file->dir, file->temporary, 0);
	file->temporary[0] = '\0';
}

/* Whether it can be done is tried: rights, read-only file systems, quotas are not ours to work out. */
static int try_to_create(struct lt_new_file *file)
{
	int err = create_temporary(file);

	if (!err)
		close(file->fd);
	file->fd = -1;
	drop_temporary(file);
	return err;
}

/* The file of a path in its folder. */
static int open_in(struct lt_new_file *file, int dir, const char *name, const char **ret_why)
{
	int err = 0;

	init(file);
	if (snprintf(file->name, sizeof(file->name), "%s", name) >= (int)sizeof(file->name))
		err = -ENAMETOOLONG;
	file->dir = dir;
	if (!err)
		err = look(file, ret_why);
	if (!err && !file->direct)
		err = try_to_create(file);
	if (!err) {
		file->own_dir = true;
		return 0;
	}
	if (!*ret_why)
		*ret_why = strerror(-err);
	init(file);
	return err;
}

int lt_new_file__open(struct lt_new_file *file, const char *path, const char **ret_why)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int err, dir, descriptor = own_descriptor(path);

	init(file);
	*ret_why = NULL;
	if (descriptor >= 0) {
		file->direct = true;
		file->fd = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
		err = file->fd < 0 ? -errno : 0;
		*ret_why = err ? strerror(-err) : NULL;
		return err;
	}
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		*ret_why = *path ? why_folder : "it has no name";
		return -EISDIR;
	}
	dir = lt_folder_open(path, (size_t)(name - path), ret_why);
	if (dir < 0)
		return dir;
	err = open_in(file, dir, name, ret_why);
	if (err)
		close(dir);
	return err;
}

/* It may have been replaced since it was looked at: what is opened is looked at again. */
static int open_direct(struct lt_new_file *file)
{
	struct stat st;

	file->fd = openat(file->dir, file->name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	if (fstat(file->fd, &st) || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) ||
	    (st.st_uid != 0 && st.st_uid != geteuid() && !lt_folder_is_ours(file->dir)))
		return -EPERM;
	return 0;
}

int lt_new_file__begin(struct lt_new_file *file)
{
	int err = 0;

	if (file->fd < 0)
		err = file->direct ? open_direct(file) : create_temporary(file);
	if (!err) {
		file->out = fdopen(file->fd, "w");
		err = file->out ? 0 : -errno;
	}
	if (err)
		lt_new_file__close(file);
	return err;
}

/* Nobody who could not read the old one can read the new one. */
static int take_over_mode(const struct lt_new_file *file)
{
	mode_t mode = file->mode;
	struct stat st;

	if (fstat(file->fd, &st))
		return -errno;
	if (st.st_gid != file->group && fchown(file->fd, (uid_t)-1, file->group))
		mode &= ~(mode_t)070;
	return fchmod(file->fd, mode) ? -errno : 0;
}

static int give_name(struct lt_new_file *file)
{
	const char *why = NULL;
	int err;

	/* Another user may have put something there meanwhile. */
	err = look(file, &why);
	if (!err && file->direct)
		err = -EEXIST;
	if (!err && file->replaces)
		err = take_over_mode(file);
	if (err)
		return err;
	if (!file->replaces) {
		if (!renameat2(file->dir, file->temporary, file->dir, file->name, RENAME_NOREPLACE))
			return 0;
		if (errno != EINVAL && errno != ENOSYS) /* file systems that cannot */
			return -errno;
	}
	return renameat(file->dir, file->temporary, file->dir, file->name) ? -errno : 0;
}

/* A file system of the network says when a descriptor is closed whether all has been written. */
static int ask_file_system(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 || close(copy) ? -errno : 0;
}

int lt_new_file__commit(struct lt_new_file *file)
{
	int err = 0;

	errno = 0;
	if (fflush(file->out) || ferror(file->out))
		err = errno ? -errno : -EIO;
	if (!err)
		err = ask_file_system(file->fd);
	if (!err && file->temporary[0]) {
		err = give_name(file);
		if (!err)
			file->temporary[0] = '\0';
	}
	fclose(file->out);
	file->out = NULL;
	file->fd = -1;
	lt_new_file__close(file);
	return err;
}

void lt_new_file__close(struct lt_new_file *file)
{
	if (file->out)
		fclose(file->out);
	else if (file->fd >= 0)
		close(file->fd);
	if (file->dir >= 0)
		drop_temporary(file);
	if (file->dir >= 0 && file->own_dir)
		close(file->dir);
	init(file);
}
