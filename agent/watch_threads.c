/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The threads of one target, and which of them run a loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/target/handles.h"
#include "agent/target/process.h"
#include "agent/watch_internal.h"
#include "looptop/log.h"

#define LOOK_TRIES 10 /* its stack is looked at in so many intervals: it must be asleep to be seen */

static bool has_all(const struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		int tid = watch->threads.items[i].tid;

		if (tid != watch->target->pid && !lt_live__has_thread(tid))
			return false;
	}
	return true;
}

/* Listing costs more than most else: it is left out while all that are known are there, and no other. */
void lt_watch__list_threads(struct lt_watch *watch)
{
	unsigned told = lt_live__threads_told(&watch->live);

	if (told && told == watch->threads.n && (watch->has_slept || has_all(watch)))
		return;
	lt_threads__list(&watch->threads, &watch->live);
}

static void name_loop(struct lt_watch *watch, struct lt_thread_state *thread)
{
	char comm[LT_COMM_SIZE] = "";

	if (watch->target->generic) {
		lt_watch__name_thread(watch, thread);
		return;
	}
	if (thread->name[0])
		return;
	if (thread->tid == watch->target->pid) {
		snprintf(thread->name, sizeof(thread->name), "main");
		return;
	}
	watch->workers++;
	lt_thread_name(watch->target->pid, thread->tid, comm);
	if (lt_is_own_name(comm, watch->target->comm))
		snprintf(thread->name, sizeof(thread->name), "%s", comm);
	else
		snprintf(thread->name, sizeof(thread->name), "worker-%d", watch->workers);
}

static void sample_thread(const struct lt_watch *watch, int tid, uint64_t loop_ptr)
{
	int err = watch->sampler ? lt_sampler__add(watch->sampler, tid,
						   lt_find_async_hooks(watch->target, loop_ptr))
				 : 0;

	if (err && err != -ESRCH)
		lt_info("sample thread %d of pid %d: %s; its stalls have no stacks", tid,
			watch->target->pid, strerror(-err));
}

void lt_watch__take_thread(struct lt_watch *watch, struct lt_thread_state *thread)
{
	thread->is_loop = true;
	name_loop(watch, thread);
	sample_thread(watch, thread->tid, thread->loop_ptr);
}

bool lt_watch__confirm_loop(struct lt_watch *watch, struct lt_thread_state *thread,
			    uint64_t loop_ptr, struct lt_loop_mem *mem)
{
	bool node = watch->target->runtime && !strcmp(watch->target->runtime, "node");
	int err = lt_read_loop(watch->target,
			       thread->tid == watch->target->pid && !loop_ptr ? 0 : loop_ptr, mem);

	if (watch->target->generic) {
		thread->is_loop = true; /* it has a record: it has waited */
	} else if (thread->tid == watch->target->pid) {
		thread->is_loop = thread->is_loop || !err;
	} else if (!thread->is_loop) {
		thread->is_loop = !err && (mem->has_check || !node);
	}
	if (!thread->is_loop)
		return false;
	if (!err)
		thread->loop_ptr = mem->loop_ptr;
	lt_watch__take_thread(watch, thread);
	return !err;
}

void lt_watch__look_for_loops(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		bool main_thread = thread->tid == watch->target->pid;
		uint64_t loop_ptr = 0;
		struct lt_loop_mem mem;

		if (thread->is_loop || !thread->here || thread->tries >= LOOK_TRIES)
			continue;
		thread->tries++;
		if (watch->target->generic) {
			if (watch->attachment && watch->tier > LT_TIER_MEMORY)
				lt_watch__look_at_waiting(watch, thread);
			continue;
		}
		if (!main_thread && lt_find_thread_loop(watch->target, thread->tid, &loop_ptr))
			continue;
		if (lt_watch__confirm_loop(watch, thread, loop_ptr, &mem) && watch->attachment &&
		    lt_attachment__has(watch->attachment, LT_GROUP_WAIT))
			lt_attachment__seed_loop(watch->attachment, thread->tid, &mem);
	}
}

void lt_watch__seed_loops(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_mem mem;

		thread->tries = 0;
		if (!thread->is_loop || !thread->here)
			continue;
		sample_thread(watch, thread->tid, thread->loop_ptr);
		if (watch->target->generic)
			lt_watch__look_at_waiting(watch, thread);
		if (lt_attachment__has(watch->attachment, LT_GROUP_WAIT) &&
		    lt_read_loop(watch->target, thread->loop_ptr, &mem) == 0)
			lt_attachment__seed_loop(watch->attachment, thread->tid, &mem);
	}
}

void lt_watch__drop_threads(struct lt_watch *watch)
{
	size_t kept = 0;

	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_loop_key key = { (uint32_t)watch->target->pid, (uint32_t)thread->tid };
		struct lt_loop_state *loop;

		if (thread->here) {
			watch->threads.items[kept++] = *thread;
			continue;
		}
		loop = thread->is_loop ? lt_store__loop(watch->process, thread->tid, thread->name)
				       : NULL;
		if (loop)
			lt_loop_state__end(loop);
		if (watch->sampler)
			lt_sampler__remove(watch->sampler, thread->tid);
		if (watch->probe) {
			lt_probe__forget_loop(watch->probe, &key);
			lt_probe__forget_jit(watch->probe, &key);
		}
		lt_handles__free(thread->handles);
	}
	watch->threads.n = kept;
}
