/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Reading an ELF file that may lie: symbols, addresses, imports. Every offset is checked against
 * the file before it is used; nothing is mapped, so a file that shrinks meanwhile cannot kill us.
 */
#ifndef LOOPTOP_TARGET_ELF_H
#define LOOPTOP_TARGET_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lt_elf;
struct lt_extent;

struct lt_elf_symbol {
	const char *name; /* valid while the file is open; NULL: not asked for */
	uint64_t vaddr;
	uint64_t size; /* bytes */
	uint64_t name_offset; /* of the name's text in the file */
	bool is_function;
	bool is_local; /* seen in this file only: what `strip` takes away */
};

/* Opens the 64-bit ELF program or library on fd (borrowed), for x86-64 or arm64. 0; -ENOEXEC: not one, or of
 * another machine; -EINVAL: broken; -EFBIG: of more parts than are read; another -errno. */
int lt_elf__open(int fd, struct lt_elf **ret_elf);
void lt_elf__close(struct lt_elf *elf);

/* -EFBIG or -ENOMEM: a table of it was not read, as it is too large, and what was told before is not all; 0. */
int lt_elf__error(const struct lt_elf *elf);

bool lt_elf__is_arm64(const struct lt_elf *elf);

/* Is it of the machine that this program runs on? */
bool lt_elf__is_native(const struct lt_elf *elf);

/* Build-id in hex; "" if there is none. */
void lt_elf__build_id(struct lt_elf *elf, char *buf, size_t size);

/* Are there local symbols (.symtab)? Otherwise each_symbol tells only the exported ones. */
bool lt_elf__has_symtab(const struct lt_elf *elf);

/* Calls fn for each defined symbol until it returns non-zero, which is then returned. */
typedef int (*lt_elf_symbol_fn)(void *ctx, const struct lt_elf_symbol *symbol);
int lt_elf__each_symbol(struct lt_elf *elf, lt_elf_symbol_fn fn, void *ctx);

/* The same of functions alone, with name NULL: the names, several times as much as the rest, are not read. */
int lt_elf__each_function(struct lt_elf *elf, lt_elf_symbol_fn fn, void *ctx);

/* The file offset of length bytes at vaddr, all in one segment of the file; -1 if they are not, or if
 * executable is asked for and the segment is not. */
int64_t lt_elf__offset(const struct lt_elf *elf, uint64_t vaddr, uint64_t length, bool executable);

/* Are there length bytes of variables at vaddr, memory that the program may write? */
bool lt_elf__is_variable(const struct lt_elf *elf, uint64_t vaddr, uint64_t length);

/* Reads length bytes at vaddr; 0 or -errno. */
int lt_elf__read(const struct lt_elf *elf, uint64_t vaddr, void *buf, size_t length);

/* The same of data as it is when the program starts: what lies in .bss is 0. */
int lt_elf__read_data(const struct lt_elf *elf, uint64_t vaddr, void *buf, size_t length);

/* Where a program keeps its thread-local variable of that name, from the thread pointer on: below 0 on x86-64
 * (fs base), above it on arm64. -ENOENT: none; -EOPNOTSUPP: the file is a library, whose place only the loader knows. */
int lt_elf__tls_offset(struct lt_elf *elf, const char *name, int64_t *ret_offset);

/* The name of the symbol whose relocation fills the word at `slot` when the file is loaded; NULL. */
const char *lt_elf__slot_symbol(struct lt_elf *elf, uint64_t slot);

/* The name of the function that the PLT stub at vaddr jumps to, NULL if it is no such stub. */
const char *lt_elf__import(struct lt_elf *elf, uint64_t vaddr);

/* What was read of the file since it was opened: extents.h. */
size_t lt_elf__read_parts(const struct lt_elf *elf, struct lt_extent *ret_parts, size_t max);

/* Address and size of a section by its name; -ENOENT. */
int lt_elf__section(struct lt_elf *elf, const char *name, uint64_t *ret_vaddr, uint64_t *ret_size);

#endif
