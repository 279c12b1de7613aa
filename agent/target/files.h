/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which files hold an event loop, by their contents, never by their names. Each file is looked into
 * once; many processes share it.
 */
#ifndef LOOPTOP_TARGET_FILES_H
#define LOOPTOP_TARGET_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct lt_files;

/* NULL with errno. */
struct lt_files *lt_files__new(void);
void lt_files__free(struct lt_files *files);

/* How long a file is waited for that is not known yet; at first until it is. One that takes longer has no loop as long
 * as it is being read: to be asked again later. */
void lt_files__set_patience(struct lt_files *files, uint64_t patience_ns);

/* Does the executable of this process hold an event loop? False also if it may not be read. */
bool lt_files__exe_has_loop(struct lt_files *files, int pid);

/* Does any file that is mapped into it? Costs the reading of its maps, and of libraries not seen yet. */
bool lt_files__any_has_loop(struct lt_files *files, int pid);

#endif
