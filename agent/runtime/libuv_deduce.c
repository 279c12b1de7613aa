/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libuv's internal functions and variables in a stripped file, by how the exported functions use them:
 * what uv_run calls, what uv_queue_work and its like hand to the pool. Seen in the official Node 16 to
 * 26 (gcc and clang) and in Debian's libuv.so.1.
 */
#include <string.h>

#include "agent/runtime/deduce.h"
#include "agent/runtime/libuv_deduce.h"
#include "agent/target/uv_layout.h"

#define CALLEES_MAX 64

static const char *const export_names[LT_UV_MAX] = {
	[LT_UV_RUN] = "uv_run",
	[LT_UV_DEFAULT_LOOP] = "uv_default_loop",
	[LT_UV_LOOP_INIT] = "uv_loop_init",
	[LT_UV_TIMER_STOP] = "uv_timer_stop",
	[LT_UV_QUEUE_WORK] = "uv_queue_work",
	[LT_UV_FS_FSYNC] = "uv_fs_fsync",
	[LT_UV_GETADDRINFO] = "uv_getaddrinfo",
	[LT_UV_GETNAMEINFO] = "uv_getnameinfo",
	[LT_UV_RANDOM] = "uv_random",
	[LT_UV_COND_WAIT] = "uv_cond_wait",
	[LT_UV_COND_SIGNAL] = "uv_cond_signal",
};

static int on_export(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct lt_uv_exports *exports = ctx;

	if (!symbol->is_function || strncmp(symbol->name, "uv_", 3))
		return 0;
	for (int i = 0; i < LT_UV_MAX; i++)
		if (!strcmp(symbol->name, export_names[i]))
			exports->vaddr[i] = symbol->vaddr;
	return 0;
}

bool lt_uv_calls(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
		 const struct lt_function *function, enum lt_uv_export which)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (lt_deduce_calls(deducing, &function->insns[i], export_names[which],
				    exports->vaddr[which]))
			return true;
	return false;
}

/* The functions of the loop, and how many candidates there are for each: one is certain. */
enum part {
	POLL,
	TIMERS,
	PREPARE,
	CHECK,
	IDLE,
	PART_MAX
};

static const char *const part_names[PART_MAX] = {
	[POLL] = "uv__io_poll",	   [TIMERS] = "uv__run_timers", [PREPARE] = "uv__run_prepare",
	[CHECK] = "uv__run_check", [IDLE] = "uv__run_idle",
};

static bool calls_back(const struct lt_function *function)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].flow == LT_FLOW_CALL_INDIRECT)
			return true;
	return false;
}

static bool waits(const struct lt_deducing *deducing, const struct lt_function *function)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (lt_deduce_calls(deducing, &function->insns[i], "epoll_wait", 0) ||
		    lt_deduce_calls(deducing, &function->insns[i], "epoll_pwait", 0))
			return true;
	return false;
}

/* Which function of the loop it is; PART_MAX: none of them. */
static enum part part_of(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
			 const struct lt_function *function)
{
	int mutex = function->machine->mutex_bytes;
	bool prepare = lt_deduce_touches(function, LT_UV_LOOP_PREPARE_HANDLES(mutex));
	bool check = lt_deduce_touches(function, LT_UV_LOOP_CHECK_HANDLES(mutex));
	bool idle = lt_deduce_touches(function, LT_UV_LOOP_IDLE_HANDLES(mutex));

	if (waits(deducing, function))
		return POLL;
	if (!calls_back(function))
		return PART_MAX;
	if (lt_deduce_touches(function, LT_UV_LOOP_TIMER_HEAP(mutex)) &&
	    lt_deduce_touches(function, LT_UV_LOOP_TIME_MS(mutex)) &&
	    lt_uv_calls(deducing, exports, function, LT_UV_TIMER_STOP))
		return TIMERS;
	if (prepare + check + idle != 1)
		return PART_MAX;
	return prepare ? PREPARE : check ? CHECK : IDLE;
}

static void tell_loop(const struct lt_deducing *deducing, const struct lt_uv_exports *exports)
{
	uint64_t callees[CALLEES_MAX], found[PART_MAX] = { 0 };
	size_t n = 0, candidates[PART_MAX] = { 0 };
	struct lt_function run, callee;

	if (lt_deduce_decode(deducing, exports->vaddr[LT_UV_RUN], &run))
		return;
	for (size_t i = 0; i < run.n_insns && n < CALLEES_MAX; i++) {
		const struct lt_insn *in = &run.insns[i];
		bool seen = in->flow != LT_FLOW_CALL;
		enum part part;

		for (size_t k = 0; k < n && !seen; k++)
			seen = callees[k] == in->target;
		if (seen)
			continue;
		callees[n++] = in->target;
		if (lt_deduce_decode(deducing, in->target, &callee))
			continue; /* an import, most likely */
		part = part_of(deducing, exports, &callee);
		lt_function__free(&callee);
		if (part == PART_MAX)
			continue;
		found[part] = in->target;
		candidates[part]++;
	}
	lt_function__free(&run);
	for (enum part part = 0; part < PART_MAX; part++)
		if (candidates[part] == 1)
			lt_deduce_tell(deducing, part_names[part], found[part], 0);
}

/* Where the address is made right at the call, 0: it is not. */
static uint64_t initialised_loop(const struct lt_deducing *deducing,
				 const struct lt_uv_exports *exports,
				 const struct lt_function *function)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (lt_deduce_calls(deducing, &function->insns[i], export_names[LT_UV_LOOP_INIT],
				    exports->vaddr[LT_UV_LOOP_INIT]))
			return lt_deduce_number(function, i, 0);
	return 0;
}

/* uv_default_loop() hands the address of one variable to uv_loop_init(); most often it takes no other. */
static void tell_default_loop(const struct lt_deducing *deducing,
			      const struct lt_uv_exports *exports)
{
	uint64_t loop = 0, size;
	size_t candidates = 0;
	struct lt_function function;

	if (lt_deduce_decode(deducing, exports->vaddr[LT_UV_DEFAULT_LOOP], &function))
		return;
	size = LT_UV_LOOP_BYTES(function.machine->mutex_bytes);
	for (size_t i = 0; i < function.n_insns; i++) {
		uint64_t address = function.insns[i].constant;

		if (!address || address == loop ||
		    !lt_elf__is_variable(deducing->elf, address, size))
			continue;
		loop = address;
		candidates++;
	}
	if (candidates != 1)
		loop = initialised_loop(deducing, exports, &function);
	if (loop && lt_elf__is_variable(deducing->elf, loop, size) &&
	    lt_uv_calls(deducing, exports, &function, LT_UV_LOOP_INIT))
		lt_deduce_tell(deducing, "default_loop_struct", loop, size);
	lt_function__free(&function);
}

void lt_uv_deduce(const struct lt_deducing *deducing)
{
	struct lt_uv_exports exports = { 0 };

	lt_elf__each_symbol(deducing->elf, on_export, &exports);
	tell_loop(deducing, &exports);
	tell_default_loop(deducing, &exports);
	lt_uv_deduce_pool(deducing, &exports);
}
