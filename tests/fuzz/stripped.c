/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: Debian's stripped libuv, bent: what structure tells of it. The input: steps of 12 bytes: place (3),
 * width (1), what is put there (8).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/target/image.h"
#include "tests/fuzz/fuzz.h"

#ifdef __aarch64__
#define LIBRARY "/usr/lib/aarch64-linux-gnu/libuv.so.1"
#else
#define LIBRARY "/usr/lib/x86_64-linux-gnu/libuv.so.1"
#endif
#define STEP_BYTES 12
#define STEPS_MAX  64

static uint8_t *good;
static size_t n_good;
static int file;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int library = open(LIBRARY, O_RDONLY | O_CLOEXEC);
	struct stat st;

	(void)argc;
	(void)argv;
	CHECK(library >= 0 && !fstat(library, &st));
	n_good = (size_t)st.st_size;
	good = malloc(n_good);
	CHECK(good && read(library, good, n_good) == (ssize_t)n_good);
	close(library);
	file = as_file(good, n_good);
	return 0;
}

static void check_image(const struct lt_image *image)
{
	CHECK(image->n_sites <= LT_IMAGE_SITES_MAX && image->n_classes <= LT_IMAGE_CLASSES_MAX);
	for (size_t i = 0; i < image->n_sites; i++)
		CHECK(image->sites[i].file_offset < n_good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t places[STEPS_MAX], widths[STEPS_MAX], n = 0;
	struct lt_image *image;

	for (; size >= STEP_BYTES && n < STEPS_MAX; data += STEP_BYTES, size -= STEP_BYTES, n++) {
		places[n] = (data[0] | data[1] << 8 | (size_t)data[2] << 16) % (n_good - 8);
		widths[n] = 1u << data[3] % 4;
		CHECK(pwrite(file, data + 4, widths[n], (off_t)places[n]) == (ssize_t)widths[n]);
	}
	if (!lt_image__analyse_any(file, &image)) {
		check_image(image);
		free(image);
	}
	while (n--)
		CHECK(pwrite(file, good + places[n], widths[n], (off_t)places[n]) ==
		      (ssize_t)widths[n]);
	return 0;
}
