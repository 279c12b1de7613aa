/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Files that are read in a process with limits: what is known of them stays known, and what it tells is checked. */
#include "agent/target/image_load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/target/elf_header.h"
#include "agent/target/image_check.h"
#include "agent/target/maps.h"
#include "agent/util/refusal.h"
#include "elf_file.h"

static Elf64_Ehdr program(void)
{
	return (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			     .e_type = ET_EXEC,
#ifdef __aarch64__
			     .e_machine = EM_AARCH64,
#else
			     .e_machine = EM_X86_64,
#endif
			     .e_version = EV_CURRENT,
			     .e_ehsize = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_shentsize = sizeof(Elf64_Shdr) };
}

static int load(int fd, bool unless_marked)
{
	struct lt_image *image = NULL;
	int err = lt_image__load(fd, unless_marked, LT_PATIENT, &image);

	free(image);
	return err;
}

/* What a header claims costs nothing, is refused once, and the answer stays. */
static void test_claims(void **state)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Shdr sections[2];
	} file = { .header = program() };
	uint64_t before = lt_refusals();
	const char *why = "";
	int fd;

	(void)state;
	file.header.e_shoff = sizeof(file.header);
	file.sections[0].sh_size = 6000000;
	fd = file_open(&file, sizeof(file));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(load(fd, i % 2), -EDQUOT);
		assert_int_equal(lt_refusals(), before + 1);
	}
	assert_int_equal(lt_elf_header__check(fd, &why), -EFBIG);
	assert_string_equal(why, "more than 16384 sections");
	close(fd);

	file.sections[0] = (Elf64_Shdr){ .sh_info = 100000 };
	file.header.e_phnum = PN_XNUM;
	file.header.e_shnum = 2;
	fd = file_open(&file, sizeof(file));
	assert_int_equal(lt_elf_header__check(fd, &why), -EFBIG);
	assert_string_equal(why, "more than 1024 segments");
	close(fd);

	file.header.e_phnum = 0;
	file.header.e_shstrndx = 1;
	file.sections[1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_size = 2000000000 };
	fd = file_open(&file, sizeof(file));
	assert_int_equal(lt_elf_header__check(fd, &why), -EFBIG);
	assert_string_equal(why, "more than 1 MB of names of sections");
	close(fd);
}

static void test_no_loop(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint64_t before = lt_refusals();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(load(fd, true), -ENOEXEC);
	close(fd);
	fd = file_open("no ELF file at all, but longer than the header of one would be", 63);
	assert_int_equal(load(fd, false), -ENOEXEC);
	close(fd);
	assert_int_equal(lt_refusals(), before);
}

/* Where code is mapped is told by the first bytes alone. */
static void test_bias(void **state)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[2];
	} file = { .header = program(),
		   .segments = { { .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 4096 },
				 { .p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_offset = 0x1234,
				   .p_vaddr = 0x401234,
				   .p_filesz = 0x2000 } } };
	struct lt_mapping mapping = { .begin = 0x7f0000001000, .file_offset = 0x1000 };
	uint64_t bias = 0;
	int fd;

	(void)state;
	file.header.e_phoff = sizeof(file.header);
	file.header.e_phnum = 2;
	fd = file_open(&file, sizeof(file));
	assert_int_equal(lt_elf_header__bias(fd, &mapping, &bias), 0);
	assert_int_equal(bias, 0x7f0000001000 - 0x401000);
	assert_int_equal(lt_elf_header__offset(fd, 0x401234, 0x2000), 0x1234);
	assert_int_equal(lt_elf_header__offset(fd, 0x401235, 0x2000), -1);
	assert_int_equal(lt_elf_header__offset(fd, 0, 16), -1); /* no code */
	mapping.file_offset = 0x10000;
	assert_int_equal(lt_elf_header__bias(fd, &mapping, &bias), -ENOEXEC);
	close(fd);
}

#define LIE(what)                                     \
	do {                                          \
		*image = good;                        \
		what;                                 \
		assert_false(lt_image__is_sane(image)); \
	} while (0)

/* A process that a hostile file took over tells what it likes. */
static void test_lies(void **state)
{
	struct lt_image *image = calloc(1, sizeof(*image)), good = { .runtime = "node" };

	(void)state;
	good.uv.idle_time = good.uv.entry_time = good.uv.loop_count = -1;
	good.n_sites = good.n_missing = good.n_classes = 1;
	assert_true(lt_image__is_sane(&good));
	LIE(image->n_sites = LT_IMAGE_SITES_MAX + 1);
	LIE(image->n_classes = SIZE_MAX);
	LIE(image->n_missing = 17);
	LIE(memset(image->runtime, 'x', sizeof(image->runtime)));
	LIE(memset(image->missing[0], 'x', sizeof(image->missing[0])));
	LIE(strcpy(image->missing[0], "\033]0;owned\a"));
	LIE(strcpy(image->uv_version, "1\xc2\x9b"));
	LIE(memset(image->sites[0].symbol, 'x', sizeof(image->sites[0].symbol)));
	LIE(image->sites[0].role = LT_ROLE_MAX);
	LIE(memset(&image->sites[0].role, 0xff, sizeof(image->sites[0].role)));
	LIE(image->sites[0].group = LT_GROUP_MAX);
	LIE(memset(&image->sites[0].cost, 0xff, sizeof(image->sites[0].cost)));
	LIE(image->classes[0].kind = LT_KIND_MAX);
	LIE(image->uv.idle_time = 1 << 20);
	LIE(image->uv.mutex_bytes = -1);
	LIE(image->v8.level = 3);
	LIE(image->v8.bytecode_count = 1 << 20);
	LIE(memset(image->v8.why_not, 'x', sizeof(image->v8.why_not)));
	LIE(memset(image->v8.sizes.why_not, 'x', sizeof(image->v8.sizes.why_not)));
	LIE(memset(&image->stripped, 2, 1));
	/* each offset, and what would be far away if something were added to it */
#define LIE_OF(name)                                \
	LIE(image->v8.name = INT32_MAX);            \
	LIE(image->v8.name = INT32_MAX - 8);        \
	LIE(image->v8.name = LT_V8_UNKNOWN + 1000); \
	*image = good;                              \
	image->v8.name = LT_V8_UNKNOWN;             \
	assert_true(lt_image__is_sane(image));
	LT_V8_FIELDS(LIE_OF)
#undef LIE_OF
	LIE(image->v8.sizes.heap = INT32_MAX);
	LIE(image->v8.sizes.slot_used = INT32_MAX);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_no_loop),
		cmocka_unit_test(test_bias),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
