/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A process that ended while it was watched: nothing else matters as much. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"
#include "looptop/metric.h"

/* It may have been meant to: what has done its work, and what became another program. */
static bool is_quiet(const struct lt_end *end)
{
	return end->how == LT_END_EXEC || (end->how == LT_END_EXIT && end->code == 0);
}

/* A signal by which people and programs tell a process to end. */
static bool is_order(int signal)
{
	return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

/* One that a program brings upon itself. */
static bool is_crash(int signal)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };

	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		if (signal == crashes[i])
			return true;
	return false;
}

static void see_blocked(struct lt_finding *finding, const struct lt_dr_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_dr_loop *loop = process->loops[i];
		const struct lt_late *late = loop->n_late ? &loop->late[loop->n_late - 1] : NULL;
		const struct lt_blocker *blocker;

		if (!late || !late->cut_short)
			continue;
		blocker = late->blocker < loop->n_blockers ? &loop->blockers[late->blocker] : NULL;
		lt_finding__seen(finding, "%s had been blocked for %s when it ended%s%s", loop->name,
				 LT_SECONDS(late->seconds), blocker && blocker->function ? ", in " : "",
				 blocker && blocker->function ? blocker->function : "");
	}
}

static void see_memory(struct lt_finding *finding, const struct lt_dr_process *process)
{
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_dr_loop *loop = process->loops[i];

		if (lt_known(loop->heap_used) && lt_known(loop->heap_limit))
			lt_finding__seen(finding, "heap of %s: at most %s in use at a look, limit %s", loop->name,
					 LT_BYTES(loop->heap_used), LT_BYTES(loop->heap_limit));
	}
	for (int i = 0; i < LT_SNAP_GCS; i++)
		if (!strcmp(lt_gc_names[i], "mark_compact") && process->gc[i].count > 0)
			lt_finding__seen(finding, "%s collections of the whole heap, %s in all, in the %s that it was watched",
					 LT_COUNT(process->gc[i].count), LT_SECONDS(process->gc[i].seconds),
					 LT_SECONDS(process->seconds));
	if (lt_known(process->rss_bytes) && lt_known(process->memory_limit_bytes))
		lt_finding__seen(finding, "resident memory %s at the last look, limit of its cgroup %s",
				 LT_BYTES(process->rss_bytes), LT_BYTES(process->memory_limit_bytes));
	else if (lt_known(process->rss_bytes))
		lt_finding__seen(finding, "resident memory %s at the last look", LT_BYTES(process->rss_bytes));
}

static void explain(struct lt_finding *finding, const struct lt_end *end)
{
	switch (end->reason) {
	case LT_END_HEAP_OUT_OF_MEMORY:
		finding->why = "The objects that are in use did not fit the heap any more: the engine ends the "
			       "process, and all requests that it served are lost.";
		lt_finding__advise(finding, "Find what is kept: with --heapsnapshot-near-heap-limit=1 Node.js writes "
					    "a heap snapshot before the next such end.");
		lt_finding__advise(finding, "Raise --max-old-space-size only if what is kept is needed.");
		return;
	case LT_END_OUT_OF_MEMORY:
		finding->why = "The engine asked for memory outside of its heap and got none: the process ends.";
		lt_finding__advise(finding, "Look at the limits of its memory (ulimit -v, the cgroup) and at what the "
					    "host has left.");
		return;
	case LT_END_OOM_KILLER:
		finding->why = "The host, or the cgroup, had no memory left, and the kernel chose this process: it "
			       "gets no chance to say so in its own log.";
		lt_finding__advise(finding, "Give its cgroup more memory, or the process less: a --max-old-space-size "
					    "of about three quarters of the limit makes V8 collect in time.");
		lt_finding__advise(finding, "The kernel's log (dmesg) says what else took memory then.");
		return;
	default:
		break;
	}
	if (is_quiet(end)) {
		finding->why = "Whoever needs it has to start it again; it ended as a program does that has done its work.";
		return;
	}
	finding->why = "What it served is lost, and whoever starts it again pays for its start.";
	if (is_order(end->signal))
		lt_finding__advise(finding, "Somebody sent that signal: a deployment, a supervisor, or a health check "
					    "that got no answer; their logs say which.");
	else if (is_crash(end->signal))
		lt_finding__advise(finding, "It crashed: a core dump (coredumpctl) or its stderr says where.");
	else if (end->how == LT_END_EXIT)
		lt_finding__advise(finding, "Its own log or stderr says why.");
	else
		lt_finding__advise(finding, "Its own log, or that of whoever starts it, may say why.");
}

bool lt_rule__ended(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	double into = process->end.time - process->first_time;
	struct lt_finding *finding;
	char how[LT_END_TEXT_SIZE];

	if (!process->ended || (is_quiet(&process->end) && c->doctor->n_processes > 1))
		return true;
	finding = lt_finding__new(c->diagnosis, "ended", process, NULL);
	if (!finding)
		return true;
	lt_end__text(how, &process->end);
	if (lt_known(into) && into >= 0)
		snprintf(finding->title, sizeof(finding->title), "it ended %s into the watch: %s", LT_SECONDS(into), how);
	else
		snprintf(finding->title, sizeof(finding->title), "it ended during the watch: %s", how);
	see_blocked(finding, process);
	if (process->end.reason != LT_END_NO_REASON)
		see_memory(finding, process);
	explain(finding, &process->end);
	finding->comes_first = true;
	finding->weight_seconds = process->end.reason != LT_END_NO_REASON; /* before those that may have been wanted */
	return true;
}
