/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* libFuzzer target: a text as a source map, as a script's end, as a URL and as a path. */
#include <assert.h>

#include "agent/v8/sourcemap.h"
#include "agent/v8/sourcemap_internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/sourcemap_file.h"

static void ask(const struct lt_sourcemap *map)
{
	for (int line = 1; line < 8; line++)
		for (int column = 1; column < 64; column += 3) {
			const char *file, *name;
			int from_line, from_column;

			if (lt_sourcemap__find(map, line, column, &file, &from_line, &from_column,
					       &name))
				continue;
			assert(*file && strlen(file) < 1024 && from_line > 0 && from_column > 0);
			assert(!name || strlen(name) < 256);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct lt_sourcemap *map;
	char path[512], *text = input_text(&input), *url;

	if (!lt_sourcemap__parse((const char *)data, size, "/srv/app.js.map", &map)) {
		ask(map);
		lt_sourcemap__free(map);
	}
	url = lt_sourcemap__url((const char *)data, size);
	/* the root is no folder: no file is opened */
	if (!load_sourcemap("/dev/null", "/srv/app.js", url ? url : text, &map)) {
		ask(map);
		lt_sourcemap__free(map);
	}
	if (!lt_source_path(path, sizeof(path), "file:///srv/a.js", text))
		assert(strlen(path) < sizeof(path));
	if (!lt_source_path(path, sizeof(path), text, "../a.js"))
		assert(strlen(path) < sizeof(path));
	free(text);
	free(url);
	return 0;
}
