/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Source maps as JSON: plain ones and those made of sections. What is kept of a map is its segments and the
 * texts that they name; the sources that it may carry are dropped. A map that is broken is refused whole: a
 * wrong file is worse than none.
 */
#include "agent/v8/sourcemap.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/bounded.h"
#include "agent/util/fmt.h"
#include "agent/v8/sourcemap_internal.h"

#define VERSION	       3
#define FILES_MAX      (1u << 16)
#define NAMES_MAX      (1u << 20)
#define FILE_TEXT_MAX  1024
#define NAME_TEXT_MAX  256
#define TEXT_BYTES_MAX (96u << 20)
/* Bounds of what a text of JSON may become in memory. */
#define VALUES_MAX  (2u << 20)
#define OBJECTS_MAX (1u << 16)

/* What is made of the text, before it is packed. */
struct parsing {
	struct lt_segments segments;
	struct lt_texts files, names;
};

/* A section of a map, or the whole of it. */
struct section {
	const json_t *json;
	uint32_t line, column, end_line, end_column;
};

static int texts_room(struct lt_texts *texts, size_t n_more)
{
	uint32_t *offsets;

	if (texts->n + n_more <= texts->n_room)
		return 0;
	offsets = realloc(texts->offsets, (texts->n + n_more + texts->n / 2) * sizeof(*offsets));
	if (!offsets)
		return -ENOMEM;
	texts->offsets = offsets;
	texts->n_room = texts->n + n_more + texts->n / 2;
	return 0;
}

/* Adds a text that there is room for; NULL: none. */
static int add_text(struct lt_texts *texts, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;

	if (size > TEXT_BYTES_MAX - texts->length)
		return -EFBIG;
	if (size > texts->room - texts->length) {
		size_t room = 2 * texts->room + size + FILE_TEXT_MAX;
		char *bytes = realloc(texts->bytes, room);

		if (!bytes)
			return -ENOMEM;
		texts->bytes = bytes;
		texts->room = room;
	}
	texts->offsets[texts->n++] = text ? (uint32_t)texts->length : LT_SOURCEMAP_NONE;
	if (text)
		memcpy(texts->bytes + texts->length, text, size);
	texts->length += size;
	return 0;
}

static void texts_free(struct lt_texts *texts)
{
	free(texts->offsets);
	free(texts->bytes);
}

/* The value of a JSON string as a C string, cut if it does not fit: a NUL becomes another control character.
 * NULL: no string, or an empty one. */
static const char *string_of(char *buf, size_t size, const json_t *json)
{
	size_t length = json_is_string(json) ? json_string_length(json) : 0;

	if (!length)
		return NULL;
	if (length >= size)
		length = size - 1;
	memcpy(buf, json_string_value(json), length);
	buf[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (!buf[i])
			buf[i] = '\1';
	return buf;
}

/* Adds the name of a source file. One that is too long is none: the end of a path is the telling part. */
static int add_file(struct lt_texts *files, const char *folder, const json_t *json)
{
	char ref[LT_SOURCEMAP_PATH_MAX], path[LT_SOURCEMAP_PATH_MAX], text[FILE_TEXT_MAX];

	if (json_string_length(json) >= sizeof(ref) || !string_of(ref, sizeof(ref), json) ||
	    lt_source_path(path, sizeof(path), folder, ref) || strlen(path) >= sizeof(text))
		return add_text(files, NULL);
	return add_text(files, lt_fmt_text(text, sizeof(text), path));
}

static int add_files(struct lt_texts *files, const json_t *json, const char *base)
{
	const json_t *sources = json_object_get(json, "sources");
	const json_t *root_json = json_object_get(json, "sourceRoot");
	char root[LT_SOURCEMAP_PATH_MAX], folder[LT_SOURCEMAP_PATH_MAX];
	size_t n = json_array_size(sources);
	int err;

	if (sources && !json_is_array(sources))
		return -EINVAL;
	if (n > FILES_MAX || files->n + n > FILES_MAX ||
	    json_string_length(root_json) + 2 > sizeof(root))
		return -EFBIG;
	if (string_of(root, sizeof(root) - 1, root_json)) {
		if (root[strlen(root) - 1] != '/')
			strcat(root, "/");
		if (lt_source_path(folder, sizeof(folder), base, root))
			return -EFBIG;
		base = folder;
	}
	err = texts_room(files, n);
	for (size_t i = 0; i < n && !err; i++)
		err = add_file(files, base, json_array_get(sources, i));
	return err;
}

static int add_names(struct lt_texts *names, const json_t *json)
{
	const json_t *array = json_object_get(json, "names");
	size_t n = json_array_size(array);
	int err;

	if (array && !json_is_array(array))
		return -EINVAL;
	if (n > NAMES_MAX || names->n + n > NAMES_MAX)
		return -EFBIG;
	err = texts_room(names, n);
	for (size_t i = 0; i < n && !err; i++) {
		char raw[NAME_TEXT_MAX], text[NAME_TEXT_MAX];
		const char *name = string_of(raw, sizeof(raw), json_array_get(array, i));

		err = add_text(names, name ? lt_fmt_text(text, sizeof(text), name) : NULL);
	}
	return err;
}

static int add_section(struct parsing *map, const struct section *section, const char *base)
{
	const json_t *version = json_object_get(section->json, "version");
	const json_t *text = json_object_get(section->json, "mappings");
	struct lt_mappings mappings = { .line = section->line,
					.column = section->column,
					.end_line = section->end_line,
					.end_column = section->end_column,
					.first_file = (uint32_t)map->files.n,
					.first_name = (uint32_t)map->names.n };
	int err;

	if (json_number_value(version) != VERSION || !json_is_string(text))
		return -EINVAL;
	err = add_files(&map->files, section->json, base);
	if (!err)
		err = add_names(&map->names, section->json);
	if (err)
		return err;
	mappings.text = json_string_value(text);
	mappings.length = json_string_length(text);
	mappings.n_files = (uint32_t)map->files.n - mappings.first_file;
	mappings.n_names = (uint32_t)map->names.n - mappings.first_name;
	return lt_segments__add(&map->segments, &mappings);
}

static bool read_number(const json_t *json, uint32_t *ret_number)
{
	json_int_t value = json_integer_value(json);

	if (!json_is_integer(json) || value < 0 || value >= LT_SOURCEMAP_NUMBER_MAX)
		return false;
	*ret_number = (uint32_t)value;
	return true;
}

/* Where entry i of the sections begins. */
static bool read_offset(const json_t *sections, size_t i, uint32_t *ret_line, uint32_t *ret_column)
{
	const json_t *offset = json_object_get(json_array_get(sections, i), "offset");

	return read_number(json_object_get(offset, "line"), ret_line) &&
	       read_number(json_object_get(offset, "column"), ret_column);
}

static int add_sections(struct parsing *map, const json_t *sections, const char *base)
{
	size_t n = json_array_size(sections);

	if (!json_is_array(sections))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		struct section section = { .json = json_object_get(json_array_get(sections, i),
								   "map"),
					   .end_line = UINT32_MAX };
		int err;

		if (!read_offset(sections, i, &section.line, &section.column))
			return -EINVAL;
		if (i + 1 < n &&
		    !read_offset(sections, i + 1, &section.end_line, &section.end_column))
			return -EINVAL;
		if (section.end_line < section.line ||
		    (section.end_line == section.line && section.end_column < section.column))
			return -EINVAL;
		err = add_section(map, &section, base);
		if (err)
			return err;
	}
	return 0;
}

/* Whether a text of JSON will not take much more memory than its length, whatever it is made of. */
static bool is_bounded(const char *text, size_t length)
{
	size_t n_values = 0, n_objects = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '"')
			in_string = !in_string;
		else if (in_string)
			i += c == '\\';
		else if (c == '{')
			n_objects++;
		else if (c == ',' || c == '[')
			n_values++;
	}
	return n_values <= VALUES_MAX && n_objects <= OBJECTS_MAX;
}

/* Steps over a byte order mark, and over the line that keeps a browser from running JSON. */
static void skip_prefix(const char **text, size_t *length)
{
	static const char mark[] = "\xef\xbb\xbf", guard[] = ")]}'";
	size_t n = 0;

	if (*length >= sizeof(mark) - 1 && !memcmp(*text, mark, sizeof(mark) - 1))
		n = sizeof(mark) - 1;
	if (*length - n >= sizeof(guard) - 1 && !memcmp(*text + n, guard, sizeof(guard) - 1))
		while (n < *length && (*text)[n] != '\n')
			n++;
	*text += n;
	*length -= n;
}

/* Jansson 2.14 crashes when some of its allocations fail, and of others it says that the text was wrong. */
static bool exhausted;

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	exhausted |= !memory;
	if (!memory)
		lt_bounded__give_up(-ENOMEM);
	return memory;
}

static int read_json(const char *text, size_t length, json_t **ret_json)
{
	json_error_t error;

	skip_prefix(&text, &length);
	if (length > LT_SOURCEMAP_MAX || !is_bounded(text, length))
		return -EFBIG;
	exhausted = false;
	json_set_alloc_funcs(allocate, free);
	*ret_json = json_loadb(text, length, JSON_ALLOW_NUL, &error);
	if (*ret_json)
		return 0;
	return exhausted ? -ENOMEM : -EINVAL;
}

int lt_sourcemap__parse(const char *text, size_t length, const char *base,
			struct lt_sourcemap **ret_map)
{
	struct section whole = { .end_line = UINT32_MAX };
	struct parsing map = { 0 };
	json_t *json, *sections;
	int err = read_json(text, length, &json);

	if (err)
		return err;
	sections = json_object_get(json, "sections");
	whole.json = json;
	if (!sections)
		err = add_section(&map, &whole, base ? base : "");
	else if (json_number_value(json_object_get(json, "version")) != VERSION)
		err = -EINVAL;
	else
		err = add_sections(&map, sections, base ? base : "");
	json_decref(json);
	if (!err)
		err = lt_sourcemap__pack(&map.segments, &map.files, &map.names, ret_map);
	free(map.segments.items);
	texts_free(&map.files);
	texts_free(&map.names);
	return err;
}
