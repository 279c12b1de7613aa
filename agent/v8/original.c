/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The source map of a script, found and loaded once: V8 keeps the URL when it compiles the script, and
 * where it did not (code from a cache) the source ends with it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/v8/internal.h"
#include "agent/v8/sourcemap.h"
#include "agent/v8/strings.h"

#define URL_UNITS_MAX  (32u << 20) /* a data: URL holds the whole map */
#define TAIL_UNITS_MAX (1u << 20)
#define MAPS_BYTES_MAX (256u << 20) /* of all scripts together */

/* A range of a string as ASCII, '?' for all else; NULL: it cannot be read. To be freed. */
static char *read_ascii(struct lt_v8 *v8, const struct lt_v8_string *string, uint32_t from)
{
	uint32_t n = string->n_units - from;
	uint16_t *units = lt_v8__scratch(v8, 2 * (size_t)n + 2);
	char *text = malloc((size_t)n + 1);

	if (!units || !text || lt_v8_string__units(&v8->heap, string, from, units, n)) {
		free(text);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		text[i] = units[i] && units[i] < 0x80 ? (char)units[i] : '?';
	text[n] = '\0';
	return text;
}

static char *find_url(struct lt_v8 *v8, const struct lt_v8_script *script)
{
	struct lt_v8_string string;
	char *tail, *url;

	if (!lt_v8_string__open(&v8->heap, script->map_url, URL_UNITS_MAX, &string) &&
	    string.length && string.length == string.n_units)
		return read_ascii(v8, &string, 0);
	if (lt_v8_string__open(&v8->heap, script->source, UINT32_MAX, &string))
		return NULL;
	tail = read_ascii(v8, &string,
			  string.n_units > TAIL_UNITS_MAX ? string.n_units - TAIL_UNITS_MAX : 0);
	url = tail ? lt_sourcemap__url(tail, strlen(tail)) : NULL;
	free(tail);
	return url;
}

static void load(struct lt_v8 *v8, struct lt_v8_script *script)
{
	char root[32];
	char *url;

	script->map_tried = true;
	if (!script->user || !script->file)
		return;
	url = find_url(v8, script);
	snprintf(root, sizeof(root), "/proc/%d/root", v8->pid);
	if (url && lt_sourcemap__load(root, script->file, url, &script->map))
		script->map = NULL;
	free(url);
	if (v8->map_bytes + lt_sourcemap__bytes(script->map) > MAPS_BYTES_MAX) {
		lt_sourcemap__free(script->map);
		script->map = NULL;
	}
	v8->map_bytes += lt_sourcemap__bytes(script->map);
}

void lt_v8_original__find(struct lt_v8 *v8, struct lt_v8_script *script,
			  struct lt_stack_frame *frame)
{
	const char *file;
	int line, column;

	if (!script->map_tried)
		load(v8, script);
	/* a map without the column would tell any statement of the line */
	if (!script->map || frame->line <= 0 || frame->column <= 0 ||
	    lt_sourcemap__find(script->map, frame->line, frame->column, &file, &line, &column,
			       NULL) ||
	    !file)
		return;
	frame->original_file = lt_arena__text(&v8->arena, file);
	if (!frame->original_file)
		return;
	frame->original_line = line;
	frame->original_column = column;
}
