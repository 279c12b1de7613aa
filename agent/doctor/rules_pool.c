/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The thread pool as a queue. */
#include <stdio.h>
#include <string.h>

#include "agent/doctor/replay.h"
#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define SATURATED_SHARE	 0.05
#define WAITS_SECONDS	 0.5 /* of the oldest that waits now: shorter may be a burst */
#define FULL_LOOKS	 3 /* where no age is known: so many, */
#define FULL_SHARE	 0.5 /* and such a part of them */
#define WAIT_SECONDS	 0.005 /* p99 of the wait for a thread that is worth a finding */
#define DELIVERY_SECONDS 0.008
#define BUSY_LOOP	 0.7
#define PIECE_SECONDS	 0.005

static double p99_of(const struct lt_dr_process *process, int kind, int which)
{
	const struct lt_hist *hist = process->kinds[kind][which];

	return hist ? lt_hist__quantile(hist, 0.99) : NAN;
}

/* The kind whose tasks waited longest in all; -1: none waited. */
static int worst_kind(const struct lt_dr_process *process)
{
	double most = 0;
	int worst = -1;

	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_hist *wait = process->kinds[i][LT_DR_WAIT];

		if (wait && wait->sum > most) {
			most = wait->sum;
			worst = i;
		}
	}
	return worst;
}

static void see_kinds(struct lt_finding *finding, const struct lt_dr_process *process)
{
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_hist *wait = process->kinds[i][LT_DR_WAIT], *run = process->kinds[i][LT_DR_RUN];

		if (wait && wait->count > 0 && lt_hist__quantile(wait, 0.99) >= WAIT_SECONDS)
			lt_finding__seen(finding,
					 "%s: %s tasks waited %s on average for a thread, p99 %s; "
					 "they ran %s on average",
					 lt_kind_names[i], LT_COUNT(wait->count),
					 LT_SECONDS(wait->sum / wait->count),
					 LT_SECONDS(p99_of(process, i, LT_DR_WAIT)),
					 run && run->count > 0 ? LT_SECONDS(run->sum / run->count)
							       : "-");
	}
}

/* Do the tasks' own run times make them wait in a pool of this size? Where they do not, its threads were
 * kept from running (by other processes, by the host), and more of them would not help. */
static bool explains_waits(const struct lt_dr_process *process, int kind)
{
	const struct lt_replay_opts opts = { (int)fmin(process->pool_size, LT_REPLAY_THREADS_MAX),
					     -1, kind };
	struct lt_replay_waits waits;

	if (!lt_known(process->pool_size) || process->tasks_left_out > 0 ||
	    lt_replay__run(process, &opts, &waits) || !lt_known(waits.p99))
		return true;
	return waits.p99 >= WAIT_SECONDS;
}

/* Did those that were served wait for the pool? */
static bool made_wait(const struct lt_dr_process *process, int worst)
{
	double share = process->saturated_seconds / process->seconds;

	return share >= SATURATED_SHARE && worst >= 0 &&
	       p99_of(process, worst, LT_DR_WAIT) >= WAIT_SECONDS && explains_waits(process, worst);
}

/* Tasks wait now, and all the threads run: that is so whether any of them is ever served or not. */
static bool makes_wait(const struct lt_dr_process *process)
{
	const struct lt_dr_unfinished *unfinished = &process->unfinished;

	if (!unfinished->all.full_now)
		return false;
	return unfinished->oldest_queued >= WAITS_SECONDS ||
	       (!lt_known(unfinished->oldest_queued) && unfinished->all.full >= FULL_LOOKS &&
		unfinished->all.full >= FULL_SHARE * unfinished->all.looks);
}

static bool is_told_already(const struct lt_case *c)
{
	return lt_diagnosis__has(c->diagnosis, "pool-stuck", c->process) ||
	       lt_diagnosis__has(c->diagnosis, "pool-backlog", c->process);
}

/* Those that wait have waited longer than any that were served: what these say would be too good. */
static bool is_worse_than_recorded(const struct lt_dr_process *process)
{
	struct lt_replay_waits now = lt_replay__recorded(process, -1);

	return makes_wait(process) && lt_known(now.p99) &&
	       process->unfinished.oldest_queued > now.p99;
}

static void see_saturation(struct lt_finding *finding, const struct lt_dr_process *process)
{
	const struct lt_dr_unfinished *unfinished = &process->unfinished;

	if (process->kinds_known)
		lt_finding__seen(finding,
				 "saturated (more tasks than threads) %s of the time, up to %s tasks in the "
				 "queue",
				 LT_RATIO(fmin(1, process->saturated_seconds / process->seconds)),
				 LT_COUNT(process->depth_max));
	else
		lt_finding__seen(finding, "at %u of %u looks all threads ran while tasks waited",
				 unfinished->all.full, unfinished->all.looks);
	if (makes_wait(process))
		lt_pool__see_unfinished(finding, process);
	see_kinds(finding, process);
}

bool lt_rule__pool(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	int worst = worst_kind(process);
	struct lt_finding *finding;
	struct lt_replay_waits now;

	if (!process->pool_present)
		return false;
	if (is_told_already(c) || (!made_wait(process, worst) && !makes_wait(process)))
		return true;
	finding = lt_finding__new(c->diagnosis, "pool-saturated", process, NULL);
	if (!finding)
		return true;
	if (!made_wait(process, worst) || is_worse_than_recorded(process))
		snprintf(finding->title, sizeof(finding->title),
			 "the thread pool is the queue: %s tasks wait for its %.0f threads",
			 LT_COUNT(lt_queue__depth(&process->unfinished.all)), process->pool_size);
	else
		snprintf(finding->title, sizeof(finding->title),
			 "the thread pool is the queue: %s tasks wait for its %.0f threads",
			 lt_kind_names[worst], process->pool_size);
	see_saturation(finding, process);
	finding->why =
		"Everything that the pool does (files, dns.lookup, crypto, zlib, add-ons) stands in one "
		"queue: a slow kind delays all the others.";
	lt_pool__advise_size(c, finding, made_wait(process, worst) && !is_worse_than_recorded(process));
	if (is_worse_than_recorded(process) && !finding->caveat[0])
		snprintf(finding->caveat, sizeof(finding->caveat),
			 "what a cure brings is not estimated: the tasks that wait have waited longer than "
			 "those that were served");
	if (process->tasks_left_out > 0)
		lt_finding__seen(finding, "%s tasks were too many to keep and are in no estimate",
				 LT_COUNT(process->tasks_left_out));
	now = lt_replay__recorded(process, -1);
	if (lt_known(now.mean) && finding->n_estimates == 0)
		finding->weight_seconds += now.mean;
	if (makes_wait(process))
		finding->weight_seconds += fmax(process->unfinished.oldest_queued, 0);
	return true;
}

bool lt_rule__dns(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	int dns = lt_replay__slow_kind();
	double wait = dns >= 0 ? p99_of(process, dns, LT_DR_WAIT) : NAN;
	struct lt_replay_waits now;
	struct lt_finding *finding;

	if (!process->kinds_known)
		return false;
	/* Where the whole pool is full the limit is not what they wait for; otherwise it is. */
	if (!(wait >= WAIT_SECONDS) || lt_diagnosis__has(c->diagnosis, "pool-saturated", process) ||
	    is_told_already(c))
		return true;
	finding = lt_finding__new(c->diagnosis, "dns-slow-io", process, NULL);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 "dns.lookup waits: name lookups may use only half of the thread pool");
	see_kinds(finding, process);
	lt_finding__seen(
		finding,
		"up to %s tasks were in the queue; only %d of %.0f threads may take lookups",
		LT_COUNT(process->depth_max), (int)(process->pool_size + 1) / 2,
		process->pool_size);
	finding->why =
		"Every connection to a host name begins with such a lookup (getaddrinfo, in the pool); "
		"a slow name server makes all new connections wait.";
	lt_finding__advise(finding,
			   "Keep connections open (an agent with keepAlive), and cache lookups.");
	lt_finding__advise(
		finding,
		"Use dns.resolve4/6, which does not need the pool (it ignores /etc/hosts).");
	lt_finding__advise(finding,
			   "Look at the name server: a cache on the host, fewer search domains "
			   "(\"options ndots:1\"), IPv4 only where there is no IPv6.");
	now = lt_replay__recorded(process, dns);
	lt_finding__estimate(finding, "lookup wait p99", "dns_wait_p99_seconds", now.p99, 0,
			     "dns.resolve, or a cache");
	for (int threads = 8; threads <= 16; threads *= 2) {
		struct lt_replay_waits after;

		if (threads > process->pool_size &&
		    !lt_replay__run(process, &(struct lt_replay_opts){ threads, -1, dns }, &after))
			lt_finding__estimate(finding, "lookup wait p99", "dns_wait_p99_seconds",
					     now.p99, after.p99, "UV_THREADPOOL_SIZE=%d", threads);
	}
	return true;
}

/* Of all kinds together. */
static void sum_kinds(const struct lt_dr_process *process, int which, struct lt_hist *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_hist *hist = process->kinds[i][which];

		if (!hist)
			continue;
		ret->count += hist->count;
		ret->sum += hist->sum;
		ret->max = fmax(ret->max, hist->max);
		for (uint32_t b = 0; b < LT_HIST_BUCKETS; b++) {
			ret->bucket_count[b] += hist->bucket_count[b];
			ret->bucket_sum[b] += hist->bucket_sum[b];
		}
	}
}

/* Another finding has said why its loops are late. */
static bool explained(const struct lt_case *c)
{
	for (size_t i = 0; i < c->diagnosis->n_findings; i++) {
		const struct lt_finding *finding = &c->diagnosis->findings[i];

		if (finding->process == c->process && finding->loop)
			return true;
	}
	return false;
}

bool lt_rule__delivery(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	const struct lt_dr_loop *loop = process->n_loops ? process->loops[0] : NULL;
	struct lt_hist delivery, wait;
	struct lt_finding *finding;
	struct lt_lag_figures after;
	double p99;

	if (!process->kinds_known)
		return false;
	sum_kinds(process, LT_DR_DELIVERY, &delivery);
	sum_kinds(process, LT_DR_WAIT, &wait);
	p99 = lt_hist__quantile(&delivery, 0.99);
	if (!loop || !(p99 >= DELIVERY_SECONDS) || !(lt_loop_utilization(loop) >= BUSY_LOOP) ||
	    explained(c) || (delivery.sum < wait.sum && explains_waits(process, -1)))
		return true;
	finding = lt_finding__new(c->diagnosis, "slow-delivery", process, loop);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 "finished pool tasks wait for the loop, which is busy %s of the time",
		 LT_RATIO(lt_loop_utilization(loop)));
	lt_finding__seen(finding,
			 "%s tasks were done and waited %s on average to be delivered, p99 %s",
			 LT_COUNT(delivery.count), LT_SECONDS(delivery.sum / delivery.count),
			 LT_SECONDS(p99));
	lt_finding__seen(
		finding,
		"for a thread they waited %s on average: the pool is not the queue, the loop is",
		wait.count > 0 ? LT_SECONDS(wait.sum / wait.count) : "-");
	finding->why =
		"A file that was read in 0.1 ms is of no use before the loop comes by to hand it over.";
	lt_finding__advise(finding,
			   "Shorten the turns: do less in one callback, and let events in between "
			   "by setImmediate.");
	lt_finding__advise(
		finding,
		"Run more processes (cluster) or move work to Workers: one loop is one CPU.");
	after = lt_estimate__chopped(loop, PIECE_SECONDS);
	lt_finding__lag(finding, loop, &after, "with no turn over 5 ms");
	return true;
}
