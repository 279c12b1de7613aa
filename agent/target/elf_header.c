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

#define NAMES_BYTES_MAX (1u << 20)

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

/* Of the table that has the sections' names: libelf reads all of it for the first name. */
static uint64_t names_bytes(int fd, const Elf64_Ehdr *header)
{
	uint32_t index = header->e_shstrndx;
	Elf64_Shdr section;

	if (!header->e_shoff)
		return 0;
	if (index == SHN_XINDEX && read_at(fd, &section, sizeof(section), header->e_shoff))
		index = section.sh_link;
	if (header->e_shoff > INT64_MAX / 2 ||
	    !read_at(fd, &section, sizeof(section),
		     header->e_shoff + (uint64_t)index * sizeof(section)))
		return 0;
	return section.sh_type == SHT_NOBITS ? 0 : section.sh_size;
}

int lt_elf_header__check(int fd, const char **ret_why)
{
	uint64_t sections, segments;
	Elf64_Ehdr header;

	if (!read_at(fd, &header, sizeof(header), 0) || !is_known(&header))
		return -ENOEXEC;
	count_parts(fd, &header, &sections, &segments);
	if (sections > SECTIONS_MAX)
		*ret_why = "more than 16384 sections";
	else if (segments > SEGMENTS_MAX)
		*ret_why = "more than 1024 segments";
	else if (names_bytes(fd, &header) > NAMES_BYTES_MAX)
		*ret_why = "more than 1 MB of names of sections";
	else
		return 0;
	return -EFBIG;
}

/* The next segment of code from *at on. */
static bool next_code(int fd, const Elf64_Ehdr *header, unsigned *at, Elf64_Phdr *ret_ph)
{
	for (; *at < header->e_phnum && *at < SEGMENTS_MAX; ++*at) {
		if (header->e_phoff > INT64_MAX / 2 ||
		    !read_at(fd, ret_ph, sizeof(*ret_ph), header->e_phoff + *at * sizeof(*ret_ph)))
			return false;
		if (ret_ph->p_type == PT_LOAD && (ret_ph->p_flags & PF_X)) {
			++*at;
			return true;
		}
	}
	return false;
}

static bool read_header(int fd, Elf64_Ehdr *ret_header)
{
	return read_at(fd, ret_header, sizeof(*ret_header), 0) && is_known(ret_header) &&
	       ret_header->e_phentsize == sizeof(Elf64_Phdr);
}

int64_t lt_elf_header__offset(int fd, uint64_t vaddr, uint64_t length)
{
	unsigned at = 0;
	Elf64_Ehdr header;
	Elf64_Phdr ph;

	if (!read_header(fd, &header))
		return -1;
	while (next_code(fd, &header, &at, &ph)) {
		uint64_t offset;

		if (vaddr < ph.p_vaddr || vaddr - ph.p_vaddr > ph.p_filesz ||
		    length > ph.p_filesz - (vaddr - ph.p_vaddr))
			continue;
		offset = vaddr - ph.p_vaddr + ph.p_offset;
		return offset <= INT64_MAX ? (int64_t)offset : -1;
	}
	return -1;
}

int lt_elf_header__bias(int fd, const struct lt_mapping *mapping, uint64_t *ret_bias)
{
	unsigned at = 0;
	Elf64_Ehdr header;
	Elf64_Phdr ph;

	if (!read_header(fd, &header))
		return -ENOEXEC;
	while (next_code(fd, &header, &at, &ph)) {
		uint64_t begin = ph.p_offset & ~4095ull;

		if (mapping->file_offset < begin ||
		    mapping->file_offset - begin >= ph.p_offset - begin + ph.p_filesz)
			continue;
		*ret_bias = mapping->begin - (ph.p_vaddr - ph.p_offset + mapping->file_offset);
		return 0;
	}
	return -ENOEXEC;
}
