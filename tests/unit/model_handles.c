/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a reading of a loop's handles becomes: figures, and unknown where nothing was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agent/model/handles.h"
#include "looptop/metric.h"

#define NOW 5000000000ull

static struct lt_handles_mem reading(void)
{
	struct lt_handles_mem mem = { .read_ns = NOW,
				      .active = 7,
				      .requests = 2,
				      .walked = true,
				      .timer_due_ns = UINT64_MAX,
				      .immediates = -1,
				      .timers = -1,
				      .next_tick = -1,
				      .worst.fd = -1 };

	return mem;
}

static int type_of(const char *name)
{
	for (int i = 0; i < LT_SNAP_HANDLES; i++)
		if (!strcmp(lt_handle_names[i], name))
			return i;
	fail();
	return 0;
}

static void test_nothing_is_unknown(void **state)
{
	struct lt_loop loop;

	(void)state;
	memset(&loop, 0, sizeof(loop));
	lt_model_handles(NULL, NULL, &loop);
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];

		if (metric->scope != LT_SCOPE_HANDLES && metric->scope != LT_SCOPE_STREAMS &&
		    metric->scope != LT_SCOPE_JS)
			continue;
		assert_false(lt_known(lt_metric_number(metric, &loop)));
		for (int k = 0; metric->shape == LT_SHAPE_HANDLES && k < LT_SNAP_HANDLES; k++)
			assert_false(lt_known(
				((const double *)((const char *)&loop + metric->offset))[k]));
	}
	assert_int_equal(loop.streams.worst.fd, -1);
	assert_null(loop.streams.worst.peer);
}

/* libuv's numbers (uv.h) and our names. */
static void test_types(void **state)
{
	static const struct {
		int uv;
		const char *name;
	} types[] = { { 1, "async" },	 { 2, "check" },  { 3, "fs_event" }, { 4, "fs_poll" },
		      { 6, "idle" },	 { 7, "pipe" },	  { 8, "poll" },     { 9, "prepare" },
		      { 10, "process" }, { 12, "tcp" },	  { 13, "timer" },   { 14, "tty" },
		      { 15, "udp" },	 { 16, "signal" } };
	struct lt_handles_mem mem = reading();
	struct lt_loop loop;

	(void)state;
	for (size_t i = 0; i < LT_SNAP_HANDLES; i++) {
		mem.kinds[types[i].uv].open = 100 + (uint32_t)i;
		mem.kinds[types[i].uv].held = (uint32_t)i;
	}
	lt_model_handles(&mem, NULL, &loop);
	for (size_t i = 0; i < LT_SNAP_HANDLES; i++) {
		assert_true(loop.handles.types[type_of(types[i].name)] == 100 + (double)i);
		assert_true(loop.handles.held[type_of(types[i].name)] == (double)i);
	}
	assert_true(loop.handles.active == 7 && loop.handles.requests == 2);
	assert_true(loop.streams.blocked == 0 && loop.streams.longest_blocked_seconds == 0);
	assert_false(lt_known(loop.js.timers) || lt_known(loop.js.next_tick_pending));
}

static void test_without_walk(void **state)
{
	struct lt_handles_mem mem = reading();
	struct lt_loop loop;

	(void)state;
	mem.walked = false;
	mem.immediates = 3;
	mem.next_tick = 0;
	lt_model_handles(&mem, NULL, &loop);
	assert_true(loop.handles.active == 7 && loop.js.immediates == 3);
	assert_true(loop.js.next_tick_pending == 0);
	assert_false(lt_known(loop.handles.types[0]) || lt_known(loop.streams.blocked));
}

static void test_timers(void **state)
{
	struct lt_loop_mem waits = { .metrics_on = true, .entry_ns = NOW }, works = waits;
	struct lt_handles_mem mem = reading();
	struct lt_loop loop;

	(void)state;
	works.entry_ns = 0;
	mem.timer_due_ns = NOW + 250000000;
	lt_model_handles(&mem, &works, &loop);
	assert_true(loop.handles.next_timer_seconds == 0.25);
	assert_true(loop.handles.timer_overdue_seconds == 0);
	mem.timer_due_ns = NOW - 1500000000;
	lt_model_handles(&mem, &works, &loop);
	assert_true(loop.handles.next_timer_seconds == 0);
	assert_true(loop.handles.timer_overdue_seconds == 1.5);
	/* None is there: in a callback that may be because it is the one that runs. */
	mem.timer_due_ns = UINT64_MAX;
	lt_model_handles(&mem, &works, &loop);
	assert_false(lt_known(loop.handles.timer_overdue_seconds));
	lt_model_handles(&mem, &waits, &loop);
	assert_true(loop.handles.timer_overdue_seconds == 0);
	assert_false(lt_known(loop.handles.next_timer_seconds));
	mem.timer_due_ns = 0;
	lt_model_handles(&mem, &waits, &loop);
	assert_false(lt_known(loop.handles.timer_overdue_seconds));
}

static void test_streams(void **state)
{
	struct lt_handles_mem mem = reading();
	struct lt_loop loop;

	(void)state;
	mem.blocked = 2;
	mem.queued_bytes = 70000;
	mem.worst.fd = 9;
	mem.worst.queued_bytes = 65536;
	mem.worst.blocked_ns = 2500000000;
	lt_model_handles(&mem, NULL, &loop);
	assert_true(loop.streams.blocked == 2 && loop.streams.queued_bytes == 70000);
	assert_true(loop.streams.longest_blocked_seconds == 2.5);
	assert_int_equal(loop.streams.worst.fd, 9);
	assert_null(loop.streams.worst.peer);
	strcpy(mem.worst.peer, "10.0.0.7:5432");
	lt_model_handles(&mem, NULL, &loop);
	assert_string_equal(loop.streams.worst.peer, "10.0.0.7:5432");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_unknown),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_without_walk),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
