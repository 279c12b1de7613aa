/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Analysed files, kept on disk by build-id. A file may lie about its build-id, so each site's
 * instruction is compared with the file before a kept image is used.
 */
#ifndef LOOPTOP_TARGET_CACHE_H
#define LOOPTOP_TARGET_CACHE_H

#include "looptop/runtime.h"

/* 0 and an image to be freed with free(); -ENOENT when there is none that is good for the file. */
int lt_cache_load(int fd, struct lt_image **ret_image);

/* Keeps an image for the next time. Failing is no error for anybody: it is logged as debug. */
void lt_cache_store(int fd, const struct lt_image *image);

/* The directory: $XDG_CACHE_HOME/looptop, else /var/cache/looptop for root or ~/.cache/looptop. */
const char *lt_cache_directory(void);

#endif
