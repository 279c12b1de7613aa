/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Garbage collection, and memory as far as it can be seen from outside. */
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
#define GROWTH_POINTS  8
#define GROWTH_SECONDS 8 /* shorter growth is a start, or a burst */
#define GROWTH_FACTOR  1.2
#define GROWTH_BYTES   (32.0 * 1048576)
#define GROWTH_STEADY  0.5
#define GROWTH_SLACK   0.99 /* from one point to the next */
#define NEAR_LIMIT     0.85

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

/* It goes on: as much in the second half as in the first, or nearly. What warms up slows down. */
static bool goes_on(const struct lt_dr_process *process)
{
	const struct lt_dr_memory_point *points = process->memory;
	size_t last = process->n_memory - 1, middle = last / 2;

	return points[last].rss_bytes - points[middle].rss_bytes >=
	       GROWTH_STEADY * (points[middle].rss_bytes - points[0].rss_bytes);
}

bool lt_rule__growth(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	double first, last, hours;
	struct lt_finding *finding;

	if (!process->gc_known || !lt_known(process->rss_bytes))
		return false;
	if (process->n_memory < GROWTH_POINTS)
		return true;
	for (size_t i = 1; i < process->n_memory; i++)
		if (process->memory[i].rss_bytes < GROWTH_SLACK * process->memory[i - 1].rss_bytes)
			return true;
	first = process->memory[0].rss_bytes;
	last = process->memory[process->n_memory - 1].rss_bytes;
	hours = (process->memory[process->n_memory - 1].time - process->memory[0].time) / 3600;
	if (last < GROWTH_FACTOR * first || last - first < GROWTH_BYTES ||
	    !(hours * 3600 >= GROWTH_SECONDS) || !goes_on(process))
		return true;
	finding = lt_finding__new(c->diagnosis, "heap-grows", process, NULL);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 "memory only grows, also after major collections: a leak is likely");
	lt_finding__seen(finding,
			 "after %zu intervals with major collections: resident memory %s, then %s",
			 process->n_memory, LT_BYTES(first), LT_BYTES(last));
	if (process->memory_limit_bytes > last)
		lt_finding__seen(finding,
				 "at this rate the container's limit (%s) is reached in %s",
				 LT_BYTES(process->memory_limit_bytes),
				 LT_SECONDS((process->memory_limit_bytes - last) / (last - first) *
					    hours * 3600));
	finding->why =
		"What a major collection leaves is alive: if it grows without end, something keeps what "
		"it no longer needs, until the process is killed.";
	lt_finding__advise(finding, "Compare two heap snapshots some minutes apart (inspector, or "
				    "v8.writeHeapSnapshot): what grew, and who holds it.");
	lt_finding__advise(
		finding,
		"The usual ones: caches without a bound, listeners never removed, closures in "
		"timers, promises never settled.");
	snprintf(
		finding->caveat, sizeof(finding->caveat),
		"resident memory is what was seen, not the heap: a service that has just started grows too");
	return true;
}

/* Said, so that nobody takes silence for health. */
bool lt_rule__heap_limit(const struct lt_case *c)
{
	(void)c;
	return false;
}

bool lt_rule__memory_limit(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	struct lt_finding *finding;

	if (!lt_known(process->rss_bytes) || !lt_known(process->memory_limit_bytes))
		return false;
	if (process->rss_bytes < NEAR_LIMIT * process->memory_limit_bytes)
		return true;
	finding = lt_finding__new(c->diagnosis, "memory-limit", process, NULL);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title), "memory is at %s of the container's limit",
		 LT_RATIO(process->rss_bytes / process->memory_limit_bytes));
	lt_finding__seen(finding, "resident memory %s, limit %s", LT_BYTES(process->rss_bytes),
			 LT_BYTES(process->memory_limit_bytes));
	finding->why =
		"At the limit the kernel first takes pages away, which makes everything slow, then kills "
		"the process without a word in its own log.";
	lt_finding__advise(
		finding,
		"Set --max-old-space-size well below the limit (three quarters of it): V8 then "
		"collects harder in time, and fails with a stack instead of silence.");
	lt_finding__advise(finding, "Or raise the limit, or find what grows.");
	return true;
}
