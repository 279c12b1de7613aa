/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/threads.h"

#include <string.h>

#include "agent/target/live.h"
#include "agent/util/array.h"

struct lt_thread_state *lt_threads__add(struct lt_threads *threads, int tid)
{
	struct lt_thread_state *thread, *items;

	for (size_t i = 0; i < threads->n; i++)
		if (threads->items[i].tid == tid)
			return &threads->items[i];
	if (threads->n == LT_THREADS_MAX)
		return NULL;
	items = lt_array_room(threads->items, threads->n, &threads->room, 8, sizeof(*items));
	if (!items)
		return NULL;
	threads->items = items;
	thread = &threads->items[threads->n++];
	*thread = (struct lt_thread_state){ .tid = tid };
	return thread;
}

/* Node names Worker threads only since 24, after their own name or "WorkerThread". */
bool lt_is_own_name(const char *name, const char *comm)
{
	static const char *const defaults[] = { "WorkerThread", "node", "node-MainThread",
						"MainThread", "libuv-worker" };

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!strcmp(name, defaults[i]))
			return false;
	return name[0] && strcmp(name, comm);
}

void lt_threads__list(struct lt_threads *threads, const struct lt_live *live)
{
	int tids[LT_THREADS_MAX], n;

	n = lt_live__threads(live, tids, LT_THREADS_MAX);
	if (n < 0)
		return;
	for (size_t i = 0; i < threads->n; i++)
		threads->items[i].here = false;
	for (int i = 0; i < n; i++) {
		/* They come in the same order each time. */
		bool in_place = (size_t)i < threads->n && threads->items[i].tid == tids[i];
		struct lt_thread_state *thread =
			in_place ? &threads->items[i] : lt_threads__add(threads, tids[i]);

		if (thread)
			thread->here = true;
	}
}
