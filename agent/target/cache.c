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
#include "agent/target/uv_layout.h"
#include "agent/util/new_file.h"
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

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

/* Of an account in internal_fields; -1 is unknown. */
static bool is_field(int32_t offset)
{
	return offset >= -1 && offset <= LT_UV_ACCOUNT_MAX - 8;
}

/* Whatever a broken cache holds, the image's figures and texts stay within their bounds. */
static bool is_sane(const struct lt_image *image)
{
	if (image->n_sites > LT_IMAGE_SITES_MAX || image->n_classes > LT_IMAGE_CLASSES_MAX ||
	    image->n_missing > sizeof(image->missing) / sizeof(image->missing[0]) ||
	    !is_terminated(image->build_id, sizeof(image->build_id)) ||
	    !is_terminated(image->runtime, sizeof(image->runtime)) ||
	    !is_terminated(image->runtime_version, sizeof(image->runtime_version)) ||
	    !is_terminated(image->uv_version, sizeof(image->uv_version)))
		return false;
	if (!is_field(image->uv.idle_time) || !is_field(image->uv.entry_time) ||
	    !is_field(image->uv.loop_count) ||
	    (image->uv.idle_time < 0) != (image->uv.entry_time < 0) || image->uv.mutex_bytes < 0 ||
	    image->uv.mutex_bytes > LT_UV_MUTEX_MAX)
		return false;
	if (!is_terminated(image->v8.sizes.why_not, sizeof(image->v8.sizes.why_not)))
		return false;
	for (size_t i = 0; i < image->n_classes; i++)
		if (image->classes[i].kind >= LT_KIND_MAX)
			return false;
	for (size_t i = 0; i < image->n_missing; i++)
		if (!is_terminated(image->missing[i], sizeof(image->missing[i])))
			return false;
	for (size_t i = 0; i < image->n_sites; i++)
		if (!is_terminated(image->sites[i].symbol, sizeof(image->sites[i].symbol)) ||
		    image->sites[i].role >= LT_ROLE_MAX || image->sites[i].group >= LT_GROUP_MAX)
			return false;
	return true;
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
	    header.crc != crc32(0, (const Bytef *)image, sizeof(*image)) || !is_sane(image) ||
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
	struct lt_new_file file;
	int err = lt_new_file__open_at(&file, dir, name);

	if (!err)
		err = lt_new_file__begin(&file);
	if (err)
		return err;
	if (fwrite(header, sizeof(*header), 1, file.out) == 1 &&
	    fwrite(image, sizeof(*image), 1, file.out) == 1)
		err = lt_new_file__commit(&file);
	else
		err = -EIO;
	lt_new_file__close(&file);
	return err;
}

void lt_cache_store(int fd, const struct lt_image *image)
{
	struct header header = { .magic = MAGIC, .format = FORMAT, .image_size = sizeof(*image) };
	char name[64];
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
	err = write_all(dir, name, &header, image);
	if (err)
		lt_debug("keep probe sites in %s: %s", lt_cache_directory(), strerror(-err));
	close(dir);
}
