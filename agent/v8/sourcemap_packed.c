/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A map as it is kept: a tenth of its text. Segments are the differences between one and the next, in blocks that
 * can be read alone; those that say what the one before them said are left out. A process with limits makes it from
 * a hostile text (agent/v8/mapstore.c), and whatever it made, finding a position in it stays within it.
 */
#include "agent/v8/sourcemap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/array.h"
#include "agent/v8/sourcemap_internal.h"

#define MAGIC	      0x70616d73u
#define BLOCK	      64 /* segments in a block */
#define NUMBER_BYTES  10
#define SEGMENT_BYTES (1 + 6 * NUMBER_BYTES)

enum flags {
	NEXT_LINE = 1, /* the number of lines follows, and the column is from its begin */
	OTHER_FILE = 2, /* its number plus one follows, 0: none */
	NAMED = 4, /* how far its name is from the last one */
	ALL_FLAGS = 7
};

/* The first segment of a block, and where the others are. */
struct block {
	struct lt_segment first;
	uint32_t at, last_name;
};

/* All that lies one after the other, in this order. */
struct head {
	uint32_t magic;
	uint32_t n_blocks, n_files, n_names; /* offsets of texts: LT_SOURCEMAP_NONE: none */
	uint32_t text_bytes, delta_bytes;
};

struct lt_sourcemap {
	const struct head *head; /* the whole */
	const struct block *blocks;
	const uint32_t *files, *names;
	const char *text;
	const uint8_t *deltas;
	size_t length;
	void *owned; /* NULL: borrowed */
};

/* --- making ------------------------------------------------------------------------------------ */

struct packing {
	struct block *blocks;
	size_t n_blocks, blocks_room;
	uint8_t *deltas;
	size_t n, room;
	size_t in_block;
	struct lt_segment last;
	uint32_t last_name;
};

static void put(struct packing *packing, uint64_t value)
{
	while (value > 0x7f) {
		packing->deltas[packing->n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	packing->deltas[packing->n++] = (uint8_t)value;
}

static uint64_t zigzag(uint32_t to, uint32_t from)
{
	int64_t difference = (int64_t)to - from;

	return difference < 0 ? (uint64_t)-difference * 2 - 1 : (uint64_t)difference * 2;
}

static int begin_block(struct packing *packing, const struct lt_segment *segment)
{
	struct block *blocks = lt_array_room(packing->blocks, packing->n_blocks,
					     &packing->blocks_room, 64, sizeof(*blocks));

	if (!blocks)
		return -ENOMEM;
	packing->blocks = blocks;
	if (segment->name != LT_SOURCEMAP_NONE)
		packing->last_name = segment->name;
	blocks[packing->n_blocks++] =
		(struct block){ *segment, (uint32_t)packing->n, packing->last_name };
	packing->in_block = 1;
	return 0;
}

static int add_segment(struct packing *packing, const struct lt_segment *segment)
{
	const struct lt_segment *last = &packing->last;
	unsigned flags = (segment->line != last->line ? NEXT_LINE : 0) |
			 (segment->file != last->file ? OTHER_FILE : 0) |
			 (segment->name != LT_SOURCEMAP_NONE ? NAMED : 0);

	if (packing->room - packing->n < SEGMENT_BYTES) {
		size_t room = 2 * packing->room + 4096;
		uint8_t *deltas = realloc(packing->deltas, room);

		if (!deltas)
			return -ENOMEM;
		packing->deltas = deltas;
		packing->room = room;
	}
	put(packing, flags);
	if (flags & NEXT_LINE)
		put(packing, segment->line - last->line);
	put(packing, segment->column - (flags & NEXT_LINE ? 0 : last->column));
	if (flags & OTHER_FILE)
		put(packing, segment->file == LT_SOURCEMAP_NONE ? 0 : (uint64_t)segment->file + 1);
	if (segment->file != LT_SOURCEMAP_NONE) {
		put(packing, zigzag(segment->from_line, last->from_line));
		put(packing, zigzag(segment->from_column, last->from_column));
	}
	if (flags & NAMED) {
		put(packing, zigzag(segment->name, packing->last_name));
		packing->last_name = segment->name;
	}
	packing->in_block++;
	return 0;
}

static bool says_the_same(const struct lt_segment *a, const struct lt_segment *b)
{
	return a->line == b->line && a->file == b->file && a->from_line == b->from_line &&
	       a->from_column == b->from_column && a->name == b->name;
}

static int pack_segments(struct packing *packing, const struct lt_segments *segments)
{
	int err = 0;

	for (size_t i = 0; !err && i < segments->n; i++) {
		struct lt_segment segment = segments->items[i];

		if (packing->n_blocks && says_the_same(&segment, &packing->last))
			continue;
		if (!packing->n_blocks || packing->in_block == BLOCK)
			err = begin_block(packing, &segment);
		else
			err = add_segment(packing, &segment);
		/* what nobody wrote has no place: the next difference is from the last that has one */
		if (segment.file == LT_SOURCEMAP_NONE && packing->n_blocks &&
		    packing->in_block > 1) {
			segment.from_line = packing->last.from_line;
			segment.from_column = packing->last.from_column;
		}
		packing->last = segment;
	}
	return packing->n > UINT32_MAX ? -EFBIG : err;
}

static char *append(char *at, const void *data, size_t length)
{
	if (length)
		memcpy(at, data, length);
	return at + length;
}

int lt_sourcemap__pack(const struct lt_segments *segments, const struct lt_texts *files,
		       const struct lt_texts *names, struct lt_sourcemap **ret_map)
{
	struct packing packing = { 0 };
	int err = pack_segments(&packing, segments);
	struct head head = { .magic = MAGIC,
			     .n_blocks = (uint32_t)packing.n_blocks,
			     .n_files = (uint32_t)files->n,
			     .n_names = (uint32_t)names->n,
			     .text_bytes = (uint32_t)(files->length + names->length + 1),
			     .delta_bytes = (uint32_t)packing.n };
	size_t length = sizeof(head) + packing.n_blocks * sizeof(struct block) +
			(files->n + names->n) * sizeof(uint32_t) + head.text_bytes + packing.n;
	char *data = err ? NULL : malloc(length), *at = data;
	uint32_t *offsets;

	if (!err && !data)
		err = -ENOMEM;
	if (!err) {
		at = append(at, &head, sizeof(head));
		at = append(at, packing.blocks, packing.n_blocks * sizeof(struct block));
		at = append(at, files->offsets, files->n * sizeof(uint32_t));
		offsets = (uint32_t *)(void *)at;
		at = append(at, names->offsets, names->n * sizeof(uint32_t));
		for (size_t i = 0; i < names->n; i++)
			if (offsets[i] != LT_SOURCEMAP_NONE)
				offsets[i] += (uint32_t)files->length;
		at = append(at, files->bytes, files->length);
		at = append(at, names->bytes, names->length);
		at = append(at, "", 1);
		append(at, packing.deltas, packing.n);
		err = lt_sourcemap__view(data, length, ret_map);
	}
	free(packing.blocks);
	free(packing.deltas);
	if (err)
		free(data);
	else
		(*ret_map)->owned = data;
	return err;
}

/* --- using ------------------------------------------------------------------------------------- */

int lt_sourcemap__view(const void *data, size_t length, struct lt_sourcemap **ret_map)
{
	const struct head *head = data;
	struct lt_sourcemap *map;
	uint64_t sum;

	if (length < sizeof(*head) || head->magic != MAGIC || !head->text_bytes)
		return -EINVAL;
	sum = sizeof(*head) + (uint64_t)head->n_blocks * sizeof(struct block) +
	      ((uint64_t)head->n_files + head->n_names) * sizeof(uint32_t) + head->text_bytes +
	      head->delta_bytes;
	if (sum != length)
		return -EINVAL;
	map = calloc(1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	map->head = head;
	map->blocks = (const struct block *)(head + 1);
	map->files = (const uint32_t *)(map->blocks + head->n_blocks);
	map->names = map->files + head->n_files;
	map->text = (const char *)(map->names + head->n_names);
	map->deltas = (const uint8_t *)map->text + head->text_bytes;
	map->length = length;
	if (map->text[head->text_bytes - 1]) {
		free(map);
		return -EINVAL;
	}
	*ret_map = map;
	return 0;
}

void lt_sourcemap__free(struct lt_sourcemap *map)
{
	if (!map)
		return;
	free(map->owned);
	free(map);
}

const void *lt_sourcemap__data(const struct lt_sourcemap *map, size_t *ret_length)
{
	*ret_length = map->length;
	return map->head;
}

static const char *text_at(const struct lt_sourcemap *map, const uint32_t *offsets, uint32_t n,
			   uint32_t i)
{
	return i < n && offsets[i] < map->head->text_bytes ? map->text + offsets[i] : NULL;
}

struct reader {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t get(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < NUMBER_BYTES && reader->at < reader->end; i++) {
		uint8_t byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return value;
	}
	reader->bad = true;
	return 0;
}

static uint32_t moved(uint32_t from, uint64_t difference)
{
	uint64_t half = difference / 2;

	return difference & 1 ? (uint32_t)(from - half - 1) : (uint32_t)(from + half);
}

/* The segment behind *segment. False: it is broken. */
static bool next(struct reader *reader, struct lt_segment *segment, uint32_t *last_name)
{
	uint64_t flags = get(reader), column;

	if (flags & NEXT_LINE) {
		segment->line += (uint32_t)get(reader);
		segment->column = 0;
	}
	column = get(reader);
	segment->column += (uint32_t)column;
	if (flags & OTHER_FILE)
		segment->file = (uint32_t)get(reader) - 1; /* 0 is LT_SOURCEMAP_NONE */
	if (segment->file != LT_SOURCEMAP_NONE) {
		segment->from_line = moved(segment->from_line, get(reader));
		segment->from_column = moved(segment->from_column, get(reader));
	}
	segment->name = LT_SOURCEMAP_NONE;
	if (flags & NAMED)
		segment->name = *last_name = moved(*last_name, get(reader));
	return !reader->bad && flags <= ALL_FLAGS;
}

static bool is_behind(const struct lt_segment *segment, uint32_t line, uint32_t column)
{
	return segment->line != line ? segment->line > line : segment->column > column;
}

/* The last segment at or before a position. False: none is. */
static bool find(const struct lt_sourcemap *map, uint32_t line, uint32_t column,
		 struct lt_segment *ret_segment)
{
	size_t low = 0, high = map->head->n_blocks; /* the first one behind it is in [low, high] */
	struct lt_segment segment;
	struct reader reader = { 0 };
	uint32_t last_name;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_behind(&map->blocks[middle].first, line, column))
			high = middle;
		else
			low = middle + 1;
	}
	if (!low)
		return false;
	segment = *ret_segment = map->blocks[low - 1].first;
	last_name = map->blocks[low - 1].last_name;
	reader.end = map->deltas + map->head->delta_bytes;
	if (map->blocks[low - 1].at > map->head->delta_bytes)
		return false;
	reader.at = map->deltas + map->blocks[low - 1].at;
	if (low < map->head->n_blocks && map->blocks[low].at < map->head->delta_bytes)
		reader.end = map->deltas + map->blocks[low].at;
	/* no more than an honest block has, whoever made it */
	for (size_t i = 1; i < BLOCK && reader.at < reader.end; i++) {
		if (!next(&reader, &segment, &last_name))
			return false;
		if (is_behind(&segment, line, column))
			break;
		*ret_segment = segment;
	}
	return true;
}

int lt_sourcemap__find(const struct lt_sourcemap *map, int line, int column, const char **ret_file,
		       int *ret_line, int *ret_column, const char **ret_name)
{
	const struct head *head = map->head;
	struct lt_segment segment;
	const char *file;

	if (line < 1 || column < 1 ||
	    !find(map, (uint32_t)line - 1, (uint32_t)column - 1, &segment) ||
	    segment.line != (uint32_t)line - 1 || segment.from_line >= LT_SOURCEMAP_NUMBER_MAX ||
	    segment.from_column >= LT_SOURCEMAP_NUMBER_MAX)
		return -ENOENT;
	file = text_at(map, map->files, head->n_files, segment.file);
	if (!file)
		return -ENOENT;
	*ret_file = file;
	*ret_line = (int)segment.from_line + 1;
	*ret_column = (int)segment.from_column + 1;
	if (ret_name)
		*ret_name = text_at(map, map->names, head->n_names, segment.name);
	return 0;
}
