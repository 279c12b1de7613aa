/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"

json_t *lt_json_text(const char *s)
{
	size_t size = s ? 3 * strlen(s) + 1 : 0;
	char *clean;
	json_t *value;

	if (!s)
		return json_null();
	clean = malloc(size);
	if (!clean)
		return NULL;
	value = json_string(lt_fmt_utf8(clean, size, s));
	free(clean);
	return value;
}

/* The code point of well-formed UTF-8, which jansson's is. */
static size_t take_point(const unsigned char *s, uint32_t *ret_point)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	*ret_point = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*ret_point = *ret_point << 6 | (s[i] & 0x3f);
	return n;
}

static void put_escape(FILE *out, uint32_t point)
{
	if (point < 0x10000)
		fprintf(out, "\\u%04x", point);
	else
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
			0xdc00 + (point & 0x3ff));
}

/* Outside of strings there is nothing but ASCII, inside of them jansson has escaped what is below a blank. */
static void put_escaped(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *from = s;

	while (*s) {
		uint32_t point;
		size_t n;

		if (*s < 0x7f) {
			s++;
			continue;
		}
		n = take_point(s, &point);
		if (!lt_fmt_printable(point)) {
			fwrite(from, 1, (size_t)(s - from), out);
			put_escape(out, point);
			from = s + n;
		}
		s += n;
	}
	fwrite(from, 1, (size_t)(s - from), out);
}

static bool needs_escapes(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if (*s >= 0x7f)
			return true;
	return false;
}

char *lt_json_dump(const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags), *escaped = NULL;
	size_t length;
	bool failed;
	FILE *out;

	if (!text || !needs_escapes(text))
		return text;
	out = open_memstream(&escaped, &length);
	if (out)
		put_escaped(out, text);
	free(text);
	if (!out)
		return NULL;
	failed = ferror(out);
	if (!fclose(out) && !failed)
		return escaped;
	free(escaped);
	return NULL;
}
