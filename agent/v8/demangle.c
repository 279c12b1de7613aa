/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The Itanium C++ ABI's mangling, the part that spells the name of a function. Each step consumes input, so
 * the end is near whatever the input is. What is rare (names made of expressions, back references as a
 * scope) is not understood rather than guessed.
 */
#include "agent/v8/demangle.h"

#include <ctype.h>
#include <string.h>

#include "agent/v8/mangled.h"

/* --- writing ----------------------------------------------------------------------------------- */

static void put(struct lt_mangled *ps, const char *text, size_t length)
{
	if (length >= ps->size - ps->length) {
		length = ps->size - ps->length - 1;
		ps->cut = true;
	}
	memcpy(ps->buf + ps->length, text, length);
	ps->length += length;
	ps->buf[ps->length] = '\0';
}

static void begin_component(struct lt_mangled *ps)
{
	if (ps->length)
		put(ps, "::", 2);
	ps->last = ps->length;
}

static void component(struct lt_mangled *ps, const char *text)
{
	begin_component(ps);
	put(ps, text, strlen(text));
}

/* What Rust writes for characters that C++ names cannot have. How much was read, 0: none of them. */
static size_t put_rust_escape(struct lt_mangled *ps, const char *text, size_t length)
{
	static const struct {
		const char *escape, *text;
	} escapes[] = {
		{ "$LT$", "<" },   { "$GT$", ">" },  { "$LP$", "(" },  { "$RP$", ")" },
		{ "$RF$", "&" },   { "$BP$", "*" },  { "$C$", "," },   { "$SP$", "@" },
		{ "$u20$", " " },  { "$u27$", "'" }, { "$u5b$", "[" }, { "$u5d$", "]" },
		{ "$u7b$", "{" },  { "$u7d$", "}" }, { "$u7e$", "~" }, { "$u2b$", "+" },
		{ "$u22$", "\"" }, { "$u3b$", ";" }, { "..", "::" },
	};

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t n = strlen(escapes[i].escape);

		if (n <= length && !memcmp(text, escapes[i].escape, n)) {
			put(ps, escapes[i].text, strlen(escapes[i].text));
			return n;
		}
	}
	return 0;
}

static bool is_rust_hash(const char *text, size_t length)
{
	if (length != 17 || text[0] != 'h')
		return false;
	for (size_t i = 1; i < length; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static void put_source_name(struct lt_mangled *ps, const char *text, size_t length)
{
	static const char anonymous[] = "_GLOBAL__N_";

	if (length >= sizeof(anonymous) - 1 && !memcmp(text, anonymous, sizeof(anonymous) - 1)) {
		component(ps, "(anonymous namespace)");
		return;
	}
	if (is_rust_hash(text, length))
		return;
	begin_component(ps);
	if (length > 2 && !memcmp(text, "_$", 2)) {
		text++;
		length--;
	}
	for (size_t i = 0; i < length;) {
		size_t n = put_rust_escape(ps, text + i, length - i);

		if (!n) {
			put(ps, text + i, 1);
			n = 1;
		}
		i += n;
	}
}

/* --- names ------------------------------------------------------------------------------------- */

static bool put_operator(struct lt_mangled *ps)
{
	static const char operators[][2][10] = {
		{ "nw", " new" },      { "na", " new[]" },    { "dl", " delete" },
		{ "da", " delete[]" }, { "aw", " co_await" }, { "ps", "+" },
		{ "ng", "-" },	       { "ad", "&" },	      { "de", "*" },
		{ "co", "~" },	       { "pl", "+" },	      { "mi", "-" },
		{ "ml", "*" },	       { "dv", "/" },	      { "rm", "%" },
		{ "an", "&" },	       { "or", "|" },	      { "eo", "^" },
		{ "aS", "=" },	       { "pL", "+=" },	      { "mI", "-=" },
		{ "mL", "*=" },	       { "dV", "/=" },	      { "rM", "%=" },
		{ "aN", "&=" },	       { "oR", "|=" },	      { "eO", "^=" },
		{ "ls", "<<" },	       { "rs", ">>" },	      { "lS", "<<=" },
		{ "rS", ">>=" },       { "eq", "==" },	      { "ne", "!=" },
		{ "lt", "<" },	       { "gt", ">" },	      { "le", "<=" },
		{ "ge", ">=" },	       { "ss", "<=>" },	      { "nt", "!" },
		{ "aa", "&&" },	       { "oo", "||" },	      { "pp", "++" },
		{ "mm", "--" },	       { "cm", "," },	      { "pm", "->*" },
		{ "pt", "->" },	       { "cl", "()" },	      { "ix", "[]" },
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (!strncmp(ps->p, operators[i][0], 2)) {
			ps->p += 2;
			component(ps, "operator");
			put(ps, operators[i][1], strlen(operators[i][1]));
			return true;
		}
	return false;
}

/* A conversion: the type is told only where it is the usual one. */
static bool put_conversion(struct lt_mangled *ps)
{
	size_t depth = ps->depth;

	ps->p += 2;
	component(ps, *ps->p == 'b' ? "operator bool" : "operator cast");
	while (*ps->p != 'E' || ps->depth > depth)
		if (!lt_mangled__skip_token(ps))
			return false;
	return true;
}

/* Constructors and destructors are called as their class is. */
static bool put_structor(struct lt_mangled *ps)
{
	size_t length = ps->length - ps->last;
	bool is_destructor = *ps->p == 'D';
	char name[256];

	if (!isdigit((unsigned char)ps->p[1]) || !length || length >= sizeof(name))
		return false;
	ps->p += 2;
	memcpy(name, ps->buf + ps->last, length);
	begin_component(ps);
	if (is_destructor)
		put(ps, "~", 1);
	put(ps, name, length);
	return true;
}

static bool put_unnamed(struct lt_mangled *ps)
{
	if (ps->p[1] == 'l') {
		component(ps, "{lambda}");
		return lt_mangled__skip_bracket(ps, LT_BRACKET_LAMBDA, 2);
	}
	if (ps->p[1] != 't')
		return false;
	component(ps, "{unnamed}");
	ps->p += 2;
	return lt_mangled__skip_sequence(ps);
}

static bool unqualified(struct lt_mangled *ps)
{
	const char *text;
	size_t length;
	bool ok;

	if (*ps->p == 'L')
		ps->p++;
	if (isdigit((unsigned char)*ps->p)) {
		ok = lt_mangled__source_name(ps, &text, &length);
		if (ok)
			put_source_name(ps, text, length);
	} else if (*ps->p == 'C' || *ps->p == 'D') {
		ok = put_structor(ps);
	} else if (*ps->p == 'U') {
		ok = put_unnamed(ps);
	} else if (ps->p[0] == 'c' && ps->p[1] == 'v') {
		ok = put_conversion(ps);
	} else if (ps->p[0] == 'l' && ps->p[1] == 'i') { /* a literal's suffix */
		ps->p += 2;
		ok = lt_mangled__source_name(ps, &text, &length);
		if (ok) {
			component(ps, "operator\"\"");
			put(ps, text, length);
		}
	} else {
		ok = put_operator(ps);
	}
	while (ok && *ps->p == 'B') { /* tags of its binary interface */
		ps->p++;
		ok = lt_mangled__source_name(ps, &text, &length);
	}
	return ok;
}

/* Scopes that have a short form of their own; others refer back to what was stepped over. */
static bool put_standard(struct lt_mangled *ps)
{
	static const struct {
		char letter;
		const char *name;
	} standard[] = {
		{ 'a', "allocator" }, { 'b', "basic_string" }, { 's', "string" },
		{ 'i', "istream" },   { 'o', "ostream" },      { 'd', "iostream" },
	};

	if (ps->p[1] == 't') {
		ps->p += 2;
		component(ps, "std");
		return true;
	}
	for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++)
		if (ps->p[1] == standard[i].letter) {
			ps->p += 2;
			component(ps, "std");
			component(ps, standard[i].name);
			return true;
		}
	return false;
}

static bool nested(struct lt_mangled *ps)
{
	bool ok = true;

	ps->p++;
	while (*ps->p && strchr("rVKRO", *ps->p))
		ps->p++;
	while (ok && *ps->p != 'E') {
		if (*ps->p == 'S')
			ok = put_standard(ps);
		else if (*ps->p == 'I')
			ok = lt_mangled__skip_bracket(ps, LT_BRACKET_ARGUMENTS, 1);
		else if (*ps->p == 'M') /* the initializer of a member */
			ps->p++;
		else
			ok = unqualified(ps);
	}
	if (ok)
		ps->p++;
	return ok;
}

static bool name(struct lt_mangled *ps)
{
	if (*ps->p == 'N')
		return nested(ps);
	if (ps->p[0] == 'S' && ps->p[1] == 't' && !put_standard(ps))
		return false;
	return unqualified(ps) &&
	       (*ps->p != 'I' || lt_mangled__skip_bracket(ps, LT_BRACKET_ARGUMENTS, 1));
}

/* A function, and where it is in other functions, these first. */
static bool encoding(struct lt_mangled *ps)
{
	size_t depth = ps->depth;

	while (*ps->p == 'Z')
		if (!lt_mangled__open(ps, LT_BRACKET_LOCAL, 1))
			return false;
	if (!name(ps))
		return false;
	while (ps->depth > depth) {
		size_t outer = ps->depth - 1;

		while (ps->depth > outer) /* its parameters */
			if (!lt_mangled__skip_token(ps))
				return false;
		if (!name(ps))
			return false;
	}
	return true;
}

/* Code that moves `this` before it goes on to the function. */
static bool skip_thunk(struct lt_mangled *ps)
{
	int numbers = ps->p[1] == 'v' ? 2 : 1;

	ps->p += 2;
	while (numbers--) {
		if (*ps->p == 'n')
			ps->p++;
		lt_mangled__skip_digits(ps);
		if (*ps->p++ != '_')
			return false;
	}
	return true;
}

bool lt_demangle(const char *symbol, char *buf, size_t size)
{
	struct lt_mangled ps = {
		.p = symbol + 2, .buf = buf, .size = size, .open = { LT_BRACKET_NESTED }, .depth = 1
	};
	bool ok;

	buf[0] = '\0';
	if (symbol[0] != '_' || symbol[1] != 'Z' || size < 8)
		return false;
	if (*ps.p == 'T')
		ok = (ps.p[1] == 'h' || ps.p[1] == 'v') && skip_thunk(&ps) && encoding(&ps);
	else
		ok = encoding(&ps);
	if (!ok || !ps.length) {
		buf[0] = '\0';
		return false;
	}
	if (ps.cut)
		memcpy(buf + ps.length - 3, "...", 3);
	return true;
}
