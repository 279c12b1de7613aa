/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * From a script to its source map: the comment that names it, and the text of the map, inline in a data: URL
 * or from a file of the target. Never from the network.
 */
#include "agent/v8/sourcemap.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* The map inside of a data: URL, which is decoded in place. */
static int read_data(char *url, size_t size, const char *base, struct lt_sourcemap **ret_map)
{
	char *comma = memchr(url, ',', size), *text;
	size_t length;
	ssize_t decoded;

	if (size < sizeof(data_scheme) || !comma)
		return -EINVAL;
	text = comma + 1;
	length = percent_decode(text, text, size - (size_t)(text - url));
	decoded = (ssize_t)length;
	if (is_base64(url, (size_t)(comma - url)))
		decoded = decode_base64(text, length);
	return decoded < 0 ? -EINVAL : lt_sourcemap__parse(text, (size_t)decoded, base, ret_map);
}

/* Reads size bytes, fewer if the file has become shorter. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = pread(fd, buf + length, size - length, (off_t)length);

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

int lt_sourcemap__read(const struct lt_sourcemap_source *source, struct lt_sourcemap **ret_map)
{
	struct stat st;
	ssize_t length;
	char *text;
	int err;

	if (fstat(source->fd, &st))
		return -errno;
	if (st.st_size > (source->is_data ? 2 : 1) * (off_t)LT_SOURCEMAP_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	length = text ? read_all(source->fd, text, (size_t)st.st_size) : -ENOMEM;
	if (length < 0)
		err = (int)length;
	else if (source->is_data)
		err = read_data(text, (size_t)length, source->base, ret_map);
	else
		err = lt_sourcemap__parse(text, (size_t)length, source->base, ret_map);
	free(text);
	return err;
}

bool lt_sourcemap__is_data(const char *url)
{
	return !strncasecmp(url, data_scheme, sizeof(data_scheme) - 1);
}

/* A file of our own with the URL in it. */
static int open_data(const char *url, struct lt_sourcemap_source *source)
{
	size_t length = strlen(url);
	int fd = memfd_create("looptop-map", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < length;) {
		ssize_t n = write(fd, url + done, length - done);

		if (n < 0) {
			int err = -errno;

			close(fd);
			return err;
		}
		done += (size_t)n;
	}
	source->fd = fd;
	source->is_data = true;
	return 0;
}

int lt_sourcemap__open(const char *root, const char *script_path, const char *url,
		       struct lt_sourcemap_source *ret_source)
{
	char ref[LT_SOURCEMAP_PATH_MAX];
	size_t length, size;

	ret_source->is_data = false;
	if (lt_sourcemap__is_data(url)) {
		snprintf(ret_source->base, sizeof(ret_source->base), "%s", script_path);
		return open_data(url, ret_source);
	}
	length = strcspn(url, "?#"); /* as Node takes it */
	if (!length)
		return -ENOENT;
	if (length >= sizeof(ref))
		return -ENAMETOOLONG;
	memcpy(ref, url, length);
	ref[length] = '\0';
	if (lt_source_path(ret_source->base, sizeof(ret_source->base), script_path, ref))
		return -ENAMETOOLONG;
	/* Elsewhere in the network, or beside a script that has no file. */
	if (ret_source->base[0] != '/')
		return -ENOENT;
	return lt_source_open(root, ret_source->base, false, &ret_source->fd, &size);
}
