/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One loop: what its readings say of the interval. */
#include "agent/model/handles.h"
#include "agent/model/lag.h"
#include "agent/model/loop_internal.h"

#define INEXACT_SECONDS 1e-3 /* a reading's time: what is recalled is a little older */

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

static struct account account_of(const struct lt_loop_rec *rec, uint64_t now_ns)
{
	bool ended = rec->flags & LT_LOOP_ENDED;
	double since = ended ? 0 : seconds_between(rec->last_ns, now_ns);
	struct account account = { .busy = (double)rec->busy_ns / 1e9,
				   .idle = (double)rec->idle_ns / 1e9 };

	for (int i = 0; i < LT_PHASE_MAX; i++)
		account.phase[i] = (double)rec->phase_ns[i] / 1e9;
	if (rec->wait_start_ns && rec->wait_timeout_ns != 0)
		account.idle += since;
	else
		account.busy += since;
	if (rec->phase < LT_PHASE_MAX)
		account.phase[rec->phase] += since;
	account.parts = lt_cause__busy(rec, now_ns);
	return account;
}

/* Which phases a tier can tell (contract, section 1: "phase"). */
static bool tier_knows(enum lt_tier tier, int phase)
{
	switch (tier) {
	case LT_TIER_FULL:
		return true;
	case LT_TIER_PHASES:
		return phase == LT_PHASE_TIMERS || phase == LT_PHASE_POLL_WAIT ||
		       phase == LT_PHASE_POLL_CALLBACKS || phase == LT_PHASE_CHECK;
	case LT_TIER_WAIT:
		return phase == LT_PHASE_POLL_WAIT;
	default:
		return false;
	}
}

static void grow(double *total, double by)
{
	*total = (lt_known(*total) ? *total : 0) + by;
}

/*
 * The part of what a record has gained that belongs to this interval. The record is copied a little after
 * the interval's end, much later if we were kept from running: what it counted beyond the end is left
 * for the next interval.
 */
static double share_within(const struct lt_loop_rec *rec, const struct lt_moment *moment,
			   double gained)
{
	double beyond = seconds_between(moment->now_ns, rec->last_ns);

	if (beyond <= 0 || rec->flags & LT_LOOP_ENDED)
		return 1;
	return beyond < gained ? (gained - beyond) / gained : 0;
}

/* Moves *before towards now by the share; returns the seconds moved. */
static double take(double *before, double now, double share)
{
	double span = fmax(now - *before, 0) * share;

	*before += span;
	return span;
}

static void build_causes(struct lt_loop_state *loop, const struct lt_moment *moment,
			 const struct account *now, double share, struct lt_loop *out)
{
	struct lt_cause_parts parts = { 0 }, *before = &loop->before.parts;
	const struct lt_cause_known known = { moment->causes_known, moment->gc_probed };

	for (int i = 0; i < LT_OFF_MAX; i++)
		parts.off[i] = take(&before->off[i], now->parts.off[i], share);
	parts.gc = take(&before->gc, now->parts.gc, share);
	lt_cause__split(&parts, out->busy_seconds, known, out->cause_seconds);
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		if (lt_known(out->cause_seconds[i]))
			grow(&loop->total.cause_seconds[i], out->cause_seconds[i]);
}

static void build_times(struct lt_loop_state *loop, const struct lt_moment *moment,
			struct lt_loop *out)
{
	const struct lt_loop_rec *rec = &loop->probed->rec;
	struct account now = account_of(rec, moment->now_ns), *before = &loop->before;
	double gained = now.busy - before->busy + now.idle - before->idle;
	double share = share_within(rec, moment, gained);

	out->busy_seconds = take(&before->busy, now.busy, share);
	out->idle_seconds = take(&before->idle, now.idle, share);
	for (int i = 0; i < LT_PHASE_MAX; i++) {
		double span = take(&before->phase[i], now.phase[i], share);

		if (!tier_knows(moment->tier, i))
			continue;
		out->phase_seconds[i] = span;
		grow(&loop->total.phase_seconds[i], span);
	}
	build_causes(loop, moment, &now, share, out);
}

/* Begin of the turn that is running, 0: none; and until when it was seen to run. */
static uint64_t running_turn(const struct lt_loop_state *loop, const struct lt_moment *moment,
			     uint64_t *ret_until_ns)
{
	const struct lt_loop_rec *rec = loop->has_record ? &loop->probed->rec : NULL;

	*ret_until_ns = moment->now_ns;
	if (rec && rec->flags & LT_LOOP_ENDED)
		return 0;
	if (rec && rec->turn_start_ns)
		return rec->turn_start_ns;
	if (!loop->has_memory || !loop->mem.metrics_on || loop->mem.entry_ns ||
	    (rec && rec->wait_start_ns))
		return 0;
	if (loop->mem.read_ns < moment->now_ns)
		*ret_until_ns = loop->mem.read_ns;
	/* read late: one that began since is the next interval's */
	return loop->mem.time_ms * 1000000 < *ret_until_ns ? loop->mem.time_ms * 1000000 : 0;
}

/* The turn that is running: its length if it is a stall by now, else 0. */
static double running_stall(const struct lt_loop_state *loop, const struct lt_moment *moment)
{
	uint64_t until_ns, start_ns = running_turn(loop, moment, &until_ns);
	double length = start_ns ? seconds_between(start_ns, until_ns) : 0;

	return length * 1e9 > (double)moment->stall_ns ? length : 0;
}

static void build_lag(struct lt_loop_state *loop, const struct lt_moment *moment, double stall,
		      struct lt_loop *out)
{
	const struct lt_loop_rec *rec = &loop->probed->rec;
	struct lt_hist *shown = &loop->probed->shown;
	bool ended = rec->flags & LT_LOOP_ENDED;
	uint64_t until_ns = ended ? rec->last_ns : moment->now_ns;
	double carried_in = 0, carried_out = 0;

	if (loop->now_before_ns && loop->turn_start_before_ns)
		carried_in = seconds_between(loop->turn_start_before_ns, loop->now_before_ns);
	if (rec->turn_start_ns && stall <= 0)
		carried_out = seconds_between(rec->turn_start_ns > rec->first_ns
						      ? rec->turn_start_ns
						      : rec->first_ns,
					      until_ns);
	*shown = loop->probed->turn.interval;
	if (stall > 0)
		lt_hist__add(shown, stall);
	out->turn_hist = shown;
	out->lag_base_seconds = fmax(
		out->busy_seconds + out->idle_seconds + carried_in - carried_out, shown->sum);
	out->lag = lt_lag__of(shown, out->lag_base_seconds);
}

static void build_record(struct lt_loop_state *loop, const struct lt_moment *moment, double stall,
			 struct lt_loop *out)
{
	struct lt_probed *probed = loop->probed;
	const struct lt_loop_rec *rec = &probed->rec;
	uint64_t until = rec->turn_start_ns ? rec->turn_start_ns : moment->now_ns;
	double observed;

	build_times(loop, moment, out);
	lt_series__advance(&probed->turn, &rec->turn, moment->epoch_closed);
	lt_series__advance(&probed->lateness, &rec->lateness, moment->epoch_closed);
	out->turn = lt_dist_of(&probed->turn.interval);
	out->timer_lateness = lt_dist_of(&probed->lateness.interval);
	out->turns = (double)rec->turns - loop->turns_before;
	if (moment->tier >= LT_TIER_PHASES) {
		out->iterations = (double)rec->iterations - loop->iterations_before;
		grow(&loop->total.iterations, out->iterations);
	}
	build_lag(loop, moment, stall, out);
	if (rec->flags & LT_LOOP_ENDED)
		until = rec->last_ns;
	observed = loop->observed_before + seconds_between(rec->first_ns, until);
	loop->total.observed_seconds = fmax(observed, loop->total.observed_seconds);
	grow(&loop->total.turns, out->turns);
	grow(&loop->total.stalls, (double)(rec->stalls - loop->stalls_before));
	grow(&loop->total.stall_seconds, (double)(rec->stall_ns - loop->stall_ns_before) / 1e9);
	loop->stalls_before = rec->stalls;
	loop->stall_ns_before = rec->stall_ns;
	loop->total.turn = &probed->turn.total;
	loop->total.timer_lateness = &probed->lateness.total;
	loop->hits = (double)rec->hits - loop->hits_before;
	loop->hits_before = (double)rec->hits;
	/* The mean of what was timed may sink a little. */
	loop->more_ns = fmax(lt_loop_rec__more_ns(rec) - loop->more_ns_before, 0);
	loop->more_ns_before = lt_loop_rec__more_ns(rec);
	loop->turns_before = (double)rec->turns;
	loop->iterations_before = (double)rec->iterations;
	loop->turn_start_before_ns = rec->turn_start_ns;
	loop->had_record = true;
}

static double memory_idle(const struct lt_loop_mem *mem)
{
	return (double)lt_loop_mem__idle_ns(mem) / 1e9;
}

/*
 * What libuv's own counters tell; the first reading is only where they are counted from. Idle time with that of the
 * wait that runs never falls, but for what the time of a reading is inexact.
 */
static bool is_same_loop(const struct lt_loop_mem *before, const struct lt_loop_mem *now)
{
	return before->loop_ptr == now->loop_ptr && now->idle_ns >= before->idle_ns &&
	       now->iterations >= before->iterations &&
	       memory_idle(now) + INEXACT_SECONDS >= memory_idle(before);
}

/*
 * Its idle time until a moment that is not later than its reading. Who reads may be let run only some milliseconds after
 * the interval has ended, and the row is of the interval. What the loop was at, at its reading, it was at before: since
 * the wait that runs began, or since the turn began, when libuv last looked at its clock.
 */
static double memory_idle_at(const struct lt_loop_mem *mem, uint64_t at_ns)
{
	uint64_t idle_ns = lt_loop_mem__idle_ns(mem), late_ns = mem->read_ns - at_ns;
	uint64_t since_ns = mem->entry_ns ? mem->entry_ns : mem->time_ms * 1000000;
	uint64_t changed_ns = since_ns > at_ns ? since_ns - at_ns : 0; /* after that moment */

	if (changed_ns > late_ns)
		changed_ns = late_ns;
	/* before a wait it was busy, before a turn it waited */
	late_ns = mem->entry_ns ? late_ns - changed_ns : changed_ns;
	return (double)(idle_ns > late_ns ? idle_ns - late_ns : 0) / 1e9;
}

/* One wait ran through the whole interval: no turn, and nobody had to wait. */
static void set_slept(struct lt_loop *out, double elapsed)
{
	static const struct lt_hist empty;

	out->turns = 0;
	out->turn = lt_dist_of(&empty);
	out->turn_hist = &empty;
	out->lag_base_seconds = elapsed;
	out->lag = lt_lag__of(&empty, elapsed);
}

static void build_memory(struct lt_loop_state *loop, const struct lt_moment *moment,
			 struct lt_loop *out)
{
	/* A record that is missing once counts this interval with the next. */
	bool alone = !loop->has_record && (!loop->had_record || moment->tier == LT_TIER_MEMORY);
	uint64_t at_ns = loop->mem.read_ns < moment->now_ns ? loop->mem.read_ns : moment->now_ns;
	double elapsed = seconds_between(loop->mem_before_ns, at_ns);
	double idle_at = memory_idle_at(&loop->mem, at_ns);
	bool again = loop->had_memory && is_same_loop(&loop->mem_before, &loop->mem);

	if (again && alone && loop->mem.metrics_on) {
		double idle = fmax(idle_at - loop->idle_before, 0);

		out->idle_seconds = fmin(idle, elapsed);
		out->busy_seconds = elapsed - out->idle_seconds;
		/* Tier memory never knows turns: there they are null, in every interval alike. */
		if (moment->tier > LT_TIER_MEMORY && loop->mem.entry_ns &&
		    loop->mem.entry_ns <= loop->mem_before.read_ns)
			set_slept(out, elapsed);
	}
	if (again && !lt_known(out->iterations) && loop->mem.iterations != UINT64_MAX) {
		out->iterations = (double)(loop->mem.iterations - loop->mem_before.iterations);
		grow(&loop->total.iterations, out->iterations);
	}
	loop->mem_before = loop->mem;
	loop->mem_before_ns = at_ns;
	loop->idle_before = idle_at;
	loop->had_memory = true;
}

static void set_unknown(struct lt_loop *out)
{
	out->iterations = out->turns = NAN;
	out->busy_seconds = out->idle_seconds = out->utilization = NAN;
	out->turn = out->timer_lateness = lt_dist_unknown();
	out->lag = lt_lag__unknown();
	for (int i = 0; i < LT_SNAP_PHASES; i++)
		out->phase_seconds[i] = NAN;
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		out->cause_seconds[i] = NAN;
	out->stalled_seconds = NAN;
	out->lag_base_seconds = NAN;
}

/* The stall that runs, as it is now; seconds 0: none. */
static int show_running(struct lt_loop_state *loop, const struct lt_moment *moment, double seconds,
			struct lt_loop *out)
{
	static const struct lt_loop_rec none;
	const struct lt_cause_known known = { moment->causes_known && loop->has_record,
					      moment->gc_probed };
	struct lt_stall stall = loop->has_answer ? loop->answer : lt_stall_of(0, 0);
	const struct lt_loop_rec *rec = loop->probed ? &loop->probed->rec : &none;
	struct lt_cause_parts parts = lt_cause__turn(rec, moment->now_ns);
	uint64_t until_ns, start_ns = running_turn(loop, moment, &until_ns);
	int err;

	stall.start_time = moment->wall_seconds - seconds_between(start_ns, moment->now_ns);
	stall.seconds = seconds;
	stall.ongoing = true;
	lt_cause__split(&parts, seconds, known, stall.cause_seconds);
	stall.cause = lt_cause__main(stall.cause_seconds);
	err = lt_stall_list__set_running(&loop->stalls, seconds > 0 ? &stall : NULL);
	out->stalled_seconds = seconds;
	out->stalls = loop->stalls.items;
	out->n_stalls = loop->stalls.n;
	return err;
}

bool lt_loop_state__update(struct lt_loop_state *loop, const struct lt_moment *moment,
			   const struct lt_loop_rec *rec, struct lt_loop *out)
{
	bool was_stalled = out->stalled_seconds > 0;
	double seconds;

	if (!loop->had_record || !loop->probed || rec->first_ns != loop->probed->rec.first_ns)
		return false;
	loop->probed->rec = *rec;
	loop->has_record = true;
	seconds = running_stall(loop, moment);
	if (seconds <= 0 && !was_stalled)
		return false;
	return show_running(loop, moment, seconds, out) == 0;
}

/* Totals that stand still while nobody counts: an absent series, not a rate that is too low. */
static void forget_rates(struct lt_loop *out)
{
	out->total.turns = out->total.stalls = out->total.stall_seconds = NAN;
	for (int i = 0; i < LT_SNAP_PHASES; i++)
		out->total.phase_seconds[i] = NAN;
	for (int i = 0; i < LT_SNAP_CAUSES; i++) {
		out->total.cause_seconds[i] = NAN;
		out->total.stalls_by_cause[i] = out->total.stall_seconds_by_cause[i] = NAN;
	}
}

void lt_loop_state__build(struct lt_loop_state *loop, const struct lt_moment *moment,
			  struct lt_loop *ret_loop)
{
	double stall = running_stall(loop, moment);

	*ret_loop = (struct lt_loop){ .tid = loop->tid, .name = loop->name };
	set_unknown(ret_loop);
	lt_model_handles(loop->has_handles ? &loop->handles : NULL,
			 loop->has_memory ? &loop->mem : NULL, ret_loop);
	ret_loop->ended = loop->ended || (loop->has_record &&
					  loop->probed->rec.flags & LT_LOOP_ENDED);
	if (loop->has_record)
		build_record(loop, moment, stall, ret_loop);
	if (loop->has_memory)
		build_memory(loop, moment, ret_loop);
	if (lt_known(ret_loop->busy_seconds)) {
		double sum = ret_loop->busy_seconds + ret_loop->idle_seconds;

		ret_loop->utilization = sum > 0 ? ret_loop->busy_seconds / sum : 0;
		grow(&loop->total.busy_seconds, ret_loop->busy_seconds);
		grow(&loop->total.idle_seconds, ret_loop->idle_seconds);
	}
	if (loop->has_record || (loop->has_memory && loop->mem.metrics_on))
		show_running(loop, moment, stall, ret_loop);
	ret_loop->heap = loop->has_heap ? loop->heap : lt_heap__unknown(loop->heap.present);
	ret_loop->stalls = loop->stalls.items;
	ret_loop->n_stalls = loop->stalls.n;
	for (int i = 0; i < LT_SNAP_CAUSES; i++) {
		loop->total.stalls_by_cause[i] = loop->stalls.by_cause[i];
		loop->total.stall_seconds_by_cause[i] = loop->stalls.seconds_by_cause[i];
	}
	loop->now_before_ns = moment->now_ns;
	ret_loop->total = loop->total;
	lt_model_jit(&loop->jit, loop->has_jit ? &loop->jit_reading : NULL, ret_loop);
	if (moment->sampled) {
		ret_loop->total.deopts = NAN;
		for (int i = 0; i < LT_SNAP_COMPILERS; i++)
			ret_loop->total.compiles[i] = NAN;
	}
	if (!loop->has_record || moment->sampled)
		forget_rates(ret_loop);
	/* Looks keep distributions alive: their shape is that of the observed time, which is told with them. */
	if (loop->has_record || moment->sampled)
		return;
	ret_loop->total.turn = ret_loop->total.timer_lateness = NULL;
	ret_loop->total.observed_seconds = NAN;
	if (moment->tier != LT_TIER_MEMORY)
		return;
	lt_loop_state__pack(loop);
	loop->total.turn = loop->total.timer_lateness = NULL;
}
