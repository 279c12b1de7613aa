/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a cure would bring: lag with turns changed, and the pool's tasks run again, against answers by hand. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/doctor/estimate.h"
#include "agent/doctor/replay.h"
#include "tests/unit/doctor_case.h"

static void close_to(double value, double expected, double part)
{
	if (fabs(value - expected) <= part * expected + 1e-12)
		return;
	print_error("%.9f instead of %.9f\n", value, expected);
	fail();
}

static const struct lt_dr_loop *first_loop(const struct doctor_case *c)
{
	return c->doctor->processes[0]->loops[0];
}

static void two_kinds(struct doctor_case *c, int i)
{
	(void)i;
	case_stall(c, 0.2, "renderReport", NULL);
	case_stall(c, 0.1, "sortAll", NULL);
}

/* Turns of 200 and 100 ms in each second beside many of 2 ms. p99 is where Σ(b − x) is a hundredth of T. */
static void test_without_a_function(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_lag_figures now, after;
	const struct lt_dr_loop *loop;

	(void)state;
	case_watch(c, two_kinds);
	loop = first_loop(c);
	assert_int_equal(loop->n_blockers, 2);
	now = lt_estimate__now(loop);
	close_to(now.p99, 0.19, 0.01); /* 0.2 − x = 0.01 */
	close_to(now.max, 0.2, 1e-9);
	close_to(now.mean, (0.2 * 0.2 + 0.1 * 0.1 + 100 * 0.002 * 0.002) / 2, 0.001);
	after = lt_estimate__without(loop, 1, false);
	close_to(after.p99, 0.09, 0.01);
	close_to(after.max, 0.1, 0.07);
	after = lt_estimate__without(loop, 3, false);
	assert_true(after.p99 < 0.0021);
	assert_true(after.max < 0.0022);
	after = lt_estimate__cut(loop, 3, 0.005);
	assert_true(after.p99 > 0.003 && after.p99 <= 0.0051);
	case_free(c);
}

static void half_waits(struct doctor_case *c, int i)
{
	struct lt_stall *stall = case_stall(c, 0.2, "handle", NULL);

	(void)i;
	stall->cause_seconds[LT_CAUSE_CPU] = 0.05;
	stall->cause_seconds[LT_CAUSE_RUNQUEUE] = 0.15;
	case_cause(c, LT_CAUSE_RUNQUEUE, 0.15 + 0.1); /* the rest in the 100 short turns */
}

static void test_without_a_cause(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_lag_figures after;

	(void)state;
	case_watch(c, half_waits);
	after = lt_estimate__without_cause(first_loop(c), LT_CAUSE_RUNQUEUE, 1);
	close_to(after.p99, 0.04, 0.03); /* 0.05 − x = 0.01, and the short ones are below */
	close_to(after.max, 0.05, 0.07);
	close_to(after.mean, (0.05 * 0.05 + 100 * 0.001 * 0.001) / 2, 0.01);
	after = lt_estimate__without_cause(first_loop(c), LT_CAUSE_GC, 1);
	assert_true(after.p99 <= lt_estimate__now(first_loop(c)).p99 * 1.001);
	case_free(c);
}

static void test_scaled_and_chopped(void **state)
{
	struct doctor_case *c = case_new();
	struct lt_lag_figures after;

	(void)state;
	case_watch(c, two_kinds);
	after = lt_estimate__scaled(first_loop(c), 0.5);
	close_to(after.p99, 0.09, 0.02); /* 0.1 − x = 0.01 */
	after = lt_estimate__chopped(first_loop(c), 0.02);
	assert_true(after.max <= 0.02 * 1.07);
	assert_true(after.p99 < 0.02 && after.p99 > 0.01);
	case_free(c);
}

/* A stall that still runs is told again and again, longer each time: it counts once. */
static void running(struct doctor_case *c, int i)
{
	struct lt_loop *loop = &c->loops[0];

	memset(&c->turns[0], 0, sizeof(c->turns[0]));
	loop->n_stalls = 0;
	case_stall(c, 1.0 * (i + 1), "forever", NULL)->ongoing = true;
	loop->busy_seconds = 1;
	loop->idle_seconds = 0;
	loop->lag_base_seconds =
		i + 1; /* as the model has it: the turn is in the window as a whole */
}

static void test_running_stall(void **state)
{
	struct doctor_case *c = case_new();
	const struct lt_dr_loop *loop;

	(void)state;
	case_watch(c, running);
	loop = first_loop(c);
	assert_int_equal(loop->n_late, 1);
	close_to(loop->late[0].seconds, CASE_INTERVALS, 1e-9);
	close_to(loop->turns.count, 1, 1e-9);
	close_to(loop->turns.sum, CASE_INTERVALS, 1e-9);
	close_to(loop->base_seconds, CASE_INTERVALS, 1e-9);
	close_to(loop->blockers[0].turns, 1, 1e-9);
	assert_int_equal(lt_doctor__findings(c->doctor), 1);
	case_free(c);
}

static void sixteen(struct doctor_case *c, int i)
{
	if (i == 0)
		c->process.pool.n_tasks = 0;
	if (i == 0)
		case_tasks(c, "fs", 16, 0, 0, 0.1, 0);
	else
		c->process.pool.n_tasks = 0;
}

/* Sixteen tasks of 100 ms at once: with n threads they begin in groups of n. */
static void test_replay(void **state)
{
	struct doctor_case *c = case_new();
	const struct lt_dr_process *process;
	struct lt_replay_waits waits;

	(void)state;
	case_watch(c, sixteen);
	process = c->doctor->processes[0];
	assert_int_equal(process->n_tasks, 16);
	assert_int_equal(lt_replay__run(process, &(struct lt_replay_opts){ 4, -1, -1 }, &waits), 0);
	close_to(waits.mean, (0 + 0.1 + 0.2 + 0.3) / 4, 1e-6);
	close_to(waits.p99, 0.3, 0.001);
	lt_replay__run(process, &(struct lt_replay_opts){ 8, -1, -1 }, &waits);
	close_to(waits.mean, 0.05, 1e-6);
	lt_replay__run(process, &(struct lt_replay_opts){ 16, -1, -1 }, &waits);
	assert_true(waits.mean == 0);
	assert_int_equal(lt_replay__run(process, &(struct lt_replay_opts){ 0, -1, -1 }, &waits),
			 -EINVAL);
	assert_int_equal(lt_replay__run(process, &(struct lt_replay_opts){ 129, -1, -1 }, &waits),
			 -EINVAL);
	case_free(c);
}

static void lookups(struct doctor_case *c, int i)
{
	c->process.pool.n_tasks = 0;
	if (i > 0)
		return;
	case_tasks(c, "dns", 4, 0, 0, 0.1, 0);
	case_tasks(c, "fs", 2, 0, 0, 0.1, 0);
}

/* Of four threads lookups may take two: the files do not wait, two of the lookups do. */
static void test_replay_of_slow_tasks(void **state)
{
	struct doctor_case *c = case_new();
	int dns = lt_replay__slow_kind(), fs = case_kind("fs");
	const struct lt_dr_process *process;
	struct lt_replay_waits waits;

	(void)state;
	case_watch(c, lookups);
	process = c->doctor->processes[0];
	lt_replay__run(process, &(struct lt_replay_opts){ 4, -1, fs }, &waits);
	assert_true(waits.mean == 0);
	lt_replay__run(process, &(struct lt_replay_opts){ 4, -1, dns }, &waits);
	close_to(waits.mean, 0.05, 1e-6);
	lt_replay__run(process, &(struct lt_replay_opts){ 8, -1, dns }, &waits);
	assert_true(waits.mean == 0);
	lt_replay__run(process, &(struct lt_replay_opts){ 4, dns, -1 }, &waits);
	assert_true(waits.mean == 0);
	assert_int_equal(lt_replay__run(process,
					&(struct lt_replay_opts){ 4, -1, case_kind("zlib") },
					&waits),
			 0);
	assert_false(lt_known(waits.mean));
	case_free(c);
}

/* What a hostile or broken snapshot says does not get in. */
static void nonsense(struct doctor_case *c, int i)
{
	(void)i;
	case_tasks(c, "fs", 1, 0, NAN, 0.1, 0);
	case_tasks(c, "fs", 1, 0, -1, 0.1, 0);
	case_tasks(c, "fs", 1, 0, 0.1, NAN, 0);
	c->tasks[c->process.pool.n_tasks++] = (struct lt_task_span){ .kind = 99, .run = 0.1 };
	c->tasks[c->process.pool.n_tasks++] =
		(struct lt_task_span){ .submit_time = INFINITY, .run = 0.1 };
}

static void test_nonsense_is_left_out(void **state)
{
	struct doctor_case *c = case_new();

	(void)state;
	case_watch(c, nonsense);
	close_to(c->doctor->processes[0]->tasks_left_out, 5 * CASE_INTERVALS, 1e-9);
	assert_int_equal(c->doctor->processes[0]->n_tasks, 20 * CASE_INTERVALS);
	case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_function),
		cmocka_unit_test(test_without_a_cause),
		cmocka_unit_test(test_scaled_and_chopped),
		cmocka_unit_test(test_running_stall),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_replay_of_slow_tasks),
		cmocka_unit_test(test_nonsense_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
