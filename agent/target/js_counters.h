/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Counters that Node shares with its JavaScript, members of the Environment: immediates, timers, the queue of
 * process.nextTick(). They are told by their shape, not by offsets (facts, memory-reads 2.6), and tested at each
 * reading.
 */
#ifndef LOOPTOP_TARGET_JS_COUNTERS_H
#define LOOPTOP_TARGET_JS_COUNTERS_H

#include "agent/target/memory.h"
#include "looptop/runtime.h"

struct lt_js_counters {
	uint64_t isolate; /* 0: they have not been found */
	/* Addresses of AliasedBuffers, {isolate, count, 0, buffer}; 0: this Node has none. */
	uint64_t immediates, timers, tick;
};

/* Looks for them, unless they are found and still what they were. */
void lt_js_counters__find(struct lt_js_counters *js, const struct lt_target *target,
			  uint64_t loop_ptr);

/* Sets immediates, timers and next_tick. */
void lt_js_counters__read(const struct lt_js_counters *js, const struct lt_source *source,
			  struct lt_handles_mem *mem);

#endif
