/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What is read of a loop and of a pool while they run on, in memory of our own that has the shape of libuv's: the
 * figures of a reading are of one moment, and a queue that was not counted to its end is unknown.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/uv_layout.h"
#include "agent/util/clock.h"
#include "looptop/runtime.h"

#define READINGS   60000
#define CYCLES_MAX 1000000
#define HOLD_NS	   6000 /* how long a state lasts: a reading or two */
#define MS	   1000000ull
#define UNCOUNTED  2000 /* tasks: more than are counted */
#define LONGEST_NS 20000000000ull

enum {
	FIELD_FLAGS = 0,
	FIELD_COUNT = 1,
	FIELD_ENTRY = 2,
	FIELD_IDLE = 3,
	FIELDS = 20
};

#define MUTEX_BYTES LT_UV_MUTEX_MAX /* of any machine */

/* A uv_loop_t in words, and its internal_fields. */
static _Atomic uint64_t loop[LT_UV_LOOP_BYTES(MUTEX_BYTES) / 8], fields[FIELDS];
static _Atomic uint64_t wait_ended_ns[CYCLES_MAX];
static atomic_bool stop;
static struct lt_image image;
static struct lt_target target;

static void hold(void)
{
	uint64_t end_ns = lt_now_ns() + HOLD_NS;

	while (lt_now_ns() < end_ns)
		;
}

/*
 * As libuv does it, on a clock of its own: wait k lasts from its millisecond k to k + 1, and what comes between two
 * waits takes no time. After wait k the loop's clock says k + 1, and k ms were idle.
 */
static void *run_loop(void *ctx)
{
	(void)ctx;
	for (uint64_t k = 1; k < CYCLES_MAX && !stop; k++) {
		fields[FIELD_ENTRY] = k * MS;
		hold();
		loop[LT_UV_LOOP_TIME_MS(MUTEX_BYTES) / 8] = k + 1;
		fields[FIELD_ENTRY] = 0;
		fields[FIELD_IDLE] = k * MS;
		wait_ended_ns[k] = lt_now_ns();
		hold();
	}
	return NULL;
}

static uint64_t address(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int set_up(void **state)
{
	(void)state;
	loop[LT_UV_LOOP_HANDLE_QUEUE / 8] = address(loop);
	loop[LT_UV_LOOP_INTERNAL_FIELDS / 8] = address(fields);
	loop[LT_UV_LOOP_BACKEND_FD / 8] = 3;
	loop[LT_UV_LOOP_TIME_MS(MUTEX_BYTES) / 8] = 1;
	fields[FIELD_FLAGS] = 1; /* UV_METRICS_IDLE_TIME */
	image.uv = (struct lt_uv_layout){ 8 * FIELD_IDLE, 8 * FIELD_ENTRY, 8 * FIELD_COUNT,
					  MUTEX_BYTES };
	target.pid = getpid();
	target.modules[0] = (struct lt_module){ .fd = -1, .image = &image };
	target.n_modules = 1;
	return 0;
}

static void test_loop(void **state)
{
	uint64_t end_ns = lt_now_ns() + LONGEST_NS;
	int waits = 0, turns = 0, older = 0, later = 0;
	struct lt_loop_mem mem;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, run_loop, NULL), 0);
	while (waits + turns < READINGS && lt_now_ns() < end_ns) {
		uint64_t ended_ns;

		if (lt_read_loop(&target, address(loop), &mem))
			continue; /* it changed too fast */
		waits += mem.entry_ns != 0;
		turns += !mem.entry_ns;
		/* A turn begins when the wait before it has ended, not with that wait. */
		older += !mem.entry_ns && mem.time_ms < mem.idle_ns / MS + 1;
		ended_ns = wait_ended_ns[mem.entry_ns / MS];
		later += mem.entry_ns && ended_ns && ended_ns < mem.read_ns;
	}
	stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(waits > 0 && turns > 0);
	assert_int_equal(older, 0);
	assert_int_equal(later, 0);
}

/* libuv's queues: a head, and nodes, each with next and previous. */
struct node {
	uint64_t next, prev;
};

static struct {
	uint32_t nthreads, idle_threads, slow_running, pad;
	struct node slow, wq, marker;
} pool;
static struct node slow_tasks[UNCOUNTED], tasks[3];

static void append(struct node *head, struct node *node)
{
	struct node *last = (struct node *)(uintptr_t)head->prev;

	*node = (struct node){ address(head), address(last) };
	last->next = head->prev = address(node);
}

/* Two threads wait for a name server; so many look-ups wait for them, and three files for the others. */
static struct lt_pool_mem read_pool(size_t n_slow)
{
	struct lt_pool_mem mem;

	pool.nthreads = 4;
	pool.idle_threads = 2;
	pool.slow = (struct node){ address(&pool.slow), address(&pool.slow) };
	pool.wq = (struct node){ address(&pool.wq), address(&pool.wq) };
	for (size_t i = 0; i < 3; i++)
		append(&pool.wq, &tasks[i]);
	for (size_t i = 0; i < n_slow; i++)
		append(&pool.slow, &slow_tasks[i]);
	if (n_slow)
		append(&pool.wq, &pool.marker);
	image.nthreads = address(&pool.nthreads);
	image.idle_threads = address(&pool.idle_threads);
	image.pool_queue = address(&pool.wq);
	image.slow_queue = address(&pool.slow);
	assert_int_equal(lt_read_pool(&target, &mem), 0);
	assert_int_equal(mem.size, 4);
	assert_int_equal(mem.idle, 2);
	return mem;
}

static void test_queues(void **state)
{
	struct lt_pool_mem mem = read_pool(0);

	(void)state;
	assert_int_equal(mem.slow_queue_depth, 0);
	assert_int_equal(mem.queue_depth, 3);
	mem = read_pool(500);
	assert_int_equal(mem.slow_queue_depth, 500);
	assert_int_equal(mem.queue_depth, 503);
	mem = read_pool(UNCOUNTED);
	assert_int_equal(mem.slow_queue_depth, -1);
	assert_int_equal(mem.queue_depth, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_queues),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
