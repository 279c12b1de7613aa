/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libuv's thread pool in a target's memory: its counters, its two queues, and the tasks that its threads run. A task says
 * itself what it is: by the function that a thread calls for it, and for queued work by its class or its name.
 */
#include "agent/target/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/memory.h"
#include "agent/target/uv_layout.h"
#include "agent/target/waits.h"
#include "agent/util/text.h"
#include "agent/util/word.h"
#include "looptop/runtime.h"

#define COUNTERS_BYTES 512 /* in which all counters of the pool may be */
#define COUNT_MAX      1000000 /* tasks, in each queue */
#define COUNT_SPAN_NS  20000000u /* a tick waits for no longer */
#define READ_SPAN_NS   50000000u /* once, at the beginning */
#define CANDIDATES_MAX 256 /* words of a stack, followed by one call */
#define FAILURES_MAX   256 /* of words that lead nowhere, in one stack */

/* Of a task, with the function that queued work is about before it. */
#define TASK_OFFSET LT_UV_WORK_USER_CB
#define TASK_BYTES  (LT_UV_WORK_BYTES - TASK_OFFSET)

/* Tasks in a queue; -1: more than can be counted in time, or they change too fast. */
static int32_t count_queue(const struct lt_target *target, uint64_t head)
{
	struct lt_ring ring = { .head = head, .max = COUNT_MAX, .span_ns = COUNT_SPAN_NS };
	bool whole;
	ssize_t n = lt_read_ring(target, &ring, NULL, &whole);

	return n >= 0 && whole ? (int32_t)n : -1;
}

/* The counters of the pool. They are variables of one source file: mostly one read has them all. */
static int read_counters(const struct lt_target *target, const struct lt_module *uv,
			 struct lt_pool_mem *mem)
{
	const uint64_t places[] = { uv->image->nthreads, uv->image->idle_threads,
				    uv->image->slow_running };
	uint32_t *values[] = { &mem->size, &mem->idle, &mem->slow_running };
	uint64_t low = places[0] < places[1] ? places[0] : places[1];
	uint64_t high = places[0] > places[1] ? places[0] : places[1];
	unsigned char span[COUNTERS_BYTES];
	int err = 0;

	if (places[2] && places[2] < low)
		low = places[2];
	if (places[2] > high)
		high = places[2];
	if (high - low + sizeof(uint32_t) <= sizeof(span) &&
	    lt_read_memory(target, lt_module__address(uv, low), span,
			   high - low + sizeof(uint32_t)) == 0) {
		for (int i = 0; i < 3; i++)
			if (places[i])
				*values[i] = lt_half(span, places[i] - low);
		return 0;
	}
	for (int i = 0; i < 3 && !err; i++)
		if (places[i])
			err = lt_read_memory(target, lt_module__address(uv, places[i]), values[i],
					     sizeof(uint32_t));
	return err;
}

int lt_read_pool(const struct lt_target *target, struct lt_pool_mem *ret_mem)
{
	const struct lt_module *uv = lt_target__uv_module(target);
	struct lt_pool_mem mem = { .queue_depth = -1, .slow_queue_depth = -1 };
	uint64_t wq, slow;
	int err;

	if (!uv || !uv->image->nthreads || !uv->image->idle_threads)
		return -ENOENT;
	err = read_counters(target, uv, &mem);
	if (err)
		return err;
	if (mem.size > 1024 || mem.idle > mem.size) /* libuv's MAX_THREADPOOL_SIZE */
		return -EFAULT;
	wq = lt_module__address(uv, uv->image->pool_queue);
	slow = lt_module__address(uv, uv->image->slow_queue);
	if (!mem.size) {
		mem.queue_depth = mem.slow_queue_depth = 0;
	} else if (wq && slow) {
		/* One node, run_slow_work_message, stands for all of the slow queue. */
		mem.slow_queue_depth = count_queue(target, slow);
		mem.queue_depth = count_queue(target, wq);
		if (mem.slow_queue_depth < 0)
			mem.queue_depth = -1;
		else if (mem.queue_depth > 0 && mem.slow_queue_depth > 0)
			mem.queue_depth += mem.slow_queue_depth - 1;
	}
	mem.read_ns = lt_memory_ns();
	*ret_mem = mem;
	return 0;
}

/* --- the kinds of tasks ------------------------------------------------------------------------------------------ */

/* The kind that the work function stands for; LT_KIND_MAX: the task has to be asked, -1: it is none. */
static int kind_of_function(const struct lt_module *uv, uint64_t function)
{
	for (size_t i = 0; i < uv->image->n_sites; i++) {
		const struct lt_site *site = &uv->image->sites[i];

		if (site->role == LT_ROLE_TASK_START &&
		    lt_module__address(uv, site->function) == function)
			return site->arg;
	}
	return -1;
}

/* The module whose pool tasks have classes, and their work function there; NULL: none. */
static const struct lt_module *class_module(const struct lt_target *target)
{
	for (size_t m = 0; m < target->n_modules; m++)
		if (target->modules[m].image && target->modules[m].image->task_cb)
			return &target->modules[m];
	return NULL;
}

/* As in the programs (bpf/pool.bpf.c): the names that the runtime gives to kinds of work. */
static enum lt_kind kind_by_name(const struct lt_target *target, uint64_t name_at)
{
	static const struct {
		const char *name; /* its beginning */
		enum lt_kind kind;
	} names[] = { { "crypto", LT_KIND_CRYPTO }, { "zlib", LT_KIND_ZLIB }, { "node_api", LT_KIND_NAPI },
		      { "fs.", LT_KIND_FS },	    { "node_sqlite", LT_KIND_FS } };
	char name[16] = "";

	if (lt_read_memory(target, name_at, name, sizeof(name) - 1))
		return LT_KIND_OTHER;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lt_starts_with(name, names[i].name))
			return names[i].kind;
	return LT_KIND_OTHER;
}

static enum lt_kind kind_of_work(const struct lt_target *target, uint64_t task, uint64_t user_cb)
{
	const struct lt_module *module = class_module(target);
	uint64_t vtable = 0, name_at = 0;

	if (!module || user_cb != lt_module__address(module, module->image->task_cb))
		return LT_KIND_OTHER;
	if (module->image->task_class_off &&
	    !lt_read_memory(target, task + (uint64_t)(int64_t)module->image->task_class_off, &vtable,
			    sizeof(vtable)))
		for (size_t i = 0; i < module->image->n_classes; i++)
			if (lt_module__address(module, module->image->classes[i].vtable) == vtable)
				return module->image->classes[i].kind;
	if (!module->image->task_type_off ||
	    lt_read_memory(target, task + (uint64_t)(int64_t)module->image->task_type_off, &name_at,
			   sizeof(name_at)))
		return LT_KIND_OTHER;
	return kind_by_name(target, name_at);
}

/* From its bytes, TASK_OFFSET from the task on. False: there is no task. */
static bool parse_task(const struct lt_target *target, uint64_t task, const unsigned char *bytes,
		       struct lt_pool_task *ret_task)
{
	const struct lt_module *uv = lt_target__uv_module(target);
	int kind = kind_of_function(uv, lt_word(bytes, LT_UV_WORK_FUNCTION - TASK_OFFSET));

	if (kind < 0 || !lt_is_pointer(lt_word(bytes, LT_UV_WORK_LOOP - TASK_OFFSET)))
		return false;
	ret_task->task = task;
	ret_task->kind = kind < LT_KIND_MAX ? (enum lt_kind)kind :
					      kind_of_work(target, task, lt_word(bytes, 0));
	return true;
}

/* --- queued -------------------------------------------------------------------------------------------------------- */

static ssize_t read_queue(const struct lt_target *target, uint64_t head, bool slow,
			  struct lt_pool_task *tasks, size_t room, bool *ret_whole)
{
	struct lt_ring ring = { .head = head,
				.offset = TASK_OFFSET - LT_UV_WORK_NODE,
				.size = TASK_BYTES,
				.max = (uint32_t)room,
				.span_ns = READ_SPAN_NS };
	unsigned char *entries = malloc((room + 1) * LT_RING_ENTRY(&ring));
	ssize_t n = entries ? lt_read_ring(target, &ring, entries, ret_whole) : -ENOMEM, found = 0;

	for (ssize_t i = 0; i < n; i++) {
		const unsigned char *entry = entries + (size_t)i * LT_RING_ENTRY(&ring);

		/* One node of the first queue is no task: it stands for all of the second. */
		tasks[found].slow = slow;
		found += parse_task(target, lt_word(entry, 0) - LT_UV_WORK_NODE, entry + sizeof(uint64_t),
				    &tasks[found]);
	}
	free(entries);
	return n < 0 ? n : found;
}

ssize_t lt_pool__queued(const struct lt_target *target, struct lt_pool_task *tasks, bool *ret_whole)
{
	const struct lt_module *uv = lt_target__uv_module(target);
	bool whole = false;
	ssize_t slow, n;

	*ret_whole = false;
	if (!uv || !uv->image->pool_queue || !uv->image->slow_queue)
		return -ENOENT;
	slow = read_queue(target, lt_module__address(uv, uv->image->slow_queue), true, tasks,
			  LT_POOL_TASKS_MAX / 2, &whole);
	if (slow < 0)
		return slow;
	n = read_queue(target, lt_module__address(uv, uv->image->pool_queue), false, tasks + slow,
		       LT_POOL_TASKS_MAX - (size_t)slow, ret_whole);
	*ret_whole &= whole;
	return n < 0 ? n : slow + n;
}

/* --- running ------------------------------------------------------------------------------------------------------- */

/* It was taken out of its queue, and its function has not come back. */
static bool is_running(const unsigned char *bytes, uint64_t task)
{
	uint64_t node = task + LT_UV_WORK_NODE;

	return lt_word(bytes, LT_UV_WORK_NODE - TASK_OFFSET) == node &&
	       lt_word(bytes, LT_UV_WORK_NODE + 8 - TASK_OFFSET) == node;
}

int lt_pool__runs(const struct lt_target *target, uint64_t task)
{
	unsigned char bytes[TASK_BYTES];
	struct lt_pool_task parsed;
	int err = lt_read_memory(target, task + (uint64_t)(int64_t)TASK_OFFSET, bytes, sizeof(bytes));

	/* Memory that is not there any more runs nothing. */
	if (err && err != -EFAULT)
		return err;
	return !err && is_running(bytes, task) && parse_task(target, task, bytes, &parsed);
}

/* A word of its stack that leads to the task, or to its node in the queue: bytes of both are read around it. */
#define AROUND_OFFSET (TASK_OFFSET - LT_UV_WORK_NODE)
#define AROUND_BYTES  (LT_UV_WORK_BYTES - AROUND_OFFSET)

static bool is_task_around(const struct lt_target *target, uint64_t word, const unsigned char *around,
			   struct lt_pool_task *ret_task)
{
	uint64_t tasks[] = { word - LT_UV_WORK_NODE, word };

	for (int i = 0; i < 2; i++) {
		const unsigned char *bytes = around + i * LT_UV_WORK_NODE;

		if (is_running(bytes, tasks[i]) && parse_task(target, tasks[i], bytes, ret_task))
			return true;
	}
	return false;
}

/* Words of a stack on their way to be followed, and what they have led to. */
struct search {
	const struct lt_target *target;
	struct lt_source source;
	uint64_t words[CANDIDATES_MAX];
	size_t n;
	unsigned failures; /* each costs a call */
	struct lt_pool_task found; /* task 0: none */
};

/* Until one of them leads to a task that runs. What lies above the stack leads to others' tasks, too. */
static int follow(struct search *search)
{
	static unsigned char around[CANDIDATES_MAX][AROUND_BYTES];
	struct iovec pieces[CANDIDATES_MAX];
	size_t at = 0;

	for (size_t i = 0; i < search->n; i++)
		pieces[i] = (struct iovec){
			(void *)(uintptr_t)(search->words[i] + (uint64_t)(int64_t)AROUND_OFFSET),
			AROUND_BYTES
		};
	while (at < search->n) {
		ssize_t got = search->source.read(search->source.ctx, around, sizeof(around), pieces + at,
						  search->n - at);
		size_t read = got < 0 ? 0 : (size_t)got / AROUND_BYTES;

		if (got < 0 && got != -EFAULT)
			return (int)got;
		for (size_t i = 0; i < read; i++)
			if (is_task_around(search->target, search->words[at + i], around[i], &search->found))
				return 0;
		at += read + 1; /* that one leads nowhere */
		if (at <= search->n && ++search->failures > FAILURES_MAX)
			return -E2BIG;
	}
	search->n = 0;
	return 0;
}

int lt_pool__on_stack(const struct lt_target *target, uint64_t sp, struct lt_pool_task *ret_task)
{
	struct search search = { .target = target, .source = lt_target_memory(target) };
	unsigned char *stack = malloc(LT_STACK_SCAN_BYTES);
	size_t size = 0;
	int err = stack ? 0 : -ENOMEM;

	sp &= ~7ull;
	if (!err)
		size = lt_read_stack(&search.source, sp, stack);
	if (!err && !size)
		err = -EFAULT;
	for (size_t i = 0; !err && !search.found.task && i + 8 <= size; i += 8) {
		uint64_t word = lt_word(stack, i);

		/* Requests are not on the stacks of the threads that run them. */
		if (!lt_is_pointer(word) || (word >= sp && word < sp + size))
			continue;
		search.words[search.n++] = word;
		if (search.n == CANDIDATES_MAX)
			err = follow(&search);
	}
	if (!err && !search.found.task)
		err = follow(&search);
	free(stack);
	*ret_task = search.found;
	return err ? err : search.found.task ? 0 : -ENOENT;
}

int lt_pool__running(const struct lt_target *target, int tid, struct lt_pool_task *ret_task)
{
	const struct lt_module *uv = lt_target__uv_module(target);
	struct lt_syscall call;
	int err;

	if (!uv || !uv->image->pool_queue)
		return -ENOENT;
	err = lt_thread_call(target->pid, tid, &call);
	if (err)
		return err;
	/* A loop's thread has made requests, and may have words that lead to them; it runs none. */
	return lt_syscall_is_wait(&call) ? -ENOENT : lt_pool__on_stack(target, call.sp, ret_task);
}
