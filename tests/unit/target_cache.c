/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The cache of analysed files: what was stored comes back, and whatever does not fit the file, the
 * format or the owner is as if it were not there. No entry is ever that of another file.
 */
#include <dirent.h>
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

/* The beginning of a kept file: magic, format, image size, identity, key, sum, sum of the image, padding. */
enum {
	AT_FORMAT = 8,
	AT_IDENTITY = 16,
	AT_KEY = AT_IDENTITY + sizeof(struct lt_identity),
	AT_SUM = AT_KEY + 8,
	AT_CRC = AT_SUM + 8,
	AT_IMAGE = AT_CRC + 8
};

/* A place in this program's code: the site of the test's image. */
__attribute__((noinline, used)) static int site_here(int x)
{
	return x * 31 + 7;
}

struct fixture {
	char dir[64], cache[80], kept[400];
	int fd; /* a copy of this program */
	struct lt_identity identity; /* said to be its */
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
	/* its code, and the headers */
	image->parts[image->n_parts++] = (struct lt_extent){ 0, 4096 };
	image->parts[image->n_parts++] = (struct lt_extent){ site->file_offset & ~4095ull, 8192 };
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
	fx->identity = (struct lt_identity){ 0xfe00, 1234, 5678, 1700000000, 1, 1700000001, 2 };
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

/* The entries that there are; the path of one of them in fx->kept. */
static int count_entries(struct fixture *fx)
{
	DIR *dir = opendir(fx->cache);
	const struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			snprintf(fx->kept, sizeof(fx->kept), "%s/%s", fx->cache, entry->d_name);
			n++;
		}
	if (dir)
		closedir(dir);
	return n;
}

static void store(struct fixture *fx)
{
	lt_cache_store(fx->fd, &fx->identity, fx->image);
	count_entries(fx);
}

/* As if nothing had been kept before. */
static void store_anew(struct fixture *fx)
{
	if (count_entries(fx))
		assert_int_equal(unlink(fx->kept), 0);
	store(fx);
	assert_int_equal(count_entries(fx), 1);
}

static int load_as(const struct fixture *fx, const struct lt_identity *identity)
{
	struct lt_image *image = NULL;
	int err = lt_cache_load(fx->fd, identity, &image);

	assert_true(err ? !image : !!image);
	free(image);
	return err;
}

static int load(const struct fixture *fx)
{
	return load_as(fx, &fx->identity);
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
	store(fx);
	assert_int_equal(lt_cache_load(fx->fd, &fx->identity, &back), 0);
	assert_memory_equal(back, fx->image, sizeof(*back));
	free(back);
	assert_int_equal(stat(fx->cache, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(fx->kept, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, AT_IMAGE + sizeof(struct lt_image));
	/* nothing temporary stays behind */
	assert_int_equal(count_entries(fx), 1);
	assert_int_equal(unlink(fx->kept), 0);
	assert_int_equal(rmdir(fx->cache), 0);
}

/* Whoever was first stays, whatever comes later under the same identity. */
static void test_not_replaced(void **state)
{
	struct fixture *fx = *state;
	struct lt_image *back = NULL;

	store(fx);
	fx->image->n_classes = 0;
	store(fx);
	assert_int_equal(count_entries(fx), 1);
	assert_int_equal(lt_cache_load(fx->fd, &fx->identity, &back), 0);
	assert_int_equal(back->n_classes, 1);
	free(back);
}

/* The same build-id, contents and all, but another inode, or the same at another time: that is another file. */
static void test_other_identity(void **state)
{
	struct fixture *fx = *state;
	const size_t n_fields = sizeof(fx->identity) / sizeof(uint64_t);

	store(fx);
	for (size_t i = 0; i < n_fields; i++) {
		struct lt_identity other = fx->identity;

		((uint64_t *)&other)[i]++;
		assert_int_equal(load_as(fx, &other), -ENOENT);
		fx->image->n_classes =
			0; /* what is kept of it later must not come back for the first */
		lt_cache_store(fx->fd, &other, fx->image);
		assert_int_equal(load_as(fx, &other), 0);
		assert_int_equal(load(fx), 0);
		assert_int_equal(count_entries(fx), 2 + i);
	}
}

/* An entry that was copied to where another file's would be. */
static void test_renamed(void **state)
{
	struct fixture *fx = *state;
	struct lt_identity other = fx->identity;
	char first[400], second[400];

	other.ino++;
	lt_cache_store(fx->fd, &other, fx->image);
	assert_int_equal(count_entries(fx), 1);
	snprintf(second, sizeof(second), "%s", fx->kept);
	assert_int_equal(load_as(fx, &other), 0);
	assert_int_equal(unlink(second), 0);
	store(fx);
	snprintf(first, sizeof(first), "%s", fx->kept);
	assert_string_not_equal(first, second);
	assert_int_equal(rename(first, second), 0);
	assert_int_equal(load_as(fx, &other), -ENOENT);
}

static void test_nothing_known(void **state)
{
	struct fixture *fx = *state;

	fx->image->n_parts = 0; /* nobody could tell whether it is still good */
	store(fx);
	assert_int_equal(access(fx->cache, F_OK), -1);
}

static void test_flipped(void **state)
{
	struct fixture *fx = *state;
	const size_t size = AT_IMAGE + sizeof(struct lt_image);
	unsigned seed = 7;

	for (int i = 0; i < 500; i++) {
		size_t at = i < AT_CRC + 4 ? (size_t)i
					   : AT_IMAGE + (size_t)rand_r(&seed) % (size - AT_IMAGE);
		uint8_t byte;
		int fd;

		store_anew(fx);
		fd = open(fx->kept, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
		byte ^= (uint8_t)(1u << i % 8);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		close(fd);
		if (load(fx) != -ENOENT)
			fail_msg("byte %zu was changed and not seen", at);
	}
	store_anew(fx);
	assert_int_equal(load(fx), 0);
}

static void test_truncated(void **state)
{
	struct fixture *fx = *state;
	const size_t size = AT_IMAGE + sizeof(struct lt_image);

	for (size_t at = size - 1;; at = at * 7 / 8) {
		store_anew(fx);
		assert_int_equal(truncate(fx->kept, (off_t)at), 0);
		assert_int_equal(load(fx), -ENOENT);
		/* it does not stand in the way of a whole one */
		assert_int_equal(count_entries(fx), 0);
		if (!at)
			break;
	}
	store(fx);
	assert_int_equal(load(fx), 0);
}

static void test_other_version(void **state)
{
	struct fixture *fx = *state;
	uint32_t format = 1;

	store(fx);
	patch(fx, AT_FORMAT, &format, sizeof(format), true);
	assert_int_equal(load(fx), -ENOENT);
	store_anew(fx);
	assert_int_equal(load(fx), 0);
}

/* What is not asked for any more goes: entries of other versions, what a killed writer left, the oldest of many. */
static void test_room(void **state)
{
	static const char *const left[] = { "0123abcd.sites", "13-fe00-1.sites",
					    "14-fe00-1.sites.4711" };
	struct timespec long_ago[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
	struct fixture *fx = *state;
	char path[512], first[400];

	store(fx);
	snprintf(first, sizeof(first), "%s", fx->kept);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", fx->cache, left[i]);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(futimens(fd, long_ago), 0);
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/somebody-elses", fx->cache);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(utimensat(AT_FDCWD, first, long_ago, 0), 0);
	for (int i = 0; i < 70; i++) {
		fx->identity.ino++;
		lt_cache_store(fx->fd, &fx->identity, fx->image);
		assert_int_equal(load(fx), 0);
		if (i == 0)
			assert_int_equal(count_entries(fx), 3);
	}
	assert_int_equal(count_entries(fx), 64 + 1);
	assert_int_equal(access(first, F_OK), -1);
	assert_int_equal(rmdir(path), 0);
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
		{ offsetof(struct lt_image, n_parts), LT_IMAGE_PARTS_MAX + 1 },
		{ offsetof(struct lt_image, n_parts), 0 },
		{ offsetof(struct lt_image, parts[1].offset) + 4, 0xffffffff },
		{ offsetof(struct lt_image, parts[1].size) + 4, 1 },
		{ offsetof(struct lt_image, sites[0].length), 17 },
		{ offsetof(struct lt_image, sites[0].role), LT_ROLE_MAX },
		{ offsetof(struct lt_image, sites[0].group), LT_GROUP_MAX },
		{ offsetof(struct lt_image, classes[0].kind), LT_KIND_MAX },
		{ offsetof(struct lt_image, uv.idle_time), 4096 },
		{ offsetof(struct lt_image, uv.entry_time), 153 },
		{ offsetof(struct lt_image, uv.loop_count), (uint32_t)-2 },
		{ offsetof(struct lt_image, uv.mutex_bytes), 49 },
		{ offsetof(struct lt_image, uv.mutex_bytes), (uint32_t)-1 },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		store_anew(fx);
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
		store_anew(fx);
		patch(fx, AT_IMAGE + texts[i].at, letters, texts[i].size, true);
		assert_int_equal(load(fx), -ENOENT);
	}
}

static void flip(const struct fixture *fx, off_t at)
{
	uint8_t byte;

	assert_int_equal(pread(fx->fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fx->fd, &byte, 1, at), 1);
}

/* What was read for it is not there any more, as after a change that the times do not tell. */
static void test_other_contents(void **state)
{
	struct fixture *fx = *state;
	const struct lt_extent *code = &fx->image->parts[1];
	const off_t within[] = { 16, 4095, (off_t)code->offset,
				 (off_t)fx->image->sites[0].file_offset + 2,
				 (off_t)(code->offset + code->size - 1) };

	store(fx);
	for (size_t i = 0; i < sizeof(within) / sizeof(within[0]); i++) {
		flip(fx, within[i]);
		assert_int_equal(load(fx), -ENOENT);
		flip(fx, within[i]);
		assert_int_equal(load(fx), 0);
	}
	/* the rest of the file says nothing about the sites */
	flip(fx, (off_t)(code->offset + code->size));
	assert_int_equal(load(fx), 0);
	/* a file that has become shorter */
	assert_int_equal(ftruncate(fx->fd, (off_t)(code->offset + code->size - 1)), 0);
	assert_int_equal(load(fx), -ENOENT);
}

static void test_open_directory(void **state)
{
	struct fixture *fx = *state;
	char moved[96];

	store_anew(fx);
	assert_int_equal(chmod(fx->cache, 0722), 0);
	assert_int_equal(load(fx), -ENOENT);
	assert_int_equal(chmod(fx->cache, 0720), 0);
	assert_int_equal(load(fx), -ENOENT);
	assert_int_equal(unlink(fx->kept), 0);
	store(fx); /* nor is anything kept there */
	assert_int_equal(count_entries(fx), 0);
	assert_int_equal(chmod(fx->cache, 0700), 0);
	store(fx);
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
	char moved[420];

	store_anew(fx);
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
		CASE(test_round_trip),	   CASE(test_not_replaced),	 CASE(test_other_identity),
		CASE(test_renamed),	   CASE(test_nothing_known),	 CASE(test_flipped),
		CASE(test_truncated),	   CASE(test_other_version),	 CASE(test_room),
		CASE(test_insane),	   CASE(test_texts_without_end), CASE(test_other_contents),
		CASE(test_open_directory), CASE(test_not_a_file),	 CASE(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) + !site_here(1);
}
