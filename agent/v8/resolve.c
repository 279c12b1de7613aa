/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A raw stack, frame by frame: whose code it is decides what its words may mean. A native frame can hold by
 * chance what looks like a function, so only frames in V8's own code are taken for JavaScript.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/util/clock.h"
#include "agent/util/text.h"
#include "agent/v8/internal.h"

#define NATIVE_MAX	  24 /* frames below the innermost function */
#define MARKER_ENTRY	  (1u << 1)
#define TICKS_FUNCTION	  "processTicksAndRejections"
#define TICKS_FILE	  "node:internal/process/task_queues"
#define MICROTASKS	  "RunMicrotasks"
#define MICROTASKS_NATIVE "v8::internal::MicrotaskQueue::RunMicrotasks"

struct resolving {
	struct lt_v8 *v8;
	struct lt_v8_stack *stack;
	bool javascript; /* a function was met: native frames above it do not matter */
	bool user; /* one of the application's was */
	bool entry; /* C++ called JavaScript, since the last function */
	bool microtasks; /* V8's loop over the microtasks was met above a user function */
	bool starvation_known;
	uint64_t activation; /* of the frame that is being resolved */
	bool nameless_code; /* compiled code that is of no function is innermost */
};

static enum lt_pc_class class_of(struct lt_v8 *v8, uint64_t pc)
{
	const struct lt_v8_layout *layout = v8->layout;
	enum lt_pc_class class;

	if (!v8->symbols)
		return pc >= layout->blob_begin + v8->bias && pc < layout->blob_end + v8->bias
			       ? LT_PC_BUILTIN
			       : LT_PC_UNKNOWN;
	class = lt_symbols__class(v8->symbols, pc);
	if (class != LT_PC_UNKNOWN)
		return class;
	lt_symbols__refresh(v8->symbols);
	return lt_symbols__class(v8->symbols, pc);
}

static void add(struct resolving *r, const struct lt_stack_frame *frame)
{
	if (r->stack->n_frames == LT_V8_FRAMES_MAX)
		return;
	r->stack->frames[r->stack->n_frames++] = *frame;
	r->v8->heap.stats.frames++;
}

static void add_native(struct resolving *r, uint64_t pc, enum lt_pc_class class)
{
	struct lt_stack_frame frame;
	size_t n = r->stack->n_frames;

	if (r->javascript || n >= NATIVE_MAX || !lt_v8_native__frame(r->v8, pc, class, &frame))
		return;
	/* a function that calls itself says it once; texts are kept once each */
	if (n && r->stack->frames[n - 1].function == frame.function)
		return;
	add(r, &frame);
}

/* Sees whether the function is the one that runs nextTick callbacks and microtasks. */
static void see_starvation(struct resolving *r, const struct lt_stack_frame *frame)
{
	if (r->starvation_known || strcmp(frame->function, TICKS_FUNCTION) != 0 || !frame->file ||
	    strcmp(frame->file, TICKS_FILE) != 0)
		return;
	r->starvation_known = true;
	if (!r->user)
		return;
	/* it calls the callbacks of nextTick itself, microtasks by way of C++ */
	r->stack->starvation =
		r->entry || r->microtasks ? LT_STARVED_BY_MICROTASKS : LT_STARVED_BY_NEXT_TICK;
}

static void add_place(struct lt_v8 *v8, const struct lt_v8_shared *shared, int32_t position,
		      struct lt_stack_frame *frame)
{
	struct lt_v8_script *script = lt_v8_script__get(v8, shared->script);
	int line, column;

	if (!script || shared->start < 0)
		return;
	if (position >= 0 && (position < shared->start || position > shared->end)) {
		v8->heap.stats.failed++;
		position = -1;
	}
	if (position >= 0 && lt_v8_script__place(v8, script, position, &line, &column)) {
		frame->line = line;
		frame->column = column;
		if (frame->user)
			lt_v8_original__find(v8, script, frame);
	} else if (lt_v8_script__place(v8, script, shared->definition, &line, &column)) {
		frame->line = line;
	}
}

static void add_js(struct resolving *r, const struct lt_v8_shared *shared, int32_t position)
{
	struct lt_stack_frame frame = { .type = LT_FRAME_JS, .function = shared->name };

	frame.file = lt_v8_script__file(r->v8, shared->script, &frame.user);
	add_place(r->v8, shared, position, &frame);
	add(r, &frame);
	see_starvation(r, &frame);
	r->javascript = true;
	r->entry = false;
	r->user |= frame.user;
	if (frame.user)
		r->stack->activation = r->activation;
}

static void add_definition(struct lt_v8 *v8, const struct lt_v8_shared *shared,
			   struct lt_stack_frame *frame)
{
	struct lt_v8_script *script = lt_v8_script__get(v8, shared->script);

	if (script && lt_v8_script__place(v8, script, shared->definition, &frame->line, &frame->column) &&
	    frame->user)
		lt_v8_original__find(v8, script, frame);
}

int lt_v8__function(struct lt_v8 *v8, uint64_t shared_address, struct lt_stack_frame *ret_frame)
{
	struct lt_stack_frame frame = { .type = LT_FRAME_JS };
	struct lt_v8_shared shared;
	int err;

	v8->heap.stats.stacks++; /* what was compared with the memory before is compared again */
	lt_v8_heap__begin(&v8->heap);
	err = lt_v8_shared__get(v8, shared_address, &shared);
	if (err)
		return err;
	if (!shared.script)
		return -ENOENT;
	frame.function = shared.name;
	frame.file = lt_v8_script__file(v8, shared.script, &frame.user);
	add_definition(v8, &shared, &frame);
	*ret_frame = frame;
	return 0;
}

/* "sort" and its code's symbol ArrayPrototypeSort: Array.prototype.sort. */
static const char *builtin_name(struct lt_v8 *v8, const char *name, uint64_t pc)
{
	const char *symbol = lt_v8_native__symbol(v8, pc);
	const char *known = symbol ? lt_v8_native__builtin(symbol) : NULL;
	const char *full = known ? known : symbol;
	size_t n = strlen(name), n_full = full ? strlen(full) : 0;

	if (n_full <= n || strcmp(full + n_full - n, name) != 0 || full[n_full - n - 1] != '.')
		return name;
	full = lt_arena__text(&v8->arena, full);
	return full ? full : name;
}

static void add_builtin(struct resolving *r, const struct lt_v8_shared *shared, uint64_t pc)
{
	static const struct lt_stack_frame regexp = { .type = LT_FRAME_BUILTIN,
						      .function = LT_V8_REGEXP };
	struct lt_stack_frame frame = {
		.type = LT_FRAME_BUILTIN,
		.function = builtin_name(r->v8, shared->name, pc),
	};

	/* Compiled code with no function of its own, called by one that matches, is an expression. */
	if (r->nameless_code && (lt_starts_with(frame.function, "RegExp.") ||
				 lt_starts_with(frame.function, "String.")))
		add(r, &regexp);
	r->nameless_code = false;
	add(r, &frame);
}

/* A handler of a bytecode builds no frame; another builtin without one may run on a frame of compiled code,
 * whose words are not the interpreter's. */
static bool is_interpreter(struct lt_v8 *v8, uint64_t pc, bool top)
{
	const char *name = top ? lt_v8_native__symbol(v8, pc) : NULL;

	return !name || strstr(name, "Handler") || strstr(name, "Interpreter");
}

static int32_t interpreted(struct lt_v8 *v8, const struct lt_raw_frame *frame)
{
	int64_t offset;

	if (!lt_v8_is_smi(frame->bytecode_offset) || v8->layout->bytecode_array_data < 16)
		return -1;
	offset = (int64_t)lt_v8_smi(frame->bytecode_offset) - (v8->layout->bytecode_array_data - 1);
	return lt_v8_place__bytecode(v8, frame->bytecode_array, offset);
}

static void add_optimised(struct resolving *r, const struct lt_v8_shared *shared,
			  const struct lt_v8_code *code, uint64_t pc)
{
	struct lt_v8_inlined inlined;

	if (lt_v8_place__optimised(r->v8, code, shared->address, pc, &inlined)) {
		r->v8->heap.stats.failed++;
		add_js(r, shared, -1);
		return;
	}
	for (size_t i = 0; i < inlined.n; i++) {
		struct lt_v8_shared function = *shared;

		if (inlined.frames[i].shared != shared->address &&
		    (lt_v8_shared__get(r->v8, inlined.frames[i].shared, &function) ||
		     (!function.script && !function.builtin))) {
			r->v8->heap.stats.failed++;
			continue;
		}
		if (function.builtin)
			add_builtin(r, &function, 0);
		else
			add_js(r, &function, inlined.frames[i].position);
	}
}

static void add_function(struct resolving *r, const struct lt_raw_frame *frame,
			 enum lt_pc_class class, bool top)
{
	struct lt_v8 *v8 = r->v8;
	uint64_t pc = top ? frame->pc : frame->pc - 1;
	struct lt_v8_shared shared;
	struct lt_v8_code code;
	bool compiled;

	if (lt_v8_shared__get(v8, frame->shared, &shared) || (!shared.script && !shared.builtin)) {
		v8->heap.stats.failed++;
		return;
	}
	if (shared.builtin) {
		add_builtin(r, &shared, pc);
		return;
	}
	compiled = class != LT_PC_BUILTIN && !lt_v8_code__find(v8, pc, &code);
	if (compiled && lt_v8_code__is_optimised(v8, &code)) {
		add_optimised(r, &shared, &code, pc);
	} else if (compiled && lt_v8_code__is_baseline(v8, &code)) {
		add_js(r, &shared, lt_v8_place__baseline(v8, &code, frame->bytecode_array, pc));
	} else if (class == LT_PC_BUILTIN && is_interpreter(v8, pc, top)) {
		add_js(r, &shared, interpreted(v8, frame));
	} else {
		add_js(r, &shared, -1);
	}
}

static void see_microtasks(struct resolving *r, uint64_t pc)
{
	const char *name = r->starvation_known ? NULL : lt_v8_native__symbol(r->v8, pc);

	if (name && r->user && (!strcmp(name, MICROTASKS) || !strcmp(name, MICROTASKS_NATIVE)))
		r->microtasks = true;
}

static void resolve_frame(struct resolving *r, const struct lt_raw_frame *frame, bool top)
{
	uint64_t pc = top ? frame->pc : frame->pc - 1;
	enum lt_pc_class class;

	if (!frame->pc)
		return; /* the frame at which JavaScript was left */
	r->activation = frame->activation;
	class = class_of(r->v8, pc);
	/* only compiled code that was found proves an address that no mapping tells */
	if (frame->shared && class == LT_PC_UNKNOWN) {
		struct lt_v8_code code;

		if (!lt_v8_code__find(r->v8, pc, &code))
			class = LT_PC_JIT;
		else if (!r->v8->symbols && lt_v8_heap__is(&r->v8->heap, frame->bytecode_array,
							   r->v8->layout->bytecode_array_type))
			class = LT_PC_BUILTIN; /* the builtins may be mapped twice */
	}
	if (class == LT_PC_JIT || class == LT_PC_BUILTIN) {
		if (frame->shared && lt_v8_is_object(frame->context)) {
			add_function(r, frame, class, top);
			return;
		}
		r->entry |= frame->context == MARKER_ENTRY;
	}
	see_microtasks(r, pc);
	if (class != LT_PC_JIT)
		add_native(r, pc, class);
	else if (!r->stack->n_frames)
		r->nameless_code = true;
}

int lt_v8__resolve(struct lt_v8 *v8, const struct lt_raw_stack *raw, struct lt_v8_stack *ret_stack)
{
	struct resolving r = { .v8 = v8, .stack = ret_stack };
	size_t n = raw->n_frames < LT_STACK_FRAMES_MAX ? raw->n_frames : LT_STACK_FRAMES_MAX;
	uint64_t begin_ns = lt_now_ns();

	ret_stack->n_frames = 0;
	ret_stack->starvation = LT_STARVED_NOT;
	ret_stack->activation = 0;
	v8->heap.stats.stacks++;
	lt_v8_heap__begin(&v8->heap);
	for (size_t i = 0; i < n && !v8->heap.gone; i++)
		resolve_frame(&r, &raw->frames[i], i == 0);
	if (!n && raw->ip)
		add_native(&r, raw->ip, class_of(v8, raw->ip));
	if (!r.starvation_known && r.microtasks)
		ret_stack->starvation = LT_STARVED_BY_MICROTASKS;
	/* Where its code is part of its caller's, a callback has no frame that would tell it from the next. */
	if (ret_stack->starvation == LT_STARVED_BY_NEXT_TICK && ret_stack->activation)
		ret_stack->activation += raw->execution_id;
	v8->heap.stats.ns += lt_now_ns() - begin_ns;
	return v8->heap.gone;
}
