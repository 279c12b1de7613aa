/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Source maps (revision 3): where a line of a generated file was written. The files are hostile. */
#ifndef LOOPTOP_V8_SOURCEMAP_H
#define LOOPTOP_V8_SOURCEMAP_H

#include <stdbool.h>
#include <stddef.h>

#define LT_SOURCEMAP_PATH_MAX 4096 /* while paths are put together */

struct lt_sourcemap;

/* Parses the text of a map. base: path or URL that its relative sources belong to (the map's own path).
 * 0; -EINVAL: not a map, or a broken one; -EFBIG; -ENOMEM. */
int lt_sourcemap__parse(const char *text, size_t length, const char *base,
			struct lt_sourcemap **ret_map);
void lt_sourcemap__free(struct lt_sourcemap *map);
/* The map as it is kept, in one piece, and one that lies in such a piece, whoever made it; data is borrowed and must be
 * there as long as the map. 0; -EINVAL: it is none; -ENOMEM. */
const void *lt_sourcemap__data(const struct lt_sourcemap *map, size_t *ret_length);
int lt_sourcemap__view(const void *data, size_t length, struct lt_sourcemap **ret_map);

/* The original position of a generated one (lines and columns from 1). 0 with the texts owned by the map;
 * -ENOENT: the map has nothing there. ret_name may be NULL; *ret_name NULL: the map tells none. */
int lt_sourcemap__find(const struct lt_sourcemap *map, int line, int column, const char **ret_file,
		       int *ret_line, int *ret_column, const char **ret_name);

/* Finds the map of a script: the last sourceMappingURL comment in the last tail_length bytes of its source.
 * Copies the URL (a path, or a data: URL whole) to a new text. NULL: none. */
char *lt_sourcemap__url(const char *tail, size_t tail_length);

/* Is it a URL that holds the map itself? */
bool lt_sourcemap__is_data(const char *url);

/* Where the text of a map is. */
struct lt_sourcemap_source {
	int fd; /* to be closed */
	bool is_data; /* it is a data: URL, which holds the map */
	char base[LT_SOURCEMAP_PATH_MAX]; /* what its relative sources belong to */
};

/*
 * Opens the text of the map of a script of a process: an inline data: URL, or the file that the URL names beside
 * script_path, below root ("/proc/812/root"); never outside of it, no network, regular files of bounded size only.
 * 0 or -errno (-ENOENT there is none).
 */
int lt_sourcemap__open(const char *root, const char *script_path, const char *url,
		       struct lt_sourcemap_source *ret_source);

/* Reads it, which may cost as much as its author likes; the descriptor stays open. 0 or -errno. */
int lt_sourcemap__read(const struct lt_sourcemap_source *source, struct lt_sourcemap **ret_map);

#endif
