/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The source map of a script, found and loaded once: V8 keeps the URL when it compiles the script, and
 * where it did not (code from a cache) the source ends with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/util/clock.h"
#include "agent/util/fmt.h"
#include "agent/v8/internal.h"
#include "agent/v8/mapstore.h"
#include "agent/v8/sourcemap.h"
#include "agent/v8/strings.h"

#define URL_UNITS_MAX  (32u << 20) /* a data: URL holds the whole map */
#define TAIL_UNITS_MAX (1u << 20)
#define CHUNK_UNITS    32768u
#define AGAIN_NS       500000000ull /* until the next try, doubled each time */

/* n units of a string as ASCII, '?' for all else. */
static int read_ascii(struct lt_v8 *v8, const struct lt_v8_string *string, uint32_t from,
		      uint32_t n, char *text)
{
	uint16_t *units = lt_v8__scratch(v8, 2 * CHUNK_UNITS);

	if (!units)
		return -ENOMEM;
	for (uint32_t done = 0, part; done < n; done += part) {
		int err;

		part = n - done < CHUNK_UNITS ? n - done : CHUNK_UNITS;
		err = lt_v8_string__units(&v8->heap, string, from + done, units, part);
		if (err)
			return err;
		for (uint32_t i = 0; i < part; i++)
			text[done + i] = units[i] && units[i] < 0x80 ? (char)units[i] : '?';
	}
	text[n] = '\0';
	return 0;
}

/* A URL that holds the map goes to a file, piece by piece: whatever its length, it takes nothing here. */
static int copy_data(struct lt_v8 *v8, const struct lt_v8_string *string, int fd)
{
	char text[CHUNK_UNITS + 1];

	for (uint32_t done = 0, part; done < string->n_units; done += part) {
		int err;

		part = string->n_units - done < CHUNK_UNITS ? string->n_units - done : CHUNK_UNITS;
		err = read_ascii(v8, string, done, part, text);
		if (!err && write(fd, text, part) != (ssize_t)part)
			err = -EIO;
		if (err)
			return err;
	}
	return 0;
}

static int open_data(struct lt_v8 *v8, const struct lt_v8_script *script,
		     const struct lt_v8_string *string, struct lt_sourcemap_source *ret_source)
{
	int fd = memfd_create("looptop-map", MFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = copy_data(v8, string, fd);
	if (err) {
		close(fd);
		return err;
	}
	ret_source->fd = fd;
	ret_source->is_data = true;
	snprintf(ret_source->base, sizeof(ret_source->base), "%s", script->file);
	return 0;
}

static int open_tail(struct lt_v8 *v8, const struct lt_v8_script *script, const char *root,
		     struct lt_sourcemap_source *ret_source)
{
	struct lt_v8_string string;
	uint32_t from, n;
	char *tail, *url = NULL;
	int err = lt_v8_string__open(&v8->heap, script->source, UINT32_MAX, &string);

	if (err)
		return err;
	from = string.n_units > TAIL_UNITS_MAX ? string.n_units - TAIL_UNITS_MAX : 0;
	n = string.n_units - from;
	tail = malloc((size_t)n + 1);
	err = tail ? read_ascii(v8, &string, from, n, tail) : -ENOMEM;
	if (!err)
		url = lt_sourcemap__url(tail, n);
	free(tail);
	if (!err)
		err = url ? lt_sourcemap__open(root, script->file, url, ret_source) : -ENOENT;
	free(url);
	return err;
}

static int open_source(struct lt_v8 *v8, const struct lt_v8_script *script,
		       struct lt_sourcemap_source *ret_source)
{
	struct lt_v8_string string;
	char root[32], url[LT_SOURCEMAP_PATH_MAX + 1] = "";
	uint32_t n;

	snprintf(root, sizeof(root), "/proc/%d/root", v8->pid);
	if (lt_v8_string__open(&v8->heap, script->map_url, URL_UNITS_MAX, &string) ||
	    !string.length || string.length != string.n_units)
		return open_tail(v8, script, root, ret_source);
	n = string.n_units < LT_SOURCEMAP_PATH_MAX ? string.n_units : LT_SOURCEMAP_PATH_MAX;
	if (read_ascii(v8, &string, 0, n, url))
		return -EFAULT;
	if (lt_sourcemap__is_data(url))
		return open_data(v8, script, &string, ret_source);
	return lt_sourcemap__open(root, script->file, url, ret_source);
}

/* May it be another time when it is tried again? */
static bool is_passing(int err)
{
	return err == -EBUSY || err == -ETIMEDOUT || err == -EMFILE || err == -ENFILE ||
	       err == -ENOMEM;
}

static void load(struct lt_v8 *v8, struct lt_v8_script *script)
{
	struct lt_sourcemap_source *source;
	int err = 0;

	if (!script->user || !script->file) {
		script->map_tries = LT_V8_MAP_TRIES;
		return;
	}
	if (lt_now_ns() < script->map_next_ns)
		return;
	source = malloc(sizeof(*source));
	err = source ? open_source(v8, script, source) : -ENOMEM;
	if (!err) {
		script->map = lt_mapstore__get(source, v8->pid);
		err = script->map ? 0 : -ENOMEM;
	}
	script->map_tries = is_passing(err) ? script->map_tries + 1 : LT_V8_MAP_TRIES;
	script->map_next_ns = lt_now_ns() + (AGAIN_NS << script->map_tries);
	free(source);
}

void lt_v8_original__find(struct lt_v8 *v8, struct lt_v8_script *script,
			  struct lt_stack_frame *frame)
{
	char text[LT_V8_FILE_TEXT];
	const char *file;
	int line, column, err;

	/* a map without the column would tell any statement of the line */
	if (frame->line <= 0 || frame->column <= 0)
		return;
	if (script->map_tries < LT_V8_MAP_TRIES)
		load(v8, script);
	if (!script->map)
		return;
	err = lt_mapstore__find(script->map, frame->line, frame->column, &file, &line, &column);
	if (err == -ESTALE) {
		lt_mapstore__put(script->map);
		script->map = NULL;
		script->map_tries = 0; /* the next time */
		script->map_next_ns = 0;
	}
	if (err)
		return;
	/* whoever made the map may have told anything */
	frame->original_file = lt_arena__text(&v8->arena, lt_fmt_text(text, sizeof(text), file));
	if (!frame->original_file)
		return;
	frame->original_line = line;
	frame->original_column = column;
}
