/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The "mappings" of a source map: groups of base64 VLQ numbers, each relative to the one before, made a sorted
 * array. Every number is checked; a text that is broken anywhere is refused as a whole, since all after the
 * break would be wrong.
 */
#include "agent/v8/sourcemap_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX   (8u << 20)
#define VLQ_DIGITS_MAX 7 /* 35 bits, one of them the sign */
#define VLQ_MORE       32
#define FIELDS_MAX     5

/* What the next group is relative to. */
struct state {
	const struct lt_mappings *mappings;
	size_t at;
	int64_t line; /* of the generated file, from the text's first */
	int64_t column, file, from_line, from_column, name;
};

static bool is_before(const struct lt_segment *a, const struct lt_segment *b)
{
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

static size_t count_groups(const char *text, size_t length)
{
	bool inside = false;
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		bool group = text[i] != ',' && text[i] != ';';

		n += group && !inside;
		inside = group;
	}
	return n;
}

static int make_room(struct lt_segments *segments, size_t n_more)
{
	struct lt_segment *items;
	size_t room;

	if (n_more > SEGMENTS_MAX || segments->n + n_more > SEGMENTS_MAX)
		return -EFBIG;
	if (segments->n + n_more <= segments->room)
		return 0;
	room = segments->n + n_more + segments->n / 2;
	items = realloc(segments->items, room * sizeof(*items));
	if (!items)
		return -ENOMEM;
	segments->items = items;
	segments->room = room;
	return 0;
}

static bool ends_group(const struct state *state)
{
	const struct lt_mappings *mappings = state->mappings;

	return state->at >= mappings->length || mappings->text[state->at] == ',' ||
	       mappings->text[state->at] == ';';
}

/* Reads one number and adds it to *sum, which must stay in [0, limit). */
static bool add_number(struct state *state, int64_t *sum, int64_t limit)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VLQ_DIGITS_MAX && !ends_group(state); i++) {
		int digit = lt_base64_digit((unsigned char)state->mappings->text[state->at++]);

		if (digit < 0)
			return false;
		value |= (uint64_t)(digit & (VLQ_MORE - 1)) << (5 * i);
		if (!(digit & VLQ_MORE)) {
			*sum += value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
			return *sum >= 0 && *sum < limit;
		}
	}
	return false;
}

/* Reads a group: a column; or also a file, its line and column; or also a name. Returns how many numbers it
 * has, 0: broken. */
static unsigned read_group(struct state *state)
{
	const struct lt_mappings *mappings = state->mappings;
	const int64_t number = LT_SOURCEMAP_NUMBER_MAX;
	const struct {
		int64_t *sum, limit;
	} fields[FIELDS_MAX] = {
		{ &state->column, number },	     { &state->file, mappings->n_files },
		{ &state->from_line, number },	     { &state->from_column, number },
		{ &state->name, mappings->n_names },
	};
	unsigned n = 0;

	while (!ends_group(state)) {
		if (n == FIELDS_MAX || !add_number(state, fields[n].sum, fields[n].limit))
			return 0;
		n++;
	}
	return n == 1 || n >= 4 ? n : 0;
}

/* Appends what the group with n_fields numbers tells. false: it is beyond all bounds. */
static bool append(struct lt_segments *segments, const struct state *state, unsigned n_fields)
{
	const struct lt_mappings *mappings = state->mappings;
	int64_t line = mappings->line + state->line;
	int64_t column = state->column + (state->line ? 0 : mappings->column);
	const struct lt_segment end = { .line = mappings->end_line,
					.column = mappings->end_column };
	struct lt_segment segment = { .file = LT_SOURCEMAP_NONE, .name = LT_SOURCEMAP_NONE };

	if (line >= LT_SOURCEMAP_NUMBER_MAX || column >= LT_SOURCEMAP_NUMBER_MAX)
		return false;
	segment.line = (uint32_t)line;
	segment.column = (uint32_t)column;
	if (n_fields >= 4) {
		segment.file = mappings->first_file + (uint32_t)state->file;
		segment.from_line = (uint32_t)state->from_line;
		segment.from_column = (uint32_t)state->from_column;
	}
	if (n_fields == FIELDS_MAX)
		segment.name = mappings->first_name + (uint32_t)state->name;
	if (is_before(&segment, &end))
		segments->items[segments->n++] = segment;
	return true;
}

/* Sorts n items; those that are equal stay in their order. By merging, so that no order of a hostile map
 * takes long. */
static int sort(struct lt_segment *items, size_t n)
{
	struct lt_segment *other = malloc(n * sizeof(*other)), *from = items, *to = other;

	if (!other)
		return -ENOMEM;
	for (size_t width = 1; width < n; width *= 2) {
		struct lt_segment *swap = from;

		for (size_t start = 0; start < n; start += 2 * width) {
			size_t middle = start + width < n ? start + width : n;
			size_t end = start + 2 * width < n ? start + 2 * width : n;
			size_t left = start, right = middle;

			for (size_t i = start; i < end; i++) {
				bool take_right =
					right < end &&
					(left == middle || is_before(&from[right], &from[left]));

				to[i] = take_right ? from[right++] : from[left++];
			}
		}
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, n * sizeof(*items));
	free(other);
	return 0;
}

static bool is_sorted(const struct lt_segment *items, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (is_before(&items[i], &items[i - 1]))
			return false;
	return true;
}

int lt_segments__add(struct lt_segments *segments, const struct lt_mappings *mappings)
{
	struct state state = { .mappings = mappings };
	size_t first = segments->n, n;
	int err = make_room(segments, count_groups(mappings->text, mappings->length) + 1);

	if (err)
		return err;
	/* What comes before the first group belongs to nobody, not to what was added before. */
	segments->items[segments->n++] = (struct lt_segment){ .line = mappings->line,
							      .column = mappings->column,
							      .file = LT_SOURCEMAP_NONE,
							      .name = LT_SOURCEMAP_NONE };
	while (state.at < mappings->length) {
		char c = mappings->text[state.at];
		unsigned n_fields;

		if (c == ',' || c == ';') {
			state.at++;
			if (c == ';') {
				state.line++;
				state.column = 0;
			}
			continue;
		}
		n_fields = read_group(&state);
		if (!n_fields || !append(segments, &state, n_fields)) {
			segments->n = first;
			return -EINVAL;
		}
	}
	n = segments->n - first;
	/* Columns that go back are rare, but allowed. */
	return is_sorted(segments->items + first, n) ? 0 : sort(segments->items + first, n);
}
