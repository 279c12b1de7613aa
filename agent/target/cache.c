/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/target/elf.h"
#include "agent/target/image_check.h"
#include "looptop/log.h"

#define MAGIC 0x31656d6167696c74ull /* "ltimage1" */

/* Changes with every change of struct lt_image or of what the finders find. */
#define FORMAT 13u

struct header {
	uint64_t magic;
	uint32_t format;
	uint32_t image_size;
	uint64_t file_size;
	uint32_t crc; /* of the image */
	uint32_t pad;
};

const char *lt_cache_directory(void)
{
	static char path[512];
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (base && base[0] == '/')
		snprintf(path, sizeof(path), "%s/looptop", base);
	else if (geteuid() == 0)
		return "/var/cache/looptop";
	else if (home && home[0] == '/')
		snprintf(path, sizeof(path), "%s/.cache/looptop", home);
	else
		return NULL;
	return path;
}

/* Opens the directory if nobody else can write to it. */
static int open_directory(bool create)
{
	const char *path = lt_cache_directory();
	struct stat st;
	int fd;

	if (!path)
		return -ENOENT;
	if (create && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & 022) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int file_key(int fd, char *build_id, size_t size, uint64_t *ret_file_size)
{
	struct lt_elf *elf;
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	*ret_file_size = (uint64_t)st.st_size;
	err = lt_elf__open(fd, &elf);
	if (err)
		return err;
	lt_elf__build_id(elf, build_id, size);
	lt_elf__close(elf);
	return build_id[0] ? 0 : -ENOENT;
}

static bool sites_match(int fd, const struct lt_image *image)
{
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];
		uint8_t bytes[sizeof(site->bytes)];
		size_t n = sizeof(bytes);

		/* Behind a short instruction the kept bytes are zeros. */
		while (n > 1 && !site->bytes[n - 1])
			n--;
		if (pread(fd, bytes, n, (off_t)site->file_offset) != (ssize_t)n ||
		    memcmp(bytes, site->bytes, n))
			return false;
	}
	return true;
}

int lt_cache_load(int fd, struct lt_image **ret_image)
{
	char name[64], build_id[41];
	struct lt_image *image = NULL;
	struct header header;
	uint64_t file_size = 0;
	int err, dir = -1, file = -1;

	err = file_key(fd, build_id, sizeof(build_id), &file_size);
	if (err)
		return err;
	dir = open_directory(false);
	snprintf(name, sizeof(name), "%s.sites", build_id);
	file = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	image = malloc(sizeof(*image));
	err = -ENOENT;
	if (file < 0 || !image || read(file, &header, sizeof(header)) != sizeof(header) ||
	    header.magic != MAGIC || header.format != FORMAT ||
	    header.image_size != sizeof(*image) || header.file_size != file_size ||
	    read(file, image, sizeof(*image)) != sizeof(*image) ||
	    header.crc != crc32(0, (const Bytef *)image, sizeof(*image)) || !lt_image__is_sane(image) ||
	    strcmp(image->build_id, build_id) || !sites_match(fd, image))
		goto out;
	*ret_image = image;
	image = NULL;
	err = 0;
out:
	free(image);
	if (file >= 0)
		close(file);
	if (dir >= 0)
		close(dir);
	return err;
}

static int write_all(int dir, const char *name, const struct header *header,
		     const struct lt_image *image)
{
	int err = 0, file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return -errno;
	if (write(file, header, sizeof(*header)) != sizeof(*header) ||
	    write(file, image, sizeof(*image)) != sizeof(*image))
		err = -EIO;
	close(file);
	return err;
}

void lt_cache_store(int fd, const struct lt_image *image)
{
	struct header header = { .magic = MAGIC, .format = FORMAT, .image_size = sizeof(*image) };
	char name[64], temporary[80];
	struct stat st;
	int err, dir;

	if (!image->build_id[0] || fstat(fd, &st))
		return;
	dir = open_directory(true);
	if (dir < 0) {
		lt_debug("keep probe sites in %s: %s", lt_cache_directory(), strerror(-dir));
		return;
	}
	header.file_size = (uint64_t)st.st_size;
	header.crc = (uint32_t)crc32(0, (const Bytef *)image, sizeof(*image));
	snprintf(name, sizeof(name), "%s.sites", image->build_id);
	snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
	err = write_all(dir, temporary, &header, image);
	if (!err && renameat(dir, temporary, dir, name))
		err = -errno;
	if (err) {
		unlinkat(dir, temporary, 0);
		lt_debug("keep probe sites in %s: %s", lt_cache_directory(), strerror(-err));
	}
	close(dir);
}
