/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Garbage collection: its share of the time, and its pauses. */
#include <stdio.h>
#include <string.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define GC_SHARE       0.1 /* of the time, or */
#define GC_BUSY_SHARE  0.25 /* of busy time, if it is at least */
#define GC_LEAST_SHARE 0.04 /* of the time */
#define SCAVENGE_PART  0.6 /* of all collecting, from which on scavenges are the matter */
#define LONG_PART      0.5 /* of the stall threshold: a long pause */

static int gc_kind(const char *name)
{
	for (int i = 0; i < LT_SNAP_GCS; i++)
		if (!strcmp(lt_gc_names[i], name))
			return i;
	return 0;
}

/* Collections in turns that a function with a finding of its own made late: it made the garbage. */
static double explained_seconds(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	double seconds = 0;

	for (size_t i = 0; i < loop->n_late; i++) {
		const struct lt_late *late = &loop->late[i];
		double gc = (double)late->cause_seconds[LT_CAUSE_GC];

		if (late->blocker >= LT_DR_BLOCKERS_MAX || !lt_known(gc) ||
		    gc > (double)late->own_seconds) /* nearly all of it is collecting */
			continue;
		for (size_t k = 0; k < c->diagnosis->n_findings; k++) {
			const struct lt_finding *finding = &c->diagnosis->findings[k];

			if (finding->loop == loop && finding->blocker &&
			    finding->blocker->function == loop->blockers[late->blocker].function) {
				seconds += gc;
				break;
			}
		}
	}
	return seconds;
}

static void see_kinds(struct lt_finding *finding, const struct lt_dr_process *process)
{
	for (int i = 0; i < LT_SNAP_GCS; i++) {
		const struct lt_dr_gc *gc = &process->gc[i];

		if (gc->count > 0)
			lt_finding__seen(finding, "%s: %s times, %s in all, the longest %s",
					 lt_gc_names[i], LT_COUNT(gc->count),
					 LT_SECONDS(gc->seconds), LT_SECONDS(gc->max_seconds));
	}
}

static void long_major(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	const struct lt_dr_gc *major = &c->process->gc[gc_kind("mark_compact")];
	struct lt_finding *finding;
	struct lt_lag_figures after;

	if (!(major->max_seconds >= LONG_PART * c->doctor->opts.stall_seconds))
		return;
	finding = lt_finding__new(c->diagnosis, "gc-long-major", c->process, loop);
	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 "major garbage collections stop the loop for up to %s",
		 LT_SECONDS(major->max_seconds));
	see_kinds(finding, c->process);
	finding->why =
		"A major collection marks and moves everything that is alive: its pause grows with the "
		"number of live objects, and nothing is served meanwhile.";
	lt_finding__advise(
		finding,
		"Keep fewer small objects alive: large caches outside of the heap (Buffers, "
		"a store of their own), bounded caches, fewer closures and Map entries.");
	lt_finding__advise(finding,
			   "Nobody should call global.gc() in a service; look for --expose-gc.");
	lt_finding__advise(
		finding, "Split the state over processes or Workers: each has a heap of its own.");
	if (loop) {
		double gc = loop->cause_seconds[LT_CAUSE_GC];

		after = lt_estimate__without_cause(loop, LT_CAUSE_GC,
						   gc > 0 ? fmin(1, major->seconds / gc) : 0);
		lt_finding__lag(finding, loop, &after, "without major pauses, at best");
	}
}

static void share(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	const struct lt_dr_gc *scavenges = &c->process->gc[gc_kind("scavenge")];
	const struct lt_dr_gc *majors = &c->process->gc[gc_kind("mark_compact")];
	double seconds = loop->cause_seconds[LT_CAUSE_GC] - explained_seconds(c, loop), part;
	double window = loop->busy + loop->idle;
	bool scavenging = scavenges->seconds >= SCAVENGE_PART * c->process->gc_seconds;
	struct lt_finding *finding;
	struct lt_lag_figures after;

	if (c->process->n_loops == 1 &&
	    lt_diagnosis__has(c->diagnosis, "gc-long-major", c->process))
		seconds -= majors->seconds;
	if (!(seconds >= GC_SHARE * window) &&
	    !(seconds >= GC_BUSY_SHARE * loop->busy && seconds >= GC_LEAST_SHARE * window))
		return;
	finding = lt_finding__new(c->diagnosis, scavenging ? "gc-scavenge-pressure" : "gc-share",
				  c->process, loop);
	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title), "%s of the time goes into %s",
		 LT_RATIO(loop->cause_seconds[LT_CAUSE_GC] / window),
		 scavenging ? "scavenges: young objects live just long enough to be copied"
			    : "garbage collection");
	see_kinds(finding, c->process);
	lt_finding__seen(finding, "collecting is %s of the loop's busy time",
			 LT_RATIO(loop->cause_seconds[LT_CAUSE_GC] / loop->busy));
	finding->why =
		"While the collector runs on the loop's thread, no event is served, and the CPU time is gone.";
	if (scavenging)
		lt_finding__advise(
			finding,
			"Try --max-semi-space-size=32 … 128 (MB; more memory for each heap): "
			"scavenges come rarer, and more objects are dead by then.");
	lt_finding__advise(
		finding,
		"Allocate less for each request: no copies of large objects ({...x}, map of "
		"map), no JSON round trips, reuse of Buffers.");
	if (!scavenging)
		lt_finding__advise(finding,
				   "Find who allocates: a heap profile by sampling (inspector, "
				   "HeapProfiler) names the functions.");
	part = scavenging ? scavenges->seconds / c->process->gc_seconds : 1;
	after = lt_estimate__without_cause(loop, LT_CAUSE_GC, part);
	lt_finding__lag(finding, loop, &after,
			scavenging ? "without scavenges, at best" : "without collections, at best");
	finding->weight_seconds +=
		seconds / window * 1e-3; /* at equal lag the larger waste first */
}

bool lt_rule__gc(const struct lt_case *c)
{
	const struct lt_dr_loop *loop = lt_worst_loop(c->process, LT_CAUSE_GC);

	if (!c->process->gc_known)
		return false;
	/* Pauses by kind are of the process: with several loops nobody says whose they were. */
	long_major(c, c->process->n_loops == 1 ? loop : NULL);
	if (loop && lt_known(loop->idle))
		share(c, loop);
	return true;
}
