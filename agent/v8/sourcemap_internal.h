/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the parts of agent/v8/sourcemap*.c share: the segments of a map and how paths are put together. For
 * them and their tests only.
 */
#ifndef LOOPTOP_V8_SOURCEMAP_INTERNAL_H
#define LOOPTOP_V8_SOURCEMAP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LT_SOURCEMAP_MAX  (64u << 20) /* bytes of a map's text */
#define LT_SOURCEMAP_NONE UINT32_MAX
#define LT_SOURCEMAP_NUMBER_MAX \
	(INT32_MAX - 1) /* lines and columns from 0; from 1 they fit an int */

struct lt_sourcemap;

/* From this position of the generated file on, to the next segment or the end of the line. From 0. */
struct lt_segment {
	uint32_t line, column;
	uint32_t file; /* which text; LT_SOURCEMAP_NONE: nobody wrote this */
	uint32_t from_line, from_column;
	uint32_t name; /* which text, or LT_SOURCEMAP_NONE */
};

/* Sorted by line and column. */
struct lt_segments {
	struct lt_segment *items;
	size_t n, room;
};

/* The text of "mappings" and what its numbers stand for. */
struct lt_mappings {
	const char *text;
	size_t length;
	uint32_t line, column; /* where the text begins, in the generated file */
	uint32_t end_line, end_column; /* what lies there or later does not count */
	uint32_t first_file, n_files, first_name, n_names;
};

/* Texts one after the other, each with its NUL. */
struct lt_texts {
	uint32_t *offsets; /* of each text in bytes; LT_SOURCEMAP_NONE: there is none */
	size_t n, n_room;
	char *bytes;
	size_t length, room;
};

/* A map of sorted segments. 0 or -errno. */
int lt_sourcemap__pack(const struct lt_segments *segments, const struct lt_texts *files,
		       const struct lt_texts *names, struct lt_sourcemap **ret_map);

/* Adds what a text tells; it must begin after all that was added. 0; -EINVAL: broken; -EFBIG; -ENOMEM. */
int lt_segments__add(struct lt_segments *segments, const struct lt_mappings *mappings);

/*
 * What ref means in base: paths or URLs, base a file or, if it ends in "/", a folder. Normalised; file: URLs
 * become paths, and "%20" in paths a space. Other URLs stay what they are. 0 or -ENAMETOOLONG.
 */
int lt_source_path(char *buf, size_t size, const char *base, const char *ref);
/* The byte that "%2F" at the begin of a text stands for, or -1. */
int lt_percent_byte(const char *text, size_t length);

/*
 * Opens a regular file below root for reading, wherever symbolic links point; no other kind of file is even
 * opened, and none of those that the kernel makes up; nothing of it is read. plain: as without openat2(2), when
 * symbolic links are refused. 0, the descriptor and the size; or -errno, -EFBIG for more than LT_SOURCEMAP_MAX.
 */
int lt_source_open(const char *root, const char *path, bool plain, int *ret_fd, size_t *ret_size);

/* 0…63, or -1; also the letters of base64url. */
static inline int lt_base64_digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

#endif
