/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The table of rules, and the order of what they find. */
#include "agent/doctor/rules.h"

#include <stdlib.h>
#include <string.h>

#include "agent/util/text.h"

static const struct lt_rule rules[] = {
	{ "processes that ended, and how", "", lt_rule__ended, false },
	{ "functions that keep the loop from its events, by name: own code, JSON, regular expressions, "
	  "synchronous crypto, zlib, fs, child_process, endless nextTick and promise chains",
	  "the turns are not known (tier memory)", lt_rule__blockers, false },
	{ "many short synchronous file calls", "the pool probes are off", lt_rule__sync_fs, true },
	{ "thread pool: tasks that do not end", "there is no pool that can be read", lt_rule__stuck, true },
	{ "thread pool: more tasks than it can do", "there is no pool that can be read", lt_rule__backlog, true },
	{ "thread pool: queueing and saturation, by kind, and other sizes",
	  "there is no pool that can be read", lt_rule__pool, true },
	{ "name lookups behind the pool's limit for slow tasks", "the pool probes are off",
	  lt_rule__dns, true },
	{ "garbage collection: its share, scavenges, long pauses", "the GC probes are off",
	  lt_rule__gc, true },
	{ "memory that only grows from one major collection to the next", "the GC probes are off",
	  lt_rule__growth, true },
	{ "the process' memory beside the limit of the container",
	  "no limit is set, or it cannot be read", lt_rule__memory_limit, false },
	{ "V8's heap beside its limit, and that limit beside the container's",
	  "V8's heap is not read", lt_rule__heap_limit, true },
	{ "throttling by a CPU limit", "neither causes nor a CPU limit could be read",
	  lt_rule__throttled, false },
	{ "waiting for a CPU", "the scheduler's events are not available", lt_rule__starved, false },
	{ "timers that fire late", "timers are not measured (tier memory or wait)",
	  lt_rule__timers, false },
	{ "streams that do not drain: readers that are slow or stuck", "handles are not read",
	  lt_rule__backpressure, true },
	{ "functions that V8 optimises and deoptimises again and again",
	  "compilation is not probed, or its functions are not exported", lt_rule__deopts, true },
	{ "Workers loaded unevenly", "there are no Workers to compare", lt_rule__uneven_workers, true },
	{ "processes of one service loaded unevenly", "there are no others to compare",
	  lt_rule__uneven_siblings, false },
	{ "finished pool tasks that wait for the loop", "the pool probes are off",
	  lt_rule__delivery, true },
	{ "a loop with no time left", "the loop is not measured", lt_rule__busy, false },
};

#define MOVED	     0.98 /* a figure that becomes at most so much of itself is worth telling */
#define WORST_WEIGHT 0.01

#define N_RULES	     (sizeof(rules) / sizeof(rules[0]))

double lt_loop_utilization(const struct lt_dr_loop *loop)
{
	double all = loop->busy + loop->idle;

	return lt_known(all) && all > 0 ? loop->busy / all : NAN;
}

const struct lt_dr_loop *lt_worst_loop(const struct lt_dr_process *process, enum lt_cause cause)
{
	const struct lt_dr_loop *worst = NULL;

	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_dr_loop *loop = process->loops[i];

		if (lt_known(loop->cause_seconds[cause]) &&
		    (!worst || loop->cause_seconds[cause] > worst->cause_seconds[cause]))
			worst = loop;
	}
	return worst;
}

void lt_finding__lag(struct lt_finding *finding, const struct lt_dr_loop *loop,
		     const struct lt_lag_figures *after, const char *cure)
{
	struct lt_lag_figures now = lt_estimate__now(loop);

	if (!lt_known(now.p99) || !lt_known(after->p99))
		return;
	if (after->p99 < MOVED * now.p99)
		lt_finding__estimate(finding, "lag p99", "lag_p99_seconds", now.p99, after->p99,
				     "%s", cure);
	if (after->max < MOVED * now.max)
		lt_finding__estimate(finding, "lag max", "lag_max_seconds", now.max, after->max,
				     "%s", cure);
	if (!finding->n_estimates || after->p99 >= MOVED * now.p99)
		lt_finding__estimate(finding, "mean lag", "lag_mean_seconds", now.mean, after->mean,
				     "%s", cure);
	/* A worst case that comes once does not weigh like a tail that is always there. */
	finding->weight_seconds = fmax(0, now.p99 - after->p99) + fmax(0, now.mean - after->mean) +
				  fmax(0, now.max - after->max) * WORST_WEIGHT;
}

static int compare_weight(const void *a, const void *b)
{
	const struct lt_finding *x = a, *y = b;

	if (x->comes_first != y->comes_first)
		return x->comes_first ? -1 : 1;
	return x->weight_seconds > y->weight_seconds ? -1 : x->weight_seconds < y->weight_seconds;
}

bool lt_is_generic(const struct lt_dr_process *process)
{
	return lt_same_text(process->runtime, "generic");
}

/* Has no process a runtime that is known? */
static bool are_generic(const struct lt_doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_processes; i++)
		if (!lt_is_generic(doctor->processes[i]))
			return false;
	return doctor->n_processes > 0;
}

static const char *needs_of(const struct lt_rule *rule, const struct lt_doctor *doctor)
{
	return rule->of_runtime && are_generic(doctor) ?
		       "of this program only its system calls are known" :
		       rule->needs;
}

struct lt_diagnosis *lt_diagnosis__new(const struct lt_doctor *doctor)
{
	struct lt_diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));

	if (diagnosis) {
		diagnosis->findings = calloc(LT_FINDINGS_MAX, sizeof(*diagnosis->findings));
		diagnosis->checked = calloc(N_RULES, sizeof(*diagnosis->checked));
	}
	if (!diagnosis || !diagnosis->findings || !diagnosis->checked) {
		lt_diagnosis__free(diagnosis);
		return NULL;
	}
	diagnosis->n_checked = N_RULES;
	for (size_t r = 0; r < N_RULES; r++) {
		bool looked = false;

		for (size_t i = 0; i < doctor->n_processes; i++)
			looked |= rules[r].look(
				&(struct lt_case){ diagnosis, doctor, doctor->processes[i] });
		diagnosis->checked[r] =
			(struct lt_checked){
			rules[r].what, looked ? NULL : needs_of(&rules[r], doctor)
		};
	}
	qsort(diagnosis->findings, diagnosis->n_findings, sizeof(*diagnosis->findings),
	      compare_weight);
	return diagnosis;
}

void lt_diagnosis__free(struct lt_diagnosis *diagnosis)
{
	if (!diagnosis)
		return;
	free(diagnosis->findings);
	free(diagnosis->checked);
	free(diagnosis);
}
