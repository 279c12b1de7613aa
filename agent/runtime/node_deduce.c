/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/runtime/node_deduce.h"

#include <string.h>

#include "agent/runtime/deduce.h"
#include "agent/util/text.h"

#define HEAP "_ZN2v88internal4Heap"

enum export {
	QUEUE_WORK,
	SCHEDULE_WORK,
	COLLECT_GARBAGE,
	PERFORM,
	MARK_COMPACT,
	SCAVENGE,
	EXPORT_MAX,
};

/* The beginnings of their names: arguments change with V8's versions. */
static const char *const export_names[EXPORT_MAX] = {
	[QUEUE_WORK] = "uv_queue_work",
	[SCHEDULE_WORK] = "_ZN4node14ThreadPoolWork12ScheduleWorkEv",
	[COLLECT_GARBAGE] = HEAP "14CollectGarbageENS0_15AllocationSpaceE",
	[PERFORM] = HEAP "24PerformGarbageCollectionE",
	[MARK_COMPACT] = HEAP "11MarkCompactEv",
	[SCAVENGE] = HEAP "8ScavengeEv",
};

static int on_export(void *ctx, const struct lt_elf_symbol *symbol)
{
	uint64_t *vaddrs = ctx;

	for (int i = 0; symbol->is_function && i < EXPORT_MAX; i++)
		if (lt_starts_with(symbol->name, export_names[i]))
			vaddrs[i] = symbol->vaddr;
	return 0;
}

/* ThreadPoolWork::ScheduleWork() hands the lambda to uv_queue_work() as its third argument. */
static void tell_task_cb(const struct lt_deducing *deducing, const uint64_t *vaddrs)
{
	struct lt_function function;
	uint64_t task_cb = 0;

	if (lt_deduce_decode(deducing, vaddrs[SCHEDULE_WORK], &function))
		return;
	for (size_t i = 0; i < function.n_insns && !task_cb; i++)
		if (lt_deduce_calls(deducing, &function.insns[i], export_names[QUEUE_WORK],
				    vaddrs[QUEUE_WORK]))
			task_cb = lt_deduce_argument(deducing, &function, i, 2);
	lt_function__free(&function);
	if (task_cb)
		lt_deduce_tell(deducing, LT_NODE_SCHEDULE_WORK "UlP9uv_work_sE_4_FUNES2_", task_cb,
			       0);
}

static bool calls(const struct lt_function *function, uint64_t vaddr)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].flow == LT_FLOW_CALL && function->insns[i].target == vaddr)
			return true;
	return false;
}

static bool is_clone(const struct lt_deducing *deducing, const uint64_t *vaddrs, uint64_t vaddr)
{
	struct lt_function function;
	bool is;

	if (vaddr == vaddrs[PERFORM] || lt_deduce_decode(deducing, vaddr, &function))
		return false;
	is = calls(&function, vaddrs[MARK_COMPACT]) && calls(&function, vaddrs[SCAVENGE]);
	lt_function__free(&function);
	return is;
}

/*
 * gcc made a clone of PerformGarbageCollection in Node 16 and 18, which is not exported: the function
 * that does both kinds of collection and is called by CollectGarbage. Without it pauses have no kind.
 */
static void tell_clone(const struct lt_deducing *deducing, const uint64_t *vaddrs)
{
	struct lt_function function;
	uint64_t clone = 0;
	size_t candidates = 0;

	if (!vaddrs[PERFORM] || !vaddrs[MARK_COMPACT] || !vaddrs[SCAVENGE] ||
	    lt_deduce_decode(deducing, vaddrs[COLLECT_GARBAGE], &function))
		return;
	for (size_t i = 0; i < function.n_insns; i++) {
		const struct lt_insn *in = &function.insns[i];

		if (in->flow != LT_FLOW_CALL || in->target == clone ||
		    !is_clone(deducing, vaddrs, in->target))
			continue;
		clone = in->target;
		candidates++;
	}
	lt_function__free(&function);
	if (candidates == 1)
		lt_deduce_tell(deducing, HEAP "24PerformGarbageCollectionE.constprop", clone, 0);
}

void lt_node_deduce(const struct lt_deducing *deducing)
{
	uint64_t vaddrs[EXPORT_MAX] = { 0 };

	lt_elf__each_symbol(deducing->elf, on_export, vaddrs);
	tell_task_cb(deducing, vaddrs);
	tell_clone(deducing, vaddrs);
}
