/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The stack of a thread that sleeps below JavaScript, from memory alone. When JavaScript calls C++, V8 notes
 * the frame at which that happened in the isolate; from there on the frame pointers are V8's own.
 */
#include <errno.h>

#include "agent/util/clock.h"
#include "agent/v8/internal.h"

#define FRAME_WORDS 7 /* from fp - 40 to fp + 8 */

enum {
	OFFSET,
	ARRAY,
	ARGC,
	FUNCTION,
	CONTEXT,
	CALLER_FP,
	RETURN_PC
};

/* Frames at which C++ called JavaScript (their numbers are the same in all versions), and where they keep
 * the frame at which that C++ had been called in turn. */
#define MARKER_ENTRY	       (1u << 1)
#define MARKER_CONSTRUCT_ENTRY (2u << 1)
#define ENTRY_PREVIOUS_C_ENTRY (-64)

struct walk {
	uint64_t fp, pc, low, previous; /* previous: c_entry_fp before the latest entry, 0: none */
	bool resumed;
};

static uint64_t activation_of(struct lt_v8 *v8, const struct lt_raw_frame *frame,
			      uint64_t caller_fp)
{
	uint64_t all = frame->function * 31 + frame->context, at = frame->fp + 16;
	__u64 words[LT_ACTIVATION_WORDS];

	for (int i = 0; i < LT_ACTIVATION_READS && at < caller_fp; i++) {
		if (lt_v8_heap__read(&v8->heap, at, words, sizeof(words)))
			return i ? all : 0;
		all = lt_activation_fold(all, words, (caller_fp - at) / sizeof(*words));
		at += sizeof(words);
	}
	return all;
}

static void record(struct lt_v8 *v8, const struct walk *walk, const uint64_t words[FRAME_WORDS],
		   struct lt_raw_stack *raw)
{
	struct lt_raw_frame *frame = &raw->frames[raw->n_frames++];

	*frame = (struct lt_raw_frame){
		.pc = walk->pc,
		.fp = walk->fp,
		.bytecode_offset = words[OFFSET],
		.bytecode_array = words[ARRAY],
		.argc = words[ARGC],
		.function = words[FUNCTION],
		.context = words[CONTEXT],
		.flags = walk->resumed ? LT_FRAME_RESUMED : 0,
	};
	if (lt_v8_is_object(frame->context) && lt_v8_is_object(frame->function))
		frame->shared = lt_v8_shared__of_function(&v8->heap, frame->function);
	frame->activation = frame->shared ? activation_of(v8, frame, words[CALLER_FP]) : 0;
}

static void advance(struct lt_v8 *v8, struct walk *walk, const uint64_t words[FRAME_WORDS])
{
	uint64_t context = words[CONTEXT];

	if (context == MARKER_ENTRY || context == MARKER_CONSTRUCT_ENTRY)
		if (lt_v8_heap__read(&v8->heap, walk->fp + (uint64_t)ENTRY_PREVIOUS_C_ENTRY,
				     &walk->previous, sizeof(walk->previous)))
			walk->previous = 0;
	walk->low = walk->fp + 1;
	walk->fp = words[CALLER_FP];
	walk->pc = words[RETURN_PC];
	walk->resumed = false;
}

/* C++ between two parts of JavaScript that keeps no frame pointers. */
static bool resume(struct walk *walk)
{
	if (!walk->previous || walk->previous < walk->low || walk->previous & 7)
		return false;
	walk->fp = walk->previous;
	walk->previous = 0;
	walk->pc = 0;
	walk->resumed = true;
	return true;
}

int lt_v8__walk(struct lt_v8 *v8, uint64_t isolate, uint64_t ip, struct lt_raw_stack *ret_raw)
{
	struct walk walk = { .resumed = true };
	uint64_t words[FRAME_WORDS];
	bool javascript = false;
	int err;

	lt_v8_heap__begin(&v8->heap);
	*ret_raw = (struct lt_raw_stack){
		.type = LT_EVENT_STACK,
		.tgid = (__u32)v8->pid,
		.time_ns = lt_now_ns(),
		.isolate = isolate,
		.ip = ip,
	};
	if (v8->layout->c_entry_fp < 0 || !isolate)
		return -ENOENT;
	err = lt_v8_heap__read(&v8->heap, isolate + (uint64_t)v8->layout->c_entry_fp, &walk.fp,
			       sizeof(walk.fp));
	if (err)
		return err == -ESRCH || err == -EPERM ? err : -EFAULT;
	if (!walk.fp)
		return -ENOENT;
	if (ip)
		ret_raw->frames[ret_raw->n_frames++].pc = ip;
	while (ret_raw->n_frames < LT_STACK_FRAMES_MAX) {
		if (!walk.fp || walk.fp & 7 || walk.fp < walk.low || walk.fp < 40 ||
		    (walk.previous && walk.fp > walk.previous) ||
		    lt_v8_heap__read(&v8->heap, walk.fp - 40, words, sizeof(words))) {
			if (!resume(&walk))
				break;
			continue;
		}
		if (walk.fp == walk.previous)
			walk.previous = 0;
		record(v8, &walk, words, ret_raw);
		javascript |= ret_raw->frames[ret_raw->n_frames - 1].shared != 0;
		advance(v8, &walk, words);
	}
	if (v8->heap.gone)
		return v8->heap.gone;
	return javascript ? 0 : ret_raw->n_frames > 1 ? -ENOENT : -EFAULT;
}
