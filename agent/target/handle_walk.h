/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Walking a loop's handles in memory that changes meanwhile and that nobody vouches for: each link is checked from
 * both sides, counts and times are bounded, what does not fit is read again and at last refused. A walker knows where
 * the handles were the last time, and asks the loop which descriptors it watches, so that it reads thousands of
 * them with a few calls.
 */
#ifndef LOOPTOP_TARGET_HANDLE_WALK_H
#define LOOPTOP_TARGET_HANDLE_WALK_H

#include <stdbool.h>

#include "agent/target/memory.h"

#define LT_HANDLES_MAX 200000 /* in one loop; more are refused */

/* What a handle's memory said. Fields of other kinds are 0; those of streams are 0 in a closing one too. */
struct lt_handle {
	uint64_t address; /* of the uv_handle_t */
	uint32_t type; /* LT_UV_… */
	uint32_t flags; /* LT_UV_… */
	uint64_t callback; /* of timers and checks */
	uint64_t queued_bytes; /* of streams */
	int32_t fd; /* of streams; -1: none */
	bool listening; /* a stream that takes connections */
	uint64_t
		blocked_since_ns; /* the first of the walks, without a gap, that found bytes queued; 0 */
	uint64_t file; /* what a blocked stream's descriptor is (peer.h); 0: it was not asked for */
};

struct lt_handle_walk;

/* source is copied; pid is whose descriptors the handles have. NULL with errno. */
struct lt_handle_walk *lt_handle_walk__new(const struct lt_source *source, int pid);
void lt_handle_walk__free(struct lt_handle_walk *walk);

/*
 * Walks the loop at loop_ptr, whose block (LT_UV_LOOP_BYTES) was just read. 0 and the handles, which live until
 * the next call; -EAGAIN: it changed too fast, or is no loop; -E2BIG, -ETIMEDOUT (the next call goes on from
 * there), -ENOMEM, -EPERM, -ESRCH. now_ns: CLOCK_MONOTONIC;
 * cpu_ns: CPU time of this thread.
 */
int lt_handle_walk__run(struct lt_handle_walk *walk, uint64_t loop_ptr, const unsigned char *loop,
			uint64_t now_ns, uint64_t cpu_ns, const struct lt_handle **ret_handles,
			size_t *ret_n);

/* The first handle of this type, and with this callback unless it is 0, among a loop's first 256 (a runtime's own
 * are the first); one behind `after` unless that is 0. 0: there is none, or the list is torn. */
uint64_t lt_find_handle(const struct lt_source *source, uint64_t loop_ptr, uint32_t type,
			uint64_t callback, uint64_t after);

#endif
