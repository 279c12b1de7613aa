/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Opening a mapped file, also without the capabilities that /proc/PID/map_files asks for. */
#ifndef LOOPTOP_V8_MAPFILE_H
#define LOOPTOP_V8_MAPFILE_H

struct lt_mapping;

/* As lt_maps_open(); where that is not permitted, by the path that the process sees, if the mapped inode is
 * there. A descriptor, or -errno. */
int lt_mapfile__open(int pid, const struct lt_mapping *mapping);

#endif
