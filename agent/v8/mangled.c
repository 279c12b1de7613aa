/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Stepping over the parts of a mangled name that nobody wants to read. Every step consumes input; brackets
 * that are open are kept in a stack of bounded depth, for what their E means depends on which it ends.
 */
#include "agent/v8/mangled.h"

#include <ctype.h>
#include <string.h>

void lt_mangled__skip_digits(struct lt_mangled *ps)
{
	while (isdigit((unsigned char)*ps->p))
		ps->p++;
}

bool lt_mangled__skip_sequence(struct lt_mangled *ps)
{
	while (isdigit((unsigned char)*ps->p) || isupper((unsigned char)*ps->p))
		ps->p++;
	if (*ps->p != '_')
		return false;
	ps->p++;
	return true;
}

bool lt_mangled__source_name(struct lt_mangled *ps, const char **ret_text, size_t *ret_length)
{
	size_t length = 0;

	while (isdigit((unsigned char)*ps->p) && length < 10000)
		length = length * 10 + (size_t)(*ps->p++ - '0');
	if (!length || strnlen(ps->p, length) < length)
		return false;
	*ret_text = ps->p;
	*ret_length = length;
	ps->p += length;
	return true;
}

bool lt_mangled__open(struct lt_mangled *ps, enum lt_bracket bracket, size_t length)
{
	if (ps->depth == LT_BRACKETS_MAX)
		return false;
	ps->open[ps->depth++] = bracket;
	ps->p += length;
	if (bracket == LT_BRACKET_LITERAL) {
		while (*ps->p && strchr("PKVRO", *ps->p))
			ps->p++;
		ps->literal = ps->p;
	}
	return true;
}

static bool close_bracket(struct lt_mangled *ps)
{
	enum lt_bracket bracket = ps->open[--ps->depth];

	ps->p++;
	if (bracket == LT_BRACKET_LAMBDA)
		return lt_mangled__skip_sequence(ps);
	if (bracket == LT_BRACKET_LOCAL && *ps->p == 'd') { /* of a default argument */
		ps->p++;
		return lt_mangled__skip_sequence(ps);
	}
	return true;
}

static enum lt_bracket top(const struct lt_mangled *ps)
{
	return ps->open[ps->depth - 1];
}

static bool skip_number(struct lt_mangled *ps)
{
	const char *text;
	size_t length;

	if (top(ps) != LT_BRACKET_LITERAL || ps->p == ps->literal)
		return lt_mangled__source_name(ps, &text, &length);
	while (isxdigit((unsigned char)*ps->p) && !isupper((unsigned char)*ps->p))
		ps->p++;
	return *ps->p == 'E'; /* the value is the last in a literal */
}

/* The forms that begin with D: types of two letters, destructors, and some that are longer. */
static bool skip_d(struct lt_mangled *ps)
{
	char kind = ps->p[1];

	if (!kind || strchr("tTOwC", kind)) /* made of expressions */
		return false;
	ps->p += 2;
	if (kind == 'v' || kind == 'F' || kind == 'B' ||
	    kind == 'U') { /* a number of elements or bits */
		lt_mangled__skip_digits(ps);
		if (*ps->p != '_' && *ps->p != 'x' && *ps->p != 'b')
			return false;
		ps->p++;
	}
	return true;
}

static bool skip_t(struct lt_mangled *ps)
{
	ps->p++;
	/* a kind of type; parameters of a template that are types, values, packs, of a concept */
	if (*ps->p && strchr("suynpk", *ps->p)) {
		ps->p++;
		return true;
	}
	if (*ps->p == 'L') { /* of an outer template */
		ps->p++;
		if (!lt_mangled__skip_sequence(ps))
			return false;
	}
	return lt_mangled__skip_sequence(ps);
}

static bool skip_u(struct lt_mangled *ps)
{
	if (ps->p[1] == 'l')
		return lt_mangled__open(ps, LT_BRACKET_LAMBDA, 2);
	ps->p += ps->p[1] == 't' || ps->p[1] == 'a' ? 2 : 1;
	return ps->p[-1] != 't' || lt_mangled__skip_sequence(ps);
}

static bool skip_s(struct lt_mangled *ps)
{
	ps->p++;
	if (*ps->p && strchr("tabsiod", *ps->p)) {
		ps->p++;
		return true;
	}
	return lt_mangled__skip_sequence(ps);
}

/* The few expressions that are usual: the address of a function or member, a constraint by a trait. */
static bool skip_expression(struct lt_mangled *ps)
{
	if (!strncmp(ps->p, "XadL_Z", 6))
		return lt_mangled__open(ps, LT_BRACKET_ARGUMENTS, 3);
	if (!strncmp(ps->p, "Qsr", 3) && isdigit((unsigned char)ps->p[3]))
		return lt_mangled__open(ps, LT_BRACKET_NESTED, 3); /* the scope of the trait */
	return false;
}

/* Which of several entities of that name in a function: "_3", "__12_". */
static bool skip_discriminator(struct lt_mangled *ps)
{
	ps->p++;
	if (*ps->p == '_') {
		ps->p++;
		return lt_mangled__skip_sequence(ps);
	}
	if (isdigit((unsigned char)*ps->p))
		ps->p++;
	return true;
}

bool lt_mangled__skip_token(struct lt_mangled *ps)
{
	switch (*ps->p) {
	case 'E':
		return close_bracket(ps);
	case 'N':
		return lt_mangled__open(ps, LT_BRACKET_NESTED, 1);
	case 'I':
	case 'J':
		return lt_mangled__open(ps, LT_BRACKET_ARGUMENTS, 1);
	case 'F':
		return lt_mangled__open(ps, LT_BRACKET_FUNCTION, 1);
	case 'Z':
		return lt_mangled__open(ps, LT_BRACKET_LOCAL, 1);
	case 'L':
		if (top(ps) != LT_BRACKET_ARGUMENTS) { /* internal linkage */
			ps->p++;
			return true;
		}
		if (ps->p[1] == '_' && ps->p[2] == 'Z')
			return lt_mangled__open(ps, LT_BRACKET_LOCAL, 3);
		return lt_mangled__open(ps, LT_BRACKET_LITERAL, 1);
	case 'S':
		return skip_s(ps);
	case 'T':
		return skip_t(ps);
	case 'U':
		return skip_u(ps);
	case 'D':
		return skip_d(ps);
	case 'A': /* of so many elements */
		ps->p++;
		return lt_mangled__skip_sequence(ps);
	case 'C':
		ps->p += ps->p[1] ? 2 : 1;
		return true;
	case 'Q':
	case 'X':
		return skip_expression(ps);
	case '_':
		return skip_discriminator(ps);
	case 'B':
	case 'G':
	case 'H':
	case 'K':
	case 'M':
	case 'O':
	case 'P':
	case 'R':
	case 'V':
	case 'Y':
		ps->p++;
		return true;
	default:
		if (isdigit((unsigned char)*ps->p))
			return skip_number(ps);
		if (!islower((unsigned char)*ps->p)) /* the end, W: modules */
			return false;
		ps->p++;
		return true;
	}
}

bool lt_mangled__skip_bracket(struct lt_mangled *ps, enum lt_bracket bracket, size_t length)
{
	size_t depth = ps->depth;

	if (!lt_mangled__open(ps, bracket, length))
		return false;
	while (ps->depth > depth)
		if (!lt_mangled__skip_token(ps))
			return false;
	return true;
}
