/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The map of a script, opened and read in one process. */
#ifndef LOOPTOP_TESTS_SOURCEMAP_FILE_H
#define LOOPTOP_TESTS_SOURCEMAP_FILE_H

#include <unistd.h>

#include "agent/v8/sourcemap.h"

static inline int load_sourcemap(const char *root, const char *script_path, const char *url,
				 struct lt_sourcemap **ret_map)
{
	struct lt_sourcemap_source source;
	int err = lt_sourcemap__open(root, script_path, url, &source);

	if (err)
		return err;
	err = lt_sourcemap__read(&source, ret_map);
	close(source.fd);
	return err;
}

#endif
