/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/elf_header.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/maps.h"

/* Of real programs some forty; an object file may have one for each function, but it is no program. */
#define SECTIONS_MAX 16384
#define SEGMENTS_MAX 1024

static bool read_at(int fd, void *buf, size_t length, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, buf, length, (off_t)offset) == (ssize_t)length;
}

static bool is_known(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header->e_machine == EM_X86_64 || header->e_machine == EM_AARCH64) &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN);
}

/* The numbers of sections and segments; those that do not fit the header are in the first section. */
static void count_parts(int fd, const Elf64_Ehdr *header, uint64_t *ret_sections,
			uint64_t *ret_segments)
{
	Elf64_Shdr first;

	*ret_sections = header->e_shnum;
	*ret_segments = header->e_phnum;
	if (!header->e_shoff || !read_at(fd, &first, sizeof(first), header->e_shoff))
		return;
	if (!header->e_shnum)
		*ret_sections = first.sh_size;
	if (header->e_phnum == PN_XNUM)
		*ret_segments = first.sh_info;
}

int lt_elf_header__check(int fd, const char **ret_why)
{
	uint64_t sections, segments;
	Elf64_Ehdr header;

	if (!read_at(fd, &header, sizeof(header), 0) || !is_known(&header))
		return -ENOEXEC;
	count_parts(fd, &header, &sections, &segments);
	if (sections <= SECTIONS_MAX && segments <= SEGMENTS_MAX)
		return 0;
	*ret_why = sections > SECTIONS_MAX ? "more than 16384 sections" : "more than 1024 segments";
	return -EFBIG;
}

int lt_elf_header__bias(int fd, const struct lt_mapping *mapping, uint64_t *ret_bias)
{
	Elf64_Ehdr header;

	if (!read_at(fd, &header, sizeof(header), 0) || !is_known(&header) ||
	    header.e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	for (unsigned i = 0; i < header.e_phnum && i < SEGMENTS_MAX; i++) {
		uint64_t begin;
		Elf64_Phdr ph;

		if (header.e_phoff > INT64_MAX / 2 ||
		    !read_at(fd, &ph, sizeof(ph), header.e_phoff + i * sizeof(ph)))
			break;
		begin = ph.p_offset & ~4095ull;
		if (ph.p_type != PT_LOAD || !(ph.p_flags & PF_X) || mapping->file_offset < begin ||
		    mapping->file_offset - begin >= ph.p_offset - begin + ph.p_filesz)
			continue;
		*ret_bias = mapping->begin - (ph.p_vaddr - ph.p_offset + mapping->file_offset);
		return 0;
	}
	return -ENOEXEC;
}
