/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What keeps a loop's thread from its CPU, and timers that no turn explains. */
#include <stdio.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"

#define THROTTLED_PERIODS 0.05 /* share of the periods */
#define THROTTLED_LEAST	  3 /* periods */
#define THROTTLED_SHARE	  0.02 /* of the time */
#define WAITING_SHARE	  0.03 /* of the time */
#define WAITING_BUSY	  0.1 /* of busy time */
#define WAITING_SECONDS	  0.003 /* of lag p99, or */
#define WAITING_MEAN	  0.0005 /* of mean lag, which one long turn does not hide, and */
#define WAITING_PART	  0.25 /* of it */
#define LATE_TIMERS	  5
#define LATE_INTERVALS	  3 /* in fewer it was an accident: the host stood still for once */

static void see_share(struct lt_finding *finding, const struct lt_dr_loop *loop,
		      enum lt_cause cause, const char *what)
{
	lt_finding__seen(finding, "%s of the loop's busy time is %s (%s of %s)",
			 LT_RATIO(loop->cause_seconds[cause] / loop->cause_busy), what,
			 LT_SECONDS(loop->cause_seconds[cause]), LT_SECONDS(loop->cause_busy));
}

bool lt_rule__throttled(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	const struct lt_dr_loop *loop = lt_worst_loop(process, LT_CAUSE_THROTTLED);
	bool often = process->throttled_periods >= THROTTLED_LEAST &&
		     process->throttled_periods >= THROTTLED_PERIODS * process->periods;
	bool much = loop &&
		    loop->cause_seconds[LT_CAUSE_THROTTLED] >= THROTTLED_SHARE * process->seconds;
	struct lt_finding *finding;
	struct lt_lag_figures after;

	if (!loop && !lt_known(process->periods))
		return false;
	if (!often && !much)
		return true;
	finding = lt_finding__new(c->diagnosis, "cpu-throttled", process, loop);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 "not your code: the container's CPU limit stops the process");
	if (lt_known(process->cpu_limit))
		lt_finding__seen(finding,
				 "the limit is %.3g CPU; the process used %s of CPU time in %s",
				 process->cpu_limit, LT_SECONDS(process->cpu_seconds),
				 LT_SECONDS(process->seconds));
	if (process->periods > 0)
		lt_finding__seen(finding, "throttled in %s of %s periods",
				 LT_COUNT(process->throttled_periods), LT_COUNT(process->periods));
	if (loop && loop->cause_seconds[LT_CAUSE_THROTTLED] > 0)
		see_share(finding, loop, LT_CAUSE_THROTTLED, "throttling");
	finding->why =
		"Once its share of a period (mostly 100 ms) is used up, by all threads together, the kernel "
		"stops every thread until the next period: whatever is served then waits.";
	lt_finding__advise(
		finding,
		"Raise or remove the CPU limit (in Kubernetes: limits.cpu; requests.cpu alone "
		"shares fairly without stopping anybody).");
	lt_finding__advise(
		finding, lt_is_generic(process)
				 ? "Use fewer threads at a time: all of them use up the same share."
				 : "Use fewer threads at a time: V8's helpers (--v8-pool-size, "
				   "--single-threaded-gc) and the pool use up the same share.");
	if (loop && loop->cause_seconds[LT_CAUSE_THROTTLED] > 0) {
		after = lt_estimate__without_cause(loop, LT_CAUSE_THROTTLED, 1);
		lt_finding__lag(finding, loop, &after, "without the limit");
	}
	return true;
}

/* Does the lag of the loop come from it, in its tail or on the whole? */
static bool makes_late(const struct lt_lag_figures *now, const struct lt_lag_figures *after)
{
	double mean = now->mean - after->mean;

	return now->p99 - after->p99 >= WAITING_SECONDS ||
	       (mean >= WAITING_MEAN && mean >= WAITING_PART * now->mean);
}

bool lt_rule__starved(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	const struct lt_dr_loop *loop = lt_worst_loop(process, LT_CAUSE_RUNQUEUE);
	struct lt_finding *finding;
	struct lt_lag_figures now, after;
	double waited;

	if (!loop)
		return false;
	now = lt_estimate__now(loop);
	waited = loop->cause_seconds[LT_CAUSE_RUNQUEUE];
	after = lt_estimate__without_cause(loop, LT_CAUSE_RUNQUEUE, 1);
	if (waited < WAITING_SHARE * process->seconds || waited < WAITING_BUSY * loop->cause_busy ||
	    !makes_late(&now, &after) || lt_diagnosis__has(c->diagnosis, "cpu-throttled", process))
		return true;
	finding = lt_finding__new(c->diagnosis, "cpu-starved", process, loop);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 "not your code: the loop's thread waits for a CPU");
	see_share(finding, loop, LT_CAUSE_RUNQUEUE, "waiting for a CPU that others use");
	lt_finding__seen(finding, "the host has %d CPUs; the process used %s of CPU time in %s",
			 c->doctor->cpus, LT_SECONDS(process->cpu_seconds),
			 LT_SECONDS(process->seconds));
	if (process->cpus_allowed < c->doctor->cpus)
		lt_finding__seen(finding, "its affinity leaves it %s of them",
				 LT_COUNT(process->cpus_allowed));
	finding->why =
		"The loop is ready to go on, and the kernel lets somebody else run: every turn takes longer "
		"than its work.";
	lt_finding__advise(
		finding,
		"Look at who uses the CPUs (top, pidstat): another service, a backup, more "
		"Workers or cluster processes than CPUs.");
	lt_finding__advise(finding,
			   "Give the service CPUs of its own (cpuset, taskset), a higher weight "
			   "(cpu.weight, requests.cpu), or the others a lower priority (nice).");
	lt_finding__lag(finding, loop, &after, "with a CPU at hand");
	return true;
}

static void timers_of(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	struct lt_lag_figures lag = lt_estimate__now(loop);
	double p99 = lt_hist__quantile(&loop->lateness, 0.99);
	struct lt_finding *finding;

	/* A timer waits for the turn that runs; what is later than any turn is long has another reason. */
	if (loop->late_timers < LATE_TIMERS || loop->late_intervals < LATE_INTERVALS ||
	    !(p99 >= (lt_known(lag.max) ? lag.max : 0) + LT_DR_LATE_TIMER_SECONDS))
		return;
	finding = lt_finding__new(c->diagnosis, "timers-late", c->process, loop);
	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 "timers fire up to %s late, and no turn explains it",
		 LT_SECONDS(loop->lateness.max));
	lt_finding__seen(finding, "%s timers were %s late on average, p99 %s",
			 LT_COUNT(loop->lateness.count),
			 LT_SECONDS(loop->lateness.sum / loop->lateness.count), LT_SECONDS(p99));
	lt_finding__seen(finding, "the longest turn was %s", LT_SECONDS(lag.max));
	finding->why =
		"The loop slept and was woken too late: timeouts, retries and heartbeats slip.";
	lt_finding__advise(
		finding,
		"Look at the timer slack of its threads (/proc/PID/timerslack_ns; a service "
		"manager may have set it, systemd: TimerSlackNSec=).");
	lt_finding__advise(
		finding,
		"Look for a host that sleeps deeply or is taken away: power saving, a virtual "
		"machine whose CPU is taken (steal in top), SIGSTOP, a freezer cgroup.");
	lt_finding__estimate(finding, "timer lateness p99", "timer_lateness_p99_seconds", p99,
			     lt_known(lag.p99) ? lag.p99 : 0, "woken in time");
}

bool lt_rule__timers(const struct lt_case *c)
{
	bool known = false;

	for (size_t i = 0; i < c->process->n_loops; i++) {
		const struct lt_dr_loop *loop = c->process->loops[i];

		known |= loop->lateness_known;
		/* Waiting for a CPU after a wake-up is said already. */
		if (loop->lateness_known &&
		    !lt_diagnosis__has(c->diagnosis, "cpu-starved", c->process) &&
		    !lt_diagnosis__has(c->diagnosis, "cpu-throttled", c->process))
			timers_of(c, loop);
	}
	return known;
}
