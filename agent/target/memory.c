/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The target's memory (never written), and libuv's own account in it. The target runs on while we
 * read: everything is checked, and a pair that does not fit is read again.
 */
#include "agent/target/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "agent/target/reader.h"
#include "agent/target/recall.h"
#include "agent/target/uv_layout.h"
#include "agent/target/waits.h"
#include "agent/util/clock.h"
#include "agent/util/word.h"
#include "looptop/runtime.h"

#define METRICS_IDLE_TIME 1u /* flag in internal_fields */
#define TRIES		  5
#define PAGE		  4096u
#define HEAD_BYTES	  (LT_UV_LOOP_HANDLE_QUEUE + 16) /* of a loop, that are looked at in a stack */
#define ACTIVE_MAX	  (1u << 20)
#define HANDLE_BYTES	  48
#define CANDIDATES_MAX	  256 /* in a stack, read together */

static ssize_t read_process(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	return lt_reader__memory((pid_t)(intptr_t)ctx, buf, size, pieces, n);
}

struct lt_source lt_process_memory(int pid)
{
	return (struct lt_source){ read_process, (void *)(intptr_t)pid };
}

uint64_t lt_memory_ns(void)
{
	return lt_reader__is_used() ? lt_reader__read_ns() : lt_now_ns();
}

int lt_source_read(const struct lt_source *source, uint64_t address, void *buf, size_t size)
{
	struct iovec piece = { (void *)(uintptr_t)address, size };
	ssize_t n = source->read(source->ctx, buf, size, &piece, 1);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EFAULT;
}

struct lt_source lt_target_memory(const struct lt_target *target)
{
	return target->recall ? lt_recall__source(target->recall) : lt_process_memory(target->pid);
}

int lt_read_memory(const struct lt_target *target, uint64_t address, void *buf, size_t size)
{
	struct lt_source source = lt_target_memory(target);

	return lt_source_read(&source, address, buf, size);
}

size_t lt_read_stack(const struct lt_source *source, uint64_t sp, unsigned char *stack)
{
	struct iovec pieces[LT_STACK_SCAN_BYTES / PAGE + 1];
	size_t n = 0, total = 0;
	ssize_t got;

	while (total < LT_STACK_SCAN_BYTES) {
		size_t size = PAGE - (sp + total) % PAGE;

		if (size > LT_STACK_SCAN_BYTES - total)
			size = LT_STACK_SCAN_BYTES - total;
		pieces[n++] = (struct iovec){ (void *)(uintptr_t)(sp + total), size };
		total += size;
	}
	got = source->read(source->ctx, stack, LT_STACK_SCAN_BYTES, pieces, n);
	return got < 0 ? 0 : (size_t)got;
}

size_t lt_uv_mutex_bytes(const struct lt_target *target)
{
	const struct lt_module *uv = lt_target__uv_module(target);

	return uv && uv->image ? (size_t)uv->image->uv.mutex_bytes : 0;
}

/* The structure itself, at mem->loop_ptr. */
static int read_structure(const struct lt_target *target, size_t mutex, struct lt_loop_mem *mem)
{
	unsigned char loop[LT_UV_LOOP_BYTES(LT_UV_MUTEX_MAX)];
	int err = lt_read_memory(target, mem->loop_ptr, loop, LT_UV_LOOP_BYTES(mutex));

	if (err)
		return err;
	mem->fields_ptr = lt_word(loop, LT_UV_LOOP_INTERNAL_FIELDS);
	if (!lt_is_pointer(mem->fields_ptr) ||
	    !lt_is_pointer(lt_word(loop, LT_UV_LOOP_HANDLE_QUEUE)) ||
	    (int32_t)lt_half(loop, LT_UV_LOOP_BACKEND_FD) <= 0)
		return -ENOENT; /* not initialised (yet), or no loop at all */
	mem->time_ms = lt_word(loop, LT_UV_LOOP_TIME_MS(mutex));
	mem->active_handles = lt_half(loop, LT_UV_LOOP_ACTIVE_HANDLES);
	mem->has_check = lt_word(loop, LT_UV_LOOP_CHECK_HANDLES(mutex)) !=
			 mem->loop_ptr + LT_UV_LOOP_CHECK_HANDLES(mutex);
	return 0;
}

/* An account, with its flags: what lies behind them in internal_fields is nobody's business. */
static size_t account_bytes(const struct lt_uv_layout *uv)
{
	int32_t last = uv->idle_time > uv->entry_time ? uv->idle_time : uv->entry_time;

	return (size_t)(uv->loop_count > last ? uv->loop_count : last) + 8;
}

static void take_account(const struct lt_uv_layout *uv, const unsigned char *fields,
			 struct lt_loop_mem *mem)
{
	mem->idle_ns = lt_word(fields, (size_t)uv->idle_time);
	mem->entry_ns = lt_word(fields, (size_t)uv->entry_time);
	mem->metrics_on = lt_half(fields, 0) & METRICS_IDLE_TIME;
	mem->iterations =
		uv->loop_count < 0 ? UINT64_MAX : lt_word(fields, (size_t)uv->loop_count);
}

static bool is_account(const struct lt_uv_layout *uv, const unsigned char *fields,
		       const struct lt_loop_mem *mem)
{
	return mem->idle_ns == lt_word(fields, (size_t)uv->idle_time) &&
	       mem->entry_ns == lt_word(fields, (size_t)uv->entry_time);
}

/* A wait cannot begin in the future, nor can there be more idle time than time. */
static bool makes_sense(const struct lt_loop_mem *mem)
{
	return mem->entry_ns <= mem->read_ns && mem->idle_ns <= mem->read_ns;
}

/*
 * At mem->fields_ptr: the running wait's beginning and the ended ones' sum must belong together. What stands there
 * before and after stood there in between: the clocks, ours and the loop's own in its structure, are read then. The
 * loop's would be that of the turn before if it were read first, and the wait that follows would pass for a turn.
 */
static int read_between(const struct lt_target *target, const struct lt_uv_layout *uv,
			struct lt_loop_mem *mem)
{
	unsigned char block[LT_UV_ACCOUNT_MAX], again[LT_UV_ACCOUNT_MAX];
	uint64_t fields = mem->fields_ptr;
	size_t bytes = account_bytes(uv);
	int err;

	for (int i = 0;; i++) {
		if (lt_read_memory(target, fields, block, bytes))
			return -EFAULT;
		err = read_structure(target, (size_t)uv->mutex_bytes, mem);
		mem->read_ns = lt_memory_ns();
		if (err || mem->fields_ptr != fields)
			return err ? err : -EAGAIN;
		if (lt_read_memory(target, fields, again, bytes))
			return -EFAULT;
		take_account(uv, block, mem);
		if (is_account(uv, again, mem))
			return makes_sense(mem) ? 0 : -EFAULT;
		if (i == TRIES - 1)
			return -EAGAIN;
	}
}

/* Idle time grows, and not faster than time: otherwise it is another loop's, or none. */
static bool goes_on(const struct lt_loop_mem *before, const struct lt_loop_mem *now)
{
	uint64_t was_ns = lt_loop_mem__idle_ns(before), is_ns = lt_loop_mem__idle_ns(now);

	return now->idle_ns >= before->idle_ns && is_ns + LT_RECALL_AGE_NS >= was_ns &&
	       is_ns - was_ns + LT_RECALL_AGE_NS <=
		       now->read_ns - before->read_ns + 2 * LT_RECALL_AGE_NS;
}

/* Of a loop that waits, and waited when its account was read twice, the clock and the structure tell nothing. */
static bool read_waiting(const struct lt_target *target, const struct lt_uv_layout *uv,
			 struct lt_loop_mem *mem)
{
	unsigned char block[LT_UV_ACCOUNT_MAX], again[LT_UV_ACCOUNT_MAX];
	struct lt_loop_mem now = *mem;
	size_t bytes = account_bytes(uv);

	if (lt_read_memory(target, mem->fields_ptr, block, bytes))
		return false;
	now.read_ns = lt_memory_ns();
	take_account(uv, block, &now);
	if (!now.metrics_on || !now.entry_ns ||
	    lt_read_memory(target, mem->fields_ptr, again, bytes) ||
	    !is_account(uv, again, &now) || !makes_sense(&now) || !goes_on(mem, &now))
		return false;
	*mem = now;
	return true;
}

int lt_read_loop(const struct lt_target *target, uint64_t loop_ptr, struct lt_loop_mem *ret_mem)
{
	const struct lt_module *uv = lt_target__uv_module(target);
	struct lt_loop_mem mem = { .loop_ptr = loop_ptr };
	size_t mutex = lt_uv_mutex_bytes(target);
	int err;

	if (!mutex)
		return -ENOENT;
	if (!loop_ptr)
		mem.loop_ptr = lt_module__address(uv, uv->image->default_loop);
	if (!mem.loop_ptr)
		return -ENOENT;
	if (!lt_is_pointer(mem.loop_ptr))
		return -EFAULT;
	err = read_structure(target, mutex, &mem);
	if (!err && uv->image->uv.idle_time < 0)
		mem.iterations = UINT64_MAX;
	else if (!err)
		err = read_between(target, &uv->image->uv, &mem);
	if (!err)
		*ret_mem = mem;
	return err;
}

int lt_read_loop_again(const struct lt_target *target, uint64_t loop_ptr, bool in_brief,
		       struct lt_loop_mem *mem)
{
	const struct lt_module *uv = lt_target__uv_module(target);
	struct lt_loop_mem now = { .loop_ptr = loop_ptr, .fields_ptr = mem->fields_ptr };

	if (!uv || uv->image->uv.idle_time < 0 || !loop_ptr || mem->loop_ptr != loop_ptr)
		return lt_read_loop(target, loop_ptr, mem);
	if (in_brief && read_waiting(target, &uv->image->uv, mem))
		return 0;
	if (read_between(target, &uv->image->uv, &now) == 0) {
		*mem = now;
		return 0;
	}
	return lt_read_loop(target, loop_ptr, mem);
}

/* --- loops on stacks -------------------------------------------------------------------------- */

struct candidate {
	uint64_t addr;
	struct iovec handle; /* the first in its queue */
};

/* Most words of a stack are told apart without another read. */
static bool may_be_loop(const unsigned char *words, uint64_t addr, struct candidate *ret)
{
	uint64_t first = lt_word(words, LT_UV_LOOP_HANDLE_QUEUE);

	ret->addr = addr;
	ret->handle = (struct iovec){ (void *)(uintptr_t)(first - LT_UV_HANDLE_QUEUE), HANDLE_BYTES };
	return lt_half(words, LT_UV_LOOP_ACTIVE_HANDLES) < ACTIVE_MAX && lt_is_pointer(addr) &&
	       lt_is_pointer(first) && first >= LT_UV_HANDLE_QUEUE &&
	       lt_is_pointer(lt_word(words, LT_UV_LOOP_HANDLE_QUEUE + 8));
}

/* Does a loop structure begin there? Its handle queue must lead to a handle that points back. */
static bool is_loop(const unsigned char *handle, uint64_t addr)
{
	uint32_t type = lt_half(handle, LT_UV_HANDLE_TYPE);

	return lt_word(handle, LT_UV_HANDLE_LOOP) == addr && type >= 1 && type <= 17 &&
	       lt_word(handle, LT_UV_HANDLE_QUEUE + 8) == addr + LT_UV_LOOP_HANDLE_QUEUE;
}

/* The first of the candidates that is one; 0: none is. */
static uint64_t find_among(const struct lt_source *source, const struct candidate *candidates,
			   size_t n)
{
	unsigned char handles[CANDIDATES_MAX][HANDLE_BYTES];
	struct iovec pieces[CANDIDATES_MAX];
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		pieces[i] = candidates[i].handle;
	while (at < n) {
		ssize_t got = source->read(source->ctx, handles, sizeof(handles), pieces + at, n - at);
		size_t read = got < 0 ? 0 : (size_t)got / HANDLE_BYTES;

		if (got < 0 && got != -EFAULT)
			return 0;
		for (size_t i = 0; i < read; i++)
			if (is_loop(handles[i], candidates[at + i].addr))
				return candidates[at + i].addr;
		at += read + 1; /* that one leads nowhere */
	}
	return 0;
}

static uint64_t find_in_stack(const struct lt_source *source, uint64_t sp, unsigned char *stack)
{
	struct candidate candidates[CANDIDATES_MAX];
	size_t n = 0, size = lt_read_stack(source, sp, stack);
	uint64_t found = 0;

	for (size_t i = 0; !found && i + HEAD_BYTES <= size; i += 8) {
		n += may_be_loop(stack + i, sp + i, &candidates[n]);
		if (n == CANDIDATES_MAX) {
			found = find_among(source, candidates, n);
			n = 0;
		}
	}
	return found ? found : find_among(source, candidates, n);
}

int lt_find_thread_loop(const struct lt_target *target, int tid, uint64_t *ret_loop_ptr)
{
	struct lt_source source = lt_target_memory(target);
	unsigned char *stack;
	uint64_t sp = 0;
	int err = lt_thread_in_wait(target->pid, tid, &sp);

	if (err)
		return err;
	stack = malloc(LT_STACK_SCAN_BYTES);
	if (!stack)
		return -ENOMEM;
	*ret_loop_ptr = find_in_stack(&source, sp & ~7ull, stack);
	free(stack);
	return *ret_loop_ptr ? 0 : -ENOENT;
}
