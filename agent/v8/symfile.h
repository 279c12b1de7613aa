/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The functions of one file by their offset in it. Names stay in the file until they are asked for. */
#ifndef LOOPTOP_V8_SYMFILE_H
#define LOOPTOP_V8_SYMFILE_H

#include <stdint.h>

struct lt_symfile;

/* Reads the symbols of the ELF file on take_fd, which is closed with the object. NULL with errno; a file
 * without symbols is none to complain about. */
struct lt_symfile *lt_symfile__new(int take_fd);
void lt_symfile__free(struct lt_symfile *file);

/* Readable name of the function whose code is at an offset of the file, kept until the file is freed. NULL:
 * no function is there, or several of different names share the code. */
const char *lt_symfile__name(struct lt_symfile *file, uint64_t offset);

#endif
