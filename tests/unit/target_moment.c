/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What is read of a loop that runs on, in memory of our own that has the shape of libuv's: the figures of a reading
 * are of one moment.
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
#define LONGEST_NS 20000000000ull

enum {
	FIELD_FLAGS = 0,
	FIELD_COUNT = 1,
	FIELD_ENTRY = 2,
	FIELD_IDLE = 3,
	FIELDS = 20
};

/* A uv_loop_t in words, and its internal_fields. */
static _Atomic uint64_t loop[LT_UV_LOOP_BYTES / 8], fields[FIELDS];
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
		loop[LT_UV_LOOP_TIME_MS / 8] = k + 1;
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
	loop[LT_UV_LOOP_TIME_MS / 8] = 1;
	fields[FIELD_FLAGS] = 1; /* UV_METRICS_IDLE_TIME */
	image.uv = (struct lt_uv_layout){ 8 * FIELD_IDLE, 8 * FIELD_ENTRY, 8 * FIELD_COUNT };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
