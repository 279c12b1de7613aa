/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A mangled name while it is read: where it is, what is open, what was written. */
#ifndef LOOPTOP_V8_MANGLED_H
#define LOOPTOP_V8_MANGLED_H

#include <stdbool.h>
#include <stddef.h>

#define LT_BRACKETS_MAX 128

/* What an E ends. */
enum lt_bracket {
	LT_BRACKET_NESTED,
	LT_BRACKET_ARGUMENTS,
	LT_BRACKET_LITERAL,
	LT_BRACKET_FUNCTION,
	LT_BRACKET_LOCAL,
	LT_BRACKET_LAMBDA
};

struct lt_mangled {
	const char *p;
	char *buf; /* always NUL-terminated */
	size_t size, length;
	size_t last; /* where the last component begins, for constructors */
	bool cut;
	unsigned char open[LT_BRACKETS_MAX];
	size_t depth;
	const char *literal; /* where the innermost literal's type begins */
};

/* All step over something at p; false: it is not there, or not understood. */
void lt_mangled__skip_digits(struct lt_mangled *ps);
/* "[number] _" */
bool lt_mangled__skip_sequence(struct lt_mangled *ps);
/* A length and so many characters, which are then at *ret_text. */
bool lt_mangled__source_name(struct lt_mangled *ps, const char **ret_text, size_t *ret_length);
/* Whatever is next; an opening one of length characters is left open. */
bool lt_mangled__open(struct lt_mangled *ps, enum lt_bracket bracket, size_t length);
bool lt_mangled__skip_token(struct lt_mangled *ps);
/* All up to the E that ends a bracket, which is opened here, and that. */
bool lt_mangled__skip_bracket(struct lt_mangled *ps, enum lt_bracket bracket, size_t length);

#endif
