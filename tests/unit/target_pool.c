/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The tasks of a pool, in memory of our own that has the shape of libuv's: those that wait, with their kinds, and the one
 * that a thread runs, found on the stack of a thread that sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/doing.h"
#include "agent/target/memory.h"
#include "agent/target/pool.h"
#include "agent/target/waits.h"
#include "agent/util/clock.h"
#include "looptop/runtime.h"

#define MANY	      9000 /* more than are read */
#define COUNT_SPAN_NS 20000000u /* for which they are counted */

/* uv_work_t from its work_cb on: the function of queued work, its callback, and struct uv__work. */
struct request {
	uint64_t object; /* its vtable pointer, or whatever */
	uint64_t user_cb, after_cb;
	uint64_t work, done, loop;
	uint64_t next, prev;
	uint64_t type_name;
};

#define TASK_OF(request) ((uint64_t)(uintptr_t)&(request)->work)
#define NODE_OF(request) ((uint64_t)(uintptr_t)&(request)->next)

/* What only has to have an address. */
static uint64_t fs_work, queue_work, dns_work, class_cb, other_cb, crypto_class, a_loop;
static struct {
	uint64_t next, prev;
} wq, slow;
static uint32_t nthreads = 4, idle_threads = 4;
static struct lt_image image;
static struct lt_target target;
static struct request requests[MANY];
static struct lt_pool_task found[LT_POOL_TASKS_MAX];

static uint64_t address(const void *of)
{
	return (uint64_t)(uintptr_t)of;
}

static int set_up(void **state)
{
	const struct {
		const uint64_t *function;
		int kind;
	} starts[] = { { &fs_work, LT_KIND_FS }, { &queue_work, LT_KIND_MAX }, { &dns_work, LT_KIND_DNS } };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		image.sites[image.n_sites++] = (struct lt_site){ .role = LT_ROLE_TASK_START,
								 .group = LT_GROUP_POOL,
								 .arg = (uint8_t)starts[i].kind,
								 .function = address(starts[i].function) };
	image.sites[image.n_sites++] = (struct lt_site){ .role = LT_ROLE_WAIT_BEGIN, .group = LT_GROUP_WAIT };
	image.nthreads = address(&nthreads);
	image.idle_threads = address(&idle_threads);
	image.pool_queue = address(&wq);
	image.slow_queue = address(&slow);
	image.task_cb = address(&class_cb);
	image.task_class_off = -24;
	image.task_type_off = 40;
	image.classes[image.n_classes++] = (struct lt_task_class){ address(&crypto_class), LT_KIND_CRYPTO };
	target.pid = getpid();
	target.modules[0].image = &image;
	target.n_modules = 1;
	return 0;
}

static void clear(void)
{
	wq.next = wq.prev = address(&wq);
	slow.next = slow.prev = address(&slow);
	memset(requests, 0, sizeof(requests));
}

static struct request *queue(int i, void *to, const uint64_t *work)
{
	struct request *request = &requests[i];
	uint64_t *head = to;

	request->work = address(work);
	request->loop = address(&a_loop);
	request->next = address(head);
	request->prev = head[1];
	*(uint64_t *)(uintptr_t)head[1] = NODE_OF(request);
	head[1] = NODE_OF(request);
	return request;
}

static void test_queued(void **state)
{
	static const enum lt_kind kinds[] = { LT_KIND_DNS, LT_KIND_FS, LT_KIND_CRYPTO, LT_KIND_ZLIB, LT_KIND_OTHER, LT_KIND_OTHER };
	struct request *request;
	bool whole;

	(void)state;
	clear();
	queue(0, &slow, &dns_work);
	queue(1, &wq, &fs_work);
	request = queue(2, &wq, &queue_work);
	request->user_cb = address(&class_cb);
	request->object = address(&crypto_class);
	request = queue(3, &wq, &queue_work);
	request->user_cb = address(&class_cb);
	request->type_name = address("zlib\0\0\0");
	request = queue(4, &wq, &queue_work);
	request->user_cb = address(&class_cb);
	request->type_name = 8; /* leads nowhere */
	request = queue(5, &wq, &queue_work);
	request->user_cb = address(&other_cb);
	queue(6, &wq, &a_loop); /* the message that stands for the slow queue: no task */
	assert_int_equal(lt_pool__queued(&target, found, &whole), 6);
	assert_true(whole);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(found[i].task, TASK_OF(&requests[i]));
		assert_int_equal(found[i].kind, kinds[i]);
		assert_int_equal(found[i].slow, i == 0);
	}
}

static void test_more_than_are_read(void **state)
{
	struct lt_pool_mem mem;
	uint64_t begin_ns;
	bool whole;

	(void)state;
	clear();
	for (int i = 0; i < MANY; i++)
		queue(i, &wq, &fs_work);
	assert_int_equal(lt_pool__queued(&target, found, &whole), LT_POOL_TASKS_MAX);
	assert_false(whole);
	assert_int_equal(found[0].task, TASK_OF(&requests[0]));
	/* All are counted, unless that took too long. */
	begin_ns = lt_now_ns();
	assert_int_equal(lt_read_pool(&target, &mem), 0);
	if (mem.queue_depth < 0)
		assert_true(lt_now_ns() - begin_ns > COUNT_SPAN_NS);
	else
		assert_int_equal(mem.queue_depth, MANY);
}

/* Whatever stands there: it ends, and what is told are tasks. */
static void test_hostile(void **state)
{
	static const uint64_t nowhere[] = { 0, 1, 4096, ~0ull, 0x7fffffffff8 };
	bool whole;

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		clear();
		queue(0, &wq, &fs_work);
		requests[0].next = nowhere[i];
		assert_int_equal(lt_pool__queued(&target, found, &whole), -EAGAIN);
		assert_false(whole);
		wq.next = nowhere[i];
		assert_int_equal(lt_pool__queued(&target, found, &whole), -EAGAIN);
	}
	clear();
	queue(0, &wq, &fs_work);
	requests[0].next = requests[0].prev = NODE_OF(&requests[0]);
	assert_int_equal(lt_pool__queued(&target, found, &whole), -EAGAIN);
	clear();
	queue(0, &wq, &fs_work)->loop = 3;
	assert_int_equal(lt_pool__queued(&target, found, &whole), 0);
}

/* Bounds of the walk itself. */
static void test_ring(void **state)
{
	struct lt_source source = lt_process_memory(getpid());
	struct lt_ring ring = { .head = address(&wq), .max = 3, .span_ns = 1000000000 };
	uint64_t entries[3][2];
	bool whole;

	(void)state;
	clear();
	for (int i = 0; i < 3; i++)
		queue(i, &wq, &fs_work);
	assert_int_equal(lt_ring_walk(&source, &ring, NULL, &whole), 3);
	assert_true(whole);
	ring.size = 8;
	ring.offset = -24;
	assert_int_equal(lt_ring_walk(&source, &ring, entries, &whole), 3);
	assert_int_equal(entries[2][0], NODE_OF(&requests[2]));
	assert_int_equal(entries[2][1], address(&fs_work));
	queue(3, &wq, &fs_work);
	assert_int_equal(lt_ring_walk(&source, &ring, entries, &whole), 3);
	assert_false(whole);
	ring.size = LT_RING_NODE_MAX + 1;
	assert_int_equal(lt_ring_walk(&source, &ring, entries, &whole), -EINVAL);
	clear();
	for (int i = 0; i < MANY; i++)
		queue(i, &wq, &fs_work);
	ring = (struct lt_ring){ .head = address(&wq), .max = MANY, .span_ns = 0 };
	assert_in_range(lt_ring_walk(&source, &ring, NULL, &whole), 1, MANY - 1);
	assert_false(whole);
}

/* --- a thread of the pool ------------------------------------------------------------------------------------------ */

static char fifo[64];
static atomic_int thread_tid;

/* As libuv's worker(): it has taken the task from its queue, and calls its function. */
static void *run_task(void *request)
{
	struct request *mine = request;
	volatile uint64_t on_stack = NODE_OF(mine);
	int fd;

	mine->next = mine->prev = on_stack;
	atomic_store(&thread_tid, (int)syscall(SYS_gettid));
	fd = open(fifo, O_RDONLY);
	mine->work = 0;
	close(fd);
	return NULL;
}

static void wait_asleep(int tid)
{
	struct lt_syscall call;
	uint64_t end_ns = lt_now_ns() + 20000000000ull;

	while (lt_thread_call(getpid(), tid, &call) || call.number != SYS_openat)
		assert_true(lt_now_ns() < end_ns);
}

static void test_running(void **state)
{
	struct lt_pool_task task;
	struct lt_doing doing;
	struct lt_peer peer;
	pthread_t thread;
	int fd;

	(void)state;
	clear();
	snprintf(fifo, sizeof(fifo), "/tmp/looptop-unit-%d", getpid());
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	requests[0] = (struct request){ .work = address(&fs_work), .loop = address(&a_loop) };
	assert_int_equal(pthread_create(&thread, NULL, run_task, &requests[0]), 0);
	while (!atomic_load(&thread_tid))
		;
	wait_asleep(thread_tid);
	assert_int_equal(lt_pool__running(&target, thread_tid, &task), 0);
	assert_int_equal(task.task, TASK_OF(&requests[0]));
	assert_int_equal(task.kind, LT_KIND_FS);
	assert_true(lt_pool__runs(&target, task.task));
	lt_peer__init(&peer, getpid());
	assert_int_equal(lt_doing__read(&target, thread_tid, &peer, 1000000, &doing), 0);
	assert_string_equal(doing.call, "openat");
	assert_string_equal(doing.on, fifo);
	lt_peer__close(&peer);
	fd = open(fifo, O_WRONLY);
	pthread_join(thread, NULL);
	close(fd);
	unlink(fifo);
	/* Its function has come back: nobody runs it. */
	assert_false(lt_pool__runs(&target, task.task));
	assert_int_not_equal(lt_pool__running(&target, getpid(), &task), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queued),	cmocka_unit_test(test_more_than_are_read),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_ring),
		cmocka_unit_test(test_running),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
