/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Opening a file that belongs to a target: its executable, what is mapped into it, what lies below its root. The path
 * and the file are the target's choice, so the file is looked up first, without opening it, and looked at: nothing
 * but a regular file of a local file system is opened. No link leads out of the target's root.
 */
#ifndef LOOPTOP_TARGET_OPEN_H
#define LOOPTOP_TARGET_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum lt_open_what {
	LT_OPEN_PROC, /* path below /proc/PID, whatever it is: only its copy is handed out */
	LT_OPEN_LINK, /* what the link at that path below /proc/PID leads to: exe, map_files/… */
	LT_OPEN_BELOW_ROOT, /* path in the target's file system */
};

struct lt_opened {
	int fd; /* -1: it was only looked at */
	struct stat st;
};

/* Not of a file system of the list: it may never answer. */
#define LT_NOT_LOCAL EREMOTE

/* copy_bytes: of a file that is larger nothing is had but -EFBIG, of others a copy in memory, which always answers. 0:
 * the file itself. LT_LOOK: it is not opened. */
#define LT_LOOK SIZE_MAX

/* Whatever happens, it ends: by a reader (reader.h) that can be given up. 0 or -errno: -LT_NOT_LOCAL, -EINVAL no regular
 * file, -ETIMEDOUT the target does not answer, -ESRCH. */
int lt_open(int pid, enum lt_open_what what, const char *path, size_t copy_bytes,
	    struct lt_opened *ret_opened);

/* The same, by whoever calls it: it may take for ever. root: a folder for "/". plain: without openat2(2), which is
 * tried first otherwise. */
int lt_open_here(int pid, enum lt_open_what what, const char *path, size_t copy_bytes,
		 void (*moved)(void), struct lt_opened *ret_opened);
int lt_open_below(const char *root, const char *path, bool plain, size_t copy_bytes,
		  void (*moved)(void), struct lt_opened *ret_opened);

#endif
