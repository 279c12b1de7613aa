/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Analysing one file: which runtime is in it, and where its probe sites and data are. What it costs is for the file
 * to say: image_load.h is how it is asked for.
 */
#ifndef LOOPTOP_TARGET_IMAGE_H
#define LOOPTOP_TARGET_IMAGE_H

#include "looptop/runtime.h"

/* 0 and an image to be freed with free(); -ENOEXEC: no event loop that is known is in the file, or it
 * is no ELF file of this machine; -EINVAL: broken. Logs nothing: the caller knows what the file was for. */
int lt_image__analyse(int fd, struct lt_image **ret_image);

/* The same of a file for any machine that is known: nothing of it can be measured here. */
int lt_image__analyse_any(int fd, struct lt_image **ret_image);

/* Is there a symbol that marks a runtime? Much cheaper than analysing; most libraries have none. 1, 0, or -errno:
 * its symbols were too many. */
int lt_image__is_marked(int fd);

/* What was found, for those who look for faults. */
void lt_image__describe(const struct lt_image *image);

#endif
