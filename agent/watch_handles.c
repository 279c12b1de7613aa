/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What each loop of a target holds open: which loops it is read from, and why it is not. */
#include <stdio.h>
#include <string.h>

#include "agent/target/handles.h"
#include "agent/watch_internal.h"

void lt_watch__read_handles(struct lt_watch *watch, struct lt_thread_state *thread,
			    struct lt_loop_state *loop)
{
	struct lt_handles_mem mem;

	if (watch->no_handles || !thread->loop_ptr)
		return;
	if (!watch->details_now) {
		lt_loop_state__same_handles(loop);
		return;
	}
	if (!thread->handles)
		thread->handles = lt_handles__new(watch->target);
	if (!thread->handles || lt_handles__read(thread->handles, thread->loop_ptr, &mem))
		return;
	watch->handles_torn |= !mem.walked;
	lt_loop_state__handles(loop, &mem);
}

size_t lt_watch__miss_handles(struct lt_watch *watch, const char **missing)
{
	const struct lt_target *target = watch->target;
	bool torn = watch->handles_torn;
	int major = 0;
	size_t n = 0;

	watch->handles_torn = false;
	if (watch->no_handles)
		missing[n++] = watch->no_handles;
	if (torn)
		missing[n++] =
			"a loop's list of handles could not be read: it changes too fast, is too long "
			"or makes no sense";
	if (!strcmp(target->runtime, "node") &&
	    sscanf(target->runtime_version, "%d", &major) == 1 && major < 18)
		missing[n++] = "Node before 18 has no count of its JavaScript timers";
	return n;
}

void lt_watch__forget_handles(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++)
		lt_handles__free(watch->threads.items[i].handles);
}
