/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Rings in a target's memory: libuv's queues. Each node says where the next one is, so that a ring is read node by node;
 * whoever reads is in the process that reads (reader.h), not a message away from it for each of them.
 */
#include <errno.h>
#include <string.h>

#include "agent/target/memory.h"
#include "agent/target/reader.h"
#include "agent/util/clock.h"
#include "looptop/runtime.h"

#define TRIES 3

struct node {
	uint64_t next, prev;
};

/* The node and what is asked for of it, by one call: they belong together. */
static int read_node(const struct lt_source *source, const struct lt_ring *ring, uint64_t at,
		     struct node *ret_node, unsigned char *ret_bytes)
{
	unsigned char both[sizeof(*ret_node) + LT_RING_NODE_MAX];
	struct iovec pieces[] = {
		{ (void *)(uintptr_t)at, sizeof(*ret_node) },
		{ (void *)(uintptr_t)(at + (uint64_t)(int64_t)ring->offset), ring->size },
	};
	size_t size = sizeof(*ret_node) + ring->size;
	ssize_t got = source->read(source->ctx, both, size, pieces, ring->size ? 2 : 1);

	if (got < 0)
		return (int)got;
	if ((size_t)got != size)
		return -EFAULT;
	memcpy(ret_node, both, sizeof(*ret_node));
	memcpy(ret_bytes, both + sizeof(*ret_node), ring->size);
	return 0;
}

ssize_t lt_ring_walk(const struct lt_source *source, const struct lt_ring *ring, void *buf,
		     bool *ret_whole)
{
	uint64_t end_ns = lt_now_ns() + ring->span_ns, prev = ring->head, at;
	unsigned char *entry = buf, bytes[LT_RING_NODE_MAX];
	struct node node;
	uint32_t n = 0;
	int err;

	*ret_whole = false;
	if (ring->size > LT_RING_NODE_MAX)
		return -EINVAL;
	err = lt_source_read(source, ring->head, &node, sizeof(node));
	if (err)
		return err;
	for (at = node.next; at != ring->head; at = node.next) {
		if (n == ring->max || (n && lt_now_ns() > end_ns))
			return n;
		err = lt_is_pointer(at) ? read_node(source, ring, at, &node, bytes) : -EFAULT;
		if (err && err != -EFAULT)
			return err;
		/* A node that has left the ring leads anywhere. */
		if (err || node.prev != prev)
			return -EAGAIN;
		if (ring->size) {
			memcpy(entry, &at, sizeof(at));
			memcpy(entry + sizeof(at), bytes, ring->size);
			entry += LT_RING_ENTRY(ring);
		}
		n++;
		prev = at;
	}
	*ret_whole = true;
	return n;
}

static ssize_t walk(const struct lt_target *target, const struct lt_ring *ring, void *buf,
		    bool *ret_whole)
{
	struct lt_source source = lt_target_memory(target);

	if (lt_reader__is_used())
		return lt_reader__ring(target->pid, ring, buf, ret_whole);
	return lt_ring_walk(&source, ring, buf, ret_whole);
}

ssize_t lt_read_ring(const struct lt_target *target, const struct lt_ring *ring, void *buf,
		     bool *ret_whole)
{
	ssize_t n = -EAGAIN;

	for (int i = 0; i < TRIES && n == -EAGAIN; i++)
		n = walk(target, ring, buf, ret_whole);
	return n;
}
