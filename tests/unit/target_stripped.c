/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Files without local symbols: what structure tells of the official Node binaries after `strip` is what
 * the symbols told before, and what it cannot tell is named. Then Debian's libuv.so.1, and a stripped
 * program whose code was bent.
 */
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

#include <cmocka.h>

#include "agent/target/image.h"
#include "tests/unit/elf_file.h"
#include "tests/unit/node_binary.h"

static char directory[] = "/tmp/looptop-test-strip-XXXXXX";

static struct lt_image *analyse_fd(int fd)
{
	struct lt_image *image = NULL;

	assert_true(fd >= 0);
	assert_int_equal(lt_image__analyse_any(fd, &image), 0);
	assert_non_null(image);
	return image;
}

/* The stripped copy of a file, open and already unlinked. */
static int stripped_copy(const char *strip, const char *path)
{
	char copy[64], command[1024];
	int fd;

	snprintf(copy, sizeof(copy), "%s/copy", directory);
	snprintf(command, sizeof(command), "%s -o '%s' '%s'", strip, copy, path);
	assert_int_equal(system(command), 0);
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	unlink(copy);
	assert_true(fd >= 0);
	return fd;
}

static bool is_same(const struct lt_site *a, const struct lt_site *b)
{
	return a->role == b->role && a->group == b->group && a->arg == b->arg && a->sub == b->sub &&
	       a->vaddr == b->vaddr && a->cost == b->cost;
}

static bool has_site(const struct lt_image *image, const struct lt_site *site)
{
	for (size_t i = 0; i < image->n_sites; i++)
		if (is_same(&image->sites[i], site))
			return true;
	return false;
}

/* Each site of the one is in the other, but for those in V8 if these are `lost`. */
static size_t compare_sites(const struct lt_image *from, const struct lt_image *in, bool gc_lost)
{
	size_t n_gc = 0;

	for (size_t i = 0; i < from->n_sites; i++) {
		const struct lt_site *site = &from->sites[i];

		n_gc += site->group == LT_GROUP_GC;
		if (gc_lost && (site->group == LT_GROUP_GC || site->group == LT_GROUP_JIT))
			continue;
		if (!has_site(in, site))
			print_error("%s at 0x%zx: not in the other\n", site->symbol,
				    (size_t)site->vaddr);
		assert_true(has_site(in, site));
	}
	return n_gc;
}

static bool misses(const struct lt_image *image, const char *what)
{
	for (size_t i = 0; i < image->n_missing; i++)
		if (strstr(image->missing[i], what))
			return true;
	return false;
}

static void compare_data(const struct lt_image *whole, const struct lt_image *stripped)
{
	assert_int_equal(stripped->default_loop, whole->default_loop);
	assert_int_equal(stripped->nthreads, whole->nthreads);
	assert_int_equal(stripped->idle_threads, whole->idle_threads);
	assert_int_equal(stripped->slow_running, whole->slow_running);
	assert_int_equal(stripped->pool_queue, whole->pool_queue);
	assert_int_equal(stripped->slow_queue, whole->slow_queue);
	assert_int_equal(stripped->task_cb, whole->task_cb);
	assert_int_equal(stripped->check_immediate, whole->check_immediate);
	assert_int_equal(stripped->run_timers, whole->run_timers);
	assert_int_equal(stripped->v8.level, whole->v8.level);
	assert_string_equal(stripped->build_id, whole->build_id);
	assert_string_equal(stripped->uv_version, whole->uv_version);
	assert_string_equal(stripped->runtime_version, whole->runtime_version);
	assert_in_range(stripped->n_classes, 40, whole->n_classes);
}

struct machine {
	const char *name; /* as node_binary_for() wants it */
	const char *strip, *package; /* the program that does so, and where it comes from */
	bool has_stacks;
};

static const struct machine x86 = { "", "strip", "binutils", true };
static const struct machine arm64 = { "-arm64", "aarch64-linux-gnu-strip",
				      "binutils-aarch64-linux-gnu", false };

static void check_missing(const struct machine *machine, int major, const struct lt_image *stripped)
{
	bool gc_lost = major >= 24;
	size_t n = machine->has_stacks ? gc_lost ? 2 : 1 : 0;

	for (size_t i = 0; i < stripped->n_missing; i++)
		print_message("missing: %s\n", stripped->missing[i]);
	assert_int_equal(misses(stripped, "garbage collection pauses are unknown"), gc_lost);
	assert_int_equal(misses(stripped, "have no names in stacks"), machine->has_stacks);
	assert_int_equal(misses(stripped, "the line where it begins"),
			 gc_lost && machine->has_stacks);
	assert_int_equal(misses(stripped, "zlib"), major < 20);
	assert_int_equal(misses(stripped, "deoptimisations are not counted"), gc_lost);
	assert_int_equal(misses(stripped, "an end for lack of memory"), gc_lost);
	assert_int_equal(stripped->n_missing, n + (gc_lost ? 9 : major < 20 ? 1 : 0));
	for (size_t i = 0; i < stripped->n_missing; i++) /* each compiler's, and deoptimisations */
		assert_int_equal(!!(stripped->missing_jit & 1u << i),
				 gc_lost && (strstr(stripped->missing[i], "8Compiler") ||
					     strstr(stripped->missing[i], "8baseline") ||
					     strstr(stripped->missing[i], "8compiler") ||
					     strstr(stripped->missing[i], "11Deoptimizer")));
	assert_int_equal(__builtin_popcount(stripped->missing_jit), gc_lost ? 4 : 0);
}

static void compare_node(const struct machine *machine, int major)
{
	bool gc_lost = major >= 24; /* V8's functions are not exported any more */
	struct lt_image *whole, *stripped;
	int fd, copy;
	char path[512];

	needs_program(machine->strip, machine->package);
	fd = node_binary_for(machine->name, major, path, sizeof(path));
	copy = stripped_copy(machine->strip, path);
	whole = analyse_fd(fd);
	stripped = analyse_fd(copy);
	assert_false(whole->stripped);
	assert_true(stripped->stripped);
	assert_true(compare_sites(whole, stripped, gc_lost) > 0);
	assert_int_equal(compare_sites(stripped, whole, false) > 0, !gc_lost);
	compare_data(whole, stripped);
	assert_int_equal(whole->hidden_kinds, 0);
	assert_int_equal(stripped->hidden_kinds,
			 major < 20 ? 1u << LT_KIND_ZLIB | 1u << LT_KIND_NAPI : 0);
	check_missing(machine, major, stripped);
	free(whole);
	free(stripped);
	close(fd);
	close(copy);
}

static void test_node(void **state)
{
	compare_node(&x86, *(const int *)*state);
}

static void test_node_arm64(void **state)
{
	compare_node(&arm64, *(const int *)*state);
}

static size_t count_role(const struct lt_image *image, enum lt_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < image->n_sites; i++)
		n += image->sites[i].role == role;
	return n;
}

/* Debian's package: gcc, position independent, calls of its own functions by way of the PLT. */
static struct lt_image *check_libuv(const char *path)
{
	int fd = open_libuv(path);
	struct lt_image *image = analyse_fd(fd);

	assert_string_equal(image->runtime, "libuv");
	assert_true(image->stripped);
	assert_true(count_role(image, LT_ROLE_WAIT_BEGIN) > 0);
	assert_int_equal(count_role(image, LT_ROLE_WAIT_BEGIN),
			 count_role(image, LT_ROLE_WAIT_END));
	assert_int_equal(count_role(image, LT_ROLE_PHASE), 8);
	assert_int_equal(count_role(image, LT_ROLE_TASK_SUBMIT), 2);
	assert_int_equal(count_role(image, LT_ROLE_TASK_START), 5);
	assert_int_equal(count_role(image, LT_ROLE_TASK_END), 1);
	assert_int_equal(count_role(image, LT_ROLE_TASK_DELIVER), 5);
	assert_int_equal(image->n_missing, 0);
	assert_true(image->default_loop && image->nthreads && image->idle_threads &&
		    image->slow_running && image->pool_queue && image->slow_queue);
	close(fd);
	return image;
}

static void test_libuv(void **state)
{
	struct lt_image *image = check_libuv(LIBUV);

	(void)state;
	/* libuv 1.44 has them one behind the other, in this order */
	assert_int_equal(image->slow_running, image->nthreads + 4);
	assert_int_equal(image->idle_threads, image->nthreads + 8);
	free(image);
}

/* Where packaging/get-sysroot keeps it. */
static const char *libuv_arm64(void)
{
	static char path[1024];
	const char *dir = getenv("LT_SYSROOT_DIR"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char base[512];

	snprintf(base, sizeof(base), "%s%s",
		 cache	? cache
		 : home ? home
			: "",
		 cache ? "/looptop/sysroot" : "/.cache/looptop/sysroot");
	snprintf(path, sizeof(path), "%s/arm64/usr/lib/aarch64-linux-gnu/libuv.so.1",
		 dir ? dir : base);
	return path;
}

static void test_libuv_arm64(void **state)
{
	struct lt_image *image = check_libuv(libuv_arm64());

	(void)state;
	/* the compiler has them in another order there */
	assert_int_equal(image->nthreads, image->slow_running + 4);
	assert_int_equal(image->default_loop % 8, 0);
	free(image);
}

/* --- files that lie --------------------------------------------------------------------------- */

static void check_bounds(const struct lt_image *image, size_t file_size)
{
	assert_in_range(image->n_sites, 0, LT_IMAGE_SITES_MAX);
	assert_in_range(image->n_missing, 0, sizeof(image->missing) / sizeof(image->missing[0]));
	for (size_t i = 0; i < image->n_sites; i++) {
		assert_in_range(image->sites[i].role, LT_ROLE_NONE + 1, LT_ROLE_MAX - 1);
		assert_in_range(image->sites[i].file_offset, 0, file_size - 1);
	}
}

static void try(const uint8_t *bytes, size_t size, size_t *sites)
{
	int fd = file_open(bytes, size);
	struct lt_image *image = NULL;

	if (!lt_image__analyse_any(fd, &image)) {
		check_bounds(image, size);
		*sites = image->n_sites;
		free(image);
	}
	close(fd);
}

/* Bytes of libuv.so.1 changed anywhere: code, relocations, frames, headers. */
static void bend(const char *path)
{
	int fd = open_libuv(path);
	struct file original = file_read(path);
	size_t size = original.size, whole = 0, changed = 0;
	unsigned seed = 20261123;
	uint8_t *bytes;

	close(fd);
	assert_non_null(original.bytes);
	bytes = file_copy(&original).bytes;
	try(original.bytes, size, &whole);
	assert_true(whole > 20);
	for (int round = 0; round < 150; round++) {
		size_t sites = 0;

		memcpy(bytes, original.bytes, size);
		for (int i = 0; i < 200 * (1 + round % 5); i++)
			bytes[(size_t)rand_r(&seed) % size] = (uint8_t)rand_r(&seed);
		memcpy(bytes, original.bytes, sizeof(Elf64_Ehdr)); /* or few would be looked into */
		try(bytes, size, &sites);
		changed += sites != whole;
	}
	assert_in_range(changed, 50, 150);
	free(original.bytes);
	free(bytes);
}

static void test_bent(void **state)
{
	(void)state;
	bend(LIBUV);
}

static void test_bent_arm64(void **state)
{
	(void)state;
	bend(libuv_arm64());
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("node", test_node, node_majors),
		NODE_TESTS("node for arm64", test_node_arm64, node_majors),
		cmocka_unit_test(test_libuv),
		cmocka_unit_test(test_libuv_arm64),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_bent_arm64),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
