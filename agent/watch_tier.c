/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How much of one target is measured: putting in and taking out its probes, by what they cost. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/watch_internal.h"
#include "looptop/log.h"

/* Traps of one turn at each tier, until they have been counted (looptop check says the same). */
static const double traps_of_tier[LT_TIER_MAX] = { 0, 2, 4, 9 };

int lt_watch__attach(struct lt_watch *watch)
{
	struct lt_wish wish = watch->probes;
	int err;

	wish.tier = watch->tier;
	wish.pool = wish.pool && watch->extras;
	wish.gc = wish.gc && watch->extras;
	wish.jit = wish.jit && watch->extras;
	if (lt_probe__has_stacks(watch->probe)) {
		watch->sampler = lt_sampler__new(watch->probe);
		if (!watch->blame)
			watch->blame = lt_blame__new(watch->target, watch->symfiles);
	}
	watch->walk = lt_blame__walk_cfg(watch->target);
	wish.walk = &watch->walk;
	err = lt_attachment__new(watch->probe, watch->target, &wish, &watch->attachment);
	if (err)
		return err;
	LIST_INSERT_HEAD(watch->probed, watch, probed_next);
	watch->attachments++;
	watch->extras_metered = 0;
	watch->find_tries = 0;
	watch->find_agrees = 0;
	lt_watch__find_tasks(watch);
	lt_watch__seed_loops(watch);
	return 0;
}

/* The kernel's records go with the probes. */
static void forget_hits(struct lt_watch *watch)
{
	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];

		thread->hits = thread->hits_metered = 0;
		thread->more_ns = thread->more_ns_metered = 0;
	}
}

/* Not one that runs another program now: its probes would be in that too. */
static bool has_ended(struct lt_watch *watch)
{
	struct lt_usage usage;

	return watch->ended && lt_live__usage(&watch->live, &usage) == -ESRCH;
}

void lt_watch__detach(struct lt_watch *watch)
{
	lt_sampler__free(watch->sampler);
	if (watch->attachment)
		LIST_REMOVE(watch, probed_next);
	lt_attachment__free(watch->attachment, has_ended(watch));
	watch->sampler = NULL;
	watch->attachment = NULL;
	watch->extras_metered = 0;
	forget_hits(watch);
}

/* Loop probes only: those of the pool and of garbage collection stay. */
static int change_tier(struct lt_watch *watch, enum lt_tier tier)
{
	int err = lt_attachment__set_tier(watch->attachment, tier);

	if (err)
		return err;
	if (tier == LT_TIER_MEMORY) {
		for (size_t i = 0; i < watch->threads.n; i++) {
			struct lt_loop_key key = { (uint32_t)watch->target->pid,
						   (uint32_t)watch->threads.items[i].tid };

			lt_probe__forget_loop(watch->probe, &key);
		}
		forget_hits(watch);
	} else if (watch->tier == LT_TIER_MEMORY) {
		lt_watch__seed_loops(watch);
	}
	return 0;
}

/* Extras that come again get new records: what happened in between was not counted, so that the old ones
 * know neither who is busy nor what is queued. */
static int measure(struct lt_watch *watch, struct lt_measuring to)
{
	struct lt_measuring before = { watch->tier, watch->extras };
	int err = 0;

	if (to.tier == LT_TIER_MEMORY && !to.extras) {
		lt_watch__detach(watch);
	} else if (!watch->attachment || (to.extras && !watch->extras)) {
		lt_watch__detach(watch);
		watch->tier = to.tier;
		watch->extras = to.extras;
		err = lt_watch__attach(watch);
	} else {
		if (!to.extras && watch->extras)
			lt_attachment__drop_extras(watch->attachment);
		if (to.tier != watch->tier)
			err = change_tier(watch, to.tier);
	}
	watch->tier = to.tier;
	watch->extras = to.extras;
	if (!err)
		return 0;
	lt_watch__detach(watch);
	watch->tier = LT_TIER_MEMORY;
	watch->extras = false;
	watch->refused = true;
	lt_info("pid %d stays at tier memory from now on, after tier %s", watch->target->pid,
		lt_tier_names[before.tier]);
	return err;
}

/* With what the loops cost beside them, as so many hits of that price. */
static double loop_hits(struct lt_watch *watch, double hit_cost_ns)
{
	double hits = 0, more_ns = 0;

	for (size_t i = 0; i < watch->threads.n; i++) {
		struct lt_thread_state *thread = &watch->threads.items[i];

		hits += (double)(thread->hits -
				 (thread->hits >= thread->hits_metered ? thread->hits_metered : 0));
		thread->hits_metered = thread->hits;
		more_ns += fmax(thread->more_ns - thread->more_ns_metered, 0);
		thread->more_ns_metered = thread->more_ns;
	}
	return hits + (hit_cost_ns > 0 ? more_ns / hit_cost_ns : 0);
}

static double extra_hits(struct lt_watch *watch)
{
	double hits;

	if (!watch->attachment || lt_attachment__read_proc(watch->attachment, &watch->proc_rec))
		return 0;
	hits = (double)(watch->proc_rec.hits - watch->extras_metered);
	watch->extras_metered = watch->proc_rec.hits;
	return hits;
}

/* What the loops say of the interval, for the rule and for the price of probes. */
static void note_interval(struct lt_watch *watch, const struct lt_process *process, double seconds)
{
	struct lt_candidate *candidate = &watch->candidate;
	bool full;

	candidate->utilization = NAN;
	watch->turns_per_second = NAN;
	/* All that is known of it without probes. */
	if (watch->target->generic && watch->tier == LT_TIER_MEMORY)
		candidate->utilization = process->cpu_seconds / seconds;
	/* Who waits for a pool that has no thread left, look after look, is late, too. */
	full = process->pool.queue_depth > 0 && process->pool.busy >= process->pool.size;
	candidate->late = full && watch->pool_was_full;
	watch->pool_was_full = full;
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_loop *loop = &process->loops[i];
		double turns = loop->iterations / seconds;

		candidate->utilization = fmax(candidate->utilization, loop->utilization);
		candidate->late |= loop->stalled_seconds > 0 || loop->n_stalls > 0;
		if (lt_known(turns))
			watch->turns_per_second =
				turns +
				(lt_known(watch->turns_per_second) ? watch->turns_per_second : 0);
	}
}

struct lt_candidate lt_watch__describe(struct lt_watch *watch, const struct lt_process *process,
				       double interval_seconds, struct lt_load *load,
				       double hit_cost_ns)
{
	double extras = extra_hits(watch), hits, traps, hits_ratio;

	if (lt_known(lt_watch__hit_cost_ns(watch)))
		hit_cost_ns = lt_watch__hit_cost_ns(watch);
	hits = loop_hits(watch, hit_cost_ns);
	hits_ratio = hit_cost_ns / 1e9 / load->seconds;

	load->cost_ratio = watch->attachment ? (hits + extras) * hits_ratio : 0;
	load->extras_ratio = watch->attachment ? extras * hits_ratio : 0;
	if (process)
		note_interval(watch, process, interval_seconds);
	watch->noted |= process != NULL;
	load->early = !watch->noted;
	traps = hits / load->seconds / watch->turns_per_second;
	/* Counted over few turns it would say little. */
	if (process && watch->tier == watch->top && watch->turns_per_second > 10 && traps > 1)
		watch->traps_per_turn = traps;
	traps = lt_known(watch->traps_per_turn) ? watch->traps_per_turn : traps_of_tier[watch->top];
	watch->predicted_ratio = watch->turns_per_second * traps * hit_cost_ns / 1e9;
	load->predicted_ratio = watch->predicted_ratio;
	watch->candidate.cost_ratio =
		watch->governor.looking ? load->cost_ratio * LT_LOOK_PART : load->cost_ratio;
	return watch->candidate;
}

void lt_watch__tell_quiet(struct lt_watch *watch)
{
	snprintf(
		watch->budget_text, sizeof(watch->budget_text),
		"measured by its memory alone as long as nobody looks at it and it is neither late nor "
		"among the busiest");
}

/* Why less is measured than is wished for, with the figure of the moment when that was decided. */
static void tell_dropped(struct lt_watch *watch, enum lt_tier_reason reason, bool changed)
{
	const struct lt_governor *governor = &watch->governor;

	if (changed && reason == LT_REASON_TOTAL_BUDGET) {
		snprintf(watch->budget_text, sizeof(watch->budget_text),
			 "tier %s: the probes of all targets cost more than the total budget",
			 lt_tier_names[watch->tier]);
		return;
	}
	if (changed ? reason != LT_REASON_BUDGET : watch->told_dropped)
		return; /* looks come and go under what was said */
	snprintf(watch->budget_text, sizeof(watch->budget_text),
		 "tier %s%s: the probes %s %.1f %% of a core, over the budget of %.1f %%",
		 lt_tier_names[watch->tier],
		 watch->extras ? "" : watch->probes.jit ? " without pool, garbage collection and compilation" :
					 " without pool and garbage collection",
		 changed ? "cost" : "would cost", governor->dropped_ratio * 100,
		 governor->budget_ratio * 100);
}

/* What the user is told of it. */
static void explain(struct lt_watch *watch, const struct lt_load *load, bool wanted,
		    enum lt_tier_reason reason, bool changed)
{
	const struct lt_governor *governor = &watch->governor;
	bool dropped = wanted && governor->dropped;

	watch->sample_text[0] = '\0';
	if (!wanted)
		lt_watch__tell_quiet(watch);
	else if (dropped)
		tell_dropped(watch, reason, changed);
	else
		watch->budget_text[0] = '\0';
	watch->told_dropped = dropped;
	if (dropped && (governor->looking || watch->tier == LT_TIER_MEMORY) &&
	    lt_governor__looks(governor, load))
		snprintf(
			watch->sample_text, sizeof(watch->sample_text),
			"known for a tenth of the time only (looks of %.0f s): turns, lag, lateness, "
			"phases and causes; a stall in between may be missed",
			load->look_seconds);
}

bool lt_watch__govern(struct lt_watch *watch, const struct lt_candidate *candidate,
		      struct lt_load *load, enum lt_tier_reason *ret_reason)
{
	struct lt_measuring now = { watch->tier, watch->extras }, next = now, wish = { 0 };
	bool changed;

	watch->candidate = *candidate;
	if (!watch->probe || watch->ended || watch->refused)
		return false;
	load->room_ratio = candidate->room_ratio;
	load->yield = candidate->yield;
	load->why = candidate->why;
	if (candidate->wanted)
		wish = (struct lt_measuring){ watch->top, !watch->target->generic };
	*ret_reason = candidate->why;
	next = lt_governor__decide(&watch->governor, now, wish, load, ret_reason);
	changed = next.tier != now.tier || next.extras != now.extras;
	if (changed && measure(watch, next)) {
		snprintf(watch->budget_text, sizeof(watch->budget_text),
			 "tier memory: the probes could not be put in");
		return false;
	}
	watch->candidate.probed = candidate->wanted;
	explain(watch, load, candidate->wanted, *ret_reason, changed);
	return changed;
}

void lt_watch__set_tier(struct lt_watch *watch, enum lt_tier tier, bool by_rule)
{
	struct lt_measuring wish;

	watch->top = tier < watch->best ? tier : watch->best;
	watch->candidate.named = watch->named || !by_rule;
	watch->traps_per_turn = NAN;
	watch->governor = lt_governor_of(watch->governor.budget_ratio);
	wish = (struct lt_measuring){ watch->top, !watch->target->generic };
	if (!watch->probe || watch->ended || watch->refused || !watch->candidate.named)
		return;
	if (wish.tier != watch->tier || wish.extras != watch->extras)
		measure(watch, wish);
	watch->budget_text[0] = watch->sample_text[0] = '\0';
	watch->candidate.probed = true;
}
