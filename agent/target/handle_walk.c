/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The walk along the queue, and what is done when it changes meanwhile. */
#include "agent/target/handle_walk.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/target/handle_internal.h"
#include "agent/target/peer.h"
#include "agent/target/uv_layout.h"
#include "agent/util/word.h"

#define TRIES	  5
#define REPAIRS	  16 /* without reading everything again */
#define FIRST_MAX 256
#define CPU_NS	  100000000ull /* of one walk, all tries together */
#define WALL_NS \
	1000000000ull /* likewise: a machine that is short of CPUs, or of memory, is no reason to wait */
#define SINGLES_MAX 2000 /* handles read on their own in one walk: 5 ms; the next one knows them */
#define FEW	    48 /* handles: new ones among them are read on their own */
#define CLOCK_EVERY 64 /* handles between two looks at the clock */
#define FILES_MAX   500 /* descriptors that are looked at in one walk: 1 ms */

/* The handle whose node follows prev: as the batch read it if that fits, else read now. */
static int next_handle(struct lt_handle_walk *walk, uint64_t loop_ptr, uint64_t node, uint64_t prev,
		       size_t *expected, struct lt_seen *seen)
{
	uint64_t address = node - LT_UV_HANDLE_QUEUE;
	uint32_t index =
		*expected < walk->known.n && walk->known.items[*expected].handle.address == address
			? (uint32_t)*expected
			: lt_handle_walk__look_up(walk, address);
	int err;

	if (index != LT_HANDLE_NONE) {
		*seen = walk->known.items[index];
		*expected = (size_t)index + 1;
		if (lt_handle_walk__fits(seen, loop_ptr, prev))
			return 0;
	}
	if (++walk->singles > SINGLES_MAX)
		return -ETIMEDOUT;
	err = lt_handle_walk__read_one(&walk->source, address, seen);
	if (err == -EFAULT)
		return -EAGAIN; /* torn: it was freed between two reads */
	if (err)
		return err;
	return lt_handle_walk__fits(seen, loop_ptr, prev) ? 0 : -EAGAIN;
}

static int follow(struct lt_handle_walk *walk, uint64_t loop_ptr)
{
	uint64_t head = loop_ptr + LT_UV_LOOP_HANDLE_QUEUE, prev = head, node, ends[2];
	size_t expected = 0;
	int err = lt_source_read(&walk->source, head, ends, sizeof(ends));

	walk->found.n = 0;
	node = ends[0];
	while (!err && node != head) {
		struct lt_seen seen = { 0 }, *place;

		if (!lt_is_pointer(node) || node < LT_UV_HANDLE_QUEUE)
			return -EAGAIN;
		if (walk->found.n >= LT_HANDLES_MAX)
			return -E2BIG;
		if (walk->found.n % CLOCK_EVERY == CLOCK_EVERY - 1 && lt_handle_walk__is_late(walk))
			return -ETIMEDOUT;
		err = next_handle(walk, loop_ptr, node, prev, &expected, &seen);
		if (err)
			return err;
		place = lt_handle_list__add(&walk->found);
		if (!place)
			return -ENOMEM;
		*place = seen;
		prev = node;
		node = seen.next;
	}
	return err;
}

/* A handle that went away is passed by with a new reading of the one before it. */
static int follow_on(struct lt_handle_walk *walk, uint64_t loop_ptr)
{
	int err = -EAGAIN;

	for (int i = 0; i < REPAIRS && err == -EAGAIN; i++) {
		uint32_t index;

		err = follow(walk, loop_ptr);
		if (err != -EAGAIN || !walk->found.n)
			continue;
		index = lt_handle_walk__look_up(
			walk, walk->found.items[walk->found.n - 1].handle.address);
		if (index != LT_HANDLE_NONE)
			walk->known.items[index].read = false;
	}
	return err;
}

/* The next walk begins with what was found. */
static void remember(struct lt_handle_walk *walk)
{
	struct lt_handle_list found = walk->found;

	walk->found = walk->known;
	walk->known = found;
}

/* A walk that took too long has found the first of them: the next one has them in its batch. */
static int remember_part(struct lt_handle_walk *walk)
{
	int err = lt_handle_walk__make_table(walk, walk->known.n + walk->found.n);

	for (size_t i = 0; i < walk->found.n && !err; i++)
		err = lt_handle_walk__know(walk, walk->found.items[i].handle.address);
	return err;
}

/* Since when the stream is blocked. A new connection mostly gets the memory and the descriptor of the last one that was
 * closed: whether it is the same is told by what the descriptor is. One that nobody looked at is blocked since now;
 * the first in the queue are the oldest. */
static void set_blocked(const struct lt_handle_walk *walk, struct lt_handle *handle,
			uint64_t now_ns, int *files)
{
	uint64_t file = 0;

	if (handle->queued_bytes && ++*files <= FILES_MAX)
		file = lt_file_of(walk->pid, handle->fd);
	if (!handle->queued_bytes)
		handle->blocked_since_ns = 0;
	else if (!handle->blocked_since_ns || !file || file != handle->file)
		handle->blocked_since_ns = now_ns;
	handle->file = file;
}

static int hand_over(struct lt_handle_walk *walk, uint64_t now_ns)
{
	size_t n = walk->found.n;
	int files = 0;

	if (n > walk->handles_capacity) {
		struct lt_handle *handles = reallocarray(walk->handles, n, sizeof(*handles));

		if (!handles)
			return -ENOMEM;
		walk->handles = handles;
		walk->handles_capacity = n;
	}
	for (size_t i = 0; i < n; i++) {
		struct lt_handle *handle = &walk->found.items[i].handle;

		set_blocked(walk, handle, now_ns, &files);
		walk->handles[i] = *handle;
	}
	return 0;
}

int lt_handle_walk__run(struct lt_handle_walk *walk, uint64_t loop_ptr, const unsigned char *loop,
			uint64_t now_ns, uint64_t cpu_ns, const struct lt_handle **ret_handles,
			size_t *ret_n)
{
	int err = -EAGAIN;

	walk->deadline_ns = lt_now_ns() + WALL_NS;
	walk->cpu_deadline_ns = cpu_ns + CPU_NS;
	walk->singles = 0;
	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		err = lt_half(loop, LT_UV_LOOP_ACTIVE_HANDLES) > FEW || walk->known.n > FEW ?
			      lt_handle_walk__know_watched(walk, loop) :
			      lt_handle_walk__make_table(walk, walk->known.n);
		if (!err)
			err = lt_handle_walk__read_known(walk);
		if (!err)
			err = follow_on(walk, loop_ptr);
	}
	if (!err)
		err = hand_over(walk, now_ns);
	if (!err) {
		*ret_handles = walk->handles;
		*ret_n = walk->found.n;
	}
	if (err == -ETIMEDOUT && remember_part(walk))
		return -ENOMEM;
	if (!err)
		remember(walk);
	return err;
}

uint64_t lt_find_handle(const struct lt_source *source, uint64_t loop_ptr, uint32_t type,
			uint64_t callback, uint64_t after)
{
	uint64_t head = loop_ptr + LT_UV_LOOP_HANDLE_QUEUE, prev = head, node;
	bool behind = !after;

	if (!lt_is_pointer(loop_ptr) || lt_source_read(source, head, &node, sizeof(node)))
		return 0;
	for (int i = 0; i < FIRST_MAX && node != head; i++) {
		struct lt_seen seen = { 0 };

		if (!lt_is_pointer(node) || node < LT_UV_HANDLE_QUEUE ||
		    lt_handle_walk__read_one(source, node - LT_UV_HANDLE_QUEUE, &seen) ||
		    !lt_handle_walk__fits(&seen, loop_ptr, prev))
			return 0;
		if (behind && seen.handle.type == type &&
		    (!callback || seen.handle.callback == callback))
			return seen.handle.address;
		behind = behind || seen.handle.address == after;
		prev = node;
		node = seen.next;
	}
	return 0;
}
