/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* An open ELF file, as elf.c and elf_symbols.c share it. */
#ifndef LOOPTOP_TARGET_ELF_INTERNAL_H
#define LOOPTOP_TARGET_ELF_INTERNAL_H

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/target/elf.h"

#define LT_ELF_SEGMENTS_MAX 64

struct lt_elf {
	int fd;
	uint64_t file_size;
	bool is_arm64;
	bool is_program; /* what the kernel or its loader starts, no library */
	Elf *elf;
	size_t shstrndx;
	GElf_Phdr loads[LT_ELF_SEGMENTS_MAX];
	size_t n_loads;
	GElf_Phdr tls; /* p_type PT_NULL: none */
	Elf_Scn *symtab, *dynsym;
	struct lt_extents *read; /* NULL: nobody asks, or the file is too large */
	int error; /* of a table that was not read */
	size_t relocations_left; /* a file made to be slow must not hold us up */
};

/* A section's contents, of which any part may be looked at. NULL: there is none, or no memory. */
Elf_Data *lt_elf__data(struct lt_elf *elf, Elf_Scn *scn);

#endif
