/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK	   1024u /* a part of a page: it is there as a whole or not at all */
#define BLOCKS	   256 /* that are kept; a power of two */
#define USED_MAX   96 /* that are read ahead */
#define SIZE_MOST  (8 * BLOCK) /* what is larger is read as it is */

struct block {
	uint64_t address;
	uint64_t round; /* in which it was read */
	bool used;
	unsigned char bytes[BLOCK];
};

struct lt_blocks {
	struct lt_source source;
	bool has_begun; /* something was read in this round */
	uint64_t used[USED_MAX], before[USED_MAX]; /* in this round, and in the one before */
	size_t n_used, n_before;
};

/* One store for all: rounds do not overlap. */
static struct block *store;
static const struct lt_blocks *owner;
static uint64_t current;

struct lt_blocks *lt_blocks__new(const struct lt_source *source)
{
	struct lt_blocks *blocks = calloc(1, sizeof(*blocks));

	if (!store)
		store = calloc(BLOCKS, sizeof(*store));
	if (!blocks || !store) {
		free(blocks);
		return NULL;
	}
	blocks->source = *source;
	return blocks;
}

void lt_blocks__free(struct lt_blocks *blocks)
{
	if (blocks && owner == blocks)
		owner = NULL;
	free(blocks);
}

void lt_blocks__begin(struct lt_blocks *blocks)
{
	owner = blocks;
	current++;
	blocks->has_begun = false;
	if (!blocks->n_used)
		return;
	memcpy(blocks->before, blocks->used, blocks->n_used * sizeof(blocks->used[0]));
	blocks->n_before = blocks->n_used;
	blocks->n_used = 0;
}

static struct block *place_of(uint64_t address)
{
	return &store[(address / BLOCK * 0x9e3779b97f4a7c15ull) >> 56 & (BLOCKS - 1)];
}

static bool is_there(const struct block *block, uint64_t address)
{
	return block->address == address && block->round == current;
}

static void keep(uint64_t address, const unsigned char *bytes)
{
	struct block *block = place_of(address);

	block->address = address;
	block->round = current;
	block->used = false;
	memcpy(block->bytes, bytes, BLOCK);
}

/* Reads a block, and those that will be asked for next. */
static int fetch(struct lt_blocks *blocks, uint64_t address)
{
	static unsigned char bytes[(USED_MAX + 1) * BLOCK];
	struct iovec pieces[USED_MAX + 1];
	size_t n = 0;
	ssize_t got;

	pieces[n++] = (struct iovec){ (void *)(uintptr_t)address, BLOCK };
	for (size_t i = 0; !blocks->has_begun && i < blocks->n_before; i++)
		if (blocks->before[i] != address)
			pieces[n++] =
				(struct iovec){ (void *)(uintptr_t)blocks->before[i], BLOCK };
	blocks->has_begun = true;
	got = blocks->source.read(blocks->source.ctx, bytes, n * BLOCK, pieces, n);
	if (got < (ssize_t)BLOCK)
		return got < 0 ? (int)got : -EFAULT;
	/* The one that was asked for last: others may have its place. */
	for (size_t i = (size_t)got / BLOCK; i-- > 0;)
		keep((uint64_t)(uintptr_t)pieces[i].iov_base, bytes + i * BLOCK);
	return 0;
}

static int find(struct lt_blocks *blocks, uint64_t address, struct block **ret_block)
{
	struct block *block = place_of(address);
	int err = is_there(block, address) ? 0 : fetch(blocks, address);

	if (err)
		return err;
	if (!block->used && blocks->n_used < USED_MAX)
		blocks->used[blocks->n_used++] = address;
	block->used = true;
	*ret_block = block;
	return 0;
}

int lt_blocks__read(struct lt_blocks *blocks, uint64_t address, void *buf, size_t size)
{
	unsigned char *to = buf;

	if (owner != blocks)
		lt_blocks__begin(blocks);
	if (size > SIZE_MOST)
		return lt_source_read(&blocks->source, address, buf, size);
	while (size) {
		size_t within = address % BLOCK;
		size_t part = size < BLOCK - within ? size : BLOCK - within;
		struct block *block;
		int err = find(blocks, address - within, &block);

		if (err)
			return err;
		memcpy(to, block->bytes + within, part);
		to += part;
		address += part;
		size -= part;
	}
	return 0;
}
