/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Analysing one file: which runtime is in it, and where its probe sites and data are. */
#ifndef LOOPTOP_TARGET_IMAGE_H
#define LOOPTOP_TARGET_IMAGE_H

#include "looptop/runtime.h"

/* 0 and an image to be freed with free(); -ENOEXEC: no event loop that is known is in the file, or it
 * is no ELF file of this machine; -EINVAL: broken. Logs nothing: the caller knows what the file was for. */
int lt_image__analyse(int fd, const char *path, struct lt_image **ret_image);

/* The same of a file for any machine that is known: nothing of it can be measured here. */
int lt_image__analyse_any(int fd, const char *path, struct lt_image **ret_image);

/* Is there a symbol that marks a runtime? Much cheaper than analysing; most libraries have none. */
bool lt_image__is_marked(int fd);

#endif
