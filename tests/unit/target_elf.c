/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Files that lie. This program itself has functions named as libuv's and Node's are, so that all the
 * finders run on it; then copies of it are cut off, bent and made hostile on purpose. The analysis
 * must end soon, with an errno or with an image in which every figure is within its bounds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/cache.h"
#include "agent/target/image.h"
#include "agent/target/verify.h"
#include "looptop/log.h"
#include "tests/unit/elf_file.h"

/* --- what the finders look for --------------------------------------------------------------- */

#define FOUND __attribute__((noinline, noclone, used, no_sanitize("address", "undefined")))

int uv__run_timers(int *loop);
int uv__run_check(int *loop);
int uv__io_poll(int *loop, int timeout_ms);
int uv_run(int *loop);
int environment(void) __asm__("_ZN4node11EnvironmentTest");

static volatile int work_done;

FOUND int uv__run_timers(int *loop)
{
	return work_done += *loop;
}

FOUND int uv__run_check(int *loop)
{
	return work_done -= *loop;
}

FOUND int uv__io_poll(int *loop, int timeout_ms)
{
	struct epoll_event events[4];
	int n = epoll_wait(*loop, events, 4, timeout_ms);

	if (n < 0)
		n = -errno;
	return n + work_done;
}

FOUND int uv_run(int *loop)
{
	int n = uv__run_timers(loop);

	if (n > 1)
		work_done++;
	n += uv__io_poll(loop, 0);
	if (uv__run_check(loop) > n)
		work_done--;
	return uv__run_timers(loop) + n;
}

FOUND int environment(void)
{
	return work_done;
}

/* As a vtable of a class with a second base: its offset to the top, type information, functions. */
const uint64_t task_vtable[8] __asm__("_ZTVN4node6crypto7TestJobE") = {
	0, 0, 1, 2, (uint64_t)-16, 0, 3, 4,
};

/* --- copies of this program ------------------------------------------------------------------- */

static struct file self;
static char cache_dir[] = "/tmp/looptop-test-elf-XXXXXX";

static void check_image(const struct lt_image *image, size_t file_size)
{
	assert_in_range(image->n_sites, 0, LT_IMAGE_SITES_MAX);
	assert_in_range(image->n_classes, 0, LT_IMAGE_CLASSES_MAX);
	assert_in_range(image->n_missing, 0, sizeof(image->missing) / sizeof(image->missing[0]));
	assert_non_null(memchr(image->build_id, '\0', sizeof(image->build_id)));
	assert_true(!strcmp(image->runtime, "node") || !strcmp(image->runtime, "libuv"));
	for (size_t i = 0; i < image->n_missing; i++)
		assert_non_null(memchr(image->missing[i], '\0', sizeof(image->missing[i])));
	for (size_t i = 0; i < image->n_classes; i++)
		assert_in_range(image->classes[i].kind, 0, LT_KIND_MAX - 1);
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];

		assert_in_range(site->role, LT_ROLE_NONE + 1, LT_ROLE_MAX - 1);
		assert_in_range(site->group, 0, LT_GROUP_MAX - 1);
		assert_in_range(site->file_offset, 0, file_size - 1);
		assert_non_null(memchr(site->symbol, '\0', sizeof(site->symbol)));
	}
}

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Under which all these files are kept: as if every one of them had the place, the size and the times of the others. */
static const struct lt_identity claimed = { 1, 2, 3, 4, 5, 6, 7 };

/* Analyses the bytes in every way; what lt_image__analyse returned. */
static int try(const void *bytes, size_t size)
{
	double begin = now_seconds();
	struct lt_image *image = NULL, *kept = NULL;
	int fd = file_open(bytes, size), err;

	assert_true(lt_cache_load(fd, &claimed, &kept) <= 0);
	err = lt_image__analyse(fd, &image);
	assert_true(err <= 0);
	assert_true(!err == !!image);
	if (kept) {
		check_image(kept, size);
		/* what is kept of another file is taken only if it is true of this one too */
		assert_non_null(image);
		assert_memory_equal(kept, image, sizeof(*kept));
	}
	if (image) {
		const struct lt_site *site;

		check_image(image, size);
		/* Segments that overlap show the analysis other bytes than the kernel would: then the file is refused. */
		for (enum lt_group group = 0; group < LT_GROUP_MAX; group++) {
			int verdict = lt_verify_sites(fd, image, group, &site);

			assert_true(!verdict || verdict == -ESTALE);
		}
	}
	free(kept);
	free(image);
	close(fd);
	assert_true(now_seconds() - begin < 10);
	return err;
}

static Elf64_Sym *symbol(struct file *file, const char *name)
{
	const Elf64_Shdr *symtab = file_section(file->bytes, ".symtab"),
			 *strtab = file_section(file->bytes, ".strtab");
	Elf64_Sym *sym = (Elf64_Sym *)(file->bytes + symtab->sh_offset);

	for (size_t i = 0; i < symtab->sh_size / sizeof(*sym); i++)
		if (!strcmp((char *)file->bytes + strtab->sh_offset + sym[i].st_name, name))
			return &sym[i];
	fail_msg("this program has no symbol %s", name);
	return NULL;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_itself(void **state)
{
	int fd = file_open(self.bytes, self.size), n_begin = 0, n_end = 0, n_pending = 0,
	    n_closing = 0;
	struct lt_image *image;

	(void)state;
	assert_int_equal(lt_image__analyse(fd, &image), 0);
	check_image(image, self.size);
	for (enum lt_group group = 0; group < LT_GROUP_MAX; group++) {
		const struct lt_site *site;

		assert_int_equal(lt_verify_sites(fd, image, group, &site), 0);
	}
	assert_string_equal(image->runtime, "node");
	assert_int_equal(image->n_classes, 1);
	assert_int_equal(image->classes[0].vtable,
			 symbol(&self, "_ZTVN4node6crypto7TestJobE")->st_value + 6 * 8);
	assert_int_equal(image->classes[0].kind, LT_KIND_CRYPTO);
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];

		n_begin += site->role == LT_ROLE_WAIT_BEGIN;
		n_end += site->role == LT_ROLE_WAIT_END;
		n_pending += site->role == LT_ROLE_PHASE && site->arg == LT_PHASE_PENDING;
		n_closing += site->role == LT_ROLE_PHASE && site->arg == LT_PHASE_CLOSING;
	}
	assert_int_equal(n_begin, 1);
	assert_int_equal(n_end, 1);
	assert_int_equal(n_closing, 1);
	assert_in_range(n_pending, 1, 2); /* the last call may be a jump */
	assert_true(image->n_missing > 0); /* it has no thread pool */
	lt_cache_store(fd, &claimed, image);
	free(image);
	assert_int_equal(lt_cache_load(fd, &claimed, &image),
			 0); /* so that later tests meet a full cache */
	free(image);
	close(fd);
}

static void test_no_elf(void **state)
{
	static const char text[] = "#!/bin/sh\nexec node \"$@\"\n";
	struct file copy = file_copy(&self);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)copy.bytes;

	(void)state;
	assert_int_equal(try("", 0), -ENOEXEC);
	assert_int_equal(try("\x7f", 1), -ENOEXEC);
	assert_int_equal(try("\x7f"
			     "ELF",
			     4),
			 -ENOEXEC);
	assert_int_equal(try(text, sizeof(text) - 1), -ENOEXEC);
	eh->e_machine = EM_AARCH64;
	assert_int_equal(try(copy.bytes, copy.size), -ENOEXEC);
	eh->e_machine = EM_X86_64;
	eh->e_type = ET_CORE;
	assert_int_equal(try(copy.bytes, copy.size), -ENOEXEC);
	eh->e_type = ET_DYN;
	eh->e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(try(copy.bytes, copy.size), -ENOEXEC);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_phnum = 0;
	assert_int_equal(try(copy.bytes, copy.size), -EINVAL);
	free(copy.bytes);
}

static void test_truncated(void **state)
{
	int known = 0;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		assert_true(try(self.bytes, i) < 0);
	for (size_t i = 1; i <= 200; i++)
		known += try(self.bytes, self.size * i / 200) == 0;
	assert_in_range(known, 1, 199); /* the whole one; not those without symbols */
}

/* What is bent: where in the file, and of what length. */
static void region_of(unsigned which, size_t *ret_at, size_t *ret_size)
{
	static const char *const names[] = { ".symtab",	  ".dynsym", ".rela.plt",	  ".strtab",
					     ".shstrtab", ".text",   ".note.gnu.build-id" };
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)self.bytes;

	if (which == 0) {
		*ret_at = 0;
		*ret_size = sizeof(*eh);
	} else if (which == 1) {
		*ret_at = eh->e_phoff;
		*ret_size = eh->e_phnum * sizeof(Elf64_Phdr);
	} else if (which <= 3) {
		*ret_at = eh->e_shoff;
		*ret_size = eh->e_shnum * sizeof(Elf64_Shdr);
	} else {
		const Elf64_Shdr *sh = file_section(self.bytes, names[which - 4]);

		*ret_at = sh->sh_offset;
		*ret_size = sh->sh_size;
	}
}

static void test_bent(void **state)
{
	static const uint8_t extremes[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct file copy = file_copy(&self);
	unsigned seed = 20261121;
	int known = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t at, size;
		int flips = 1 + rand_r(&seed) % 8;

		for (int i = 0; i < flips; i++) {
			unsigned how = (unsigned)rand_r(&seed);

			region_of((unsigned)rand_r(&seed) % 11, &at, &size);
			copy.bytes[at + (size_t)rand_r(&seed) % size] =
				how % 2 ? (uint8_t)(how >> 8) : extremes[how / 2 % 5];
		}
		if (try(copy.bytes, copy.size))
			refused++;
		else
			known++;
		memcpy(copy.bytes, self.bytes, self.size);
	}
	/* Both happen, or the bending bends nothing that matters. */
	assert_in_range(known, 100, 1999);
	assert_in_range(refused, 10, 1900);
	free(copy.bytes);
}

static void test_symbols_beyond(void **state)
{
	struct file copy = file_copy(&self);
	Elf64_Sym *poll = symbol(&copy, "uv__io_poll"), *run = symbol(&copy, "uv_run");
	Elf64_Sym *vtable = symbol(&copy, "_ZTVN4node6crypto7TestJobE"), poll_was = *poll;
	static const uint64_t places[] = { 1, UINT64_MAX, UINT64_MAX - 15, 1ull << 47, 1ull << 63 };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		poll->st_value = run->st_value = vtable->st_value = places[i];
		assert_int_equal(try(copy.bytes, copy.size), 0);
		*poll = poll_was;
		poll->st_size = places[i];
		assert_int_equal(try(copy.bytes, copy.size), 0);
	}
	poll->st_size = 0;
	vtable->st_size = 0;
	assert_int_equal(try(copy.bytes, copy.size), 0);
	poll->st_name = UINT32_MAX;
	assert_int_equal(try(copy.bytes, copy.size), 0);
	free(copy.bytes);
}

/* A table of names that the file says is there, but which has no bytes in it; and one of no length. */
static void test_no_names(void **state)
{
	static const char *const tables[] = { ".strtab", ".dynstr", ".shstrtab" };

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (int empty = 0; empty < 2; empty++) {
			struct file copy = file_copy(&self);
			Elf64_Shdr *names = file_section(copy.bytes, tables[i]);

			if (empty)
				names->sh_size = 0;
			else
				names->sh_type = SHT_NOBITS;
			assert_int_equal(try(copy.bytes, copy.size), i ? 0 : -ENOEXEC);
			free(copy.bytes);
		}
}

/*
 * A file made to be slow: all wanted names lead to a quarter of a megabyte of calls to one PLT stub,
 * or of moves that no probe likes, while a table of relocations is as long as a file may be.
 */
static void slow_file(struct file *copy, bool calls)
{
	const size_t code_size = 256 * 1024, stub = code_size - 16, n_relas = 1 << 20;
	size_t code_at = (self.size + 4095) & ~(size_t)4095, relas_at = code_at + code_size;
	const char *const names[] = { "uv__io_poll", "uv_run", "uv__run_timers", "uv__run_check" };
	uint64_t vaddr = 0x70000000;
	Elf64_Ehdr *eh;
	Elf64_Phdr *ph;
	Elf64_Shdr *rela;

	*copy = (struct file){ calloc(1, relas_at + n_relas * sizeof(Elf64_Rela)),
			       relas_at + n_relas * sizeof(Elf64_Rela) };
	assert_non_null(copy->bytes);
	memcpy(copy->bytes, self.bytes, self.size);
	eh = (Elf64_Ehdr *)copy->bytes;
	ph = (Elf64_Phdr *)(copy->bytes + eh->e_phoff);
	while (ph->p_type == PT_LOAD || ph->p_type == PT_PHDR || ph->p_type == PT_INTERP)
		ph++;
	*ph = (Elf64_Phdr){ .p_type = PT_LOAD,
			    .p_flags = PF_R | PF_X,
			    .p_offset = code_at,
			    .p_vaddr = vaddr,
			    .p_filesz = code_size,
			    .p_memsz = code_size };
	for (size_t i = 0; i + 5 <= stub; i += calls ? 5 : 2) {
		int32_t to = (int32_t)(stub - (i + 5));

		copy->bytes[code_at + i] = calls ? 0xe8 : 0x89; /* mov %ebx, %eax */
		copy->bytes[code_at + i + 1] = 0xd8;
		if (calls)
			memcpy(copy->bytes + code_at + i + 1, &to, sizeof(to));
	}
	memcpy(copy->bytes + code_at + stub, "\xff\x25\x00\x10\x00\x00", 6);
	rela = file_section(copy->bytes, ".rela.plt");
	rela->sh_offset = relas_at;
	rela->sh_size = n_relas * sizeof(Elf64_Rela);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		Elf64_Sym *sym = symbol(copy, names[i]);

		sym->st_value = vaddr;
		sym->st_size = code_size;
	}
}

static void test_slow(void **state)
{
	struct file copy;

	(void)state;
	for (int calls = 0; calls < 2; calls++) {
		slow_file(&copy, calls);
		assert_int_equal(try(copy.bytes, copy.size), 0);
		free(copy.bytes);
	}
}

static int setup(void **state)
{
	(void)state;
	lt_log_set_level(LT_LOG_ERROR);
	self = file_read("/proc/self/exe");
	return self.bytes && mkdtemp(cache_dir) ? setenv("XDG_CACHE_HOME", cache_dir, 1) : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	free(self.bytes);
	snprintf(command, sizeof(command), "rm -r %s", cache_dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_itself),	       cmocka_unit_test(test_no_elf),
		cmocka_unit_test(test_truncated),      cmocka_unit_test(test_bent),
		cmocka_unit_test(test_symbols_beyond), cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
