/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libuv's thread pool in a stripped file: uv_queue_work() names the functions of queued work, and the
 * one that starts the threads; the other exported functions hand theirs to uv__work_submit(). The
 * pool's variables are told by who reads and who writes them.
 */
#include "agent/runtime/deduce.h"
#include "agent/runtime/libuv_deduce.h"

/* From a task, struct uv__work in a uv_work_t: work_cb, after_work_cb, loop. */
enum {
	WORK_CB = -16,
	AFTER_WORK_CB = -8,
	WORK_LOOP = -24
};

/* worker() calls its task by the queue's node: struct uv__work has `work` 24 bytes before `wq`. */
enum {
	TASK_OF_NODE = -24
};

#define QUEUE_BYTES 16 /* next, prev */

struct pool {
	struct lt_function queue_work, init, worker, submit; /* n_insns 0: not found */
	uint64_t worker_at, submit_at;
};

static bool calls_back_from(const struct lt_function *function, int32_t disp)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].flow == LT_FLOW_CALL_INDIRECT &&
		    function->insns[i].base >= 0 && function->insns[i].disp == disp)
			return true;
	return false;
}

/*
 * The one of the functions whose address `from` takes that `is` says yes to, decoded, in ret_function;
 * its address, or 0 if there is none or more than one.
 */
static uint64_t pick(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
		     const struct lt_function *from,
		     bool (*is)(const struct lt_deducing *, const struct lt_uv_exports *,
				const struct lt_function *),
		     struct lt_function *ret_function)
{
	uint64_t pointers[LT_POINTERS_MAX], found = 0;
	size_t n = lt_deduce_pointers(deducing, from, pointers), candidates = 0;

	for (size_t i = 0; i < n; i++) {
		struct lt_function function;

		if (lt_deduce_decode(deducing, pointers[i], &function))
			continue;
		if (is(deducing, exports, &function)) {
			found = pointers[i];
			candidates++;
		}
		lt_function__free(&function);
	}
	if (candidates != 1)
		return 0;
	return lt_deduce_decode(deducing, found, ret_function) ? 0 : found;
}

static bool is_queue_work(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
			  const struct lt_function *function)
{
	(void)deducing;
	(void)exports;
	return lt_deduce_touches(function, WORK_CB) && !lt_deduce_touches(function, AFTER_WORK_CB);
}

static bool is_queue_done(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
			  const struct lt_function *function)
{
	(void)deducing;
	(void)exports;
	return lt_deduce_touches(function, AFTER_WORK_CB) &&
	       lt_deduce_touches(function, WORK_LOOP) && !lt_deduce_touches(function, WORK_CB);
}

static bool is_worker(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
		      const struct lt_function *function)
{
	return calls_back_from(function, TASK_OF_NODE) &&
	       lt_uv_calls(deducing, exports, function, LT_UV_COND_WAIT);
}

/* init_once() takes the address of worker(). */
static bool is_init(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
		    const struct lt_function *function)
{
	struct lt_function worker;

	if (!pick(deducing, exports, function, is_worker, &worker))
		return false;
	lt_function__free(&worker);
	return true;
}

/* What uv_queue_work() leads to. */
static void find_queued(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
			struct pool *pool)
{
	struct lt_function function;
	uint64_t work, done;

	if (lt_deduce_decode(deducing, exports->vaddr[LT_UV_QUEUE_WORK], &pool->queue_work))
		return;
	work = pick(deducing, exports, &pool->queue_work, is_queue_work, &function);
	if (work) {
		lt_deduce_tell(deducing, "uv__queue_work", work, 0);
		lt_function__free(&function);
	}
	done = pick(deducing, exports, &pool->queue_work, is_queue_done, &function);
	if (done) {
		lt_deduce_tell(deducing, "uv__queue_done", done, 0);
		lt_function__free(&function);
	}
	if (!pick(deducing, exports, &pool->queue_work, is_init, &pool->init))
		return;
	pool->worker_at = pick(deducing, exports, &pool->init, is_worker, &pool->worker);
	if (pool->worker_at)
		lt_deduce_tell(deducing, "worker", pool->worker_at, 0);
}

struct submitted {
	enum lt_uv_export by;
	const char *work, *done; /* the names of what it hands over */
};

static const struct submitted submitted[] = {
	{ LT_UV_FS_FSYNC, "uv__fs_work", "uv__fs_done" },
	{ LT_UV_GETADDRINFO, "uv__getaddrinfo_work", "uv__getaddrinfo_done" },
	{ LT_UV_GETNAMEINFO, "uv__getnameinfo_work", "uv__getnameinfo_done" },
	{ LT_UV_RANDOM, "uv__random_work", "uv__random_done" },
};

#define N_SUBMITTED (sizeof(submitted) / sizeof(submitted[0]))

struct handed {
	uint64_t to, work, done;
};

/* The call with two functions as 4th and 5th argument; to is 0 if there is none, or more than one. */
static struct handed handed_over(const struct lt_deducing *deducing, uint64_t vaddr)
{
	struct handed handed = { 0 };
	struct lt_function function;
	size_t candidates = 0;

	if (lt_deduce_decode(deducing, vaddr, &function))
		return handed;
	for (size_t i = 0; i < function.n_insns; i++) {
		const struct lt_insn *in = &function.insns[i];
		uint64_t work, done;

		if (in->flow != LT_FLOW_CALL && in->flow != LT_FLOW_JUMP)
			continue;
		work = lt_deduce_argument(deducing, &function, i, 3);
		done = work ? lt_deduce_argument(deducing, &function, i, 4) : 0;
		if (!done || (candidates && handed.to == in->target && handed.work == work &&
			      handed.done == done))
			continue;
		handed = (struct handed){ in->target, work, done };
		candidates++;
	}
	lt_function__free(&function);
	if (candidates != 1)
		handed.to = 0;
	return handed;
}

/* All hand their work to the same function, and that one wakes a thread: or nothing is told. */
static void find_submitted(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
			   struct pool *pool)
{
	struct handed handed[N_SUBMITTED];
	uint64_t to = 0;

	for (size_t i = 0; i < N_SUBMITTED; i++) {
		handed[i] = handed_over(deducing, exports->vaddr[submitted[i].by]);
		if (!to)
			to = handed[i].to;
		if (handed[i].to && handed[i].to != to)
			return;
	}
	if (!to || lt_deduce_decode(deducing, to, &pool->submit))
		return;
	if (!lt_uv_calls(deducing, exports, &pool->submit, LT_UV_COND_SIGNAL)) {
		lt_function__free(&pool->submit);
		return;
	}
	pool->submit_at = to;
	lt_deduce_tell(deducing, "uv__work_submit", to, 0);
	for (size_t i = 0; i < N_SUBMITTED; i++) {
		if (!handed[i].to)
			continue;
		lt_deduce_tell(deducing, submitted[i].work, handed[i].work, 0);
		lt_deduce_tell(deducing, submitted[i].done, handed[i].done, 0);
	}
}

/* A variable that a function uses and about which `is` says yes; 0: none, or more than one. */
struct question {
	const struct lt_deducing *deducing;
	const struct pool *pool;
	uint64_t not_this; /* known to be another one */
};

static uint64_t only_variable(const struct lt_function *user, const struct question *question,
			      bool (*is)(const struct question *, uint64_t))
{
	uint64_t found = 0;

	for (size_t i = 0; i < user->n_insns; i++) {
		const struct lt_insn *in = &user->insns[i];
		uint64_t places[3] = { in->data, in->constant,
				       in->data_count > 1 ? in->data + in->data_size : 0 };

		for (int k = 0; k < 3; k++) {
			if (!places[k] || places[k] == found || places[k] == question->not_this ||
			    !lt_elf__is_variable(question->deducing->elf, places[k], 4) ||
			    !is(question, places[k]))
				continue;
			if (found)
				return 0;
			found = places[k];
		}
	}
	return found;
}

/* A task is put behind the last of a queue: its address is taken, its prev is read and written. */
static bool is_queue_of(const struct lt_function *function, uint64_t head)
{
	return lt_deduce_takes(function, head) && lt_deduce_reads(function, head + 8, 8) &&
	       lt_deduce_writes(function, head + 8, 8);
}

static bool is_wq(const struct question *question, uint64_t head)
{
	return is_queue_of(&question->pool->queue_work, head) &&
	       lt_deduce_takes(&question->pool->worker, head);
}

static bool is_slow_queue(const struct question *question, uint64_t head)
{
	return is_queue_of(&question->pool->submit, head) &&
	       lt_deduce_takes(&question->pool->worker, head);
}

/* post() reads it, worker() counts it up and down. */
static bool is_idle_threads(const struct question *question, uint64_t variable)
{
	return lt_deduce_reads(&question->pool->queue_work, variable, 4) &&
	       !lt_deduce_writes(&question->pool->queue_work, variable, 4) &&
	       lt_deduce_writes(&question->pool->worker, variable, 4);
}

static bool is_slow_running(const struct question *question, uint64_t variable)
{
	return lt_deduce_reads(&question->pool->worker, variable, 4) &&
	       lt_deduce_writes(&question->pool->worker, variable, 4);
}

/* init_once() sets it, worker() only reads it. */
static bool is_nthreads(const struct question *question, uint64_t variable)
{
	return lt_deduce_reads(&question->pool->worker, variable, 4) &&
	       !lt_deduce_writes(&question->pool->worker, variable, 4) &&
	       lt_deduce_writes(&question->pool->init, variable, 4);
}

static void tell_variable(const struct lt_deducing *deducing, const char *name, uint64_t vaddr,
			  uint64_t size)
{
	if (vaddr && lt_elf__is_variable(deducing->elf, vaddr, size))
		lt_deduce_tell(deducing, name, vaddr, size);
}

static void find_variables(const struct lt_deducing *deducing, const struct pool *pool)
{
	struct question question = { deducing, pool, 0 };
	uint64_t wq, idle;

	tell_variable(deducing, "nthreads", only_variable(&pool->worker, &question, is_nthreads),
		      4);
	idle = only_variable(&pool->worker, &question, is_idle_threads);
	tell_variable(deducing, "idle_threads", idle, 4);
	wq = only_variable(&pool->worker, &question, is_wq);
	tell_variable(deducing, "wq", wq, QUEUE_BYTES);
	/* each of these is like the one before, but for being another */
	question.not_this = idle;
	if (idle)
		tell_variable(deducing, "slow_io_work_running",
			      only_variable(&pool->worker, &question, is_slow_running), 4);
	question.not_this = wq;
	if (wq)
		tell_variable(deducing, "slow_io_pending_wq",
			      only_variable(&pool->submit, &question, is_slow_queue), QUEUE_BYTES);
}

void lt_uv_deduce_pool(const struct lt_deducing *deducing, const struct lt_uv_exports *exports)
{
	struct pool pool = { 0 };

	find_queued(deducing, exports, &pool);
	find_submitted(deducing, exports, &pool);
	if (pool.worker_at)
		find_variables(deducing, &pool);
	lt_function__free(&pool.queue_work);
	lt_function__free(&pool.init);
	lt_function__free(&pool.worker);
	lt_function__free(&pool.submit);
}
