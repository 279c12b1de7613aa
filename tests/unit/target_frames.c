/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Bounds of functions from .eh_frame, beside what the symbol tables of real Node binaries say; then
 * sections that are cut off, bent, or made to be slow.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/elf.h"
#include "agent/target/frames.h"
#include "tests/unit/elf_file.h"
#include "tests/unit/node_binary.h"

struct tally {
	const struct lt_frames *frames;
	size_t uv, uv_found, uv_equal; /* libuv's functions, C */
	size_t all, all_equal; /* C++ with a size, too */
};

static int compare(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct tally *tally = ctx;
	uint64_t size;

	if (!symbol->is_function || !symbol->size)
		return 0;
	size = lt_frames__size(tally->frames, symbol->vaddr);
	if (!strncmp(symbol->name, "uv_", 3)) {
		tally->uv++;
		tally->uv_found += size != 0;
		tally->uv_equal += size == symbol->size;
		if (size != symbol->size)
			print_error("%s: %zu bytes, not %zu\n", symbol->name, (size_t)size,
				    (size_t)symbol->size);
	} else if (!strncmp(symbol->name, "_ZN4node", 8)) {
		tally->all++;
		tally->all_equal += size == symbol->size;
	}
	return 0;
}

static void test_node(void **state)
{
	int major = *(const int *)*state;
	struct tally tally = { 0 };
	struct lt_frames *frames;
	struct lt_elf *elf;
	char path[512];
	int fd = node_binary(major, path, sizeof(path));

	if (fd < 0)
		skip();
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	assert_int_equal(lt_frames__read(elf, &frames), 0);
	tally.frames = frames;
	lt_elf__each_symbol(elf, compare, &tally);
	assert_in_range(lt_frames__count(frames), 50000, 400000);
	assert_in_range(tally.uv, 400, 900);
	assert_int_equal(tally.uv_found, tally.uv);
	assert_int_equal(tally.uv_equal, tally.uv);
	assert_in_range(tally.all, 5000, 100000);
	assert_int_equal(tally.all_equal, tally.all);
	lt_frames__free(frames);
	lt_elf__close(elf);
	close(fd);
}

/* --- files that lie --------------------------------------------------------------------------- */

static struct file self;

/* What lt_frames__read() says of the bytes; the number of functions in ret_n. */
static int read_frames(const uint8_t *bytes, size_t size, size_t *ret_n)
{
	int fd = file_open(bytes, size), err;
	struct lt_frames *frames = NULL;
	struct lt_elf *elf;

	*ret_n = 0;
	err = lt_elf__open(fd, &elf);
	if (!err) {
		err = lt_frames__read(elf, &frames);
		if (!err) {
			*ret_n = lt_frames__count(frames);
			lt_frames__size(frames, 0);
			lt_frames__size(frames, UINT64_MAX);
			lt_frames__free(frames);
		}
		lt_elf__close(elf);
	}
	close(fd);
	return err;
}

static void test_itself(void **state)
{
	uint8_t *bytes = file_copy(&self).bytes;
	Elf64_Shdr *sh = file_section(bytes, ".eh_frame");
	size_t n, whole;

	(void)state;
	assert_int_equal(read_frames(bytes, self.size, &whole), 0);
	assert_in_range(whole, 10, 100000);
	for (size_t size = 0; size < sh->sh_size; size += 7) {
		sh->sh_size -= size; /* cut off: never more, and no harm */
		assert_int_equal(read_frames(bytes, self.size, &n), 0);
		assert_in_range(n, 0, whole);
		sh->sh_size += size;
		if (size > 4096)
			size += 997;
	}
	sh->sh_size = UINT64_MAX;
	assert_int_equal(read_frames(bytes, self.size, &n), -E2BIG);
	sh->sh_size = 1 << 25;
	assert_true(read_frames(bytes, self.size, &n) < 0);
	sh->sh_size = 64;
	sh->sh_addr = UINT64_MAX - 8;
	assert_true(read_frames(bytes, self.size, &n) < 0);
	sh->sh_name = 0;
	assert_int_equal(read_frames(bytes, self.size, &n), -ENOENT);
	free(bytes);
}

static void test_bent(void **state)
{
	static const uint8_t extremes[] = { 0, 1, 0x7f, 0x80, 0xff };
	uint8_t *bytes = file_copy(&self).bytes;
	const Elf64_Shdr *sh = file_section(bytes, ".eh_frame");
	size_t n, whole, fewer = 0;
	unsigned seed = 20261122;

	(void)state;
	assert_int_equal(read_frames(bytes, self.size, &whole), 0);
	for (int round = 0; round < 1500; round++) {
		for (int i = 0; i < 1 + round % 8; i++) {
			unsigned how = (unsigned)rand_r(&seed);
			/* half of them in the first records, where the common ones are */
			size_t range = how & 1 ? sh->sh_size : 64;

			bytes[sh->sh_offset + (size_t)rand_r(&seed) % range] =
				how & 2 ? (uint8_t)(how >> 8) : extremes[(how >> 2) % 5];
		}
		assert_int_equal(read_frames(bytes, self.size, &n), 0);
		assert_in_range(n, 0, whole + 8);
		fewer += n < whole;
		memcpy(bytes + sh->sh_offset, self.bytes + sh->sh_offset, sh->sh_size);
	}
	assert_in_range(fewer, 300, 1500); /* or the bending bends nothing that matters */
	free(bytes);
}

static void put_record(uint8_t *at, uint32_t length, uint32_t id, const char *augmentation)
{
	memcpy(at, &length, 4);
	memcpy(at + 4, &id, 4);
	at[8] = 1;
	if (augmentation)
		memcpy(at + 9, augmentation, strlen(augmentation) + 1);
}

/*
 * A million functions, each with another common record than the one before: a small one, and two that
 * are megabytes of a name, or of a number, that does not end.
 */
static void test_slow(void **state)
{
	const size_t size = 32u << 20, at = (self.size + 4095) & ~(size_t)4095, big = 8u << 20;
	uint8_t *bytes = calloc(1, at + size), *section = bytes + at;
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)bytes;
	struct timespec begin, end;
	Elf64_Shdr *sh;
	Elf64_Phdr *ph;
	size_t n;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, self.bytes, self.size);
	ph = (Elf64_Phdr *)(bytes + eh->e_phoff);
	while (ph->p_type == PT_LOAD || ph->p_type == PT_PHDR || ph->p_type == PT_INTERP)
		ph++;
	*ph = (Elf64_Phdr){ PT_LOAD, PF_R, at, 0x70000000, 0, size, size, 1 };
	sh = file_section(bytes, ".eh_frame");
	sh->sh_addr = 0x70000000;
	sh->sh_size = size;
	memset(section, 0x80, size);
	put_record(section, (uint32_t)big - 4, 0, NULL);
	put_record(section + big, (uint32_t)big - 4, 0, "zR");
	put_record(section + 2 * big, 28, 0, "");
	for (size_t i = 2 * big + 32, k = 0; i + 16 <= size; i += 16, k++)
		put_record(section + i, 12, (uint32_t)(i + 4 - k % 3 * big), NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	assert_int_equal(read_frames(bytes, at + size, &n), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 5);
	free(bytes);
}

static int setup(void **state)
{
	(void)state;
	self = file_read("/proc/self/exe");
	return self.bytes ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(self.bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("node", test_node, node_majors),
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
