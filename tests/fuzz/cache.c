/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: a kept analysis that somebody bent. A good one is kept first; the input replaces parts of it: how
 * much is cut off (1 byte), then steps of 11 bytes: place (2), width (1), what is put there (8). Its checksum is always right.
 */
#include <dirent.h>
#include <fcntl.h>
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

static int library, entry; /* the file, and what is kept of it */
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
static int open_entry(void)
{
	DIR *dir = opendir(lt_cache_directory());
	struct dirent *item;
	int fd = -1;

	while (dir && fd < 0 && (item = readdir(dir)))
		if (item->d_name[0] != '.')
			fd = openat(dirfd(dir), item->d_name, O_RDWR | O_CLOEXEC);
	if (dir)
		closedir(dir);
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct lt_image *image = NULL;
	struct stat st;

	(void)argc;
	(void)argv;
	library = open(LIBRARY, O_RDONLY | O_CLOEXEC);
	CHECK(library >= 0 && mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	CHECK(!lt_image__analyse(library, LIBRARY, &image) && image->n_sites);
	lt_cache_store(library, image);
	free(image);
	entry = open_entry();
	CHECK(entry >= 0 && !fstat(entry, &st));
	n_good = (size_t)st.st_size;
	good = malloc(n_good);
	CHECK(good && pread(entry, good, n_good, 0) == (ssize_t)n_good);
	image = NULL;
	CHECK(!lt_cache_load(library, &image)); /* or nothing that is bent would ever be read */
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
	CHECK(!ftruncate(entry, 0));
	size = cut < 128 ? n_good : n_good * (size_t)(cut - 128) / 128;
	CHECK(pwrite(entry, bad, size, 0) == (ssize_t)size);
	free(bad);
	if (lt_cache_load(library, &image) == 0) {
		CHECK(size == n_good);
		check_image(image);
		free(image);
	}
	return 0;
}
