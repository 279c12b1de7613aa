/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Would more threads help a pool? They do where tasks wait for something slow, not where they compute. */
#include <stdio.h>
#include <string.h>

#include "agent/doctor/replay.h"
#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define COMPUTING_SHARE 0.5 /* of run time, from which on the pool computes rather than waits */

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

/* Of the tasks that run now: where none has ended, or they are not told of one by one. NAN: it is not known. */
static double computing_now(const struct lt_dr_process *process)
{
	const struct lt_dr_unfinished *unfinished = &process->unfinished;
	double all = 0, computing = 0;

	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		double running = lt_known(unfinished->running[i]) ? unfinished->running[i] : 0;

		all += running;
		computing += computes(i) ? running : 0;
	}
	if (all > 0)
		return computing / all;
	return (double)unfinished->n_threads >= fmin(process->pool_size / 2, LT_DR_THREADS_MAX) ? 0 : NAN;
}

/* Of the tasks' time: that in which they need a CPU. NAN: it is not known. */
static double computing_share(const struct lt_dr_process *process)
{
	double all = 0, computing = 0, measured;

	for (int i = 0; i < LT_SNAP_KINDS; i++) {
		const struct lt_hist *run = process->kinds[i][LT_DR_RUN];

		all += run ? run->sum : 0;
		computing += run && computes(i) ? run->sum : 0;
	}
	if (!(all > 0))
		return computing_now(process);
	computing /= all;
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

void lt_pool__advise_size(const struct lt_case *c, struct lt_finding *finding, bool estimate)
{
	double computing = computing_share(c->process);
	int cpus = cpus_of(c);

	if (!lt_known(computing)) {
		snprintf(finding->caveat, sizeof(finding->caveat),
			 "whether more threads would help is not known: without pool probes nothing tells "
			 "if the tasks compute or wait for something");
		return;
	}
	if (computing < COMPUTING_SHARE) {
		lt_finding__advise(finding,
				   "Start it with a larger UV_THREADPOOL_SIZE (a variable of the "
				   "environment, read once): the tasks wait for something slow, "
				   "and more of them can wait at a time.");
		if (estimate)
			try_sizes(finding, c->process, LT_REPLAY_THREADS_MAX);
		if (computing > 0.05)
			snprintf(
				finding->caveat, sizeof(finding->caveat),
				"%s of the tasks' run time computes (crypto, zlib): more threads than CPUs (%d) "
				"make those slower, and the estimate does not know it",
				LT_RATIO(computing), cpus);
		return;
	}
	if (estimate)
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
