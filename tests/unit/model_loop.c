/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * One loop's figures from sequences of events. A simulator applies waits and phases to a record as
 * the BPF programs do and keeps the truth apart; each interval must agree with it.
 */
#include "agent/model/loop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#define MS	 1000000ull
#define STALL_NS (100 * MS)
#define START_NS (5000 * MS)

struct sim {
	struct lt_loop_rec rec;
	struct lt_loop_state *loop;
	struct lt_moment moment;
	struct lt_loop out; /* of the latest interval */
	uint64_t now, seed;
};

static void assert_close(double got, double want, double absolute)
{
	if (!(fabs(got - want) <= absolute))
		fail_msg("got %.12g, want %.12g", got, want);
}

static int setup(void **state)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return -1;
	sim->loop = lt_loop_state__new(42, "main");
	sim->now = START_NS;
	sim->seed = 99;
	sim->moment = (struct lt_moment){ .stall_ns = STALL_NS, .tier = LT_TIER_FULL };
	*state = sim;
	return sim->loop ? 0 : -1;
}

static int teardown(void **state)
{
	struct sim *sim = *state;

	lt_loop_state__free(sim->loop);
	free(sim);
	return 0;
}

/* --- what the BPF programs do ------------------------------------------------------------------ */

static void advance(struct sim *sim)
{
	struct lt_loop_rec *rec = &sim->rec;
	uint64_t span;

	if (!rec->first_ns) {
		rec->first_ns = rec->last_ns = sim->now;
		rec->phase = LT_PHASE_UNKNOWN;
	}
	span = sim->now - rec->last_ns;
	if (rec->wait_start_ns && rec->wait_timeout_ns != 0)
		rec->idle_ns += span;
	else
		rec->busy_ns += span;
	if (rec->phase < LT_PHASE_MAX)
		rec->phase_ns[rec->phase] += span;
	else
		rec->unknown_ns += span;
	rec->last_ns = sim->now;
	rec->hits++;
}

static void hist_add(struct sim *sim, struct lt_hist_rec *hist, uint64_t ns)
{
	uint32_t epoch = sim->moment.epoch_closed + 1, i = lt_hist_index(ns);

	hist->count[i]++;
	hist->sum_ns[i] += ns;
	if (hist->max_epoch[epoch & 1] != epoch || hist->max_ns[epoch & 1] < ns)
		hist->max_ns[epoch & 1] = ns;
	hist->max_epoch[epoch & 1] = epoch;
}

static void wait_begin(struct sim *sim, int32_t timeout_ms)
{
	struct lt_loop_rec *rec = &sim->rec;

	advance(sim);
	if (rec->turn_start_ns) {
		uint64_t turn_ns = sim->now - rec->turn_start_ns;
		bool same_poll = !rec->boundaries && !rec->wait_events &&
				 rec->wait_timeout_ns == 0 && timeout_ms != 0;

		if (!same_poll) {
			rec->turns++;
			hist_add(sim, &rec->turn, turn_ns);
			rec->stalls += turn_ns > STALL_NS;
			rec->stall_ns += turn_ns > STALL_NS ? turn_ns : 0;
		}
		rec->turn_start_ns = 0;
	}
	rec->waits++;
	rec->wait_start_ns = sim->now;
	rec->wait_timeout_ns = timeout_ms < 0 ? -1 : timeout_ms * (int64_t)MS;
	rec->phase = LT_PHASE_POLL_WAIT;
}

static void wait_end(struct sim *sim, int32_t events)
{
	struct lt_loop_rec *rec = &sim->rec;

	advance(sim);
	rec->wait_events = events;
	if (rec->wait_start_ns && rec->wait_timeout_ns > 0 && !events)
		hist_add(sim, &rec->lateness,
			 sim->now - rec->wait_start_ns - (uint64_t)rec->wait_timeout_ns);
	rec->wait_start_ns = 0;
	rec->turn_start_ns = sim->now;
	rec->boundaries = 0;
	rec->phase = LT_PHASE_POLL_CALLBACKS;
}

static void phase(struct sim *sim, uint32_t begins)
{
	advance(sim);
	sim->rec.boundaries++;
	sim->rec.iterations += begins == LT_PHASE_CHECK;
	sim->rec.phase = begins == LT_PHASE_POLL_SETUP ? LT_PHASE_POLL_CALLBACKS : begins;
}

static void pass(struct sim *sim, uint64_t ns)
{
	sim->now += ns;
}

static struct lt_loop *read_with(struct sim *sim, const struct lt_loop_mem *mem, bool record)
{
	lt_loop_state__begin(sim->loop);
	sim->moment.now_ns = sim->now;
	sim->moment.wall_seconds = 1.7e9 + (double)sim->now / 1e9;
	sim->moment.epoch_closed++;
	if (record)
		assert_int_equal(lt_loop_state__record(sim->loop, &sim->rec), 0);
	if (mem)
		lt_loop_state__memory(sim->loop, mem);
	lt_loop_state__build(sim->loop, &sim->moment, &sim->out);
	return &sim->out;
}

static struct lt_loop *read_record(struct sim *sim)
{
	return read_with(sim, NULL, true);
}

/* A turn of this length in a loop that then waits. */
static void turn_of(struct sim *sim, uint64_t turn_ns, uint64_t wait_ns)
{
	wait_end(sim, 1);
	pass(sim, turn_ns);
	wait_begin(sim, -1);
	pass(sim, wait_ns);
}

static double sum_phases(const double phases[LT_SNAP_PHASES])
{
	double sum = 0;

	for (int i = 0; i < LT_SNAP_PHASES; i++)
		sum += lt_known(phases[i]) ? phases[i] : 0;
	return sum;
}

/* --- the record -------------------------------------------------------------------------------- */

static void iteration(struct sim *sim)
{
	static const uint32_t phases[] = { LT_PHASE_CHECK,     LT_PHASE_CLOSING, LT_PHASE_TIMERS,
					   LT_PHASE_PENDING,   LT_PHASE_IDLE,	 LT_PHASE_PREPARE,
					   LT_PHASE_POLL_SETUP };

	wait_begin(sim, 0);
	pass(sim, 500);
	wait_end(sim, next_random(&sim->seed) % 2 ? 1 : 0);
	if (!sim->rec.wait_events) {
		pass(sim, 300);
		wait_begin(sim, -1);
		pass(sim, next_random(&sim->seed) % (40 * MS));
		wait_end(sim, 1);
	}
	for (int i = 0; i < 7; i++) {
		pass(sim,
		     next_random(&sim->seed) % (next_random(&sim->seed) % 10 ? 200000 : 60 * MS));
		phase(sim, phases[i]);
	}
	pass(sim, 1000);
}

static void test_random_sequence(void **state)
{
	struct sim *sim = *state;
	uint64_t before = sim->now;
	double busy = 0, idle = 0, turns = 0, iterations = 0;

	phase(sim, LT_PHASE_TIMERS);
	for (int round = 0; round < 200; round++) {
		struct lt_loop *out;
		double elapsed;
		int n = (int)(next_random(&sim->seed) % 30);

		for (int i = 0; i < n; i++)
			iteration(sim);
		pass(sim, next_random(&sim->seed) % (30 * MS));
		out = read_record(sim);
		elapsed = (double)(sim->now - before) / 1e9;
		before = sim->now;
		assert_close(out->busy_seconds + out->idle_seconds, elapsed, 1e-6);
		assert_close(sum_phases(out->phase_seconds), elapsed, 1e-6);
		assert_close(out->utilization, out->busy_seconds / elapsed, 1e-6);
		assert_close(out->turn.count, out->turns, 0);
		assert_true(out->iterations == n);
		busy += out->busy_seconds;
		idle += out->idle_seconds;
		turns += out->turns;
		iterations += out->iterations;
		assert_close(out->total.busy_seconds, busy, 1e-6);
		assert_close(out->total.idle_seconds, idle, 1e-6);
		assert_close(out->total.turns, turns, 0);
		assert_close(out->total.iterations, iterations, 0);
		assert_close(out->total.turn->count, turns, 0);
		assert_close(sum_phases(out->total.phase_seconds), busy + idle, 1e-6);
		assert_true(out->total.turn->sum <= out->total.observed_seconds + 1e-9);
		assert_true(out->total.observed_seconds <= busy + idle + 1e-6);
	}
	assert_true(turns > 1000);
}

/* The windows of all intervals together are the observed time: no turn is in two, none in none. */
/* We were kept from running between the interval's end and the copying of the record, and the loop went
 * on: no interval shows more time than it has, and nothing is lost or counted twice. */
static void test_record_copied_late(void **state)
{
	struct sim *sim = *state;
	double busy = 0, idle = 0, phases = 0;
	uint64_t before;

	wait_end(sim, 1);
	read_record(sim);
	for (int i = 0; i < 50; i++) {
		double interval, sum;

		before = sim->moment.now_ns;
		for (int k = 0; k < 4; k++)
			iteration(sim);
		pass(sim, 3 * MS);
		sim->moment.now_ns = sim->now;
		for (int k = 0; k < i % 3; k++)
			iteration(sim);
		lt_loop_state__begin(sim->loop);
		sim->moment.epoch_closed++;
		assert_int_equal(lt_loop_state__record(sim->loop, &sim->rec), 0);
		lt_loop_state__build(sim->loop, &sim->moment, &sim->out);
		interval = (double)(sim->moment.now_ns - before) / 1e9;
		sum = sim->out.busy_seconds + sim->out.idle_seconds;
		assert_close(sum, interval, 1e-9);
		assert_close(sum_phases(sim->out.phase_seconds), interval, 1e-9);
		busy += sim->out.busy_seconds;
		idle += sim->out.idle_seconds;
		phases += sum_phases(sim->out.phase_seconds);
	}
	wait_begin(sim, -1);
	read_record(sim);
	assert_close(busy + sim->out.busy_seconds, (double)sim->rec.busy_ns / 1e9, 1e-6);
	assert_close(idle + sim->out.idle_seconds, (double)sim->rec.idle_ns / 1e9, 1e-6);
	assert_close(phases + sum_phases(sim->out.phase_seconds), busy + idle + sim->out.busy_seconds +
		     sim->out.idle_seconds, 1e-6);
}

static void test_lag_windows_add_up(void **state)
{
	struct sim *sim = *state;
	double windows = 0, sums = 0;

	wait_begin(sim, -1);
	for (int round = 0; round < 200; round++) {
		struct lt_loop *out;

		for (uint64_t i = next_random(&sim->seed) % 5; i > 0; i--)
			turn_of(sim, next_random(&sim->seed) % (90 * MS),
				next_random(&sim->seed) % (50 * MS));
		if (next_random(&sim->seed) % 2) {
			wait_end(sim, 1);
			pass(sim, next_random(&sim->seed) % (40 * MS));
			out = read_record(sim);
			pass(sim, next_random(&sim->seed) % (40 * MS));
			wait_begin(sim, -1);
		} else {
			out = read_record(sim);
		}
		if (lt_known(out->lag_base_seconds))
			windows += out->lag_base_seconds;
		sums += out->turn_hist->sum;
		assert_close(windows, out->total.observed_seconds, 1e-6);
		assert_close(sums, out->total.turn->sum, 1e-6);
	}
}

static void test_contract_block(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, -1);
	read_record(sim);
	pass(sim, 4000 * MS);
	turn_of(sim, 1000 * MS, 5000 * MS);
	out = read_record(sim);
	assert_close(out->lag_base_seconds, 10, 1e-9);
	assert_close(out->lag.mean, 0.05, 1e-6);
	assert_close(out->lag.p99, 0.9, 1e-6);
	assert_close(out->lag.max, 1, 1e-9);
	assert_close(out->utilization, 0.1, 1e-9);
	assert_true(out->stalled_seconds == 0);
	assert_true(out->total.stalls == 1);
	assert_close(out->total.stall_seconds, 1, 1e-9);
}

static void test_running_stall(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, -1);
	pass(sim, 700 * MS);
	wait_end(sim, 1);
	pass(sim, 90 * MS);
	out = read_record(sim); /* a turn, not yet a stall */
	assert_true(out->stalled_seconds == 0 && out->n_stalls == 0 && out->lag.max == 0);
	pass(sim, 210 * MS);
	out = read_record(sim);
	assert_close(out->stalled_seconds, 0.3, 1e-9);
	assert_int_equal(out->n_stalls, 1);
	assert_true(out->stalls[0].ongoing);
	assert_close(out->stalls[0].seconds, 0.3, 1e-9);
	assert_close(out->stalls[0].start_time, sim->moment.wall_seconds - 0.3, 1e-6);
	assert_close(out->lag.max, 0.3, 1e-9);
	assert_close(out->lag_base_seconds, 0.3, 1e-9);
	assert_true(out->turns == 0 && out->turn.count == 0 && out->total.turns == 0);
	assert_close(out->turn_hist->count, 1, 0);
	assert_close(out->total.turn->count, 0, 0);
	pass(sim, 200 * MS);
	wait_begin(sim, -1);
	pass(sim, 100 * MS);
	out = read_record(sim);
	assert_true(out->stalled_seconds == 0 && out->n_stalls == 0);
	assert_close(out->turn.max, 0.5, 1e-9);
	assert_close(out->lag.max, 0.5, 1e-9);
	assert_close(out->lag_base_seconds, 0.6, 1e-9);
	pass(sim, 400 * MS);
	wait_end(sim, 1);
	pass(sim, 150 * MS);
	out = read_record(sim);
	assert_close(out->lag_base_seconds, 0.55, 1e-9);
}

static void test_ended_stalls(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, -1);
	lt_loop_state__begin(sim->loop);
	for (int i = 0; i < 40; i++) {
		struct lt_stall stall = lt_stall_of(1000 + i, 0.2);

		assert_int_equal(lt_loop_state__stall(sim->loop, &stall), 0);
	}
	sim->moment.now_ns = sim->now;
	assert_int_equal(lt_loop_state__record(sim->loop, &sim->rec), 0);
	lt_loop_state__build(sim->loop, &sim->moment, &sim->out);
	assert_int_equal(sim->out.n_stalls, 40);
	assert_true(sim->out.stalls[39].start_time == 1039 && !sim->out.stalls[39].ongoing);
	out = read_record(sim);
	assert_int_equal(out->n_stalls, 0);
}

static void test_timer_lateness(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, 20);
	pass(sim, 23 * MS);
	wait_end(sim, 0);
	wait_begin(sim, -1);
	out = read_record(sim);
	assert_close(out->timer_lateness.count, 1, 0);
	assert_close(out->timer_lateness.max, 0.003, 1e-9);
	assert_close(out->total.timer_lateness->count, 1, 0);
}

/* A record that begins within the interval is counted from its first event. */
static void test_first_interval(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, -1);
	pass(sim, 300 * MS);
	turn_of(sim, 50 * MS, 50 * MS);
	out = read_record(sim);
	assert_close(out->busy_seconds, 0.05, 1e-9);
	assert_close(out->idle_seconds, 0.35, 1e-9);
	assert_close(out->total.observed_seconds, 0.4, 1e-9);
	assert_close(out->turns, 1, 0);
}

static void test_non_blocking_wait_is_busy(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, 0);
	pass(sim, 10 * MS);
	out = read_record(sim);
	assert_close(out->busy_seconds, 0.01, 1e-9);
	assert_close(out->idle_seconds, 0, 0);
	assert_close(out->phase_seconds[LT_PHASE_POLL_WAIT], 0.01, 1e-9);
	assert_close(out->lag.max, 0, 0);
}

static void test_phases_by_tier(void **state)
{
	static const int known[LT_TIER_MAX] = { 0, 1, 4, 8 };
	struct sim *sim = *state;

	for (int tier = LT_TIER_WAIT; tier < LT_TIER_MAX; tier++) {
		struct lt_loop *out;
		int n = 0;

		sim->moment.tier = (enum lt_tier)tier;
		iteration(sim);
		out = read_record(sim);
		for (int i = 0; i < LT_SNAP_PHASES; i++)
			n += lt_known(out->phase_seconds[i]);
		assert_int_equal(n, known[tier]);
		assert_true(lt_known(out->phase_seconds[LT_PHASE_POLL_WAIT]));
		assert_true(lt_known(out->phase_seconds[LT_PHASE_CHECK]) ==
			    (tier >= LT_TIER_PHASES));
		assert_true(lt_known(out->phase_seconds[LT_PHASE_CLOSING]) ==
			    (tier == LT_TIER_FULL));
		assert_true(lt_known(out->iterations) == (tier >= LT_TIER_PHASES));
		assert_true(lt_known(out->turns) && lt_known(out->lag.p99));
	}
}

static void test_loop_ends(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, -1);
	pass(sim, 100 * MS);
	turn_of(sim, 10 * MS, 90 * MS);
	wait_end(sim, 1);
	read_record(sim);
	sim->rec.flags |= LT_LOOP_ENDED;
	pass(sim, 800 * MS);
	out = read_record(sim);
	assert_true(out->ended);
	assert_close(out->busy_seconds + out->idle_seconds, 0, 1e-9);
	assert_true(out->stalled_seconds == 0 && out->n_stalls == 0);
}

/* It ends in a turn: what the programs counted until then is in the last row, whenever that is read. */
static void test_loop_is_cut_short(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	wait_begin(sim, -1);
	pass(sim, 100 * MS);
	wait_end(sim, 1);
	read_record(sim);
	pass(sim, 300 * MS);
	advance(sim);
	sim->rec.turns++;
	hist_add(sim, &sim->rec.turn, 300 * MS);
	sim->rec.stalls++;
	sim->rec.stall_ns += 300 * MS;
	sim->rec.turn_start_ns = 0;
	sim->rec.flags |= LT_LOOP_ENDED;
	pass(sim, 600 * MS);
	out = read_record(sim);
	assert_true(out->ended);
	assert_close(out->busy_seconds, 0.3, 1e-9);
	assert_close(out->idle_seconds, 0, 1e-9);
	assert_close(out->turns, 1, 0);
	assert_close(out->turn.max, 0.3, 1e-9);
	assert_close(out->total.stall_seconds, 0.3, 1e-9);
	assert_true(out->stalled_seconds == 0);
}

/* The probes were taken out and put in again: the figures go on, the totals never fall. */
static void test_record_restarts(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;
	double busy;

	wait_begin(sim, -1);
	for (int i = 0; i < 20; i++)
		turn_of(sim, 10 * MS, 10 * MS);
	busy = read_record(sim)->total.busy_seconds;
	sim->rec = (struct lt_loop_rec){ 0 };
	wait_begin(sim, -1);
	turn_of(sim, 5 * MS, 5 * MS);
	out = read_record(sim);
	assert_close(out->turns, 1, 0);
	assert_close(out->busy_seconds, 0.005, 1e-9);
	assert_close(out->turn.count, 1, 0);
	assert_close(out->total.busy_seconds, busy + 0.005, 1e-9);
	assert_close(out->total.turn->count, 21, 0);
	assert_close(out->total.observed_seconds, 0.4 + 0.01, 1e-9);
}

/* --- memory ------------------------------------------------------------------------------------ */

static struct lt_loop_mem memory_at(const struct sim *sim, uint64_t idle_ns, uint64_t entry_ns,
				    uint64_t iterations)
{
	return (struct lt_loop_mem){ .loop_ptr = 0x1000,
				     .read_ns = sim->now,
				     .idle_ns = idle_ns,
				     .entry_ns = entry_ns,
				     .iterations = iterations,
				     .time_ms = sim->now / MS,
				     .metrics_on = true };
}

static struct lt_loop *read_memory(struct sim *sim, struct lt_loop_mem mem)
{
	sim->moment.tier = LT_TIER_MEMORY;
	return read_with(sim, &mem, false);
}

static void assert_turns_unknown(const struct lt_loop *out)
{
	assert_true(isnan(out->turns) && isnan(out->turn.count) && isnan(out->turn.p99));
	assert_true(isnan(out->lag.mean) && isnan(out->lag.p99) && isnan(out->lag.max));
	assert_true(isnan(out->timer_lateness.count) && isnan(out->lag_base_seconds));
	assert_null(out->turn_hist);
	for (int i = 0; i < LT_SNAP_PHASES; i++)
		assert_true(isnan(out->phase_seconds[i]) && isnan(out->total.phase_seconds[i]));
	assert_null(out->total.turn);
	assert_null(out->total.timer_lateness);
	assert_true(isnan(out->total.turns) && isnan(out->total.observed_seconds));
	assert_true(isnan(out->total.stalls) && isnan(out->total.stall_seconds));
}

static void test_memory_only(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out = read_memory(sim, memory_at(sim, 7000 * MS, 0, 100));

	assert_true(isnan(out->busy_seconds) && isnan(out->idle_seconds));
	assert_true(isnan(out->utilization) && isnan(out->iterations));
	assert_true(isnan(out->total.iterations));
	assert_turns_unknown(out);
	pass(sim, 1000 * MS);
	/* 600 ms of ended waits and one that has run for 50 ms */
	out = read_memory(sim, memory_at(sim, 7600 * MS, sim->now - 50 * MS, 150));
	assert_close(out->idle_seconds, 0.65, 1e-9);
	assert_close(out->busy_seconds, 0.35, 1e-9);
	assert_close(out->utilization, 0.35, 1e-9);
	assert_close(out->iterations, 50, 0);
	assert_close(out->total.idle_seconds, 0.65, 1e-9);
	assert_close(out->total.iterations, 50, 0);
	assert_true(out->stalled_seconds == 0);
	assert_turns_unknown(out);
}

/* Whoever reads is let run only 30 ms after the interval has ended: the row is of the interval all the same. */
static void test_memory_read_late(void **state)
{
	struct sim *sim = *state;
	struct lt_loop_mem mem = memory_at(sim, 7000 * MS, sim->now - 10 * MS, 100);
	struct lt_loop *out;

	mem.read_ns += 30 * MS; /* it waited before and after the end */
	read_memory(sim, mem);
	pass(sim, 1000 * MS);
	/* it has worked since, for 400 ms, and still does */
	mem = memory_at(sim, 7610 * MS, 0, 101);
	mem.read_ns += 30 * MS;
	mem.time_ms -= 400;
	out = read_memory(sim, mem);
	assert_close(out->busy_seconds, 0.4, 1e-9);
	assert_close(out->idle_seconds, 0.6, 1e-9);
	assert_close(out->stalled_seconds, 0.4, 1e-9);
	pass(sim, 1000 * MS);
	/* it waited for 100 ms, of which the last 20 are the next interval's */
	mem = memory_at(sim, 7710 * MS, 0, 102);
	mem.read_ns += 30 * MS;
	mem.time_ms += 20;
	out = read_memory(sim, mem);
	assert_close(out->busy_seconds, 0.92, 1e-9);
	assert_close(out->idle_seconds, 0.08, 1e-9);
	pass(sim, 1000 * MS);
	/* a wait that began after the end: it has worked until then */
	mem = memory_at(sim, 7730 * MS, sim->now + 5 * MS, 103);
	mem.read_ns += 30 * MS;
	out = read_memory(sim, mem);
	assert_close(out->busy_seconds, 0.96, 1e-9);
	assert_close(out->idle_seconds, 0.04, 1e-9);
}

/* A Worker's loop lies where that of an ended one was: nothing is known of the interval between them. */
static void test_memory_of_another(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	read_memory(sim, memory_at(sim, 5 * MS, sim->now - 2000 * MS, UINT64_MAX));
	pass(sim, 1000 * MS);
	out = read_memory(sim, memory_at(sim, 8 * MS, sim->now - 500 * MS, UINT64_MAX));
	assert_true(isnan(out->busy_seconds) && isnan(out->idle_seconds));
	pass(sim, 1000 * MS);
	out = read_memory(sim, memory_at(sim, 8 * MS, sim->now - 1500 * MS, UINT64_MAX));
	assert_close(out->idle_seconds, 1, 1e-9);
	assert_close(out->busy_seconds, 0, 1e-9);
	pass(sim, 1000 * MS); /* what the inexact time of a reading takes away is no other loop */
	out = read_memory(sim, memory_at(sim, 2508 * MS - MS / 2, 0, UINT64_MAX));
	assert_close(out->idle_seconds, 0.9995, 1e-9);
}

static void test_memory_no_loop_count(void **state)
{
	struct sim *sim = *state;

	read_memory(sim, memory_at(sim, 0, 0, UINT64_MAX));
	pass(sim, 1000 * MS);
	assert_true(isnan(read_memory(sim, memory_at(sim, 0, 0, UINT64_MAX))->iterations));
}

/* Looks at a loop that is too dear to be measured all the time: totals of distributions go on with the time
 * that they are of, and nothing is counted as a rate. */
static void test_looks(void **state)
{
	struct sim *sim = *state;
	struct lt_loop *out;

	sim->moment.sampled = true;
	for (int look = 1; look <= 3; look++) {
		sim->moment.tier = LT_TIER_PHASES;
		sim->rec = (struct lt_loop_rec){ 0 };
		wait_begin(sim, -1);
		for (int i = 0; i < 50; i++)
			turn_of(sim, 10 * MS, 10 * MS);
		out = read_record(sim);
		assert_close(out->turns, 50, 0);
		assert_true(lt_known(out->lag.p99));
		assert_close(out->total.turn->count, 50 * look, 0);
		assert_close(out->total.observed_seconds, look, 1e-9);
		assert_true(isnan(out->total.turns) && isnan(out->total.stalls));
		assert_true(isnan(out->total.phase_seconds[LT_PHASE_POLL_WAIT]));
		pass(sim, 9000 * MS);
		out = read_memory(sim, memory_at(sim, 7000 * MS, 0, 100));
		assert_true(isnan(out->turns) && isnan(out->lag.p99));
		assert_close(out->total.turn->count, 50 * look, 0);
		assert_close(out->total.observed_seconds, look, 1e-9);
		assert_true(isnan(out->total.turns));
	}
	sim->moment.sampled = false;
	assert_turns_unknown(read_memory(sim, memory_at(sim, 7000 * MS, 0, 100)));
}

static void test_memory_stall(void **state)
{
	struct sim *sim = *state;
	struct lt_loop_mem mem;
	struct lt_loop *out;

	read_memory(sim, memory_at(sim, 0, sim->now, 1));
	pass(sim, 1000 * MS);
	mem = memory_at(sim, 400 * MS, 0, 2);
	mem.time_ms -= 600;
	out = read_memory(sim, mem);
	assert_close(out->stalled_seconds, 0.6, 0.0011);
	assert_int_equal(out->n_stalls, 1);
	assert_true(out->stalls[0].ongoing);
	assert_turns_unknown(out);
}

/* A heap is told for the interval that it was read in; a loop that had one goes on having one. */
static void test_heap(void **state)
{
	struct sim *sim = *state;
	struct lt_heap heap = lt_heap__unknown(true);

	lt_loop_state__build(sim->loop, &sim->moment, &sim->out);
	assert_false(sim->out.heap.present);
	assert_true(isnan(sim->out.heap.used_bytes) && isnan(sim->out.heap.space_used_bytes[0]));
	heap.used_bytes = 4e6;
	lt_loop_state__begin(sim->loop);
	lt_loop_state__heap(sim->loop, &heap);
	lt_loop_state__build(sim->loop, &sim->moment, &sim->out);
	assert_true(sim->out.heap.present && sim->out.heap.used_bytes == 4e6);
	lt_loop_state__begin(sim->loop);
	lt_loop_state__build(sim->loop, &sim->moment, &sim->out);
	assert_true(sim->out.heap.present && isnan(sim->out.heap.used_bytes));
}

/* Whatever a target writes into its counters, no figure is negative or absurd. */
static void test_memory_hostile(void **state)
{
	struct sim *sim = *state;

	for (int i = 0; i < 3000; i++) {
		struct lt_loop_mem mem =
			memory_at(sim, next_random(&sim->seed), next_random(&sim->seed),
				  next_random(&sim->seed));
		struct lt_loop *out;

		mem.time_ms = next_random(&sim->seed);
		out = read_memory(sim, mem);
		assert_true(!(out->busy_seconds < 0) && !(out->idle_seconds < 0));
		assert_true(!(out->utilization < 0) && !(out->utilization > 1));
		pass(sim, MS);
	}
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_random_sequence),	 CASE(test_record_copied_late),
		CASE(test_lag_windows_add_up),
		CASE(test_contract_block),	 CASE(test_running_stall),
		CASE(test_ended_stalls),	 CASE(test_timer_lateness),
		CASE(test_first_interval),	 CASE(test_non_blocking_wait_is_busy),
		CASE(test_phases_by_tier),	 CASE(test_loop_ends), CASE(test_loop_is_cut_short),
		CASE(test_record_restarts),	 CASE(test_memory_only),
		CASE(test_memory_of_another),	 CASE(test_memory_read_late),
		CASE(test_memory_no_loop_count), CASE(test_memory_stall),
		CASE(test_memory_hostile),	 CASE(test_looks),
		CASE(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
