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
#define MANY	   2000 /* tasks */
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

static int read_whole(struct lt_loop_mem *mem)
{
	return lt_read_loop(&target, address(loop), mem);
}

static int read_again(struct lt_loop_mem *mem)
{
	return lt_read_loop_again(&target, address(loop), false, mem);
}

static int read_in_brief(struct lt_loop_mem *mem)
{
	return lt_read_loop_again(&target, address(loop), true, mem);
}

/* However it is read: figures of one moment, while the loop runs on. */
static void read_running(int (*read)(struct lt_loop_mem *mem))
{
	uint64_t end_ns = lt_now_ns() + LONGEST_NS;
	int waits = 0, turns = 0, torn = 0, older = 0, later = 0;
	struct lt_loop_mem mem = { 0 };
	pthread_t thread;

	stop = false;
	fields[FIELD_IDLE] = 0;
	for (int i = 0; i < CYCLES_MAX; i++)
		wait_ended_ns[i] = 0;
	assert_int_equal(pthread_create(&thread, NULL, run_loop, NULL), 0);
	while (waits + turns < READINGS && lt_now_ns() < end_ns) {
		uint64_t ended_ns;

		if (read(&mem))
			continue; /* it changed too fast */
		waits += mem.entry_ns != 0;
		turns += !mem.entry_ns;
		/* A wait that begins at its millisecond k has k - 1 ms of others before it. */
		torn += mem.entry_ns && mem.idle_ns + MS != mem.entry_ns;
		/* A turn begins when the wait before it has ended, not with that wait. */
		older += !mem.entry_ns && mem.time_ms < mem.idle_ns / MS + 1;
		ended_ns = wait_ended_ns[mem.entry_ns / MS];
		later += mem.entry_ns && ended_ns && ended_ns < mem.read_ns;
	}
	stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(waits > 0 && turns > 0);
	assert_int_equal(torn, 0);
	assert_int_equal(older, 0);
	assert_int_equal(later, 0);
}

static void test_loop(void **state)
{
	(void)state;
	read_running(read_whole);
	read_running(read_again);
	read_running(read_in_brief);
}

static void set_loop(uint64_t entry_ns, uint64_t idle_ns, uint64_t time_ms)
{
	fields[FIELD_FLAGS] = 1;
	fields[FIELD_ENTRY] = entry_ns;
	fields[FIELD_IDLE] = idle_ns;
	fields[FIELD_COUNT]++;
	loop[LT_UV_LOOP_TIME_MS(MUTEX_BYTES) / 8] = time_ms;
}

static struct lt_loop_mem read_with(int (*read)(struct lt_loop_mem *mem),
				    const struct lt_loop_mem *before)
{
	struct lt_loop_mem mem = *before;

	assert_int_equal(read(&mem), 0);
	assert_int_equal(mem.entry_ns, fields[FIELD_ENTRY]);
	assert_int_equal(mem.idle_ns, fields[FIELD_IDLE]);
	assert_int_equal(mem.iterations, fields[FIELD_COUNT]);
	assert_true(mem.read_ns > before->read_ns);
	return mem;
}

/* In brief the loop's own clock is left out only where it tells nothing: while it waits. */
static void test_in_brief(void **state)
{
	static struct lt_loop_mem none;
	struct lt_loop_mem before, mem;

	(void)state;
	set_loop(10 * MS, 5 * MS, 10);
	before = read_with(read_in_brief, &none); /* the first is whole */
	assert_int_equal(before.time_ms, 10);
	set_loop(20 * MS, 15 * MS, 20);
	mem = read_with(read_again, &before);
	assert_int_equal(mem.time_ms, 20);
	mem = read_with(read_in_brief, &before);
	assert_int_equal(mem.time_ms, 10);
	assert_true(mem.metrics_on);

	set_loop(0, 16 * MS, 21); /* it runs */
	assert_int_equal(read_with(read_in_brief, &before).time_ms, 21);
	set_loop(30 * MS, 4 * MS, 30); /* another loop at the same place */
	assert_int_equal(read_with(read_in_brief, &before).time_ms, 30);
	set_loop(35 * MS, 60 * MS, 35); /* idle for longer than it is there: no loop of that time */
	assert_int_equal(read_with(read_in_brief, &before).time_ms, 35);
	set_loop(40 * MS, 35 * MS, 40);
	fields[FIELD_FLAGS] = 0; /* it keeps no account */
	mem = read_with(read_in_brief, &before);
	assert_int_equal(mem.time_ms, 40);
	assert_false(mem.metrics_on);
	set_loop(50 * MS, 45 * MS, 50);
	before.loop_ptr++; /* the thread ran another one then */
	assert_int_equal(read_with(read_in_brief, &before).time_ms, 50);
}

/* libuv's queues: a head, and nodes, each with next and previous. */
struct node {
	uint64_t next, prev;
};

static struct {
	uint32_t nthreads, idle_threads, slow_running, pad;
	struct node slow, wq, marker;
} pool;
static struct node slow_tasks[MANY], tasks[3];

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
	mem = read_pool(MANY);
	assert_int_equal(mem.slow_queue_depth, MANY);
	assert_int_equal(mem.queue_depth, MANY + 3);
	/* A node that leads back to another one, but not to the head: whoever follows it never comes to an end. */
	slow_tasks[MANY - 1].next = address(&slow_tasks[10]);
	slow_tasks[10].prev = address(&slow_tasks[MANY - 1]);
	assert_int_equal(lt_read_pool(&target, &mem), 0);
	assert_int_equal(mem.slow_queue_depth, -1);
	assert_int_equal(mem.queue_depth, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_in_brief),
		cmocka_unit_test(test_queues),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
