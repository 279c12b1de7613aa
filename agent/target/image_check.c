/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/image_check.h"

#include <string.h>

#include "agent/target/uv_layout.h"

#define BYTECODES_MAX 256
#define V8_PLACE_MAX  (1 << 24)

/* A text that ends, without what a terminal obeys: C0 and C1. */
static bool is_text(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;

	if (!memchr(text, '\0', size))
		return false;
	for (; *at; at++)
		if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0))
			return false;
	return true;
}

/* Of an account in internal_fields; -1 is unknown. */
static bool is_field(int32_t offset)
{
	return offset >= -1 && offset <= LT_UV_ACCOUNT_MAX - 8;
}

/* In an object, an isolate or a thread's memory: sums of such numbers fit. */
static bool is_place(int32_t offset)
{
	return offset == LT_V8_UNKNOWN || (offset >= -V8_PLACE_MAX && offset <= V8_PLACE_MAX);
}

static bool are_places(const struct lt_v8_layout *v8)
{
	const int32_t places[] = {
#define PLACE(name) v8->name,
		LT_V8_FIELDS(PLACE)
#undef PLACE
			v8->sizes.heap,
		v8->sizes.spaces,
		v8->sizes.slot_total,
		v8->sizes.slot_used,
		v8->sizes.slot_available,
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!is_place(places[i]))
			return false;
	return true;
}

static bool is_sane_v8(const struct lt_v8_layout *v8)
{
	return are_places(v8) && v8->level >= LT_V8_NONE && v8->level <= LT_V8_LINES &&
	       v8->bytecode_count <= BYTECODES_MAX && is_text(v8->why_not, sizeof(v8->why_not)) &&
	       is_text(v8->sizes.why_not, sizeof(v8->sizes.why_not));
}

bool lt_image__is_sane(const struct lt_image *image)
{
	if (image->n_sites > LT_IMAGE_SITES_MAX || image->n_classes > LT_IMAGE_CLASSES_MAX ||
	    image->n_missing > sizeof(image->missing) / sizeof(image->missing[0]) ||
	    image->n_parts > LT_IMAGE_PARTS_MAX ||
	    !is_text(image->build_id, sizeof(image->build_id)) ||
	    !is_text(image->runtime, sizeof(image->runtime)) ||
	    !is_text(image->runtime_version, sizeof(image->runtime_version)) ||
	    !is_text(image->uv_version, sizeof(image->uv_version)))
		return false;
	if (!is_field(image->uv.idle_time) || !is_field(image->uv.entry_time) ||
	    !is_field(image->uv.loop_count) ||
	    (image->uv.idle_time < 0) != (image->uv.entry_time < 0) || image->uv.mutex_bytes < 0 ||
	    image->uv.mutex_bytes > LT_UV_MUTEX_MAX)
		return false;
	/* a bool that is neither is no value of its type */
	if (!is_sane_v8(&image->v8) || *(const unsigned char *)&image->stripped > 1)
		return false;
	for (size_t i = 0; i < image->n_classes; i++)
		if ((unsigned)image->classes[i].kind >= LT_KIND_MAX)
			return false;
	for (size_t i = 0; i < image->n_missing; i++)
		if (!is_text(image->missing[i], sizeof(image->missing[i])))
			return false;
	for (size_t i = 0; i < image->n_sites; i++)
		if (!is_text(image->sites[i].symbol, sizeof(image->sites[i].symbol)) ||
		    image->sites[i].length > sizeof(image->sites[i].bytes) ||
		    (unsigned)image->sites[i].role >= LT_ROLE_MAX ||
		    (unsigned)image->sites[i].cost > LT_SITE_STEPPED ||
		    (unsigned)image->sites[i].group >= LT_GROUP_MAX)
			return false;
	return true;
}
