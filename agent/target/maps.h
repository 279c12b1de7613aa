/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The executable files mapped into a process, and opening them by their inode. */
#ifndef LOOPTOP_TARGET_MAPS_H
#define LOOPTOP_TARGET_MAPS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One executable mapping of a regular file. */
struct lt_mapping {
	uint64_t begin, end; /* addresses in the process */
	uint64_t file_offset;
	uint64_t dev, ino; /* dev as makedev() packs it */
	char path[256]; /* as the process sees it, printable; cut if longer */
};

/* Parses one line of /proc/PID/maps. 1: an executable mapping of a file, in *ret_mapping; 0: another
 * mapping; -EINVAL: no such line. */
int lt_parse_mapping(const char *line, struct lt_mapping *ret_mapping);

/* What /proc/PID/maps says now. 0, with a file to be closed, or -errno. */
int lt_maps_text(int pid, FILE **ret_file);

/* The executable file mappings of a process, the lowest of each file. How many, or -errno. */
int lt_maps_files(int pid, struct lt_mapping *mappings, size_t max);

/* Opens the mapped inode itself: by /proc/PID/exe or /proc/PID/map_files. A descriptor, or -errno:
 * -ESTALE when what was opened is not the mapped file, -LT_NOT_LOCAL (open.h) when it may never answer. */
int lt_maps_open(int pid, const struct lt_mapping *mapping);

#endif
