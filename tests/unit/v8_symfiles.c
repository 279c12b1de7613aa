/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One file's symbols are kept once, and only as long as somebody uses them. The files are copies of this test. */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/util/refusal.h"
#include "agent/v8/symfiles.h"

static char path[2][64];

static void copy_of_myself(char to[static 64])
{
	int in = open("/proc/self/exe", O_RDONLY), out;
	struct stat st;

	snprintf(to, 64, "/tmp/v8-symfiles-XXXXXX");
	out = mkstemp(to);
	assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	while (sendfile(out, in, NULL, (size_t)st.st_size) > 0)
		;
	assert_int_equal(lseek(out, 0, SEEK_END), st.st_size);
	close(in);
	close(out);
}

static int set_up(void **state)
{
	(void)state;
	copy_of_myself(path[0]);
	copy_of_myself(path[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path[0]) | unlink(path[1]);
}

static struct lt_symfile *get(struct lt_symfiles *files, int which)
{
	return lt_symfiles__get(files, open(path[which], O_RDONLY | O_CLOEXEC));
}

static int lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void test_shared(void **state)
{
	struct lt_symfiles *files = lt_symfiles__new();
	struct lt_symfile *first, *other;
	int free_fd = lowest_free_fd();

	(void)state;
	first = get(files, 0);
	other = get(files, 1);
	assert_non_null(first);
	assert_non_null(other);
	assert_ptr_not_equal(first, other);
	for (int i = 0; i < 20; i++) /* more than there is room for at first */
		assert_ptr_equal(get(files, i % 2), i % 2 ? other : first);
	for (int i = 0; i < 20; i++)
		lt_symfiles__put(files, i % 2 ? other : first);
	/* Each has one user left; a file keeps its descriptor as long as it has one. */
	assert_int_equal(lowest_free_fd(), free_fd + 2);
	assert_ptr_equal(get(files, 0), first);
	lt_symfiles__put(files, first);
	lt_symfiles__put(files, first);
	lt_symfiles__put(files, other);
	assert_int_equal(lowest_free_fd(), free_fd);
	lt_symfiles__free(files);
}

/* A file that was written to has other symbols, although its inode is the same. */
static void test_changed(void **state)
{
	struct lt_symfiles *files = lt_symfiles__new();
	struct lt_symfile *before = get(files, 0), *after;
	int fd = open(path[0], O_WRONLY | O_APPEND);

	(void)state;
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	after = get(files, 0);
	assert_non_null(after);
	assert_ptr_not_equal(after, before);
	lt_symfiles__put(files, before);
	assert_ptr_equal(get(files, 0), after);
	lt_symfiles__put(files, after);
	lt_symfiles__put(files, after);
	lt_symfiles__free(files);
}

static void test_none(void **state)
{
	struct lt_symfiles *files = lt_symfiles__new();
	int free_fd = lowest_free_fd();

	(void)state;
	assert_null(lt_symfiles__get(files, open("/proc/self/cmdline", O_RDONLY)));
	assert_null(lt_symfiles__get(files, -1));
	lt_symfiles__put(files, NULL);
	assert_int_equal(lowest_free_fd(), free_fd);
	lt_symfiles__free(files);
}

/* More functions than are read: told once, also to the next process that runs the file. */
static void test_too_many(void **state)
{
	const size_t n = 1100000;
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr code;
		Elf64_Shdr sections[3];
		char names[8];
	} head = { .header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			       .e_type = ET_EXEC,
			       .e_machine = EM_X86_64,
			       .e_version = EV_CURRENT,
			       .e_phoff = sizeof(Elf64_Ehdr),
			       .e_shoff = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			       .e_ehsize = sizeof(Elf64_Ehdr),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = 1,
			       .e_shentsize = sizeof(Elf64_Shdr),
			       .e_shnum = 3 },
		   .code = { .p_type = PT_LOAD, .p_flags = PF_X, .p_filesz = sizeof(head) },
		   .names = "\0name" };
	Elf64_Sym *symbols = calloc(n, sizeof(*symbols));
	struct lt_symfiles *files = lt_symfiles__new();
	struct lt_symfile *file = NULL;
	uint64_t before = lt_refusals();
	int fd = memfd_create("many", MFD_CLOEXEC);

	(void)state;
	head.sections[1] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
					 .sh_offset = sizeof(head),
					 .sh_size = n * sizeof(*symbols),
					 .sh_link = 2,
					 .sh_entsize = sizeof(*symbols) };
	head.sections[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
					 .sh_offset = offsetof(__typeof__(head), names),
					 .sh_size = sizeof(head.names) };
	for (size_t i = 0; i < n; i++)
		symbols[i] = (Elf64_Sym){ .st_name = 1, .st_info = STT_FUNC, .st_shndx = 1,
					  .st_value = 1 + i % 64, .st_size = 1 };
	assert_int_equal(write(fd, &head, sizeof(head)), sizeof(head));
	for (size_t done = 0; done < n * sizeof(*symbols);) {
		ssize_t written = write(fd, (char *)symbols + done, n * sizeof(*symbols) - done);

		assert_true(written > 0);
		done += (size_t)written;
	}
	for (int process = 0; process < 3; process++) {
		file = lt_symfiles__get(files, dup(fd));
		assert_non_null(file);
		for (int i = 0; i < 1000 && !lt_symfile__is_refused(file); i++) {
			assert_null(lt_symfile__name(file, 16));
			usleep(10000);
		}
		assert_true(lt_symfile__is_refused(file));
		assert_null(lt_symfile__name(file, 16));
		lt_symfiles__put(files, file);
		assert_int_equal(lt_refusals(), before + 1);
	}
	lt_symfiles__free(files);
	free(symbols);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
