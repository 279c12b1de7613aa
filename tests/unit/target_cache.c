/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The cache of analysed files: what was stored comes back, and whatever does not fit the file, the
 * format or the owner is as if it were not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "agent/target/cache.h"
#include "agent/target/elf.h"
#include "tests/unit/elf_file.h"

/* The beginning of a kept file: magic, format, image size, file size, sum, padding. */
enum {
	AT_FORMAT = 8,
	AT_FILE_SIZE = 16,
	AT_CRC = 24,
	AT_IMAGE = 32
};

/* A place in this program's code: the site of the test's image. */
__attribute__((noinline, used)) static int site_here(int x)
{
	return x * 31 + 7;
}

struct fixture {
	char dir[64], cache[80], kept[160];
	int fd; /* a copy of this program */
	struct lt_image *image;
};

static int copy_self(void)
{
	struct file self = file_read("/proc/self/exe");
	int fd;

	assert_non_null(self.bytes);
	fd = file_open(self.bytes, self.size);
	free(self.bytes);
	return fd;
}

static int find_site(void *ctx, const struct lt_elf_symbol *symbol)
{
	uint64_t *vaddr = ctx;

	if (strcmp(symbol->name, "site_here") != 0)
		return 0;
	*vaddr = symbol->vaddr;
	return 1;
}

static struct lt_image *make_image(int fd)
{
	struct lt_image *image = calloc(1, sizeof(*image));
	struct lt_site *site = &image->sites[0];
	struct lt_elf *elf;

	assert_non_null(image);
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	lt_elf__build_id(elf, image->build_id, sizeof(image->build_id));
	assert_int_equal(strlen(image->build_id), 40);
	assert_int_equal(lt_elf__each_symbol(elf, find_site, &site->vaddr), 1);
	site->role = LT_ROLE_WAIT_BEGIN;
	site->file_offset = (uint64_t)lt_elf__offset(elf, site->vaddr, 8, true);
	assert_int_equal(lt_elf__read(elf, site->vaddr, site->bytes, sizeof(site->bytes)), 0);
	snprintf(site->symbol, sizeof(site->symbol), "site_here");
	lt_elf__close(elf);
	image->n_sites = 1;
	snprintf(image->runtime, sizeof(image->runtime), "node");
	snprintf(image->uv_version, sizeof(image->uv_version), "1.51.0");
	snprintf(image->missing[image->n_missing++], sizeof(image->missing[0]), "one thing");
	image->classes[image->n_classes++] = (struct lt_task_class){ 0x1234, LT_KIND_ZLIB };
	image->uv = (struct lt_uv_layout){ 144, 136, 8, 40 };
	return image;
}

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	snprintf(fx->dir, sizeof(fx->dir), "/tmp/looptop-test-cache-XXXXXX");
	if (!mkdtemp(fx->dir) || setenv("XDG_CACHE_HOME", fx->dir, 1))
		return -1;
	snprintf(fx->cache, sizeof(fx->cache), "%s/looptop", fx->dir);
	fx->fd = copy_self();
	fx->image = make_image(fx->fd);
	snprintf(fx->kept, sizeof(fx->kept), "%s/%s.sites", fx->cache, fx->image->build_id);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;
	char command[128];

	close(fx->fd);
	free(fx->image);
	snprintf(command, sizeof(command), "rm -r %s", fx->dir);
	free(fx);
	return system(command);
}

static int load(const struct fixture *fx)
{
	struct lt_image *image = NULL;
	int err = lt_cache_load(fx->fd, &image);

	assert_true(err ? !image : !!image);
	free(image);
	return err;
}

/* Reads, changes and writes back bytes of the kept file; with a new sum if asked for. */
static void patch(const struct fixture *fx, size_t at, const void *bytes, size_t size, bool new_sum)
{
	unsigned char *all = malloc(AT_IMAGE + sizeof(struct lt_image));
	int fd = open(fx->kept, O_RDWR | O_CLOEXEC);
	size_t n = AT_IMAGE + sizeof(struct lt_image);
	uint32_t crc;

	assert_true(all && fd >= 0);
	assert_int_equal(pread(fd, all, n, 0), n);
	memcpy(all + at, bytes, size);
	crc = (uint32_t)crc32(0, all + AT_IMAGE, sizeof(struct lt_image));
	if (new_sum)
		memcpy(all + AT_CRC, &crc, sizeof(crc));
	assert_int_equal(pwrite(fd, all, n, 0), n);
	close(fd);
	free(all);
}

static void test_round_trip(void **state)
{
	struct fixture *fx = *state;
	struct lt_image *back = NULL;
	struct stat st;

	assert_int_equal(load(fx), -ENOENT);
	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(lt_cache_load(fx->fd, &back), 0);
	assert_memory_equal(back, fx->image, sizeof(*back));
	free(back);
	assert_int_equal(stat(fx->cache, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(fx->kept, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, AT_IMAGE + sizeof(struct lt_image));
	/* once more over the one that is there, and nothing temporary stays behind */
	fx->image->n_classes = 0;
	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(load(fx), 0);
	assert_int_equal(unlink(fx->kept), 0);
	assert_int_equal(rmdir(fx->cache), 0);
}

static void test_no_build_id(void **state)
{
	struct fixture *fx = *state;

	fx->image->build_id[0] = '\0';
	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(access(fx->cache, F_OK), -1);
}

static void test_flipped(void **state)
{
	struct fixture *fx = *state;
	const size_t size = AT_IMAGE + sizeof(struct lt_image);
	unsigned seed = 7;

	lt_cache_store(fx->fd, fx->image);
	for (int i = 0; i < 500; i++) {
		size_t at = i < AT_CRC + 4 ? (size_t)i
					   : AT_IMAGE + (size_t)rand_r(&seed) % (size - AT_IMAGE);
		int fd = open(fx->kept, O_RDWR | O_CLOEXEC);
		uint8_t byte, other;

		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
		other = (uint8_t)(byte ^ (1u << i % 8));
		assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
		if (load(fx) != -ENOENT)
			fail_msg("byte %zu was changed and not seen", at);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		close(fd);
	}
	assert_int_equal(load(fx), 0);
}

static void test_truncated(void **state)
{
	struct fixture *fx = *state;
	const size_t size = AT_IMAGE + sizeof(struct lt_image);

	lt_cache_store(fx->fd, fx->image);
	for (size_t at = size - 1; at > 0; at = at * 7 / 8) {
		assert_int_equal(truncate(fx->kept, (off_t)at), 0);
		assert_int_equal(load(fx), -ENOENT);
	}
	assert_int_equal(truncate(fx->kept, 0), 0);
	assert_int_equal(load(fx), -ENOENT);
}

static void test_other_version(void **state)
{
	struct fixture *fx = *state;
	uint32_t format = 1;
	uint64_t size = 12345;

	lt_cache_store(fx->fd, fx->image);
	patch(fx, AT_FORMAT, &format, sizeof(format), true);
	assert_int_equal(load(fx), -ENOENT);
	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(load(fx), 0);
	patch(fx, AT_FILE_SIZE, &size, sizeof(size), true);
	assert_int_equal(load(fx), -ENOENT);
}

/* Figures out of bounds under a good sum: whoever wrote them, nobody may index with them. */
static void test_insane(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} bad[] = {
		{ offsetof(struct lt_image, n_sites), LT_IMAGE_SITES_MAX + 1 },
		{ offsetof(struct lt_image, n_classes), LT_IMAGE_CLASSES_MAX + 1 },
		{ offsetof(struct lt_image, n_missing), 17 },
		{ offsetof(struct lt_image, sites[0].role), LT_ROLE_MAX },
		{ offsetof(struct lt_image, sites[0].group), LT_GROUP_MAX },
		{ offsetof(struct lt_image, classes[0].kind), LT_KIND_MAX },
		{ offsetof(struct lt_image, uv.idle_time), 4096 },
		{ offsetof(struct lt_image, uv.entry_time), 153 },
		{ offsetof(struct lt_image, uv.loop_count), (uint32_t)-2 },
		{ offsetof(struct lt_image, uv.mutex_bytes), 49 },
		{ offsetof(struct lt_image, uv.mutex_bytes), (uint32_t)-1 },
		{ offsetof(struct lt_image, sites[0].file_offset) + 4, 0xffffffff },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lt_cache_store(fx->fd, fx->image);
		assert_int_equal(load(fx), 0);
		patch(fx, AT_IMAGE + bad[i].at, &bad[i].value, sizeof(bad[i].value), true);
		if (load(fx) != -ENOENT)
			fail_msg("case %zu: a figure out of bounds was taken", i);
	}
}

static void test_texts_without_end(void **state)
{
	static const struct {
		size_t at, size;
	} texts[] = {
		{ offsetof(struct lt_image, runtime), 16 },
		{ offsetof(struct lt_image, runtime_version), 32 },
		{ offsetof(struct lt_image, uv_version), 16 },
		{ offsetof(struct lt_image, build_id), 41 },
		{ offsetof(struct lt_image, missing[0]), 160 },
		{ offsetof(struct lt_image, sites[0].symbol), 64 },
	};
	struct fixture *fx = *state;
	char letters[160];

	memset(letters, 'x', sizeof(letters));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		lt_cache_store(fx->fd, fx->image);
		patch(fx, AT_IMAGE + texts[i].at, letters, texts[i].size, true);
		assert_int_equal(load(fx), -ENOENT);
	}
}

/* Somebody else's file may claim the build-id of a known one. */
static void test_other_bytes(void **state)
{
	struct fixture *fx = *state;
	uint8_t byte;
	off_t at = (off_t)fx->image->sites[0].file_offset + 2;

	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(load(fx), 0);
	assert_int_equal(pread(fx->fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fx->fd, &byte, 1, at), 1);
	assert_int_equal(load(fx), -ENOENT);
	byte ^= 0x10;
	assert_int_equal(pwrite(fx->fd, &byte, 1, at), 1);
	assert_int_equal(load(fx), 0);
	/* nor is a longer file the same one */
	assert_int_equal(lseek(fx->fd, 0, SEEK_END) > 0, 1);
	assert_int_equal(write(fx->fd, "x", 1), 1);
	assert_int_equal(load(fx), -ENOENT);
}

static void test_open_directory(void **state)
{
	struct fixture *fx = *state;
	char moved[96];

	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(chmod(fx->cache, 0722), 0);
	assert_int_equal(load(fx), -ENOENT);
	assert_int_equal(chmod(fx->cache, 0720), 0);
	assert_int_equal(load(fx), -ENOENT);
	assert_int_equal(unlink(fx->kept), 0);
	lt_cache_store(fx->fd, fx->image); /* nor is anything kept there */
	assert_int_equal(access(fx->kept, F_OK), -1);
	assert_int_equal(chmod(fx->cache, 0700), 0);
	lt_cache_store(fx->fd, fx->image);
	assert_int_equal(load(fx), 0);
	/* a link in its place is not followed */
	snprintf(moved, sizeof(moved), "%s/moved", fx->dir);
	assert_int_equal(rename(fx->cache, moved), 0);
	assert_int_equal(symlink(moved, fx->cache), 0);
	assert_int_equal(load(fx), -ENOENT);
	assert_int_equal(unlink(fx->cache), 0);
}

/* A FIFO must not make us wait for somebody to write, a link must not lead elsewhere. */
static void test_not_a_file(void **state)
{
	struct fixture *fx = *state;
	char moved[200];

	lt_cache_store(fx->fd, fx->image);
	snprintf(moved, sizeof(moved), "%s.moved", fx->kept);
	assert_int_equal(rename(fx->kept, moved), 0);
	assert_int_equal(symlink(moved, fx->kept), 0);
	assert_int_equal(load(fx), -ENOENT);
	assert_int_equal(unlink(fx->kept), 0);
	assert_int_equal(mkfifo(fx->kept, 0600), 0);
	alarm(120);
	assert_int_equal(load(fx), -ENOENT);
	alarm(0);
}

static void test_directory(void **state)
{
	(void)state;
	assert_non_null(strstr(lt_cache_directory(), "/looptop-test-cache-"));
	setenv("XDG_CACHE_HOME", "relative", 1); /* the specification says: ignore it */
	assert_true(!lt_cache_directory() || lt_cache_directory()[0] == '/');
	assert_null(lt_cache_directory() ? strstr(lt_cache_directory(), "relative") : NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_round_trip),	      CASE(test_no_build_id),	CASE(test_flipped),
		CASE(test_truncated),	      CASE(test_other_version), CASE(test_insane),
		CASE(test_texts_without_end), CASE(test_other_bytes),	CASE(test_open_directory),
		CASE(test_not_a_file),	      CASE(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) + !site_here(1);
}
