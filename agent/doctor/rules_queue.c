/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A pool whose tasks do not end, or come faster than they end: what waits there is in no figure of those that were
 * served. */
#include <stdio.h>
#include <string.h>

#include "agent/doctor/replay.h"
#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define QUIET_SECONDS  3.0 /* in which nothing ended, while all threads slept */
#define LONG_SECONDS   10.0 /* the same, while some computed: long tasks end by themselves, */
#define LONG_RUNS      5 /* and some have by now */
#define FULL_SHARE     0.8 /* of the looks */
#define GROWS_LOOKS    4
#define GROWS_TASKS    5
#define GROWS_FACTOR   1.2
#define THREADS_SHOWN  4 /* ways of waiting */

/* Threads that have slept in their tasks for all that time. */
static double asleep(const struct lt_dr_unfinished *unfinished)
{
	double n = 0;

	for (size_t i = 0; i < unfinished->n_threads; i++)
		n += unfinished->threads[i].seconds >= QUIET_SECONDS;
	return n;
}

/* The longest that a task ran that has ended. */
static double longest_run(const struct lt_dr_process *process)
{
	double longest = 0;

	for (int i = 0; i < LT_SNAP_KINDS; i++)
		if (process->kinds[i][LT_DR_RUN])
			longest = fmax(longest, process->kinds[i][LT_DR_RUN]->max);
	return longest;
}

/* Nothing ends, and no thread does anything; or not for so long that no task here is known to take it. */
static bool is_stuck(const struct lt_dr_process *process, const struct lt_dr_queue *queue, double threads)
{
	if (!queue->full_now || queue->quiet_seconds < QUIET_SECONDS)
		return false;
	return asleep(&process->unfinished) >= fmin(threads, LT_DR_THREADS_MAX) ||
	       queue->quiet_seconds >= fmax(LONG_SECONDS, LONG_RUNS * longest_run(process));
}

static double slow_threads(const struct lt_dr_process *process)
{
	return (double)((int)(process->pool_size + 1) / 2);
}

/* --- what runs and what waits -------------------------------------------------------------------------------------- */

/* "3 fs, 1 dns"; "" if the kinds are not known. */
static const char *list_kinds(const double counts[LT_SNAP_KINDS], char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < LT_SNAP_KINDS && used < size; i++)
		if (counts[i] > 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%s %s",
						 used ? ", " : "", LT_COUNT(counts[i]),
						 lt_kind_names[i]);
	return buf;
}

static bool same_wait(const struct lt_dr_thread *a, const struct lt_dr_thread *b)
{
	return a->kind == b->kind && !strcmp(a->call, b->call) && !strcmp(a->on, b->on);
}

/* Threads that wait for the same thing are one sentence. */
static void see_threads(struct lt_finding *finding, const struct lt_dr_unfinished *unfinished)
{
	bool told[LT_DR_THREADS_MAX] = { false };
	int shown = 0;

	for (size_t i = 0; i < unfinished->n_threads && shown < THREADS_SHOWN; i++) {
		const struct lt_dr_thread *thread = &unfinished->threads[i];
		double longest = thread->seconds;
		int same = 1;

		if (told[i])
			continue;
		for (size_t k = i + 1; k < unfinished->n_threads; k++) {
			if (told[k] || !same_wait(thread, &unfinished->threads[k]))
				continue;
			told[k] = true;
			same++;
			longest = fmax(longest, unfinished->threads[k].seconds);
		}
		shown++;
		lt_finding__seen(finding, "%d thread%s (%s) asleep for more than %s in %s%s%s", same,
				 same == 1 ? "" : "s", lt_kind_names[thread->kind], LT_SECONDS(longest),
				 thread->call[0] ? thread->call : "the kernel",
				 thread->on[0] ? " of " : "", thread->on);
	}
}

void lt_pool__see_unfinished(struct lt_finding *finding, const struct lt_dr_process *process)
{
	const struct lt_dr_unfinished *unfinished = &process->unfinished;
	char kinds[LT_FINDING_TEXT];

	if (list_kinds(unfinished->queued, kinds, sizeof(kinds))[0])
		lt_finding__seen(finding, "waiting: %s; the oldest for more than %s", kinds,
				 LT_SECONDS(unfinished->oldest_queued));
	else if (unfinished->oldest_queued > 0)
		lt_finding__seen(finding, "waiting: %s tasks; the oldest for more than %s",
				 LT_COUNT(lt_queue__depth(&unfinished->all)),
				 LT_SECONDS(unfinished->oldest_queued));
	if (list_kinds(unfinished->running, kinds, sizeof(kinds))[0])
		lt_finding__seen(finding, "running: %s; the oldest for more than %s", kinds,
				 LT_SECONDS(unfinished->oldest_running));
	see_threads(finding, unfinished);
}

/* --- nothing ends -------------------------------------------------------------------------------------------------- */

static bool runs_kind(const struct lt_dr_unfinished *unfinished, const char *name)
{
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		if (!strcmp(lt_kind_names[i], name) && unfinished->running[i] > 0)
			return true;
	for (size_t i = 0; i < unfinished->n_threads; i++)
		if (!strcmp(lt_kind_names[unfinished->threads[i].kind], name))
			return true;
	return false;
}

static void advise_stuck(struct lt_finding *finding, const struct lt_dr_unfinished *unfinished,
			 double threads)
{
	if (runs_kind(unfinished, "fs"))
		lt_finding__advise(finding, "Look at what the files are on: a mount whose server does "
					    "not answer, a FIFO that nobody writes, a device.");
	if (runs_kind(unfinished, "dns"))
		lt_finding__advise(finding, "Look at the name servers (/etc/resolv.conf): \"options "
					    "timeout:1 attempts:1\" shortens the wait for one that is "
					    "away; dns.resolve4/6 does not need the pool.");
	if ((double)unfinished->n_threads < threads && (runs_kind(unfinished, "crypto") || runs_kind(unfinished, "zlib")))
		lt_finding__advise(finding, "Computing tasks end by themselves: fewer at a time, or "
					    "smaller ones, let the others through.");
	lt_finding__advise(finding, "A larger UV_THREADPOOL_SIZE only makes it take longer until "
				    "all threads are stuck, if these tasks never end.");
}

bool lt_rule__stuck(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	const struct lt_dr_unfinished *unfinished = &process->unfinished;
	bool slow = !is_stuck(process, &unfinished->all, process->pool_size);
	double threads = slow ? slow_threads(process) : process->pool_size;
	const struct lt_dr_queue *queue = slow ? &unfinished->slow : &unfinished->all;
	struct lt_finding *finding;

	if (!process->pool_present)
		return false;
	if (slow && !is_stuck(process, queue, threads))
		return true;
	finding = lt_finding__new(c->diagnosis, "pool-stuck", process, NULL);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title),
		 slow ? "nothing ends in the thread pool's half for name lookups: no lookup ended in "
			"the last %s, %s wait"
		      : "nothing ends in the thread pool: no task ended in the last %s, %s wait",
		 LT_SECONDS(queue->quiet_seconds), LT_COUNT(lt_queue__depth(queue)));
	lt_finding__seen(finding, "all %.0f threads%s run a task", threads,
			 slow ? " that may take lookups" : "");
	lt_pool__see_unfinished(finding, process);
	finding->why = "What waits for the pool (files, dns.lookup, crypto, zlib, add-ons) waits until a "
		       "thread comes back.";
	advise_stuck(finding, unfinished, threads);
	finding->weight_seconds = fmax(queue->quiet_seconds, unfinished->oldest_queued);
	return true;
}

/* --- more comes than ends ------------------------------------------------------------------------------------------ */

static double largest(const struct lt_dr_depth_point *points, size_t from, size_t to)
{
	double most = points[from].depth;

	for (size_t i = from; i < to; i++)
		most = fmax(most, points[i].depth);
	return most;
}

static double smallest(const struct lt_dr_depth_point *points, size_t from, size_t to)
{
	double least = points[from].depth;

	for (size_t i = from; i < to; i++)
		least = fmin(least, points[i].depth);
	return least;
}

/* Deeper all through the last third than ever in the first, and deepest at the end: no burst that is being worked off. */
static bool grows(const struct lt_dr_queue *queue)
{
	const struct lt_dr_depth_point *points = queue->depth;
	size_t n = queue->n_depth, third = n / 3;
	double first, last;

	if (n < GROWS_LOOKS || !queue->full_now || queue->full < FULL_SHARE * queue->looks)
		return false;
	third = third ? third : 1;
	first = largest(points, 0, third);
	last = points[n - 1].depth;
	return smallest(points, n - third, n) > first && last >= largest(points, third, n) &&
	       last - first >= GROWS_TASKS && last >= GROWS_FACTOR * first;
}

static double rate_of(const struct lt_dr_queue *queue)
{
	const struct lt_dr_depth_point *first = &queue->depth[0],
				       *last = &queue->depth[queue->n_depth - 1];

	return (last->depth - first->depth) / (last->time - first->time);
}

bool lt_rule__backlog(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	bool slow = !grows(&process->unfinished.all);
	const struct lt_dr_queue *queue = slow ? &process->unfinished.slow : &process->unfinished.all;
	struct lt_finding *finding;
	double rate;

	if (!process->pool_present)
		return false;
	if ((slow && !grows(queue)) || lt_diagnosis__has(c->diagnosis, "pool-stuck", process))
		return true;
	finding = lt_finding__new(c->diagnosis, "pool-backlog", process, NULL);
	if (!finding)
		return true;
	rate = rate_of(queue);
	snprintf(finding->title, sizeof(finding->title),
		 "the thread pool falls behind: %s tasks%s wait, %s more each second",
		 LT_COUNT(lt_queue__depth(queue)), slow ? " for name lookups" : "", LT_COUNT(rate));
	if (lt_known(queue->ended))
		lt_finding__seen(finding, "%s tasks a second end, %s a second come",
				 LT_COUNT(queue->ended / process->seconds),
				 LT_COUNT(queue->ended / process->seconds + rate));
	lt_pool__see_unfinished(finding, process);
	finding->why = "As long as more comes than ends, each task waits longer than the one before, without "
		       "end.";
	lt_pool__advise_size(c, finding, false);
	if (!finding->caveat[0])
		snprintf(finding->caveat, sizeof(finding->caveat),
			 "what a cure brings is not estimated: the wait grows without end, and the "
			 "tasks that were served tell nothing of those that were not");
	finding->weight_seconds += fmax(process->unfinished.oldest_queued, 0);
	return true;
}
