/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Analysed files, kept on disk: of files only that nobody but root can have made or can change (identity.h), each under
 * its own identity. An entry is good while the parts of the file that were read for it have the sum that they had: an
 * analysis would find the same again. It is never replaced by that of another file.
 */
#ifndef LOOPTOP_TARGET_CACHE_H
#define LOOPTOP_TARGET_CACHE_H

#include "agent/target/identity.h"
#include "looptop/runtime.h"

/* 0 and an image to be freed with free(); -ENOENT when there is none that is good for the file. */
int lt_cache_load(int fd, const struct lt_identity *identity, struct lt_image **ret_image);

/* Keeps an image for the next time. Failing is no error for anybody: it is logged as debug. */
void lt_cache_store(int fd, const struct lt_identity *identity, const struct lt_image *image);

/* The directory: $XDG_CACHE_HOME/looptop, else /var/cache/looptop for root or ~/.cache/looptop. */
const char *lt_cache_directory(void);

#endif
