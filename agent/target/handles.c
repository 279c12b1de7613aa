/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/handles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/handle_walk.h"
#include "agent/target/js_counters.h"
#include "agent/target/peer.h"
#include "agent/target/reader.h"
#include "agent/target/uv_layout.h"
#include "agent/util/clock.h"
#include "agent/util/word.h"

#define WALK_EVERY_NS  1000000000ull
#define WALK_SOONER_NS 50000000ull /* a tick that comes a little early has its walk */
#define WALK_SHARE     200 /* a walk that took long is followed by a pause of so many times that */
#define PEER_NS	       4000000ull /* that may be spent in one call on looking for an address */
#define UV_FIRST       43 /* libuv 1.43 … 1.52 have the layout of uv_layout.h */
#define UV_LAST	       52
#define SLACK	       64 /* handles that may come and go during a walk, and a quarter of all */

_Static_assert(LT_UV_KINDS == LT_UV_TYPES, "one counter for each kind");

struct lt_handles {
	const struct lt_target *target;
	struct lt_source source;
	size_t mutex_bytes; /* in the loop */
	uint64_t loop_ptr;
	struct lt_handle_walk *walk;
	uint64_t next_walk_ns;
	struct lt_handles_mem mem; /* with the figures of the last walk */
	struct lt_js_counters js;
	struct lt_peer peer;
};

const char *lt_handles__why_not(const struct lt_target *target)
{
	int major = 0, minor = 0;

	if (!target->uv_version || !target->uv_version[0])
		return "handles and streams are not read: the version of libuv is not known";
	if (sscanf(target->uv_version, "%d.%d", &major, &minor) != 2 || major != 1 ||
	    minor < UV_FIRST || minor > UV_LAST || !lt_uv_mutex_bytes(target))
		return "handles and streams are not read: the layout of this libuv is not known (1.43 to "
		       "1.52 are)";
	return NULL;
}

struct lt_handles *lt_handles__new(const struct lt_target *target)
{
	struct lt_handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return NULL;
	handles->target = target;
	handles->source = lt_target_memory(target);
	handles->mutex_bytes = lt_uv_mutex_bytes(target);
	handles->walk = lt_handle_walk__new(&handles->source, target->pid);
	lt_peer__init(&handles->peer, target->pid);
	if (handles->walk)
		return handles;
	free(handles);
	errno = ENOMEM;
	return NULL;
}

void lt_handles__free(struct lt_handles *handles)
{
	if (!handles)
		return;
	lt_peer__close(&handles->peer);
	lt_handle_walk__free(handles->walk);
	free(handles);
}

/* Is it worse than the worst so far? */
static bool is_worse(const struct lt_handle *handle, uint64_t since_ns, uint64_t queued_bytes)
{
	if (!since_ns || handle->blocked_since_ns != since_ns)
		return !since_ns || handle->blocked_since_ns < since_ns;
	return handle->queued_bytes > queued_bytes;
}

/* Counts what is open; how many keep the loop alive. */
static uint64_t count(struct lt_handles_mem *mem, const struct lt_handle *items, size_t n,
		      uint64_t now_ns)
{
	uint64_t held = 0, since_ns = 0;

	for (size_t i = 0; i < n; i++) {
		const struct lt_handle *handle = &items[i];
		bool holds =
			(handle->flags & (LT_UV_ACTIVE | LT_UV_REF)) == (LT_UV_ACTIVE | LT_UV_REF);

		if (handle->flags & (LT_UV_CLOSING | LT_UV_CLOSED))
			continue;
		held += holds;
		if (handle->flags & LT_UV_INTERNAL)
			continue;
		mem->kinds[handle->type].open++;
		mem->kinds[handle->type].held += holds;
		mem->kinds[handle->type].referenced += !!(handle->flags & LT_UV_REF);
		mem->listening += handle->listening;
		if (!handle->queued_bytes)
			continue;
		mem->blocked++;
		mem->queued_bytes += handle->queued_bytes;
		if (!is_worse(handle, since_ns, mem->worst.queued_bytes))
			continue;
		since_ns = handle->blocked_since_ns;
		mem->worst.fd = handle->fd;
		mem->worst.kind = handle->type;
		mem->worst.queued_bytes = handle->queued_bytes;
		mem->worst.blocked_ns = now_ns > since_ns ? now_ns - since_ns : 0;
	}
	return held;
}

static void forget_walk(struct lt_handles_mem *mem)
{
	*mem = (struct lt_handles_mem){ .worst.fd = -1 };
}

/* libuv's own count and ours may differ by what came and went meanwhile, not by more: it would be no loop. */
static bool agrees(uint64_t held, uint64_t before, uint64_t after)
{
	uint64_t low = before < after ? before : after, high = before < after ? after : before;
	uint64_t slack = SLACK + high / 4;

	return held <= high + slack && held + slack >= low;
}

static int walk(struct lt_handles *handles, const unsigned char *loop, uint64_t now_ns,
		uint64_t cpu_ns)
{
	struct lt_handles_mem *mem = &handles->mem;
	const struct lt_handle *items;
	uint32_t active;
	uint64_t held;
	size_t n;
	int err;

	forget_walk(mem);
	err = lt_handle_walk__run(handles->walk, handles->loop_ptr, loop, now_ns, cpu_ns, &items,
				  &n);
	if (err)
		return err == -EAGAIN || err == -ETIMEDOUT || err == -E2BIG ? 0 : err;
	held = count(mem, items, n, now_ns);
	err = lt_source_read(&handles->source, handles->loop_ptr + LT_UV_LOOP_ACTIVE_HANDLES,
			     &active, sizeof(active));
	mem->walked = !err && agrees(held, lt_half(loop, LT_UV_LOOP_ACTIVE_HANDLES), active);
	if (!mem->walked)
		forget_walk(mem);
	return err;
}

/* When the next timer is due: libuv keeps it in milliseconds, at the top of a heap. */
static uint64_t timer_due(const struct lt_handles *handles, const unsigned char *loop)
{
	uint64_t top = lt_word(loop, LT_UV_LOOP_TIMER_HEAP(handles->mutex_bytes)), due_ms;
	unsigned char timer[LT_UV_TIMER_BYTES];

	if (!top)
		return UINT64_MAX;
	if (!lt_is_pointer(top) || top < LT_UV_TIMER_HEAP_NODE ||
	    lt_source_read(&handles->source, top - LT_UV_TIMER_HEAP_NODE, timer, sizeof(timer)) ||
	    lt_word(timer, LT_UV_HANDLE_LOOP) != handles->loop_ptr ||
	    lt_half(timer, LT_UV_HANDLE_TYPE) != LT_UV_TIMER)
		return 0;
	due_ms = lt_word(timer, LT_UV_TIMER_TIMEOUT_MS);
	return due_ms < UINT64_MAX / 1000000 ? due_ms * 1000000 : UINT64_MAX;
}

/* It may have been taken out between two reads: again, with a new look at the loop. */
static uint64_t read_timer(const struct lt_handles *handles, unsigned char *loop)
{
	uint64_t due_ns = timer_due(handles, loop);

	for (int i = 0; i < 3 && !due_ns; i++) {
		if (lt_source_read(&handles->source, handles->loop_ptr, loop,
				   LT_UV_LOOP_BYTES(handles->mutex_bytes)))
			return 0;
		due_ns = timer_due(handles, loop);
	}
	return due_ns;
}

static void find_peer(struct lt_handles *handles)
{
	struct lt_handles_mem *mem = &handles->mem;

	if (mem->worst.fd < 0) {
		lt_peer__close(&handles->peer);
		return;
	}
	snprintf(
		mem->worst.peer, sizeof(mem->worst.peer), "%s",
		lt_peer__of(&handles->peer, mem->worst.fd, mem->worst.kind == LT_UV_PIPE, PEER_NS));
}

/* Ours, and that of those who read for us. */
static uint64_t spent_cpu_ns(void)
{
	return lt_thread_cpu_ns() + (uint64_t)(lt_reader__cpu_seconds() * 1e9);
}

/* Walks; the next time is later, the more CPU time it took. */
static int look_again(struct lt_handles *handles, const unsigned char *loop, uint64_t now_ns)
{
	uint64_t cpu_ns = lt_thread_cpu_ns(), spent_ns = spent_cpu_ns(), pause_ns;
	int err = walk(handles, loop, now_ns, cpu_ns);

	if (err)
		return err;
	if (handles->target->runtime && !strcmp(handles->target->runtime, "node"))
		lt_js_counters__find(&handles->js, handles->target, handles->loop_ptr);
	pause_ns = (spent_cpu_ns() - spent_ns) * WALK_SHARE;
	handles->next_walk_ns = now_ns + (pause_ns > WALK_EVERY_NS ? pause_ns : WALK_EVERY_NS);
	return 0;
}

int lt_handles__read(struct lt_handles *handles, uint64_t loop_ptr, struct lt_handles_mem *ret_mem)
{
	unsigned char loop[LT_UV_LOOP_BYTES(LT_UV_MUTEX_MAX)];
	struct lt_handles_mem *mem = &handles->mem;
	uint64_t now_ns = lt_now_ns();
	bool walked;
	int err = lt_source_read(&handles->source, loop_ptr, loop,
				 LT_UV_LOOP_BYTES(handles->mutex_bytes));

	if (loop_ptr != handles->loop_ptr) { /* the thread runs another one now */
		handles->loop_ptr = loop_ptr;
		handles->next_walk_ns = 0;
		handles->js = (struct lt_js_counters){ 0 };
	}
	if (err)
		return err;
	walked = now_ns + WALK_SOONER_NS >= handles->next_walk_ns;
	if (walked) {
		err = look_again(handles, loop, now_ns);
		if (err)
			return err;
	}
	if (walked || handles->peer.searching) {
		find_peer(handles);
		now_ns = lt_now_ns(); /* that took its time: timers have come and gone */
		err = lt_source_read(&handles->source, loop_ptr, loop,
				     LT_UV_LOOP_BYTES(handles->mutex_bytes));
		if (err)
			return err;
	}
	mem->read_ns = now_ns;
	mem->active = lt_half(loop, LT_UV_LOOP_ACTIVE_HANDLES);
	mem->requests = lt_word(loop, LT_UV_LOOP_ACTIVE_REQS);
	mem->timer_due_ns = read_timer(handles, loop);
	lt_js_counters__read(&handles->js, &handles->source, mem);
	*ret_mem = *mem;
	return 0;
}
