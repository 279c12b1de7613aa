/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Values that all JSON here is made of. */
#ifndef LOOPTOP_UTIL_JSON_H
#define LOOPTOP_UTIL_JSON_H

#include <jansson.h>

/* Any bytes, made well-formed UTF-8; null for NULL. A new reference, or NULL when memory ran out. */
json_t *lt_json_text(const char *s);

/* The value as text, to be freed; NULL: memory ran out. What a terminal would act on, should somebody look at it there,
 * is written as \uXXXX wherever it stands: JSON itself would let DEL, C1 controls and marks of direction pass. */
char *lt_json_dump(const json_t *value, size_t flags);

#endif
