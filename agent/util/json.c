/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/json.h"

#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"

json_t *lt_json_text(const char *s)
{
	size_t size = s ? 3 * strlen(s) + 1 : 0;
	char *clean;
	json_t *value;

	if (!s)
		return json_null();
	clean = malloc(size);
	if (!clean)
		return NULL;
	value = json_string(lt_fmt_utf8(clean, size, s));
	free(clean);
	return value;
}
