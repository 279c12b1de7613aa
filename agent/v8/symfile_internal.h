/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the process that reads a file's symbols tells the one that uses them. For agent/v8/symfile*.c only. */
#ifndef LOOPTOP_V8_SYMFILE_INTERNAL_H
#define LOOPTOP_V8_SYMFILE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#define LT_FUNCTIONS_MAX (1u << 20)
#define LT_NO_FUNCTION	 UINT32_MAX
#define LT_ENCLOSING_MAX 16

struct lt_function {
	uint32_t offset, size; /* in the file */
	uint32_t name; /* offset of its name in the file */
	uint32_t outer; /* the function that this one lies in, LT_NO_FUNCTION: none */
};

/* In a process with limits: tells the functions, by offset, and what encloses others before them. 0 or -errno. */
int lt_symfile__read(int fd);

static inline bool lt_is_same_code(const struct lt_function *a, const struct lt_function *b)
{
	return a->offset == b->offset && a->size == b->size;
}

static inline bool lt_contains(const struct lt_function *function, uint64_t offset)
{
	return offset >= function->offset && offset - function->offset < function->size;
}

#endif
