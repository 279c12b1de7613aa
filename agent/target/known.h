/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What has been found in files, so that each is read once: also that nothing was, or that it was refused. A file is what
 * the kernel says it is, until that says that it has changed. For agent/target/image_load.c only.
 */
#ifndef LOOPTOP_TARGET_KNOWN_H
#define LOOPTOP_TARGET_KNOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "agent/target/identity.h"
#include "looptop/runtime.h"

struct lt_file_key {
	uint64_t dev, ino, size, changed_seconds, changed_ns;
};

enum lt_marks {
	LT_MARKS_UNKNOWN,
	LT_MARKS_NONE,
	LT_MARKS_THERE
};

struct lt_known {
	struct lt_file_key key;
	uid_t owner;
	enum lt_marks marks;
	bool done;
	int err; /* if done */
	struct lt_image *image; /* NULL also if it was dropped */
	int pin; /* with an image of a file that others may change: nothing else gets its numbers meanwhile; -1: none */
	uint64_t until_ns; /* it is held so long */
	bool may_keep; /* what is read of it, on disk */
	struct lt_identity identity; /* then: as it was before it was read */
	UT_hash_handle hh;
};

/* NULL: it is not there any more. */
struct lt_known *lt_known__find(const struct lt_file_key *key);
/* Of an open file, made if need be. NULL with errno. */
struct lt_known *lt_known__of(int fd);

/* Keeps a copy of what was found. */
void lt_known__keep(struct lt_known *known, int fd, const struct lt_image *image);
/* Is there one, of this file as it is? */
bool lt_known__has(struct lt_known *known, int fd);

/* Once in a while: lets go of files that were held for long enough. */
void lt_known__sweep(void);

#endif
