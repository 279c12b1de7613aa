/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What is known of a file, from a process of its own that reads it with limits (agent/util/bounded.h). Each file is
 * read once, also one that is refused: a file is what the kernel says it is, until that says that it has changed.
 */
#ifndef LOOPTOP_TARGET_IMAGE_LOAD_H
#define LOOPTOP_TARGET_IMAGE_LOAD_H

#include "looptop/runtime.h"

struct lt_mapping;

#define LT_PATIENT UINT64_MAX /* until its time is over */

/*
 * 0 and an image to be freed with free(); -ENOEXEC: no event loop that is known is in the file, or it is no ELF file
 * of this machine; -EINVAL: broken; -EDQUOT: refused, which was told; -EAGAIN: it is being read, and this is to be
 * asked again later (never where who asks is patient); -EINTR: the program is about to end; another -errno.
 * unless_marked: a file without the marks of an event loop, as most libraries are, has none.
 */
int lt_image__load(int fd, bool unless_marked, uint64_t patience_ns, struct lt_image **ret_image);

/* Looks for those marks in all files of a process at once: they are known then. */
void lt_image__prefetch(int pid, const struct lt_mapping *mappings, size_t n, uint64_t patience_ns);

#endif
