/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reading handles by the thousand: where they are known to be, and what their memory says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/handle_internal.h"
#include "agent/target/uv_layout.h"
#include "agent/util/array.h"
#include "agent/util/word.h"

#define READ_BYTES   232 /* of a handle: up to a stream's connection_cb */
#define FAILURES_MAX 2048 /* of reads in one batch: each costs a call */
#define PROBES_MAX   16 /* of the table; the target chooses the addresses */
#define QUEUED_MAX   (1ull << 40)

struct lt_handle_walk *lt_handle_walk__new(const struct lt_source *source, int pid)
{
	struct lt_handle_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return NULL;
	walk->source = *source;
	walk->pid = pid;
	return walk;
}

void lt_handle_walk__free(struct lt_handle_walk *walk)
{
	if (!walk)
		return;
	free(walk->known.items);
	free(walk->found.items);
	free(walk->handles);
	free(walk->table);
	free(walk->watchers);
	free(walk->block);
	free(walk->pieces);
	free(walk);
}

static bool is_stream(uint32_t type)
{
	return type == LT_UV_TCP || type == LT_UV_PIPE || type == LT_UV_TTY;
}

/* From its first bytes; those that were not read are 0. With another descriptor it is another stream. */
static void parse(const unsigned char *bytes, uint64_t address, struct lt_seen *seen)
{
	struct lt_handle *handle = &seen->handle;
	uint64_t since_ns = handle->blocked_since_ns, file = handle->file;
	int32_t fd = handle->fd;

	*handle = (struct lt_handle){ .address = address,
				      .type = lt_half(bytes, LT_UV_HANDLE_TYPE),
				      .flags = lt_half(bytes, LT_UV_HANDLE_FLAGS),
				      .fd = -1 };
	seen->loop = lt_word(bytes, LT_UV_HANDLE_LOOP);
	seen->next = lt_word(bytes, LT_UV_HANDLE_QUEUE);
	seen->prev = lt_word(bytes, LT_UV_HANDLE_QUEUE + 8);
	seen->read = true;
	if (handle->type == LT_UV_TIMER || handle->type == LT_UV_CHECK)
		handle->callback = lt_word(bytes, LT_UV_TIMER_CB);
	if (!is_stream(handle->type) || handle->flags & (LT_UV_CLOSING | LT_UV_CLOSED))
		return;
	handle->queued_bytes = lt_word(bytes, LT_UV_STREAM_QUEUED_BYTES);
	handle->fd = (int32_t)lt_half(bytes, LT_UV_STREAM_FD);
	handle->listening = lt_word(bytes, LT_UV_STREAM_CONNECTION_CB) != 0;
	if (!handle->queued_bytes || handle->fd != fd)
		return;
	handle->blocked_since_ns = since_ns;
	handle->file = file;
}

/* A handle may be the last thing before an unmapped page, and the smallest kinds are short. */
int lt_handle_walk__read_one(const struct lt_source *source, uint64_t address, struct lt_seen *seen)
{
	unsigned char bytes[READ_BYTES] = { 0 };
	int err = lt_source_read(source, address, bytes, READ_BYTES);

	if (err == -EFAULT) {
		memset(bytes, 0, sizeof(bytes));
		err = lt_source_read(source, address, bytes, LT_UV_HANDLE_LEAST_BYTES);
		if (!err && is_stream(lt_half(bytes, LT_UV_HANDLE_TYPE)))
			err = -EFAULT;
	}
	if (!err)
		parse(bytes, address, seen);
	return err;
}

bool lt_handle_walk__fits(const struct lt_seen *seen, uint64_t loop_ptr, uint64_t prev)
{
	const struct lt_handle *handle = &seen->handle;

	return seen->read && seen->loop == loop_ptr && handle->type >= 1 &&
	       handle->type < LT_UV_TYPES && seen->prev == prev && lt_is_pointer(seen->next) &&
	       handle->queued_bytes < QUEUED_MAX && handle->fd >= -1;
}

struct lt_seen *lt_handle_list__add(struct lt_handle_list *list)
{
	void *items =
		lt_array_room(list->items, list->n, &list->capacity, 16, sizeof(*list->items));

	if (!items)
		return NULL;
	list->items = items;
	list->items[list->n] = (struct lt_seen){ 0 };
	return &list->items[list->n++];
}

/* --- where handles are known to be --------------------------------------------------------------------- */

static size_t slot_of(const struct lt_handle_walk *walk, uint64_t address)
{
	return (size_t)((address * 0x9e3779b97f4a7c15ull) >> 32) & (walk->table_size - 1);
}

uint32_t lt_handle_walk__look_up(const struct lt_handle_walk *walk, uint64_t address)
{
	size_t slot = walk->table_size ? slot_of(walk, address) : 0;

	for (int i = 0; walk->table_size && i < PROBES_MAX; i++) {
		uint32_t index = walk->table[(slot + (size_t)i) & (walk->table_size - 1)];

		if (index == LT_HANDLE_NONE || walk->known.items[index].handle.address == address)
			return index;
	}
	return LT_HANDLE_NONE;
}

/* What finds no place is read on its own. */
static void enter(struct lt_handle_walk *walk, uint32_t index)
{
	size_t slot = slot_of(walk, walk->known.items[index].handle.address);

	for (int i = 0; i < PROBES_MAX; i++) {
		uint32_t *place = &walk->table[(slot + (size_t)i) & (walk->table_size - 1)];

		if (*place != LT_HANDLE_NONE)
			continue;
		*place = index;
		return;
	}
}

int lt_handle_walk__make_table(struct lt_handle_walk *walk, size_t n)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	if (size > walk->table_size) {
		uint32_t *table = reallocarray(walk->table, size, sizeof(*table));

		if (!table)
			return -ENOMEM;
		walk->table = table;
		walk->table_size = size;
	}
	memset(walk->table, 0xff, walk->table_size * sizeof(*walk->table));
	for (size_t i = 0; i < walk->known.n; i++)
		enter(walk, (uint32_t)i);
	return 0;
}

int lt_handle_walk__know(struct lt_handle_walk *walk, uint64_t address)
{
	struct lt_seen *seen;

	if (!lt_is_pointer(address) || lt_handle_walk__look_up(walk, address) != LT_HANDLE_NONE)
		return 0;
	seen = lt_handle_list__add(&walk->known);
	if (!seen)
		return -ENOMEM;
	seen->handle.address = address;
	enter(walk, (uint32_t)(walk->known.n - 1));
	return 0;
}

int lt_handle_walk__know_watched(struct lt_handle_walk *walk, const unsigned char *loop)
{
	uint64_t array = lt_word(loop, LT_UV_LOOP_WATCHERS);
	size_t n = lt_half(loop, LT_UV_LOOP_NWATCHERS);
	int err;

	if (n > LT_HANDLES_MAX || !lt_is_pointer(array))
		n = 0;
	if (n > walk->watchers_capacity) {
		uint64_t *watchers = reallocarray(walk->watchers, n, sizeof(*watchers));

		if (!watchers)
			return -ENOMEM;
		walk->watchers = watchers;
		walk->watchers_capacity = n;
	}
	err = lt_handle_walk__make_table(walk, walk->known.n + n);
	if (err || !n ||
	    lt_source_read(&walk->source, array, walk->watchers, n * sizeof(*walk->watchers)))
		return err;
	for (size_t i = 0; i < n && !err && walk->known.n < 2 * LT_HANDLES_MAX; i++)
		if (walk->watchers[i])
			err = lt_handle_walk__know(walk, walk->watchers[i] - LT_UV_STREAM_WATCHER);
	return err;
}

/* Reads known handles from..from+n with one call. How many it read before the first that is not there; -errno. */
static ssize_t read_batch(struct lt_handle_walk *walk, size_t from, size_t n)
{
	ssize_t got;

	for (size_t i = 0; i < n; i++) {
		uint64_t address = walk->known.items[from + i].handle.address;

		walk->pieces[i] = (struct iovec){ (void *)(uintptr_t)address, READ_BYTES };
	}
	got = walk->source.read(walk->source.ctx, walk->block, n * READ_BYTES, walk->pieces, n);
	if (got < 0)
		return got == -EFAULT ? 0 : got;
	got /= READ_BYTES;
	for (size_t i = 0; i < (size_t)got && i < n; i++) {
		struct lt_seen *seen = &walk->known.items[from + i];

		parse(walk->block + i * READ_BYTES, seen->handle.address, seen);
	}
	return got;
}

/* Room for as many as a batch may have, and no more: most loops have few handles, and a host has many loops. */
static int make_room(struct lt_handle_walk *walk)
{
	size_t n = walk->known.n < LT_PIECES_MAX ? walk->known.n : LT_PIECES_MAX;
	struct iovec *pieces;
	unsigned char *block;

	if (n <= walk->batch)
		return 0;
	pieces = reallocarray(walk->pieces, n, sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	walk->pieces = pieces;
	block = reallocarray(walk->block, n, READ_BYTES);
	if (!block)
		return -ENOMEM;
	walk->block = block;
	walk->batch = n;
	return 0;
}

int lt_handle_walk__read_known(struct lt_handle_walk *walk)
{
	size_t n = walk->known.n, at = 0;

	if (make_room(walk))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		walk->known.items[i].read = false;
	for (int failures = 0; at < n && failures < FAILURES_MAX;) {
		size_t size = n - at < LT_PIECES_MAX ? n - at : LT_PIECES_MAX;
		ssize_t got = read_batch(walk, at, size);

		if (got < 0)
			return (int)got;
		at += (size_t)got;
		if ((size_t)got == size)
			continue;
		at++; /* its memory is gone, or it is one before an unmapped page: read on its own if need be */
		failures++;
		if (lt_handle_walk__is_late(walk))
			return -ETIMEDOUT;
	}
	return 0;
}
