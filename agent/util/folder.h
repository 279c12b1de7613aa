/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_FOLDER_H
#define LOOPTOP_UTIL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* The folder that the first length bytes of a path name (none: the working directory), as an O_PATH descriptor.
 * Symbolic links on the way are followed if only root and we can have made them. -errno with *why, if there is more to
 * say than that. */
int lt_folder_open(const char *path, size_t length, const char **ret_why);

/* Nobody but root and we can make, rename or remove anything in it. */
bool lt_folder_is_ours(int dir);

#endif
