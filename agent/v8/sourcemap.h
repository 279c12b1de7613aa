/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Source maps (revision 3): where a line of a generated file was written. The files are hostile. */
#ifndef LOOPTOP_V8_SOURCEMAP_H
#define LOOPTOP_V8_SOURCEMAP_H

#include <stddef.h>

struct lt_sourcemap;

/* Parses the text of a map. base: path or URL that its relative sources belong to (the map's own path).
 * 0; -EINVAL: not a map, or a broken one; -EFBIG; -ENOMEM. */
int lt_sourcemap__parse(const char *text, size_t length, const char *base,
			struct lt_sourcemap **ret_map);
void lt_sourcemap__free(struct lt_sourcemap *map);
/* What it takes of memory; 0 for NULL. */
size_t lt_sourcemap__bytes(const struct lt_sourcemap *map);

/* The original position of a generated one (lines and columns from 1). 0 with the texts owned by the map;
 * -ENOENT: the map has nothing there. ret_name may be NULL; *ret_name NULL: the map tells none. */
int lt_sourcemap__find(const struct lt_sourcemap *map, int line, int column, const char **ret_file,
		       int *ret_line, int *ret_column, const char **ret_name);

/* Finds the map of a script: the last sourceMappingURL comment in the last tail_length bytes of its source.
 * Copies the URL (a path, or a data: URL whole) to a new text. NULL: none. */
char *lt_sourcemap__url(const char *tail, size_t tail_length);

/*
 * Loads the map of a script of a process: from an inline data: URL, or from the file that the URL names
 * beside script_path, read below root ("/proc/812/root"); never outside of it, no network, regular files
 * of bounded size only. 0 or -errno (-ENOENT there is none).
 */
int lt_sourcemap__load(const char *root, const char *script_path, const char *url,
		       struct lt_sourcemap **ret_map);

#endif
