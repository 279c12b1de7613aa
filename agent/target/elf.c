/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/target/elf_header.h"
#include "agent/target/elf_internal.h"
#include "agent/target/extents.h"

/* Relocations looked at for all the imports of a file. Forty calls in a library with 600,000 of them
 * need less than half. */
#define RELOCATIONS_MAX (64u << 20)

/* A section's contents, of which any part may be looked at. */
Elf_Data *lt_elf__data(struct lt_elf *elf, Elf_Scn *scn)
{
	GElf_Shdr sh;

	if (gelf_getshdr(scn, &sh) && sh.sh_type != SHT_NOBITS)
		lt_extents__note(elf->read, sh.sh_offset, sh.sh_size);
	return elf_getdata(scn, NULL);
}

/* What libelf reads of its own accord: the headers, and the sections' names. */
static void note_headers(struct lt_elf *elf, const GElf_Ehdr *eh)
{
	size_t n = 0;

	lt_extents__note(elf->read, 0, sizeof(Elf64_Ehdr));
	if (elf_getphdrnum(elf->elf, &n) == 0)
		lt_extents__note(elf->read, eh->e_phoff, n * sizeof(Elf64_Phdr));
	if (elf_getshdrnum(elf->elf, &n) == 0)
		lt_extents__note(elf->read, eh->e_shoff, n * sizeof(Elf64_Shdr));
	if (elf->shstrndx)
		lt_elf__data(elf, elf_getscn(elf->elf, elf->shstrndx));
}

static int read_segments(struct lt_elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf->elf, &n))
		return -EINVAL;
	for (size_t i = 0; i < n && elf->n_loads < LT_ELF_SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf->elf, (int)i, &ph))
			return -EINVAL;
		if (ph.p_type == PT_INTERP)
			elf->is_program = true;
		else if (ph.p_type == PT_TLS)
			elf->tls = ph;
		if (ph.p_type != PT_LOAD || ph.p_offset > elf->file_size ||
		    ph.p_filesz > elf->file_size - ph.p_offset ||
		    ph.p_vaddr > UINT64_MAX - ph.p_filesz)
			continue;
		elf->loads[elf->n_loads++] = ph;
	}
	return elf->n_loads ? 0 : -EINVAL;
}

static void find_symbol_sections(struct lt_elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf->elf, scn))) {
		if (!gelf_getshdr(scn, &sh))
			continue;
		if (sh.sh_type == SHT_SYMTAB)
			elf->symtab = scn;
		else if (sh.sh_type == SHT_DYNSYM)
			elf->dynsym = scn;
	}
}

int lt_elf__open(int fd, struct lt_elf **ret_elf)
{
	struct lt_elf *elf = calloc(1, sizeof(*elf));
	GElf_Ehdr eh;
	const char *why;
	struct stat st;
	int err;

	if (!elf)
		return -ENOMEM;
	elf->fd = fd;
	elf->relocations_left = RELOCATIONS_MAX;
	elf_version(EV_CURRENT);
	if (fstat(fd, &st)) {
		err = -errno;
		goto fail;
	}
	/* libelf takes 200 bytes for a section before it looks whether there is one */
	err = lt_elf_header__check(fd, &why);
	if (err)
		goto fail;
	err = -ENOEXEC;
	elf->file_size = (uint64_t)st.st_size;
	elf->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF || !gelf_getehdr(elf->elf, &eh))
		goto fail;
	elf->is_arm64 = eh.e_machine == EM_AARCH64;
	elf->is_program = eh.e_type == ET_EXEC;
	err = read_segments(elf);
	if (err)
		goto fail;
	if (elf_getshdrstrndx(elf->elf, &elf->shstrndx))
		elf->shstrndx = 0;
	else
		find_symbol_sections(elf);
	elf->read = lt_extents__new(elf->file_size);
	note_headers(elf, &eh);
	*ret_elf = elf;
	return 0;
fail:
	lt_elf__close(elf);
	return err;
}

void lt_elf__close(struct lt_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->elf);
	lt_extents__free(elf->read);
	free(elf);
}

size_t lt_elf__read_parts(const struct lt_elf *elf, struct lt_extent *ret_parts, size_t max)
{
	return lt_extents__list(elf->read, ret_parts, max);
}

int lt_elf__error(const struct lt_elf *elf)
{
	return elf->error;
}

bool lt_elf__is_arm64(const struct lt_elf *elf)
{
	return elf->is_arm64;
}

bool lt_elf__is_native(const struct lt_elf *elf)
{
#ifdef __aarch64__
	return elf->is_arm64;
#else
	return !elf->is_arm64;
#endif
}

void lt_elf__build_id(struct lt_elf *elf, char *buf, size_t size)
{
	uint64_t vaddr, length;
	unsigned char note[16 + 64];
	uint32_t words[3];

	buf[0] = '\0';
	if (lt_elf__section(elf, ".note.gnu.build-id", &vaddr, &length) || length < 16 ||
	    length > sizeof(note) || lt_elf__read(elf, vaddr, note, length))
		return;
	memcpy(words, note, sizeof(words));
	if (words[0] != 4 || words[1] > length - 16 || memcmp(note + 12, "GNU", 4))
		return;
	for (uint32_t i = 0; i < words[1] && 2 * i + 2 < size; i++)
		snprintf(buf + 2 * i, 3, "%02x", note[16 + i]);
}

int64_t lt_elf__offset(const struct lt_elf *elf, uint64_t vaddr, uint64_t length, bool executable)
{
	for (size_t i = 0; i < elf->n_loads; i++) {
		const GElf_Phdr *ph = &elf->loads[i];

		if (vaddr < ph->p_vaddr || vaddr - ph->p_vaddr > ph->p_filesz ||
		    length > ph->p_filesz - (vaddr - ph->p_vaddr))
			continue;
		if (executable && !(ph->p_flags & PF_X))
			continue;
		return (int64_t)(vaddr - ph->p_vaddr + ph->p_offset);
	}
	return -1;
}

bool lt_elf__is_variable(const struct lt_elf *elf, uint64_t vaddr, uint64_t length)
{
	for (size_t i = 0; i < elf->n_loads; i++) {
		const GElf_Phdr *ph = &elf->loads[i];

		if (vaddr >= ph->p_vaddr && vaddr - ph->p_vaddr <= ph->p_memsz &&
		    length <= ph->p_memsz - (vaddr - ph->p_vaddr))
			return (ph->p_flags & PF_W) && !(ph->p_flags & PF_X);
	}
	return false;
}

int lt_elf__read(const struct lt_elf *elf, uint64_t vaddr, void *buf, size_t length)
{
	int64_t offset = lt_elf__offset(elf, vaddr, length, false);
	ssize_t n;

	if (offset < 0)
		return -EFAULT;
	lt_extents__note(elf->read, (uint64_t)offset, length);
	n = pread(elf->fd, buf, length, offset);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EIO;
}

int lt_elf__read_data(const struct lt_elf *elf, uint64_t vaddr, void *buf, size_t length)
{
	for (size_t i = 0; i < elf->n_loads; i++) {
		const GElf_Phdr *ph = &elf->loads[i];
		uint64_t at = vaddr - ph->p_vaddr, in_file;

		if (vaddr < ph->p_vaddr || at > ph->p_memsz || length > ph->p_memsz - at)
			continue;
		in_file = at >= ph->p_filesz ? 0 : ph->p_filesz - at;
		if (in_file > length)
			in_file = length;
		memset((char *)buf + in_file, 0, length - in_file);
		return in_file ? lt_elf__read(elf, vaddr, buf, in_file) : 0;
	}
	return -EFAULT;
}

int lt_elf__section(struct lt_elf *elf, const char *name, uint64_t *ret_vaddr, uint64_t *ret_size)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while (elf->shstrndx && (scn = elf_nextscn(elf->elf, scn))) {
		const char *found;

		if (!gelf_getshdr(scn, &sh))
			continue;
		found = elf_strptr(elf->elf, elf->shstrndx, sh.sh_name);
		if (!found || strcmp(found, name))
			continue;
		*ret_vaddr = sh.sh_addr;
		*ret_size = sh.sh_size;
		return 0;
	}
	return -ENOENT;
}
