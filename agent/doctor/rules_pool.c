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
#define WAIT_SECONDS	 0.005 /* p99 of the wait for a thread that is worth a finding */
#define DELIVERY_SECONDS 0.008
#define COMPUTING_SHARE	 0.5 /* of run time, from which on the pool computes rather than waits */
#define BUSY_LOOP	 0.7
#define PIECE_SECONDS	 0.005

enum {
	WAIT,
	RUN,
	DELIVERY
};

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
		const struct lt_hist *wait = process->kinds[i][WAIT];

		if (wait && wait->sum > most) {
			most = wait->sum;
			worst = i;
		}
	}
	return worst;
}

/* Kinds whose tasks need a CPU all the time that they run. */
static bool computes(int kind)
{
	return !strcmp(lt_kind_names[kind], "crypto") || !strcmp(lt_kind_names[kind], "zlib");
}

/* CPU time that no loop used, beside the time that tasks ran: what the threads of the pool computed, at
 * most (V8's helpers are in it). NAN: unknown. */
static double cpu_share(const struct lt_dr_process *process, double run_seconds)
{
	double cpu = process->cpu_seconds;

	for (size_t i = 0; i < process->n_loops; i++)
		cpu -= process->loops[i]->cause_seconds[LT_CAUSE_CPU] +
		       process->loops[i]->cause_seconds[LT_CAUSE_GC];
	return run_seconds > 0 ? fmin(fmax(cpu / run_seconds, 0), 1) : NAN;
}

static double computing_share(const struct lt_dr_process *process)
{
	double all = 0, computing = 0, measured;

	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_hist *run = process->kinds[i][RUN];

		all += run ? run->sum : 0;
		computing += run && computes(i) ? run->sum : 0;
	}
	computing = all > 0 ? computing / all : 0;
	measured = cpu_share(process, all);
	/* Add-ons that hash or resize say so by their CPU time only. */
	return measured >= COMPUTING_SHARE ? fmax(computing, measured) : computing;
}

/* CPUs that this process may use. */
static int cpus_of(const struct lt_case *c)
{
	double cpus = fmax(c->doctor->cpus, 1);

	/* fmin() passes over what is unknown */
	cpus = fmin(cpus, fmin(c->process->cpus_allowed, c->process->cpu_limit));
	return (int)fmax(1, floor(cpus));
}

/* Estimates for larger pools, up to the first that brings nothing more. */
static void try_sizes(struct lt_finding *finding, const struct lt_dr_process *process, int most)
{
	static const int sizes[] = { 8, 16, 32, 64, LT_REPLAY_THREADS_MAX };
	struct lt_replay_waits before = lt_replay__recorded(process, -1), after;
	double reached = before.p99;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct lt_replay_opts opts = { sizes[i], -1, -1 };

		if (sizes[i] <= process->pool_size || sizes[i] > most)
			continue;
		if (lt_replay__run(process, &opts, &after) || !lt_known(after.p99))
			return;
		lt_finding__estimate(finding, "pool wait p99", "pool_wait_p99_seconds", before.p99,
				     after.p99, "UV_THREADPOOL_SIZE=%d", sizes[i]);
		if (after.p99 < 0.001 || after.p99 > 0.8 * reached)
			return;
		reached = after.p99;
	}
}

static void advise_size(const struct lt_case *c, struct lt_finding *finding)
{
	double computing = computing_share(c->process);
	int cpus = cpus_of(c);

	if (computing < COMPUTING_SHARE) {
		lt_finding__advise(finding,
				   "Start it with a larger UV_THREADPOOL_SIZE (a variable of the "
				   "environment, read once): the tasks wait for something slow, "
				   "and more of them can wait at a time.");
		try_sizes(finding, c->process, LT_REPLAY_THREADS_MAX);
		if (computing > 0.05)
			snprintf(
				finding->caveat, sizeof(finding->caveat),
				"%s of the tasks' run time computes (crypto, zlib): more threads than CPUs (%d) "
				"make those slower, and the estimate does not know it",
				LT_RATIO(computing), cpus);
		return;
	}
	try_sizes(finding, c->process, cpus);
	lt_finding__advise(finding,
			   "Spread the work over more processes or machines, or do less of it: "
			   "cache, lower the cost factor or the compression level.");
	snprintf(
		finding->caveat, sizeof(finding->caveat),
		"a larger UV_THREADPOOL_SIZE than the CPUs (%d) would not help: %s of the tasks' run time is "
		"computing, by kind or by the process' CPU time",
		cpus, LT_RATIO(computing));
}

static void see_kinds(struct lt_finding *finding, const struct lt_dr_process *process)
{
	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_hist *wait = process->kinds[i][WAIT], *run = process->kinds[i][RUN];

		if (wait && wait->count > 0 && lt_hist__quantile(wait, 0.99) >= WAIT_SECONDS)
			lt_finding__seen(finding,
					 "%s: %s tasks waited %s on average for a thread, p99 %s; "
					 "they ran %s on average",
					 lt_kind_names[i], LT_COUNT(wait->count),
					 LT_SECONDS(wait->sum / wait->count),
					 LT_SECONDS(p99_of(process, i, WAIT)),
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

bool lt_rule__pool(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	double share = process->saturated_seconds / process->seconds;
	int worst = worst_kind(process);
	struct lt_finding *finding;
	struct lt_replay_waits now;

	if (!process->kinds_known)
		return false;
	if (!(share >= SATURATED_SHARE) || worst < 0 ||
	    !(p99_of(process, worst, WAIT) >= WAIT_SECONDS) || !explains_waits(process, worst))
		return true;
	finding = lt_finding__new(c->diagnosis, "pool-saturated", process, NULL);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 "the thread pool is the queue: %s tasks wait for its %.0f threads",
		 lt_kind_names[worst], process->pool_size);
	lt_finding__seen(
		finding,
		"saturated (more tasks than threads) %s of the time, up to %s tasks in the queue",
		LT_RATIO(fmin(1, share)), LT_COUNT(process->depth_max));
	see_kinds(finding, process);
	finding->why =
		"Everything that the pool does (files, dns.lookup, crypto, zlib, add-ons) stands in one "
		"queue: a slow kind delays all the others.";
	advise_size(c, finding);
	if (process->tasks_left_out > 0)
		lt_finding__seen(finding, "%s tasks were too many to keep and are in no estimate",
				 LT_COUNT(process->tasks_left_out));
	now = lt_replay__recorded(process, -1);
	if (lt_known(now.mean) && finding->n_estimates == 0)
		finding->weight_seconds += now.mean;
	return true;
}

bool lt_rule__dns(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	int dns = lt_replay__slow_kind();
	double wait = dns >= 0 ? p99_of(process, dns, WAIT) : NAN;
	struct lt_replay_waits now;
	struct lt_finding *finding;

	if (!process->kinds_known)
		return false;
	/* Where the whole pool is full the limit is not what they wait for; otherwise it is. */
	if (!(wait >= WAIT_SECONDS) || lt_diagnosis__has(c->diagnosis, "pool-saturated", process))
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
	sum_kinds(process, DELIVERY, &delivery);
	sum_kinds(process, WAIT, &wait);
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
