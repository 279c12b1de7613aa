/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Comparisons of texts. */
#ifndef LOOPTOP_UTIL_TEXT_H
#define LOOPTOP_UTIL_TEXT_H

#include <stdbool.h>
#include <string.h>

/* Equal, or both NULL. */
static inline bool lt_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static inline bool lt_starts_with(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

static inline bool lt_ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

#endif
