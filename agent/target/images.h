/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The analysed files of all targets, each once: hundreds of processes run one executable. A file that is written
 * to, or another one that got its inode, is another file.
 */
#ifndef LOOPTOP_TARGET_IMAGES_H
#define LOOPTOP_TARGET_IMAGES_H

#include "looptop/runtime.h"

struct lt_images;

/* NULL with errno. All files that were taken must have been given back before they are freed. */
struct lt_images *lt_images__new(void);
void lt_images__free(struct lt_images *images);

/* How long a file is waited for that is being read; at first until it is. */
void lt_images__set_patience(struct lt_images *images, uint64_t patience_ns);
uint64_t lt_images__patience_ns(const struct lt_images *images);

/* One of them, open, in the hands of one module. */
struct lt_file {
	int fd;
	const struct lt_image *image;
};

/*
 * Takes over the descriptor of a file and analyses it if it is not known yet. images NULL: it is not shared.
 * unless_marked: a file without the marks of an event loop is not analysed. 0, -ENOEXEC: it holds no event loop
 * that is known, -EDQUOT: it was refused, which was told, -EAGAIN: it is
 * still being read, or another -errno; then the descriptor is closed.
 */
int lt_images__take(struct lt_images *images, int take_fd, bool unless_marked,
		    struct lt_file **ret_file);
/* One that nobody has any more is kept for some seconds: processes that begin are looked at several times. */
void lt_images__give_back(struct lt_file *file);
/* Closes those that were kept for long enough. */
void lt_images__sweep(struct lt_images *images);

#endif
