/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How work is spread over loops that could share it. */
#include <stdio.h>
#include <string.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"
#include "agent/util/text.h"

#define BUSY_LOOP    0.5 /* from here on a loop is worth helping */
#define OTHERS_PART  0.5 /* of its load, below which the others idle beside it */
#define FULL_LOOP    0.9
#define PRIMARY_LOAD 0.02
#define WATCHED_PART 0.5 /* of the time that a loop must have been there to be compared */

/* Loops that do the same kind of work. */
struct peers {
	size_t n;
	double sum, most;
	const struct lt_dr_process *process; /* of the busiest */
	const struct lt_dr_loop *busiest;
};

static void add(struct peers *peers, const struct lt_case *c, const struct lt_dr_process *process,
		const struct lt_dr_loop *loop)
{
	double load = lt_loop_utilization(loop);

	if (!lt_known(load) || loop->busy + loop->idle < WATCHED_PART * c->doctor->seconds)
		return;
	peers->n++;
	peers->sum += load;
	if (peers->busiest && load <= peers->most)
		return;
	peers->most = load;
	peers->process = process;
	peers->busiest = loop;
}

static bool uneven(const struct peers *peers)
{
	return peers->n >= 2 && peers->most >= BUSY_LOOP &&
	       (peers->sum - peers->most) / (double)(peers->n - 1) <= OTHERS_PART * peers->most;
}

static void report(const struct lt_case *c, const struct peers *peers, const char *what)
{
	double mean = peers->sum / (double)peers->n;
	struct lt_finding *finding =
		lt_finding__new(c->diagnosis, "uneven-loops", peers->process, peers->busiest);
	struct lt_lag_figures after;

	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 "the load is uneven: one of %zu %s is busy %s of the time, the others %s",
		 peers->n, what, LT_RATIO(peers->most),
		 LT_RATIO((peers->sum - peers->most) / (double)(peers->n - 1)));
	lt_finding__seen(finding, "busiest: %.100s of pid %d; on average they are busy %s",
			 peers->busiest->name, peers->process->pid, LT_RATIO(mean));
	finding->why =
		"The busiest one is slow while others have time: its requests wait for nothing.";
	lt_finding__advise(
		finding,
		"Hand out work by who is free (a queue that Workers take from), not in turn "
		"or by a key that is unevenly used.");
	lt_finding__advise(
		finding,
		"Long-lived connections stay where they were accepted: let clients reconnect "
		"from time to time, or balance requests in front.");
	after = lt_estimate__scaled(peers->busiest, mean / peers->most);
	lt_finding__lag(finding, peers->busiest, &after, "with the same load on each");
}

bool lt_rule__uneven_workers(const struct lt_case *c)
{
	struct peers workers = { 0 };

	if (lt_is_generic(c->process)) /* whether its threads do the same work is not known */
		return false;
	for (size_t i = 0; i < c->process->n_loops; i++)
		if (strcmp(c->process->loops[i]->name, "main"))
			add(&workers, c, c->process, c->process->loops[i]);
	if (uneven(&workers))
		report(c, &workers, "Workers");
	return workers.n >= 2;
}

/* One service: the same script, run by the same program in the same cgroup. */
static bool siblings(const struct lt_dr_process *a, const struct lt_dr_process *b)
{
	return !strcmp(a->name, b->name) && a->runtime && lt_same_text(a->runtime, b->runtime) &&
	       lt_same_text(a->exe, b->exe) && lt_same_text(a->cgroup, b->cgroup);
}

/* The oldest of a cluster hands out connections and has nothing else to do. */
static bool is_primary(const struct lt_case *c, const struct lt_dr_process *process)
{
	double load = process->n_loops ? lt_loop_utilization(process->loops[0]) : NAN;

	for (size_t i = 0; i < c->doctor->n_processes; i++)
		if (siblings(c->doctor->processes[i], process) &&
		    c->doctor->processes[i]->start_time < process->start_time)
			return false;
	return !(load >= PRIMARY_LOAD);
}

bool lt_rule__uneven_siblings(const struct lt_case *c)
{
	struct peers peers = { 0 };

	for (size_t i = 0; i < c->doctor->n_processes; i++) {
		const struct lt_dr_process *other = c->doctor->processes[i];

		if (!siblings(other, c->process) || !other->n_loops)
			continue;
		if (!is_primary(c, other))
			add(&peers, c, other, other->loops[0]);
	}
	/* Told once, of the busiest. */
	if (uneven(&peers) && peers.process == c->process)
		report(c, &peers, "processes");
	return peers.n >= 2;
}

bool lt_rule__busy(const struct lt_case *c)
{
	bool known = false;

	for (size_t i = 0; i < c->process->n_loops; i++) {
		const struct lt_dr_loop *loop = c->process->loops[i];
		double load = lt_loop_utilization(loop);
		struct lt_lag_figures now = lt_estimate__now(loop);
		struct lt_finding *finding;
		bool said = false;

		known |= lt_known(load);
		for (size_t k = 0; k < c->diagnosis->n_findings; k++)
			said |= c->diagnosis->findings[k].loop == loop;
		if (said || !(load >= FULL_LOOP))
			continue;
		finding = lt_finding__new(c->diagnosis, "loop-busy", c->process, loop);
		if (!finding)
			return known;
		snprintf(finding->title, sizeof(finding->title),
			 "the loop has no time left: busy %s of the time, in many short turns",
			 LT_RATIO(load));
		lt_finding__seen(finding, "lag p99 %s, the longest turn %s", LT_SECONDS(now.p99),
				 LT_SECONDS(now.max));
		finding->why =
			"No single function blocks; there is more work than one thread can do, and it queues "
			"where looptop does not see it: in sockets.";
		lt_finding__advise(
			finding,
			lt_is_generic(c->process) ?
				"Run more processes or threads of it, or more replicas." :
				"Run more processes (cluster, more replicas) or move work to "
				"Workers.");
		lt_finding__advise(
			finding,
			lt_is_generic(c->process) ?
				"A CPU profile of the process says where the time goes (perf top -p)." :
				"A CPU profile of the process says where the time goes (node "
				"--cpu-prof, perf with --perf-basic-prof).");
		if (lt_known(now.p99))
			finding->weight_seconds = now.p99;
	}
	return known;
}
