/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Recordings of what the resolver reads of a process: the ranges of memory that it asked for, with the
 * constants of that V8. A file of them is a few dozen kilobytes and is read again by v8_fuzz.c.
 */
#ifndef LOOPTOP_TESTS_V8_RECORDING_H
#define LOOPTOP_TESTS_V8_RECORDING_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/v8/layout_internal.h"
#include "agent/v8/v8.h"

#define RECORDING_MAGIC	     "LTV8REC1"
#define RECORDING_RANGES_MAX 4096

struct recording_range {
	uint64_t address, length;
};

/* The beginning of a file; ranges in order and their bytes follow, all of it compressed. */
struct recording_head {
	char magic[8];
	int32_t major, minor, new_positions, c_entry_fp;
	uint64_t blob_begin, blob_end, bytecode_sizes, bytecode_count;
	uint64_t isolate;
	uint64_t n_ranges, n_bytes;
};

struct recording {
	struct recording_head head;
	struct recording_range ranges[RECORDING_RANGES_MAX]; /* in order, apart from each other */
	uint8_t *bytes; /* of the ranges, one after the other */
	/* While it is made: */
	struct lt_v8_memory source;
	uint8_t *parts[RECORDING_RANGES_MAX]; /* bytes of each range */
};

/* The layout of the process that was recorded. */
static inline struct lt_v8_layout recording_layout(const struct recording *recording)
{
	const struct recording_head *head = &recording->head;
	struct lt_v8_layout layout = { .level = LT_V8_LINES,
				       .major = head->major,
				       .minor = head->minor,
				       .new_positions = head->new_positions,
				       .blob_begin = head->blob_begin,
				       .blob_end = head->blob_end,
				       .bytecode_sizes = head->bytecode_sizes,
				       .bytecode_count = head->bytecode_count };

#define UNKNOWN(member) layout.member = LT_V8_UNKNOWN;
	LT_V8_FIELDS(UNKNOWN)
#undef UNKNOWN
	layout.c_entry_fp = head->c_entry_fp;
	if (!lt_v8_known__fill(&layout))
		abort();
	return layout;
}

/* --- making one ------------------------------------------------------------------------------------ */

/* Puts a range in, joined with those that it touches. */
static inline void recording_add(struct recording *recording, uint64_t address, const void *bytes,
				 uint64_t length)
{
	struct recording_range *ranges = recording->ranges;
	uint64_t first = 0, n = recording->head.n_ranges, last, begin = address,
		 end = address + length;
	uint8_t *part;

	while (first < n && ranges[first].address + ranges[first].length < address)
		first++;
	for (last = first; last < n && ranges[last].address <= end; last++) {
		if (ranges[last].address < begin)
			begin = ranges[last].address;
		if (ranges[last].address + ranges[last].length > end)
			end = ranges[last].address + ranges[last].length;
	}
	part = malloc(end - begin);
	for (uint64_t i = first; i < last; i++) {
		memcpy(part + (ranges[i].address - begin), recording->parts[i], ranges[i].length);
		free(recording->parts[i]);
	}
	memcpy(part + (address - begin), bytes, length);
	if (first == last && n == RECORDING_RANGES_MAX)
		abort();
	memmove(ranges + first + 1, ranges + last, (n - last) * sizeof(*ranges));
	memmove(recording->parts + first + 1, recording->parts + last, (n - last) * sizeof(part));
	ranges[first] = (struct recording_range){ begin, end - begin };
	recording->parts[first] = part;
	recording->head.n_ranges = n + 1 - (last - first);
}

/* Reads from the source, and keeps what it gave. */
static inline int recording_read_through(void *ctx, uint64_t address, void *buf, size_t length)
{
	struct recording *recording = ctx;
	int err = recording->source.read(recording->source.ctx, address, buf, length);

	if (!err && length)
		recording_add(recording, address, buf, length);
	return err;
}

/* 0, or -errno. */
static inline int recording_save(const struct recording *recording, const char *path)
{
	const struct recording_head *head = &recording->head;
	struct recording_head whole = *head;
	gzFile file = gzopen(path, "wb9");

	if (!file)
		return -errno;
	memcpy(whole.magic, RECORDING_MAGIC, sizeof(whole.magic));
	for (uint64_t i = whole.n_bytes = 0; i < head->n_ranges; i++)
		whole.n_bytes += recording->ranges[i].length;
	gzwrite(file, &whole, sizeof(whole));
	gzwrite(file, recording->ranges, (unsigned)(head->n_ranges * sizeof(recording->ranges[0])));
	for (uint64_t i = 0; i < head->n_ranges; i++)
		gzwrite(file, recording->parts[i], (unsigned)recording->ranges[i].length);
	return gzclose(file) == Z_OK ? 0 : -EIO;
}

/* --- using one --------------------------------------------------------------------------------------- */

/* 0, or -errno. */
static inline int recording_load(struct recording *recording, const char *path)
{
	struct recording_head *head = &recording->head;
	gzFile file = gzopen(path, "rb");
	unsigned size;

	memset(recording, 0, sizeof(*recording));
	if (!file)
		return -errno;
	if (gzread(file, head, sizeof(*head)) != (int)sizeof(*head) ||
	    memcmp(head->magic, RECORDING_MAGIC, sizeof(head->magic)) != 0 ||
	    head->n_ranges > RECORDING_RANGES_MAX || head->n_bytes > 64u << 20) {
		gzclose(file);
		return -EINVAL;
	}
	size = (unsigned)(head->n_ranges * sizeof(recording->ranges[0]));
	recording->bytes = malloc(head->n_bytes);
	if (gzread(file, recording->ranges, size) != (int)size ||
	    gzread(file, recording->bytes, (unsigned)head->n_bytes) != (int)head->n_bytes) {
		gzclose(file);
		return -EINVAL;
	}
	gzclose(file);
	return 0;
}

/* Where in bytes a range of memory is, -1: it was not recorded. */
static inline int64_t recording_find(const struct recording *recording, uint64_t address,
				     uint64_t length)
{
	int64_t offset = 0;

	for (uint64_t i = 0; i < recording->head.n_ranges; i++) {
		const struct recording_range *range = &recording->ranges[i];

		if (address >= range->address && address - range->address < range->length)
			return length <= range->length - (address - range->address)
				       ? offset + (int64_t)(address - range->address)
				       : -1;
		offset += (int64_t)range->length;
	}
	return -1;
}

static inline void recording_free(struct recording *recording)
{
	free(recording->bytes);
	for (uint64_t i = 0; i < recording->head.n_ranges; i++)
		free(recording->parts[i]); /* of one that was loaded: NULL */
}

#endif
