/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/extents.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES    4096u
#define FILE_BYTES_MAX (1ull << 30)
#define READ_BYTES     (256 * 1024)

/* A prime, 2^61 - 1: what is above bit 61 of a product is added to what is below. */
#define PRIME ((1ull << 61) - 1)

struct lt_extents {
	uint64_t file_size;
	size_t n_blocks;
	bool noted[];
};

struct lt_extents *lt_extents__new(uint64_t file_size)
{
	size_t n_blocks = (file_size + BLOCK_BYTES - 1) / BLOCK_BYTES;
	struct lt_extents *extents;

	if (!file_size || file_size > FILE_BYTES_MAX)
		return NULL;
	extents = calloc(1, sizeof(*extents) + n_blocks * sizeof(extents->noted[0]));
	if (!extents)
		return NULL;
	extents->file_size = file_size;
	extents->n_blocks = n_blocks;
	return extents;
}

void lt_extents__free(struct lt_extents *extents)
{
	free(extents);
}

void lt_extents__note(struct lt_extents *extents, uint64_t offset, uint64_t size)
{
	uint64_t end;

	if (!extents || !size || offset >= extents->file_size)
		return;
	end = size > extents->file_size - offset ? extents->file_size : offset + size;
	memset(extents->noted + offset / BLOCK_BYTES, true,
	       (end - 1) / BLOCK_BYTES - offset / BLOCK_BYTES + 1);
}

/* The runs of noted blocks, those with a gap below gap_max blocks between them joined. SIZE_MAX: more than max. */
static size_t runs(const struct lt_extents *extents, size_t gap_max, struct lt_extent *parts,
		   size_t max)
{
	size_t n = 0, end = 0; /* of the last run, in blocks */

	for (size_t i = 0; i < extents->n_blocks; i++) {
		uint64_t offset = (uint64_t)i * BLOCK_BYTES;

		if (!extents->noted[i])
			continue;
		if (!n || i - end >= gap_max) {
			if (n == max)
				return SIZE_MAX;
			parts[n++] = (struct lt_extent){ offset, 0 };
		}
		end = i + 1;
		parts[n - 1].size = offset + BLOCK_BYTES - parts[n - 1].offset;
	}
	if (n && parts[n - 1].size > extents->file_size - parts[n - 1].offset)
		parts[n - 1].size = extents->file_size - parts[n - 1].offset;
	return n;
}

size_t lt_extents__list(const struct lt_extents *extents, struct lt_extent *ret_parts, size_t max)
{
	size_t n = SIZE_MAX;

	if (!extents || !max)
		return 0;
	for (size_t gap_max = 1; n == SIZE_MAX; gap_max *= 2)
		n = runs(extents, gap_max, ret_parts, max);
	return n;
}

static uint64_t reduce(unsigned __int128 value)
{
	uint64_t sum = (uint64_t)(value & PRIME) + (uint64_t)(value >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

#define LANES	   4
#define LANE_BYTES (LANES * sizeof(uint64_t))

/*
 * A polynomial of the key, with the halves of the words as coefficients: of two different texts of so many bytes it is
 * the same for as many keys as its degree at most, a few millions of 2^61. Each lane has every fourth word, as one
 * product must wait for the one before it.
 */
struct sum {
	uint64_t lanes[LANES], key, square, stride; /* stride: from a lane's word to its next */
};

static void add_words(struct sum *sum, const uint8_t *bytes, size_t size)
{
	uint64_t words[LANES];

	for (size_t at = 0; at < size; at += LANE_BYTES) {
		memcpy(words, bytes + at, LANE_BYTES);
		for (int i = 0; i < LANES; i++)
			sum->lanes[i] = reduce((unsigned __int128)sum->lanes[i] * sum->stride +
					       (unsigned __int128)(words[i] >> 32) * sum->key +
					       (uint32_t)words[i]);
	}
}

static int add_part(int fd, const struct lt_extent *part, uint8_t *buf, struct sum *sum)
{
	for (uint64_t done = 0; done < part->size;) {
		uint64_t left = part->size - done;
		size_t size = left < READ_BYTES ? left : READ_BYTES;
		size_t padded = (size + LANE_BYTES - 1) / LANE_BYTES * LANE_BYTES;
		ssize_t n = pread(fd, buf, size, (off_t)(part->offset + done));

		if (n != (ssize_t)size)
			return n < 0 ? -errno : -EIO;
		memset(buf + size, 0, padded - size);
		add_words(sum, buf, padded);
		done += size;
	}
	return 0;
}

int lt_extents_sum(int fd, const struct lt_extent *parts, size_t n, uint64_t key, uint64_t *ret_sum)
{
	struct sum sum = { .lanes = { n }, .key = key % PRIME };
	uint8_t *buf = malloc(READ_BYTES);
	int err = buf ? 0 : -ENOMEM;

	sum.square = reduce((unsigned __int128)sum.key * sum.key);
	sum.stride = reduce((unsigned __int128)sum.square * sum.square);
	sum.stride = reduce((unsigned __int128)sum.stride * sum.stride);
	for (size_t i = 0; !err && i < n; i++)
		err = add_part(fd, &parts[i], buf, &sum);
	free(buf);
	*ret_sum = 0;
	for (int i = 0; i < LANES; i++)
		*ret_sum = reduce((unsigned __int128)*ret_sum * sum.square + sum.lanes[i]);
	return err;
}
