/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/target/cache_room.h"
#include "agent/target/extents.h"
#include "agent/target/image_check.h"
#include "looptop/log.h"

#define MAGIC 0x31656d6167696c74ull /* "ltimage1" */

/* Changes with every change of struct lt_image or of what the finders find. */
#define FORMAT 16u

struct header {
	uint64_t magic;
	uint32_t format;
	uint32_t image_size;
	struct lt_identity identity;
	uint64_t key, sum; /* of the parts of the file that were read */
	uint32_t crc; /* of the image */
	uint32_t pad;
};

#define NAME_SIZE 160

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

/* With the folder that it is in, as the XDG base directories are made by whoever comes first. */
static int make_directory(const char *path)
{
	char base[512];
	char *slash;

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(base, sizeof(base), "%s", path);
	slash = strrchr(base, '/');
	*slash = '\0';
	if (mkdir(base, 0700) && errno != EEXIST)
		return -errno;
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

/* Opens the directory if nobody else can write to it. */
static int open_directory(bool create)
{
	const char *path = lt_cache_directory();
	struct stat st;
	int fd;

	if (!path)
		return -ENOENT;
	fd = create ? make_directory(path) : 0;
	if (fd < 0)
		return fd;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & 022) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* Of one file as it is: its next version has another name, and so has that of another program. */
static void entry_name(const struct lt_identity *id, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE,
		 "%u-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 ".%" PRIx64 "-%" PRIx64
		 ".%" PRIx64 LT_CACHE_SUFFIX,
		 FORMAT, id->dev, id->ino, id->size, id->modified_s, id->modified_ns, id->changed_s,
		 id->changed_ns);
}

/* A whole entry, of this program's format, with figures that make sense. */
static bool read_entry(int file, struct header *header, struct lt_image *image)
{
	return read(file, header, sizeof(*header)) == sizeof(*header) && header->magic == MAGIC &&
	       header->format == FORMAT && header->image_size == sizeof(*image) &&
	       read(file, image, sizeof(*image)) == sizeof(*image) &&
	       header->crc == crc32(0, (const Bytef *)image, sizeof(*image)) && image->n_parts &&
	       lt_image__is_sane(image);
}

/* Would an analysis read today what it read then? */
static bool is_of(const struct header *header, const struct lt_image *image, int fd,
		  const struct lt_identity *identity)
{
	uint64_t sum;

	return !memcmp(&header->identity, identity, sizeof(*identity)) &&
	       lt_extents_sum(fd, image->parts, image->n_parts, header->key, &sum) == 0 &&
	       sum == header->sum;
}

int lt_cache_load(int fd, const struct lt_identity *identity, struct lt_image **ret_image)
{
	int dir = open_directory(false), file = -1, err = -ENOENT;
	struct lt_image *image = malloc(sizeof(*image));
	char name[NAME_SIZE];
	struct header header;

	entry_name(identity, name);
	if (dir >= 0)
		file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (file < 0 || !image)
		goto out;
	if (!read_entry(file, &header, image)) {
		/* Torn, or broken: it would stand in the way of a whole one. */
		unlinkat(dir, name, 0);
		goto out;
	}
	if (!is_of(&header, image, fd, identity))
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

static int make_header(int fd, const struct lt_identity *identity, const struct lt_image *image,
		       struct header *header)
{
	*header = (struct header){
		.magic = MAGIC,
		.format = FORMAT,
		.image_size = sizeof(*image),
		.identity = *identity,
		.crc = (uint32_t)crc32(0, (const Bytef *)image, sizeof(*image)),
	};
	if (!image->n_parts)
		return -EFBIG;
	if (getrandom(&header->key, sizeof(header->key), 0) != sizeof(header->key))
		return -errno;
	return lt_extents_sum(fd, image->parts, image->n_parts, header->key, &header->sum);
}

void lt_cache_store(int fd, const struct lt_identity *identity, const struct lt_image *image)
{
	char name[NAME_SIZE], temporary[NAME_SIZE + 16];
	struct header header;
	int err, dir;

	err = make_header(fd, identity, image, &header);
	dir = err ? err : open_directory(true);
	if (dir < 0) {
		lt_debug("keep probe sites in %s: %s", lt_cache_directory(), strerror(-dir));
		return;
	}
	lt_cache_make_room(dir, FORMAT);
	entry_name(identity, name);
	snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
	err = write_all(dir, temporary, &header, image);
	/* Whoever was first stays: an entry is made, never changed. */
	if (!err && linkat(dir, temporary, dir, name, 0) && errno != EEXIST)
		err = -errno;
	if (err != -EEXIST)
		unlinkat(dir, temporary, 0);
	if (err)
		lt_debug("keep probe sites in %s: %s", lt_cache_directory(), strerror(-err));
	close(dir);
}
