/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Which format a scraper wants, by the weights of its Accept header (RFC 9110, 12.5.1). */
#include "agent/sink/negotiate.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The q of an entry's parameters, 1 if it has none; what is no number from 0 to 1 ("nan", "9") counts as 0. */
static double weight_of(const char *entry, size_t n)
{
	const char *end = entry + n;

	for (const char *s = memchr(entry, ';', n); s; s = memchr(s, ';', (size_t)(end - s))) {
		char digits[8] = "";
		double weight;

		for (s++; s < end && (*s == ' ' || *s == '\t'); s++)
			;
		if (end - s < 2 || strncasecmp(s, "q=", 2))
			continue;
		for (size_t i = 0; i < sizeof(digits) - 1 && s + 2 + i < end; i++)
			digits[i] = s[2 + i];
		weight = strtod(digits, NULL);
		return weight >= 0 && weight <= 1 ? weight : 0;
	}
	return 1;
}

static bool is_type(const char *entry, size_t n, const char *type)
{
	size_t length = strlen(type);

	if (n < length || strncasecmp(entry, type, length))
		return false;
	return n == length || strchr("; \t", entry[length]);
}

bool lt_wants_openmetrics(const char *accept)
{
	double openmetrics = 0, text = 0;

	for (const char *s = accept; s && *s;) {
		size_t n;

		s += strspn(s, " \t,");
		n = strcspn(s, ",");
		if (is_type(s, n, "application/openmetrics-text"))
			openmetrics = weight_of(s, n);
		else if (is_type(s, n, "text/plain"))
			text = weight_of(s, n);
		s += n;
	}
	return openmetrics > 0 && openmetrics >= text;
}
