/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where a Node environment counts its callbacks: node::AsyncHooks, a member of the Environment, as is the
 * check handle of its immediates, which is in the loop's queue. It is told by its shape, not by an offset
 * (facts, memory-reads 1.8 and 2.6; env.h of Node 16 … 26): AliasedBuffers, each {isolate, count, 0, buffer}.
 */
#include "agent/target/handle_walk.h"
#include "agent/target/uv_layout.h"
#include "agent/util/word.h"
#include "looptop/runtime.h"

#define SCAN_WORDS   256 /* behind the check handle */
#define BUFFER_WORDS (LT_ASYNC_BUFFER_BYTES / 8)
#define ID_FIELDS    4 /* AsyncHooks::kUidFieldsCount */
#define FIELDS_LEAST 8 /* AsyncHooks::kStackLength is the eighth */
#define FIELDS_MOST  16

static bool is_buffer(const uint64_t *words, uint64_t isolate)
{
	return words[0] == isolate && words[2] == 0 && lt_is_pointer(words[3]);
}

/* AsyncHooks' two counters stand side by side: fields_ (8 … 16 of them), async_id_fields_ (4). */
static bool are_counters(const uint64_t *words, size_t stride)
{
	return lt_is_pointer(words[0]) && is_buffer(words, words[0]) &&
	       is_buffer(words + stride, words[0]) && words[1] >= FIELDS_LEAST &&
	       words[1] <= FIELDS_MOST && words[stride + 1] == ID_FIELDS;
}

/* What stands in them makes sense. */
static bool make_sense(const struct lt_target *target, const uint64_t *words, size_t stride)
{
	double ids[ID_FIELDS];
	uint32_t fields[FIELDS_LEAST];

	if (lt_read_memory(target, words[3], fields, sizeof(fields)) ||
	    lt_read_memory(target, words[stride + 3], ids, sizeof(ids)))
		return false;
	return fields[LT_ASYNC_STACK_LENGTH] < 1u << 20 && ids[LT_ASYNC_EXECUTION_ID] >= 0 &&
	       ids[LT_ASYNC_COUNTER] >= ids[LT_ASYNC_EXECUTION_ID] &&
	       ids[LT_ASYNC_COUNTER] < 9007199254740992.0;
}

uint64_t lt_check_immediate(const struct lt_target *target)
{
	for (size_t i = 0; i < target->n_modules; i++) {
		const struct lt_module *module = &target->modules[i];

		if (module->image && module->image->check_immediate)
			return lt_module__address(module, module->image->check_immediate);
	}
	return 0;
}

uint64_t lt_find_environment(const struct lt_target *target, uint64_t loop_ptr)
{
	struct lt_source source = lt_target_memory(target);
	uint64_t callback = lt_check_immediate(target);

	/* It always has its callback; the handle of the timers has it only when one was set. */
	return callback && loop_ptr ? lt_find_handle(&source, loop_ptr, LT_UV_CHECK, callback, 0)
				    : 0;
}

uint64_t lt_find_async_hooks(const struct lt_target *target, uint64_t loop_ptr)
{
	uint64_t words[SCAN_WORDS], handle = lt_find_environment(target, loop_ptr);

	if (!handle || lt_read_memory(target, handle, words, sizeof(words)))
		return 0;
	for (size_t i = 0; i + 2 * BUFFER_WORDS + 2 <= SCAN_WORDS; i++) {
		for (size_t longer = 0; longer < 2; longer++) {
			size_t stride = BUFFER_WORDS + longer;

			if (are_counters(words + i, stride) &&
			    make_sense(target, words + i, stride))
				return (handle + 8 * i) | longer;
		}
	}
	return 0;
}
