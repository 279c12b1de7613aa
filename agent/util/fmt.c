/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/fmt.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Two digits behind the point below 1, one below 10…, none from there on: three that count. */
static char *scaled(char *buf, size_t size, double value, const char *unit)
{
	int digits = value < 9.95 ? 2 : value < 99.5 ? 1 : 0;

	if (value >= 9.995 && value < 99.95)
		digits = 1;
	snprintf(buf, size, "%.*f%s", digits, value, unit);
	return buf;
}

static char *unknown(char *buf, size_t size)
{
	snprintf(buf, size, "-");
	return buf;
}

char *lt_fmt_seconds(char *buf, size_t size, double seconds)
{
	if (isnan(seconds))
		return unknown(buf, size);
	if (seconds <= 0)
		return snprintf(buf, size, "0"), buf;
	if (seconds < 999.5e-9)
		return snprintf(buf, size, "%.0fns", seconds * 1e9), buf;
	if (seconds < 999.5e-6)
		return snprintf(buf, size, "%.*fus", seconds < 9.95e-6 ? 1 : 0, seconds * 1e6), buf;
	if (seconds < 999.5e-3)
		return snprintf(buf, size, "%.*fms", seconds < 9.95e-3 ? 1 : 0, seconds * 1e3), buf;
	if (seconds < 99.95)
		return scaled(buf, size, seconds, "s");
	if (seconds < 600)
		return snprintf(buf, size, "%.0fs", seconds), buf;
	if (seconds < 360000)
		return snprintf(buf, size, "%.0fmin", seconds / 60), buf;
	return snprintf(buf, size, "%.0fh", seconds / 3600), buf;
}

char *lt_fmt_count(char *buf, size_t size, double count)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	size_t i = 0;

	if (isnan(count))
		return unknown(buf, size);
	if (count < 9999.5)
		return snprintf(buf, size, "%.0f", count), buf;
	while (count >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		count /= 1000;
		i++;
	}
	return snprintf(buf, size, "%.*f%s", count < 99.95 ? 1 : 0, count, units[i]), buf;
}

char *lt_fmt_bytes(char *buf, size_t size, double bytes)
{
	static const char *const units[] = { "B", "K", "M", "G", "T" };
	size_t i = 0;

	if (isnan(bytes))
		return unknown(buf, size);
	while (bytes >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		i++;
	}
	return snprintf(buf, size, "%.*f%s", i && bytes < 9.95 ? 1 : 0, bytes, units[i]), buf;
}

char *lt_fmt_ratio(char *buf, size_t size, double ratio)
{
	double percent = ratio * 100;

	if (isnan(ratio))
		return unknown(buf, size);
	return snprintf(buf, size, "%.*f %%", percent > 0 && percent < 0.95 ? 1 : 0, percent), buf;
}

char *lt_fmt(char *buf, size_t size, enum lt_unit unit, double value)
{
	switch (unit) {
	case LT_UNIT_SECONDS:
		return lt_fmt_seconds(buf, size, value);
	case LT_UNIT_BYTES:
		return lt_fmt_bytes(buf, size, value);
	case LT_UNIT_RATIO:
		return lt_fmt_ratio(buf, size, value);
	default:
		return lt_fmt_count(buf, size, value);
	}
}

/* Length of the well-formed, printable UTF-8 sequence at s, 0 if it is none. */
static size_t sequence_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (n == 1)
		return isprint(s[0]) ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4 || (s[0] == 0xc2 && s[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

char *lt_fmt_text(char *buf, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t used = 0;

	while (*s) {
		size_t n = sequence_length(s);

		if (used + (n ? n : 1) >= size)
			break;
		if (n)
			memcpy(buf + used, s, n);
		else
			buf[used] = '?';
		used += n ? n : 1;
		s += n ? n : 1;
	}
	buf[used] = '\0';
	return buf;
}
