/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The functions of one file by their offset in it. Names stay in the file until they are asked for. */
#ifndef LOOPTOP_V8_SYMFILE_H
#define LOOPTOP_V8_SYMFILE_H

#include <stdbool.h>
#include <stdint.h>

struct lt_symfile;

/* The symbols of the ELF file on take_fd, which is closed with the object; they are read when they are asked for. NULL
 * with errno; a file without symbols is none to complain about. */
struct lt_symfile *lt_symfile__new(int take_fd);
void lt_symfile__free(struct lt_symfile *file);

/* Readable name of the function whose code is at an offset of the file, kept until the file is freed. NULL:
 * no function is there, several of different names share the code, or the file is still being read. */
const char *lt_symfile__name(struct lt_symfile *file, uint64_t offset);

/* Its symbols were too many to be read, which was told. */
bool lt_symfile__is_refused(const struct lt_symfile *file);

#endif
