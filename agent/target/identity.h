/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which file it is, and whether what was found in it may be kept. A file that somebody may write to decides where
 * probes go in those who run it, and they trust him already; nobody else does, so nothing of it is kept.
 */
#ifndef LOOPTOP_TARGET_IDENTITY_H
#define LOOPTOP_TARGET_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct lt_identity {
	uint64_t dev, ino, size; /* bytes */
	uint64_t modified_s, modified_ns, changed_s, changed_ns;
};

/*
 * 0 and its identity if only root can have made the file what it is, and nobody else can change it: its owner is root,
 * of the host; neither group nor others may write; nobody has it open for writing; it is on a file system that only
 * root can make and mount; and it has been as it is for two seconds, so that its times would tell a change. -EPERM and
 * why not; -errno.
 */
int lt_identify(int fd, struct lt_identity *ret_identity, const char **ret_why_not);

/* What of that the file's attributes tell, at a time of the wall clock. NULL: nothing speaks against it. */
const char *lt_identity_why_not(const struct stat *st, uint64_t file_system, bool no_setuid,
				uint64_t now_s);

#endif
