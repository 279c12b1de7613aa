/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: a kept analysis that somebody bent. A good one is kept first; the input replaces parts of it: how
 * much is cut off (1 byte), then steps of 11 bytes: place (2), width (1), what is put there (8). Its checksum is always right.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <zlib.h>

#include "agent/target/cache.h"
#include "agent/target/image.h"
#include "agent/target/uv_layout.h"
#include "tests/fuzz/fuzz.h"

/* One that root owns, and that is analysed soon. */
#define LIBRARY	   "/usr/lib/" MACHINE "-linux-gnu/libuv.so.1"
#define STEP_BYTES 11

#ifdef __aarch64__
#define MACHINE "aarch64"
#else
#define MACHINE "x86_64"
#endif

static const struct lt_identity identity = { 1, 2, 3, 4, 5, 6, 7 };
static int library, entries; /* the file, and the folder with what is kept of it */
static char entry[NAME_MAX + 1]; /* its name; a broken one is removed, and must be made again */
static char folder[] = "/tmp/looptop-fuzz-cache-XXXXXX";
static uint8_t *good;
static size_t n_good;

/* Instead of zlib's: whoever can bend the file can also compute its checksum. */
uLong crc32(uLong crc, const Bytef *bytes, uInt n)
{
	(void)crc;
	(void)bytes;
	(void)n;
	return 0x1234;
}

static void remove_folder(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		perror(folder);
}

/* The only file that is kept. */
static void find_entry(void)
{
	DIR *dir = opendir(lt_cache_directory());
	struct dirent *item;

	CHECK(dir);
	entries = dup(dirfd(dir));
	while (!entry[0] && (item = readdir(dir)))
		if (item->d_name[0] != '.')
			snprintf(entry, sizeof(entry), "%s", item->d_name);
	closedir(dir);
	CHECK(entries >= 0 && entry[0]);
}

static void write_entry(const uint8_t *bytes, size_t size)
{
	int fd = openat(entries, entry, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct lt_image *image = NULL;
	struct stat st;
	int fd;

	(void)argc;
	(void)argv;
	library = open(LIBRARY, O_RDONLY | O_CLOEXEC);
	CHECK(library >= 0 && mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	CHECK(!lt_image__analyse(library, &image) && image->n_sites);
	lt_cache_store(library, &identity, image);
	free(image);
	find_entry();
	fd = openat(entries, entry, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && !fstat(fd, &st));
	n_good = (size_t)st.st_size;
	good = malloc(n_good);
	CHECK(good && pread(fd, good, n_good, 0) == (ssize_t)n_good);
	close(fd);
	image = NULL;
	CHECK(!lt_cache_load(library, &identity, &image)); /* or nothing that is bent would ever be read */
	free(image);
	return atexit(remove_folder);
}

/* What users of an image take as it is. */
static void check_image(const struct lt_image *image)
{
	CHECK(image->n_sites <= LT_IMAGE_SITES_MAX && image->n_classes <= LT_IMAGE_CLASSES_MAX);
	CHECK(image->n_missing <= sizeof(image->missing) / sizeof(image->missing[0]));
	CHECK(strnlen(image->build_id, sizeof(image->build_id)) < sizeof(image->build_id));
	CHECK(strnlen(image->runtime, sizeof(image->runtime)) < sizeof(image->runtime));
	CHECK(strnlen(image->uv_version, sizeof(image->uv_version)) < sizeof(image->uv_version));
	CHECK(image->uv.mutex_bytes >= 0 && image->uv.mutex_bytes <= LT_UV_MUTEX_MAX);
	for (size_t i = 0; i < image->n_sites; i++)
		CHECK(strnlen(image->sites[i].symbol, sizeof(image->sites[i].symbol)) <
			      sizeof(image->sites[i].symbol) &&
		      image->sites[i].role < LT_ROLE_MAX && image->sites[i].group < LT_GROUP_MAX);
	for (size_t i = 0; i < image->n_missing; i++)
		CHECK(strnlen(image->missing[i], sizeof(image->missing[i])) <
		      sizeof(image->missing[i]));
	for (size_t i = 0; i < image->n_classes; i++)
		CHECK(image->classes[i].kind < LT_KIND_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t cut = input_byte(&input);
	uint8_t *bad = malloc(n_good);
	struct lt_image *image = NULL;

	CHECK(bad);
	memcpy(bad, good, n_good);
	while (input.left >= STEP_BYTES) {
		size_t at = (size_t)(input.at[0] | input.at[1] << 8) % n_good;
		size_t width = 1u << (input.at[2] % 4);

		memcpy(bad + at, input.at + 3, width < n_good - at ? width : n_good - at);
		input.at += STEP_BYTES;
		input.left -= STEP_BYTES;
	}
	size = cut < 128 ? n_good : n_good * (size_t)(cut - 128) / 128;
	write_entry(bad, size);
	free(bad);
	if (lt_cache_load(library, &identity, &image) == 0) {
		CHECK(size == n_good);
		check_image(image);
		free(image);
	}
	return 0;
}
