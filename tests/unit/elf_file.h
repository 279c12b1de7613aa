/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* For the tests of files that lie: ELF files in memory, to be bent and read again. After cmocka. */
#ifndef LOOPTOP_TESTS_ELF_FILE_H
#define LOOPTOP_TESTS_ELF_FILE_H

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	uint8_t *bytes; /* to be freed */
	size_t size;
};

/* All of a file; bytes is NULL if it is not there. */
static inline struct file file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct file file = { NULL, 0 };
	struct stat st;

	if (fd < 0)
		return file;
	assert_int_equal(fstat(fd, &st), 0);
	file.size = (size_t)st.st_size;
	file.bytes = malloc(file.size);
	assert_non_null(file.bytes);
	assert_int_equal(read(fd, file.bytes, file.size), file.size);
	close(fd);
	return file;
}

static inline struct file file_copy(const struct file *file)
{
	struct file copy = { malloc(file->size), file->size };

	assert_non_null(copy.bytes);
	memcpy(copy.bytes, file->bytes, file->size);
	return copy;
}

/* The bytes as an open file, to be closed. */
static inline int file_open(const void *bytes, size_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	size_t done = 0;

	assert_true(fd >= 0);
	while (done < size) {
		ssize_t n = write(fd, (const char *)bytes + done, size - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	return fd;
}

/* The header of a section; fails if there is none of this name. */
static inline Elf64_Shdr *file_section(uint8_t *bytes, const char *name)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)bytes;
	Elf64_Shdr *sh = (Elf64_Shdr *)(bytes + eh->e_shoff);

	for (int i = 0; i < eh->e_shnum; i++)
		if (!strcmp((char *)bytes + sh[eh->e_shstrndx].sh_offset + sh[i].sh_name, name))
			return &sh[i];
	fail_msg("no section %s", name);
	return NULL;
}

#endif
