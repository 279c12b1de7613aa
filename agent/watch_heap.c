/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The V8 heaps of a target, one for each loop that runs JavaScript: read from its memory, at every tier. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/target/memory.h"
#include "agent/util/clock.h"
#include "agent/v8/heap_usage.h"
#include "agent/watch_internal.h"

#define FIND_TRIES 60 /* intervals; a Worker's environment may come later than its loop */
#define LATEST_NS \
	200000000ull /* a heap that is read later than this after a collection says little of it */
#define KEPT_NS	 1200000000ull /* a reading this old is told when there is no newer one */
#define RETRY_NS 400000000ull /* after which one that may be needed is taken anew */

static int read_target(void *ctx, uint64_t address, void *buf, size_t length)
{
	const struct lt_target *target = ctx;

	return lt_read_memory(target, address, buf, length);
}

static const struct lt_module *v8_module(const struct lt_target *target)
{
	for (size_t m = 0; m < target->n_modules; m++)
		if (target->modules[m].image && target->modules[m].image->v8.major)
			return &target->modules[m];
	return NULL;
}

/* False: there is no V8, or no layout of its heap. */
static bool source_of(const struct lt_watch *watch, struct lt_heap_source *ret_source)
{
	const struct lt_module *module = v8_module(watch->target);

	if (!module || !module->image->v8.sizes.version)
		return false;
	*ret_source = (struct lt_heap_source){
		.layout = &module->image->v8.sizes,
		.memory = { read_target, watch->target },
		.bias = module->bias,
		.has_available = watch->heap_has_available,
	};
	return true;
}

static void find_isolate(struct lt_watch *watch, struct lt_heap_source *source,
			 struct lt_thread_state *thread)
{
	uint64_t environment, isolate = 0;
	const char *why = NULL;

	if (thread->isolate || thread->isolate_tries >= FIND_TRIES || watch->silent)
		return;
	thread->isolate_tries++;
	environment = lt_find_environment(watch->target, thread->loop_ptr);
	if (!environment)
		return;
	if (!lt_heap__find(source, environment, &isolate, &why)) {
		thread->isolate = isolate;
		watch->heap_found = true;
		if (!watch->heap_has_available)
			watch->heap_has_available = lt_heap__has_available(source, isolate);
		source->has_available = watch->heap_has_available;
	}
	if (why) {
		watch->heap_why = why;
		thread->isolate_tries = FIND_TRIES; /* it will not change */
	}
}

static bool read_heap(struct lt_watch *watch, struct lt_thread_state *thread,
		      struct lt_heap *ret_heap)
{
	struct lt_heap_source source;

	if (!thread->is_loop || !thread->here || !source_of(watch, &source))
		return false;
	find_isolate(watch, &source, thread);
	return thread->isolate && !lt_heap__read(&source, thread->isolate, ret_heap);
}

static bool sees_collections(const struct lt_watch *watch)
{
	return watch->attachment && lt_attachment__has(watch->attachment, LT_GROUP_GC);
}

static bool keep(struct lt_thread_state *thread, const struct lt_heap *heap)
{
	if (!lt_known(heap->used_bytes))
		return false;
	thread->heap = *heap;
	thread->heap_ns = lt_now_ns();
	return true;
}

/* What is told of the heap now: all figures are of one moment. */
static struct lt_heap heap_now(struct lt_watch *watch, struct lt_thread_state *thread)
{
	struct lt_heap heap = lt_heap__unknown(true);
	uint64_t kept_ns = KEPT_NS;

	if (watch->details_now) {
		read_heap(watch, thread, &heap);
		thread->heap_missed = thread->isolate && !keep(thread, &heap);
		watch->heaps_missed |= thread->heap_missed;
	} else if (watch->details_ns > thread->heap_ns) {
		kept_ns += watch->details_ns - thread->heap_ns; /* until its turn comes */
	}
	if ((thread->heap_missed || !watch->details_now) && thread->heap_ns &&
	    lt_now_ns() - thread->heap_ns <= kept_ns)
		heap = thread->heap;
	/* Without probes nobody tells of a later collection. */
	if (!sees_collections(watch))
		thread->used_after_gc_bytes = 0;
	if (thread->used_after_gc_bytes > 0)
		heap.used_after_gc_bytes = thread->used_after_gc_bytes;
	return heap;
}

void lt_watch__read_heaps(struct lt_watch *watch)
{
	watch->heaps_missed = false;
	if (!v8_module(watch->target))
		return;
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_state *loop;
		struct lt_heap heap;

		if (!thread->is_loop || !thread->here)
			continue;
		heap = heap_now(watch, thread);
		loop = lt_store__loop(watch->process, thread->tid, thread->name);
		if (loop)
			lt_loop_state__heap(loop, &heap);
	}
}

void lt_watch__retry_heaps(struct lt_watch *watch)
{
	struct lt_heap_source source;

	if (!watch->heaps_missed || watch->ended || watch->gone || !source_of(watch, &source))
		return;
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_heap heap;

		if (thread->heap_missed && lt_now_ns() - thread->heap_ns > RETRY_NS &&
		    !lt_heap__read_once(&source, thread->isolate, &heap))
			keep(thread, &heap);
	}
}

void lt_watch__collected(struct lt_watch *watch, int tid, uint64_t when_ns)
{
	struct lt_heap heap;

	if (watch->ended || watch->gone)
		return;
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];

		if (thread->tid != tid)
			continue;
		/* What the one before it left is not what this one did. */
		thread->used_after_gc_bytes = 0;
		if (lt_now_ns() <= when_ns + LATEST_NS && read_heap(watch, thread, &heap) &&
		    keep(thread, &heap))
			thread->used_after_gc_bytes = heap.used_bytes;
	}
}

size_t lt_watch__miss_heap(struct lt_watch *watch, const char **missing)
{
	const struct lt_module *module = v8_module(watch->target);
	size_t n = 0;

	if (!module)
		return 0;
	if (!module->image->v8.sizes.version) {
		missing[n++] = module->image->v8.sizes.why_not;
		return n;
	}
	if (watch->heap_why) {
		snprintf(watch->no_heap, sizeof(watch->no_heap), "the V8 heap is unknown: %s",
			 watch->heap_why);
		missing[n++] = watch->no_heap;
	}
	if (watch->heap_found && !watch->heap_has_available)
		missing[n++] = "what the spaces of the V8 heap have available is unknown: this "
			       "build does not read it where its version does";
	if (!sees_collections(watch))
		missing[n++] = "the heap in use after a full collection needs garbage collection "
			       "probes";
	return n;
}
