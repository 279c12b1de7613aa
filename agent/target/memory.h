/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reading a target's memory. What is read is whatever the target had there: pointers are checked before
 * they are followed. */
#ifndef LOOPTOP_TARGET_MEMORY_H
#define LOOPTOP_TARGET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Where memory is read from: a process, or an image of one (in tests). */
struct lt_source {
	/* As process_vm_readv(2): the pieces, one behind the other, into buf, at most LT_PIECES_MAX of them. How
	 * many bytes were read before the first piece that is not there, or -errno. */
	ssize_t (*read)(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n);
	void *ctx;
};

#define LT_PIECES_MAX 1024 /* UIO_MAXIOV */

struct lt_source lt_process_memory(int pid);

/* When what was read last was read: to be asked before anything else is. */
uint64_t lt_memory_ns(void);

/* A target's memory, with what it recalls (recall.h). */
struct lt_target;
struct lt_source lt_target_memory(const struct lt_target *target);

/* All of it or nothing: 0 or -errno, -EFAULT also for a part. */
int lt_source_read(const struct lt_source *source, uint64_t address, void *buf, size_t size);

/* The same, of a target. */
int lt_read_memory(const struct lt_target *target, uint64_t address, void *buf, size_t size);

/* As much of a stack as there is above sp, in pages; how many bytes. stack: room for LT_STACK_SCAN_BYTES. */
#define LT_STACK_SCAN_BYTES (64 * 1024)
size_t lt_read_stack(const struct lt_source *source, uint64_t sp, unsigned char *stack);

/* A ring of nodes {next, prev} in a target, one of which is its head and stands for nothing else. */
struct lt_ring {
	uint64_t head;
	int32_t offset; /* from each node: what is read of it */
	uint32_t size; /* bytes, at most LT_RING_NODE_MAX; 0: the nodes are only counted */
	uint32_t max; /* nodes */
	uint64_t span_ns; /* for which it is walked at most */
};

#define LT_RING_NODE_MAX 64

/* What is told of each node: its address, and behind it what was read, `size` bytes. */
#define LT_RING_ENTRY(ring) (sizeof(uint64_t) + (ring)->size)

/* Walks it once, in its order, into buf (room for `max` entries; unused where nodes are only counted). How many nodes;
 * *ret_whole: these are all, it has no more than max and took no longer than span_ns. -EAGAIN: somebody changed it
 * meanwhile; another -errno. */
ssize_t lt_ring_walk(const struct lt_source *source, const struct lt_ring *ring, void *buf,
		     bool *ret_whole);

/* The same of a target, again if it was changed meanwhile. */
ssize_t lt_read_ring(const struct lt_target *target, const struct lt_ring *ring, void *buf,
		     bool *ret_whole);

/* Of an address that a process has without asking for more. Processes are read on the machine that they run on. */
#ifdef __aarch64__
#define LT_ADDRESS_BITS 48
#else
#define LT_ADDRESS_BITS 47
#endif

/* Whether a word can be the address of something that holds words. */
static inline bool lt_is_pointer(uint64_t word)
{
	return word >= 4096 && word < 1ull << LT_ADDRESS_BITS && !(word & 7);
}

#endif
