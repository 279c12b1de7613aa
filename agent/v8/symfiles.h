/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The symbols of files, once for all processes that run them: those of Node are some 5 MB. */
#ifndef LOOPTOP_V8_SYMFILES_H
#define LOOPTOP_V8_SYMFILES_H

#include "agent/v8/symfile.h"

struct lt_symfiles;

/* NULL with errno. */
struct lt_symfiles *lt_symfiles__new(void);
/* All that was got has been put back. */
void lt_symfiles__free(struct lt_symfiles *files);

/* The symbols of the ELF file on take_fd: those that another process has got of it, or its own. They are there
 * until they have been put back as often. NULL with errno, as lt_symfile__new(). */
struct lt_symfile *lt_symfiles__get(struct lt_symfiles *files, int take_fd);
void lt_symfiles__put(struct lt_symfiles *files, struct lt_symfile *file);

#endif
