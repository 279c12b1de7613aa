/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the beginning of an ELF file says, read without a library: little enough to be read in this process. */
#ifndef LOOPTOP_TARGET_ELF_HEADER_H
#define LOOPTOP_TARGET_ELF_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lt_mapping;

/* 0: a 64-bit program or library for a machine that is known, with no more sections and segments than there may be;
 * -ENOEXEC: none; -EFBIG: more of them, and why says of what; -errno. */
int lt_elf_header__check(int fd, const char **ret_why);

/* The offset in the file of length bytes of code at vaddr, all in one segment; -1. */
int64_t lt_elf_header__offset(int fd, uint64_t vaddr, uint64_t length);

/* Where the file is mapped, relative to its own addresses. 0 or -ENOEXEC. */
int lt_elf_header__bias(int fd, const struct lt_mapping *mapping, uint64_t *ret_bias);

#endif
