/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Paths and URLs of maps and of the files that they name: resolved as URLs are, but made for people to read
 * and for open(2). No file is touched here.
 */
#include "agent/v8/sourcemap_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

struct reference {
	const char *prefix; /* "webpack://name" */
	size_t prefix_length;
	const char *path; /* the rest */
	bool local; /* a path of the file system: no prefix, or a file: URL of this host */
	bool opaque; /* nothing can be relative to it: "node:fs", "C:\x" */
};

static size_t scheme_length(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || (n && strchr("+-.", text[n]) && text[n]))
		n++;
	/* One letter is a drive of Windows. */
	return n >= 2 && isalpha((unsigned char)text[0]) && text[n] == ':' ? n + 1 : 0;
}

static bool is_local(const char *prefix, size_t length)
{
	static const char *const local[] = { "", "file:", "file://", "file://localhost" };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (strlen(local[i]) == length && !strncasecmp(prefix, local[i], length))
			return true;
	return false;
}

static struct reference take_apart(const char *text)
{
	struct reference ref = { .prefix = text, .prefix_length = scheme_length(text) };
	bool drive = isalpha((unsigned char)text[0]) && text[1] == ':' &&
		     (text[2] == '\\' || text[2] == '/');

	ref.opaque = drive || (ref.prefix_length && text[ref.prefix_length] != '/');
	if (ref.opaque)
		ref.prefix_length = strlen(text);
	else if (ref.prefix_length && !strncmp(text + ref.prefix_length, "//", 2))
		ref.prefix_length += 2 + strcspn(text + ref.prefix_length + 2, "/");
	ref.path = text + ref.prefix_length;
	ref.local = is_local(text, ref.prefix_length);
	return ref;
}

/* How much of a path is the folder that it is in, with the last slash. */
static size_t folder_length(const struct reference *ref)
{
	size_t length = strlen(ref->path);

	if (!ref->local)
		length = strcspn(ref->path, "?#");
	while (length && ref->path[length - 1] != '/')
		length--;
	return length;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int lt_percent_byte(const char *text, size_t length)
{
	if (length < 3 || text[0] != '%' || hex(text[1]) < 0 || hex(text[2]) < 0)
		return -1;
	return hex(text[1]) << 4 | hex(text[2]);
}

/* Appends a decoded path. What cannot be in the name of a file stays encoded: "%2F", "%00". */
static size_t copy_decoded(char *buf, size_t size, size_t at, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		int byte = lt_percent_byte(text + i, length - i);

		if (at >= size)
			return size;
		if (byte > 0 && byte != '/')
			i += 2;
		else
			byte = text[i];
		buf[at++] = (char)byte;
	}
	return at;
}

static size_t copy(char *buf, size_t size, size_t at, const char *text, size_t length)
{
	if (at > size || length > size - at)
		return size;
	memcpy(buf + at, text, length);
	return at + length;
}

/* Takes ".", ".." and empty parts out of a path. keep_up: what leads out of a URL's root stays to be seen:
 * "webpack://app/../shared/a.ts" is not in app. */
static void normalise(char *path, bool keep_up)
{
	char *first = path + (path[0] == '/'), *out = first;
	size_t n_names = 0, length = strlen(path), step;
	bool folder = length && path[length - 1] == '/', rooted = first != path;

	for (const char *part = first; *part; part += step + (part[step] == '/')) {
		bool up;

		step = strcspn(part, "/");
		up = step == 2 && part[0] == '.' && part[1] == '.';
		if (!step || (step == 1 && *part == '.'))
			continue;
		if (up && n_names) {
			n_names--;
			while (out > first && out[-1] != '/')
				out--;
			out -= out > first; /* the slash before it */
			continue;
		}
		if (up && rooted && !keep_up)
			continue;
		if (out > first)
			*out++ = '/';
		memmove(out, part, step);
		out += step;
		n_names += !up;
	}
	if (out == path)
		*out++ = '.';
	if (folder && out[-1] != '/')
		*out++ = '/';
	*out = '\0';
}

int lt_source_path(char *buf, size_t size, const char *base, const char *ref)
{
	struct reference place = take_apart(ref);
	const char *path = place.path;
	size_t at = 0, folder = 0, start;

	if (place.opaque) {
		at = copy(buf, size, 0, ref, place.prefix_length);
		if (at >= size)
			return -ENAMETOOLONG;
		buf[at] = '\0';
		return 0;
	}
	if (!place.prefix_length) {
		place = take_apart(base);
		if (place.opaque)
			place = take_apart("");
		if (path[0] != '/')
			folder = folder_length(&place);
	}
	if (!place.local)
		at = copy(buf, size, 0, place.prefix, place.prefix_length);
	start = at;
	if (!place.local && path[0] && path[0] != '/' && !folder)
		at = copy(buf, size, at, "/", 1);
	if (place.local && place.prefix_length)
		at = copy_decoded(buf, size, at, place.path, folder);
	else
		at = copy(buf, size, at, place.path, folder);
	if (place.local)
		at = copy_decoded(buf, size, at, path, strlen(path));
	else
		at = copy(buf, size, at, path, strlen(path));
	if (at + 1 >= size) /* an empty path becomes "." */
		return -ENAMETOOLONG;
	buf[at] = '\0';
	if (place.local || at > start)
		normalise(buf + start, !place.local);
	return 0;
}
