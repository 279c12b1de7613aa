/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The log of stalls: from the first sign to the end, what is copied, what is dropped when it is too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/stall_log.h"
#include "fixture_snapshot.h"

#define FRAMES 100

struct scene {
	struct lt_stall_log *log;
	struct lt_process process;
	struct lt_loop loop;
	struct lt_stall stall;
	struct lt_stack_frame frames[FRAMES];
	struct lt_snapshot snapshot;
	struct lt_loop_id id;
	const struct lt_past_stall *past[LT_HISTORY_STALLS + 1]; /* as listed last */
};

static struct scene *scene_new(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->log = lt_stall_log__new();
	s->loop = fixture_unknown_loop(7, "main");
	s->loop.stalls = &s->stall;
	s->process =
		(struct lt_process){ .pid = 7, .start_time = 1, .loops = &s->loop, .n_loops = 1 };
	s->snapshot = (struct lt_snapshot){
		.time = 1000, .interval_seconds = 1, .processes = &s->process, .n_processes = 1
	};
	s->id = (struct lt_loop_id){ 7, 1, 7 };
	for (int i = 0; i < FRAMES; i++)
		s->frames[i] = (struct lt_stack_frame){ .function = "f",
							.file = "/app/f.js",
							.line = i + 1,
							.user = true,
							.share = 1 };
	return s;
}

static void scene_free(struct scene *s)
{
	lt_stall_log__free(s->log);
	free(s);
}

/* The next snapshot, with the scene's stall or with none. */
static void step(struct scene *s, bool stalled)
{
	s->snapshot.time += s->snapshot.interval_seconds;
	s->snapshot.sequence++;
	s->loop.n_stalls = stalled;
	assert_int_equal(lt_stall_log__update(s->log, &s->snapshot, NULL), 0);
}

/* The same snapshot so much later. */
static void pulse(struct scene *s, double seconds, bool stalled)
{
	s->snapshot.time += seconds;
	s->loop.n_stalls = stalled;
	assert_int_equal(lt_stall_log__update(s->log, &s->snapshot, NULL), 0);
	s->snapshot.time -= seconds;
}

static size_t list(struct scene *s, double until)
{
	return lt_stall_log__list(s->log, 7, 1, until, s->past, LT_HISTORY_STALLS + 1);
}

static void tell(struct scene *s, double start_time, double seconds, bool ongoing)
{
	s->stall = (struct lt_stall){ .start_time = start_time,
				      .seconds = seconds,
				      .ongoing = ongoing };
}

static void test_runs_then_ends(void **state)
{
	struct scene *s = scene_new();
	uint64_t number;

	(void)state;
	tell(s, 1000.5, 0.5, true);
	step(s, true);
	assert_int_equal(list(s, INFINITY), 1);
	number = s->past[0]->number;
	assert_true(number > 0);
	s->stall.seconds = 1.5;
	step(s, true);
	assert_int_equal(list(s, INFINITY), 1);
	assert_true(s->past[0]->stall.ongoing);
	assert_float_equal(s->past[0]->stall.seconds, 1.5, 0);
	/* The end is told with another reading of the clocks. */
	tell(s, 1000.501, 1.9, false);
	step(s, true);
	assert_int_equal(list(s, INFINITY), 1);
	assert_int_equal(s->past[0]->number, number);
	assert_false(s->past[0]->stall.ongoing);
	assert_false(s->past[0]->lost);
	assert_float_equal(s->past[0]->stall.seconds, 1.9, 0);
	/* Another one right behind it. */
	tell(s, 1002.6, 0.3, false);
	step(s, true);
	assert_int_equal(list(s, INFINITY), 2);
	assert_float_equal(s->past[0]->stall.seconds, 0.3, 0);
	scene_free(s);
}

static void test_end_not_told(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	tell(s, 1000.5, 0.5, true);
	step(s, true);
	step(s, false);
	assert_int_equal(list(s, INFINITY), 1);
	assert_false(s->past[0]->stall.ongoing);
	assert_true(s->past[0]->lost);
	assert_null(lt_stall_log__running(s->log, s->id, INFINITY));
	/* Told after all, a snapshot later. */
	tell(s, 1000.5, 0.8, false);
	step(s, true);
	assert_int_equal(list(s, INFINITY), 1);
	assert_false(s->past[0]->lost);
	assert_float_equal(s->past[0]->stall.seconds, 0.8, 0);
	scene_free(s);
}

/* The process is in no snapshot any more: its stall does not run for ever. */
static void test_process_goes(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	tell(s, 1000.5, 0.5, true);
	step(s, true);
	s->snapshot.n_processes = 0;
	step(s, false);
	assert_int_equal(list(s, INFINITY), 1);
	assert_true(s->past[0]->lost);
	scene_free(s);
}

static void test_between_snapshots(void **state)
{
	struct scene *s = scene_new();
	uint64_t number;

	(void)state;
	step(s, false);
	tell(s, 1001.2, 0.12, true);
	pulse(s, 0.32, true);
	assert_int_equal(list(s, 1001.32), 1);
	number = s->past[0]->number;
	assert_true(lt_past_stall__ongoing(s->past[0], 1001.32));
	s->stall.seconds = 0.42;
	pulse(s, 0.62, true);
	assert_int_equal(list(s, INFINITY), 1);
	assert_float_equal(s->past[0]->stall.seconds, 0.42, 0);
	/* It is over, and how long it was comes with the next snapshot. Also at an equal time. */
	pulse(s, 0.62, false);
	assert_int_equal(list(s, INFINITY), 1);
	assert_false(s->past[0]->stall.ongoing);
	assert_true(s->past[0]->lost);
	tell(s, 1001.2, 0.45, false);
	step(s, true);
	assert_int_equal(list(s, INFINITY), 1);
	assert_int_equal(s->past[0]->number, number);
	assert_false(s->past[0]->lost);
	assert_float_equal(s->past[0]->stall.seconds, 0.45, 0);
	scene_free(s);
}

/* What has ended is in the snapshot as often as it comes; it is one stall, and a stack may come late. */
static void test_ended_comes_again(void **state)
{
	struct scene *s = scene_new();
	struct lt_stall both[2];
	uint64_t number;

	(void)state;
	both[0] = (struct lt_stall){ .start_time = 1000.3, .seconds = 0.3 };
	both[1] = (struct lt_stall){ .start_time = 1000.7, .seconds = 0.3, .ongoing = true };
	s->loop.stalls = both;
	step(s, true);
	list(s, INFINITY);
	number = s->past[0]->number;
	for (int i = 1; i < 10; i++) {
		s->snapshot.time += 0.05;
		both[1].seconds += 0.05;
		s->loop.n_stalls = 2;
		assert_int_equal(lt_stall_log__update(s->log, &s->snapshot, NULL), 0);
	}
	assert_int_equal(list(s, INFINITY), 2);
	assert_true(s->past[0]->stall.ongoing);
	assert_int_equal(s->past[1]->number, number);
	both[0].samples = 3;
	both[0].stack = s->frames;
	both[0].n_stack = 2;
	assert_int_equal(lt_stall_log__update(s->log, &s->snapshot, NULL), 0);
	assert_int_equal(list(s, INFINITY), 2);
	assert_int_equal(s->past[1]->stall.n_stack, 2);
	/* On another loop, or as long at another time, it is another one. */
	s->loop.tid = 8;
	s->snapshot.sequence++;
	assert_int_equal(lt_stall_log__update(s->log, &s->snapshot, NULL), 0);
	assert_int_equal(list(s, INFINITY), 4);
	scene_free(s);
}

/* Its stack was told once: it is not forgotten because the next telling has none. */
static void test_stack_stays(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	tell(s, 1000.5, 0.5, true);
	s->stall.samples = 12;
	s->stall.stack = s->frames;
	s->stall.n_stack = FRAMES;
	s->stall.where = &s->frames[2];
	s->stall.starvation = LT_STARVED_BY_MICROTASKS;
	step(s, true);
	tell(s, 1000.5, 1.5, true);
	s->stall.cause_seconds[LT_CAUSE_GC] = 0.75;
	step(s, true);
	assert_int_equal(list(s, INFINITY), 1);
	assert_float_equal(s->past[0]->stall.seconds, 1.5, 0);
	assert_float_equal(s->past[0]->stall.cause_seconds[LT_CAUSE_GC], 0.75, 0);
	assert_float_equal(s->past[0]->stall.samples, 12, 0);
	assert_int_equal(s->past[0]->stall.n_stack, LT_HISTORY_FRAMES);
	assert_int_equal(s->past[0]->frames_left_out, FRAMES - LT_HISTORY_FRAMES);
	assert_ptr_equal(s->past[0]->stall.where, &s->past[0]->stall.stack[2]);
	assert_int_equal(s->past[0]->stall.where->line, 3);
	assert_int_equal(s->past[0]->stall.starvation, LT_STARVED_BY_MICROTASKS);
	/* Another stack takes its place. */
	s->stall.samples = 20;
	s->stall.stack = s->frames;
	s->stall.n_stack = 2;
	s->stall.where = &s->frames[1];
	step(s, true);
	list(s, INFINITY);
	assert_int_equal(s->past[0]->stall.n_stack, 2);
	assert_int_equal(s->past[0]->frames_left_out, 0);
	/* And the next stall has none of it. */
	tell(s, 1003, 0.2, false);
	step(s, true);
	list(s, INFINITY);
	assert_int_equal(s->past[0]->stall.n_stack, 0);
	assert_null(s->past[0]->stall.where);
	scene_free(s);
}

/* A reader who stands still sees it as it was then. */
static void test_until(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	tell(s, 1000.5, 0.5, true);
	step(s, true);
	tell(s, 1000.5, 1.2, false);
	step(s, true);
	tell(s, 1001.8, 0.1, false);
	step(s, true);
	assert_int_equal(list(s, 1001), 1);
	assert_true(lt_past_stall__ongoing(s->past[0], 1001));
	assert_float_equal(lt_past_stall__seconds(s->past[0], 1001), 0.5, 1e-9);
	assert_ptr_equal(lt_stall_log__running(s->log, s->id, 1001), s->past[0]);
	assert_int_equal(list(s, 1002.5), 2);
	assert_false(lt_past_stall__ongoing(s->past[1], 1002));
	assert_float_equal(lt_past_stall__seconds(s->past[1], 1002), 1.2, 0);
	assert_int_equal(list(s, 1000), 0);
	scene_free(s);
}

static void test_running_ones_first(void **state)
{
	struct scene *s = scene_new();
	struct lt_loop loops[2];
	struct lt_stall late = { .start_time = 1001.2, .seconds = 0.3 };
	struct lt_loop_id worker = { 7, 1, 8 };

	(void)state;
	tell(s, 1000.5, 0.5, true);
	step(s, true);
	loops[0] = loops[1] = s->loop;
	loops[1].tid = 8;
	loops[1].name = "worker-1";
	loops[1].stalls = &late;
	s->process.loops = loops;
	s->process.n_loops = 2;
	s->stall.seconds = 1.5;
	step(s, true);
	assert_int_equal(list(s, INFINITY), 2);
	assert_int_equal(s->past[0]->tid, 7);
	assert_true(s->past[0]->stall.ongoing);
	assert_string_equal(s->past[1]->loop_name, "worker-1");
	assert_null(lt_stall_log__running(s->log, worker, INFINITY));
	assert_ptr_equal(lt_stall_log__worst(s->log, worker, 1003, 60), s->past[1]);
	assert_int_equal(lt_stall_log__list(s->log, 7, 1, INFINITY, s->past, 1), 1);
	assert_int_equal(lt_stall_log__list(s->log, 7, 2, INFINITY, s->past, 1), 0);
	assert_int_equal(lt_stall_log__list(s->log, 8, 1, INFINITY, s->past, 1), 0);
	scene_free(s);
}

static void test_worst(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	assert_null(lt_stall_log__worst(s->log, s->id, 1000, 60));
	tell(s, 1000.2, 0.9, false);
	step(s, true);
	tell(s, 1030, 0.4, false);
	step(s, true);
	tell(s, 1040, 0.2, false);
	step(s, true);
	assert_float_equal(lt_stall_log__worst(s->log, s->id, 1045, 60)->stall.seconds, 0.9, 0);
	/* A part of it is enough; then it is too long ago. */
	assert_float_equal(lt_stall_log__worst(s->log, s->id, 1061, 60)->stall.seconds, 0.9, 0);
	assert_float_equal(lt_stall_log__worst(s->log, s->id, 1062, 60)->stall.seconds, 0.4, 0);
	assert_float_equal(lt_stall_log__worst(s->log, s->id, 1100, 60)->stall.seconds, 0.2, 0);
	assert_null(lt_stall_log__worst(s->log, s->id, 1101, 60));
	assert_float_equal(lt_stall_log__worst(s->log, s->id, 1029, 60)->stall.seconds, 0.9, 0);
	scene_free(s);
}

static void test_copies(void **state)
{
	struct scene *s = scene_new();
	char function[400], file[3000];
	const struct lt_stall *kept;

	(void)state;
	memset(function, 'n', sizeof(function) - 1);
	memset(file, 'p', sizeof(file) - 1);
	function[399] = file[2999] = '\0';
	memcpy(file + 2999 - 12, "/deep/end.js", 12);
	tell(s, 1000.5, 0.2, false);
	s->frames[0].function = "par\033[31mse\xff";
	s->frames[0].file = NULL;
	s->frames[1].function = function;
	s->frames[1].file = file;
	s->frames[2].function = NULL;
	s->frames[2].original_file = "/app/src/f.ts";
	s->frames[2].original_line = 17;
	s->stall.stack = s->frames;
	s->stall.n_stack = 4;
	s->stall.where = &s->frames[2];
	s->stall.below = &s->frames[0];
	step(s, true);
	memset(s->frames, 0x5a, sizeof(s->frames));
	memset(function, 0x5a, sizeof(function));
	memset(file, 0x5a, sizeof(file));
	assert_int_equal(list(s, INFINITY), 1);
	kept = &s->past[0]->stall;
	assert_int_equal(kept->n_stack, 4);
	assert_string_equal(kept->stack[0].function, "par?[31mse?");
	assert_null(kept->stack[0].file);
	assert_true(strlen(kept->stack[1].function) <= 256);
	/* Of a path the end says more. */
	assert_true(strlen(kept->stack[1].file) <= 1024);
	assert_string_equal(strrchr(kept->stack[1].file, 'p') + 1, "/deep/end.js" + 5);
	assert_ptr_equal(kept->where, &kept->stack[2]);
	assert_ptr_equal(kept->below, &kept->stack[0]);
	assert_string_equal(kept->where->original_file, "/app/src/f.ts");
	assert_int_equal(kept->where->original_line, 17);
	assert_string_equal(kept->where->function, "-");
	scene_free(s);
}

/* Of a deep stack the innermost frames; the function that blocks is there in any case. */
static void test_deep_stack(void **state)
{
	struct scene *s = scene_new();
	const struct lt_past_stall *past;

	(void)state;
	tell(s, 1000.5, 0.2, false);
	s->stall.stack = s->frames;
	s->stall.n_stack = FRAMES;
	s->stall.where = &s->frames[FRAMES - 1];
	step(s, true);
	list(s, INFINITY);
	past = s->past[0];
	assert_int_equal(past->stall.n_stack, LT_HISTORY_FRAMES);
	assert_int_equal(past->frames_left_out, FRAMES - LT_HISTORY_FRAMES);
	assert_int_equal(past->stall.where->line, FRAMES);
	/* A count without frames is none. */
	tell(s, 1002, 0.2, false);
	s->stall.n_stack = 5;
	step(s, true);
	list(s, INFINITY);
	assert_int_equal(s->past[0]->stall.n_stack, 0);
	assert_int_equal(s->past[0]->frames_left_out, 0);
	scene_free(s);
}

static void test_so_many_of_a_process(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	for (int i = 0; i < LT_HISTORY_STALLS + 9; i++) {
		tell(s, 2000 + i, 0.2, false);
		step(s, true);
	}
	assert_int_equal(list(s, INFINITY), LT_HISTORY_STALLS);
	assert_float_equal(s->past[0]->stall.start_time, 2000 + LT_HISTORY_STALLS + 8, 0);
	assert_float_equal(s->past[LT_HISTORY_STALLS - 1]->stall.start_time, 2009, 0);
	assert_int_equal(list(s, 2010.5), 2);
	scene_free(s);
}

/* All stacks together have a bound: the oldest go, what blocked is still told. */
static void test_so_many_bytes(void **state)
{
	struct scene *s = scene_new();
	size_t bytes = 0, dropped = 0;
	char file[2000];

	(void)state;
	memset(file, 'p', sizeof(file) - 1);
	file[1999] = '\0';
	for (int i = 0; i < FRAMES; i++)
		s->frames[i].file = s->frames[i].original_file = file;
	for (int i = 0; i < LT_HISTORY_STALLS; i++) {
		tell(s, 2000 + i, 0.2, false);
		s->stall.stack = s->frames;
		s->stall.n_stack = FRAMES;
		s->stall.where = &s->frames[3];
		step(s, true);
	}
	assert_int_equal(list(s, INFINITY), LT_HISTORY_STALLS);
	for (size_t i = 0; i < LT_HISTORY_STALLS; i++) {
		const struct lt_past_stall *past = s->past[i];

		bytes += past->copies_bytes;
		assert_int_equal(past->stall.where->line, 4);
		assert_int_equal(past->stack_dropped, !past->stall.n_stack);
		/* The oldest ones, and no others. */
		assert_true(!dropped || past->stack_dropped);
		dropped += past->stack_dropped;
	}
	assert_true(bytes <= LT_HISTORY_STACK_BYTES);
	assert_true(bytes > LT_HISTORY_STACK_BYTES * 9 / 10);
	assert_in_range(dropped, 1, LT_HISTORY_STALLS - 50);
	scene_free(s);
}

static void test_forgets(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	tell(s, 1000.5, 0.2, false);
	s->stall.stack = s->frames;
	s->stall.n_stack = 4;
	step(s, true);
	s->snapshot.n_processes = 0;
	for (int i = 0; i < 119; i++)
		step(s, false);
	/* Only other snapshots count, not the same one again. */
	for (int i = 0; i < 300; i++)
		pulse(s, 0.001, false);
	assert_int_equal(list(s, INFINITY), 1);
	for (int i = 0; i < 3; i++)
		step(s, false);
	assert_int_equal(list(s, INFINITY), 0);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_then_ends),
		cmocka_unit_test(test_end_not_told),
		cmocka_unit_test(test_process_goes),
		cmocka_unit_test(test_between_snapshots),
		cmocka_unit_test(test_ended_comes_again),
		cmocka_unit_test(test_stack_stays),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_running_ones_first),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_deep_stack),
		cmocka_unit_test(test_so_many_of_a_process),
		cmocka_unit_test(test_so_many_bytes),
		cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests_name("ui_stall_log", tests, NULL, NULL);
}
