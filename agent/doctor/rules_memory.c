/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Memory: what only grows, the heap beside its limit, and both beside the limit of the container. */
#include <stdio.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"

#define GROWTH_POINTS  8
#define GROWTH_SECONDS 8 /* shorter growth is a start, or a burst */
#define GROWTH_FACTOR  1.2
#define GROWTH_BYTES   (32.0 * 1048576)
#define GROWTH_STEADY  0.5
#define GROWTH_SLACK   0.99 /* from one point to the next */
#define NEAR_LIMIT     0.85
#define HEAP_ALIVE     0.8 /* of its limit, after a full collection */
#define HEAP_USED      0.92 /* garbage included */
#define HEAP_TAKEN     0.97
#define HALF	       0.5

/* It goes on: as much in the second half as in the first, or nearly. What warms up slows down. */
static bool goes_on(const struct lt_dr_memory_point *points, size_t n)
{
	size_t last = n - 1, middle = last / 2;

	return points[last].bytes - points[middle].bytes >=
	       GROWTH_STEADY * (points[middle].bytes - points[0].bytes);
}

static bool only_grows(const struct lt_dr_memory_point *points, size_t n)
{
	double first, last;

	if (n < GROWTH_POINTS)
		return false;
	for (size_t i = 1; i < n; i++)
		if (points[i].bytes < GROWTH_SLACK * points[i - 1].bytes)
			return false;
	first = points[0].bytes;
	last = points[n - 1].bytes;
	return last >= GROWTH_FACTOR * first && last - first >= GROWTH_BYTES &&
	       points[n - 1].time - points[0].time >= GROWTH_SECONDS && goes_on(points, n);
}

static void see_rate(struct lt_finding *finding, const struct lt_dr_memory_point *points, size_t n,
		     const char *what, double limit)
{
	double first = points[0].bytes, last = points[n - 1].bytes;
	double seconds = points[n - 1].time - points[0].time;

	if (limit > last)
		lt_finding__seen(finding, "at this rate %s (%s) is reached in %s", what,
				 LT_BYTES(limit),
				 LT_SECONDS((limit - last) / (last - first) * seconds));
}

static void advise_leak(struct lt_finding *finding)
{
	finding->why =
		"What a major collection leaves is alive: if it grows without end, something keeps what "
		"it no longer needs, until the process is killed.";
	lt_finding__advise(finding, "Compare two heap snapshots some minutes apart (inspector, or "
				    "v8.writeHeapSnapshot): what grew, and who holds it.");
	lt_finding__advise(
		finding,
		"The usual ones: caches without a bound, listeners never removed, closures in "
		"timers, promises never settled.");
}

/* The heap itself, as each full collection left it. */
static void heap_growth(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	struct lt_finding *finding = lt_finding__new(c->diagnosis, "heap-grows", c->process, loop);

	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 "the heap only grows from one full collection to the next: a leak is likely");
	lt_finding__seen(finding, "after %zu full collections: the heap in use %s, then %s",
			 loop->n_heap, LT_BYTES(loop->heap[0].bytes),
			 LT_BYTES(loop->heap[loop->n_heap - 1].bytes));
	see_rate(finding, loop->heap, loop->n_heap, "the heap's limit", loop->heap_limit);
	advise_leak(finding);
	snprintf(finding->caveat, sizeof(finding->caveat),
		 "a service that has just started, or fills a cache, grows too");
}

/* Has the heap grown with it? A collection that nobody could look at in time leaves no point: the heap may have too few to
 * say that it only grows. */
static bool heap_explains(const struct lt_dr_process *process, double growth)
{
	double heap = 0;

	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_dr_loop *loop = process->loops[i];

		if (loop->n_heap > 0)
			heap += loop->heap[loop->n_heap - 1].bytes - loop->heap[0].bytes;
	}
	return heap >= HALF * growth;
}

/* Resident memory: all that is known where the heap is not, and what the heap does not explain. */
static void resident_growth(const struct lt_case *c, bool heap_known)
{
	const struct lt_dr_process *process = c->process;
	const struct lt_dr_memory_point *points = process->memory;
	size_t n = process->n_memory;
	struct lt_finding *finding;

	if (!only_grows(points, n))
		return;
	heap_known = heap_known && !heap_explains(process, points[n - 1].bytes - points[0].bytes);
	finding = lt_finding__new(c->diagnosis, heap_known ? "memory-grows" : "heap-grows", process,
				  NULL);
	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 heap_known ? "memory outside of V8's heap only grows: a leak is likely"
			    : "memory only grows, also after major collections: a leak is likely");
	lt_finding__seen(finding,
			 "after %zu intervals with major collections: resident memory %s, then %s",
			 n, LT_BYTES(points[0].bytes), LT_BYTES(points[n - 1].bytes));
	see_rate(finding, points, n, "the container's limit", process->memory_limit_bytes);
	if (heap_known) {
		finding->why = "V8's heap does not grow with it: what does is outside, and held by "
			       "few small objects or by native code.";
		lt_finding__advise(finding, "Look for Buffers that are kept, for addons, and for "
					    "streams that are never destroyed.");
	} else {
		advise_leak(finding);
	}
	snprintf(
		finding->caveat, sizeof(finding->caveat),
		"resident memory is what was seen, not the heap: a service that has just started grows too");
}

bool lt_rule__growth(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	bool known = false, found = false;

	if (!process->gc_known)
		return false;
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_dr_loop *loop = process->loops[i];

		known |= loop->n_heap > 0;
		if (!only_grows(loop->heap, loop->n_heap))
			continue;
		heap_growth(c, loop);
		found = true;
	}
	if (!known && !lt_known(process->rss_bytes))
		return false;
	if (!found)
		resident_growth(c, known);
	return true;
}

static void near_heap_limit(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	bool alive = loop->heap_after >= HEAP_ALIVE * loop->heap_limit;
	struct lt_finding *finding;

	if (!alive && !(loop->heap_used >= HEAP_USED * loop->heap_limit) &&
	    !(loop->heap_total >= HEAP_TAKEN * loop->heap_limit))
		return;
	finding = lt_finding__new(c->diagnosis, "heap-limit", c->process, loop);
	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title), "V8's heap is near its limit: %s of %s",
		 LT_BYTES(alive ? loop->heap_after : fmax(loop->heap_used, loop->heap_total)),
		 LT_BYTES(loop->heap_limit));
	if (lt_known(loop->heap_used))
		lt_finding__seen(finding, "in use at most %s", LT_BYTES(loop->heap_used));
	if (lt_known(loop->heap_after))
		lt_finding__seen(finding, "alive after the latest full collection %s",
				 LT_BYTES(loop->heap_after));
	finding->why =
		"The nearer the limit, the more often V8 collects all of the heap; at the limit it ends "
		"the process: \"JavaScript heap out of memory\".";
	lt_finding__advise(finding,
			   "Raise --max-old-space-size (for a Worker: "
			   "resourceLimits.maxOldGenerationSizeMb) if the memory is there.");
	lt_finding__advise(finding,
			   "Find what is kept: compare two heap snapshots some minutes apart.");
}

/* The heap may grow until the kernel kills the process, instead of V8 collecting harder. */
static bool may_outgrow(const struct lt_dr_process *process, const struct lt_dr_loop *loop)
{
	return loop->heap_limit >= process->memory_limit_bytes;
}

static void outgrows_container(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	const struct lt_dr_process *process = c->process;
	struct lt_finding *finding;

	if (!may_outgrow(process, loop) ||
	    !(process->rss_bytes >= HALF * process->memory_limit_bytes) ||
	    lt_diagnosis__has(c->diagnosis, "memory-limit", process) ||
	    lt_diagnosis__has(c->diagnosis, "heap-limit-container", process))
		return;
	finding = lt_finding__new(c->diagnosis, "heap-limit-container", process, loop);
	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 "V8 may grow its heap to %s, and the container has %s", LT_BYTES(loop->heap_limit),
		 LT_BYTES(process->memory_limit_bytes));
	lt_finding__seen(finding, "resident memory %s, heap in use at most %s",
			 LT_BYTES(process->rss_bytes), LT_BYTES(loop->heap_used));
	finding->why =
		"V8 collects harder only when its own limit is near: here the kernel kills the "
		"process before, without a word in its log.";
	lt_finding__advise(finding, "Set --max-old-space-size to about three quarters of the "
				    "container's memory, less what Buffers need.");
}

bool lt_rule__heap_limit(const struct lt_case *c)
{
	bool known = false;

	for (size_t i = 0; i < c->process->n_loops; i++) {
		const struct lt_dr_loop *loop = c->process->loops[i];

		if (!lt_known(loop->heap_limit))
			continue;
		known = true;
		near_heap_limit(c, loop);
		outgrows_container(c, loop);
	}
	return known;
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
	for (size_t i = 0; i < process->n_loops; i++)
		if (may_outgrow(process, process->loops[i]))
			lt_finding__seen(
				finding, "the heap of %s may grow to %s, beyond that limit",
				process->loops[i]->name, LT_BYTES(process->loops[i]->heap_limit));
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
