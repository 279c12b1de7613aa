/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Figures and foreign text for people and for formats. What a target calls itself is hostile: it
 * may hold controls, escape sequences, broken UTF-8 or marks that reorder the line.
 */
#include "agent/util/fmt.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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
		return snprintf(buf, size, "%.*fns", seconds < 0.95e-9 ? 1 : 0, seconds * 1e9), buf;
	if (seconds < 999.5e-6)
		return snprintf(buf, size, "%.*fus", seconds < 9.95e-6 ? 1 : 0, seconds * 1e6), buf;
	if (seconds < 999.5e-3)
		return snprintf(buf, size, "%.*fms", seconds < 9.95e-3 ? 1 : 0, seconds * 1e3), buf;
	if (seconds < 9.995)
		return snprintf(buf, size, "%.2fs", seconds), buf;
	if (seconds < 99.95)
		return snprintf(buf, size, "%.1fs", seconds), buf;
	if (seconds < 600)
		return snprintf(buf, size, "%.0fs", seconds), buf;
	if (seconds < 59970)
		return snprintf(buf, size, "%.0fmin", seconds / 60), buf;
	return snprintf(buf, size, "%.0fh", seconds / 3600), buf;
}

char *lt_fmt_more(char *buf, size_t size, double seconds)
{
	if (isnan(seconds))
		return unknown(buf, size);
	if (seconds < 1e-3)
		return snprintf(buf, size, ">0"), buf;
	if (seconds < 0.1)
		return snprintf(buf, size, ">%.0fms", floor(seconds * 1e3)), buf;
	if (seconds < 10)
		return snprintf(buf, size, ">%.1fs", floor(seconds * 10) / 10), buf;
	if (seconds < 1000)
		return snprintf(buf, size, ">%.0fs", floor(seconds)), buf;
	if (seconds < 36000)
		return snprintf(buf, size, ">%.1fh", floor(seconds / 360) / 10), buf;
	return snprintf(buf, size, ">%.0fh", fmin(floor(seconds / 3600), 999)), buf;
}

char *lt_fmt_count(char *buf, size_t size, double count)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	size_t i = 0;

	if (isnan(count))
		return unknown(buf, size);
	if (count > 0 && count < 0.1)
		return snprintf(buf, size, "<0.1"), buf;
	if (count < 9.95 && count != rint(count))
		return snprintf(buf, size, "%.1f", count), buf;
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
	if (percent > 0 && percent < 0.1)
		return snprintf(buf, size, "<0.1%%"), buf;
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

/* Length of the well-formed UTF-8 sequence at s and its code point; 0 if it is none. */
static size_t decode(const unsigned char *s, uint32_t *ret_point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t point = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret_point = point;
	return n;
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t point, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

#define IN(point, ranges) in_ranges(point, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* Controls, line ends, marks without width and those that turn the direction of writing. */
bool lt_fmt_printable(uint32_t point)
{
	static const struct range not [] = {
		{ 0, 0x1f },	       { 0x7f, 0x9f },	   { 0xad, 0xad },     { 0x61c, 0x61c },
		{ 0x180e, 0x180e },    { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xe000, 0xf8ff },    { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0xe0000, 0x10ffff },
	};

	return !IN(point, not );
}

/* Columns of a printable character on a terminal, by Unicode's East Asian Width. */
static int width_of(uint32_t point)
{
	static const struct range none[] = {
		{ 0x300, 0x36f },   { 0x483, 0x489 },	{ 0x591, 0x5bd },   { 0x610, 0x61a },
		{ 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
		{ 0x302a, 0x302d }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	};
	static const struct range two[] = {
		{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x23e9, 0x23ec },
		{ 0x2614, 0x2615 },   { 0x26a1, 0x26a1 },   { 0x2705, 0x2705 },
		{ 0x2728, 0x2728 },   { 0x274c, 0x274c },   { 0x2b50, 0x2b50 },
		{ 0x2e80, 0x303e },   { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
		{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f1e6, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f7e0, 0x1f7eb }, { 0x1f900, 0x1f9ff },
		{ 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
	};

	return IN(point, none) ? 0 : IN(point, two) ? 2 : 1;
}

char *lt_fmt_text(char *buf, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t used = 0;

	while (*s) {
		uint32_t point;
		size_t n = decode(s, &point);
		bool good = n && lt_fmt_printable(point);
		size_t out = good ? n : 1;

		if (used + out >= size)
			break;
		memcpy(buf + used, good ? (const void *)s : "?", out);
		used += out;
		s += n ? n : 1;
	}
	buf[used] = '\0';
	return buf;
}

char *lt_fmt_utf8(char *buf, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t used = 0;

	while (*s) {
		uint32_t point;
		size_t n = decode(s, &point), out = n ? n : 3;

		if (used + out >= size)
			break;
		memcpy(buf + used, n ? (const void *)s : "\xef\xbf\xbd", out);
		used += out;
		s += n ? n : 1;
	}
	buf[used] = '\0';
	return buf;
}

char *lt_fmt_cell(char *buf, size_t size, const char *src, int cells, bool ascii)
{
	const unsigned char *s = (const unsigned char *)src;
	const char *more = ascii ? "~" : "\xe2\x80\xa6";
	/* Where to cut, should the text turn out too long: the last place with room for `more`. */
	size_t used = 0, cut = 0;
	int width = 0, cut_width = 0;

	while (*s) {
		uint32_t point;
		size_t n = decode(s, &point);
		bool good = n && lt_fmt_printable(point) && !(ascii && point > 0x7f);
		size_t out = good ? n : 1;
		int w = good ? width_of(point) : 1;

		if (width + w > cells || used + out + 4 >= size) {
			used = cut;
			width = cut_width;
			if (cells > 0 && used + 4 < size) {
				memcpy(buf + used, more, strlen(more));
				used += strlen(more);
				width++;
			}
			break;
		}
		memcpy(buf + used, good ? (const void *)s : "?", out);
		used += out;
		width += w;
		s += n ? n : 1;
		if (width < cells) {
			cut = used;
			cut_width = width;
		}
	}
	while (width < cells && used + 1 < size) {
		buf[used++] = ' ';
		width++;
	}
	buf[used] = '\0';
	return buf;
}
