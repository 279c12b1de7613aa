/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * From a script to its source map: the comment that names it, and the text of the map, inline in a data: URL
 * or from a file of the target. Never from the network.
 */
#include "agent/v8/sourcemap.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/v8/sourcemap_internal.h"

static const char magic[] = "sourceMappingURL=";
static const char data_scheme[] = "data:";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether the word at `at` stands where it does in a magic comment: after "//# ", "//@ ", or a star for the
 * second slash. */
static bool begins_comment(const char *text, size_t at, bool *ret_block)
{
	size_t end = at;

	while (end && is_blank(text[end - 1]))
		end--;
	if (end == at || end < 3 || (text[end - 1] != '#' && text[end - 1] != '@') ||
	    (text[end - 2] != '/' && text[end - 2] != '*') || text[end - 3] != '/')
		return false;
	*ret_block = text[end - 2] == '*';
	return true;
}

/*
 * The value that begins at `at`: up to a blank, with nothing behind it in its line, as V8 has it. Quotes of any
 * kind tell that this is code that makes such a comment. Returns its length, 0: none.
 */
static size_t value_length(const char *text, size_t at, size_t length, bool block)
{
	size_t end = at, rest;

	while (end < length && (unsigned char)text[end] > ' ' && text[end] != 0x7f) {
		if (strchr("'\"`", text[end]))
			return 0;
		if (block && text[end] == '*' && end + 1 < length && text[end + 1] == '/')
			break;
		end++;
	}
	for (rest = end; rest < length && is_blank(text[rest]);)
		rest++;
	if (block)
		return length - rest >= 2 && !memcmp(text + rest, "*/", 2) ? end - at : 0;
	return rest == length || text[rest] == '\n' || text[rest] == '\r' ? end - at : 0;
}

char *lt_sourcemap__url(const char *tail, size_t tail_length)
{
	const char *value = NULL, *found;
	size_t at = 0, value_size = 0;

	while ((found = memmem(tail + at, tail_length - at, magic, sizeof(magic) - 1))) {
		size_t word = (size_t)(found - tail), size;
		bool block;

		at = word + sizeof(magic) - 1;
		if (!begins_comment(tail, word, &block))
			continue;
		while (at < tail_length && is_blank(tail[at]))
			at++;
		size = value_length(tail, at, tail_length, block);
		if (size) {
			value = tail + at;
			value_size = size;
		}
	}
	return value ? strndup(value, value_size) : NULL;
}

/* Decodes base64 in place, up to its padding; blanks are stepped over. Returns the length, -1: broken. */
static ssize_t decode_base64(char *text, size_t length)
{
	unsigned n_bits = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < length && text[i] != '='; i++) {
		int digit = lt_base64_digit((unsigned char)text[i]);

		if (isspace((unsigned char)text[i]))
			continue;
		if (digit < 0)
			return -1;
		bits = bits << 6 | (unsigned)digit;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			text[n++] = (char)(bits >> n_bits);
		}
	}
	return n_bits == 6 ? -1 : (ssize_t)n; /* one digit alone is no byte */
}

/* Returns the length of the decoded text, at most that of the other. */
static size_t percent_decode(char *buf, const char *text, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		int byte = lt_percent_byte(text + i, length - i);

		if (byte >= 0)
			i += 2;
		else
			byte = text[i];
		buf[n++] = (char)byte;
	}
	return n;
}

static bool is_base64(const char *header, size_t length)
{
	static const char mark[] = ";base64";
	const size_t n = sizeof(mark) - 1;

	return length >= n && !strncasecmp(header + length - n, mark, n);
}

/* The map inside of a data: URL. */
static int load_data(const char *url, const char *base, struct lt_sourcemap **ret_map)
{
	const char *header = url + sizeof(data_scheme) - 1, *comma = strchr(header, ',');
	size_t size, length;
	ssize_t decoded;
	char *text;
	int err;

	if (!comma)
		return -EINVAL;
	size = strlen(comma + 1);
	if (size > 2 * (size_t)LT_SOURCEMAP_MAX)
		return -EFBIG;
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	length = percent_decode(text, comma + 1, size);
	decoded = (ssize_t)length;
	if (is_base64(header, (size_t)(comma - header)))
		decoded = decode_base64(text, length);
	err = decoded < 0 ? -EINVAL : lt_sourcemap__parse(text, (size_t)decoded, base, ret_map);
	free(text);
	return err;
}

/* Reads size bytes, fewer if the file has become shorter. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, buf + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static int load_file(const char *root, const char *path, struct lt_sourcemap **ret_map)
{
	char *text = NULL;
	ssize_t length;
	size_t size;
	int fd, err = lt_source_open(root, path, &fd, &size);

	if (err)
		return err;
	text = malloc(size + 1);
	length = text ? read_all(fd, text, size) : -ENOMEM;
	close(fd);
	err = length < 0 ? (int)length : lt_sourcemap__parse(text, (size_t)length, path, ret_map);
	free(text);
	return err;
}

int lt_sourcemap__load(const char *root, const char *script_path, const char *url,
		       struct lt_sourcemap **ret_map)
{
	char ref[LT_SOURCEMAP_PATH_MAX], path[LT_SOURCEMAP_PATH_MAX];
	size_t length;

	if (!strncasecmp(url, data_scheme, sizeof(data_scheme) - 1))
		return load_data(url, script_path, ret_map);
	length = strcspn(url, "?#"); /* as Node takes it */
	if (!length)
		return -ENOENT;
	if (length >= sizeof(ref))
		return -ENAMETOOLONG;
	memcpy(ref, url, length);
	ref[length] = '\0';
	if (lt_source_path(path, sizeof(path), script_path, ref))
		return -ENAMETOOLONG;
	/* Elsewhere in the network, or beside a script that has no file. */
	if (path[0] != '/')
		return -ENOENT;
	return load_file(root, path, ret_map);
}
