/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/govern.h"

#include <math.h>
#include <stdlib.h>

#include "looptop/log.h"

#define BETWEEN_SECONDS 1.0
#define LOOK_SECONDS	1.0

/* Attaching takes some milliseconds: so many processes get probes by rule at one time. */
#define RAISES_MAX 2

struct round {
	struct lt_candidate *candidates;
	struct lt_load *loads;
};

static int compare_pid(const void *pid, const void *process)
{
	int wanted = *(const int *)pid, its = ((const struct lt_process *)process)->pid;

	return (wanted > its) - (wanted < its);
}

/* A snapshot's processes are in the order of their pids. */
static const struct lt_process *find(const struct lt_snapshot *snapshot, int pid)
{
	if (!snapshot || !snapshot->n_processes)
		return NULL;
	return bsearch(&pid, snapshot->processes, snapshot->n_processes,
		       sizeof(*snapshot->processes), compare_pid);
}

static void describe(const struct lt_govern *govern, struct lt_watch **watches, size_t n,
		     const struct lt_snapshot *snapshot, double seconds, const struct round *round)
{
	for (size_t i = 0; i < n; i++) {
		int pid = lt_watch__target(watches[i])->pid;
		const struct lt_process *process = find(snapshot, pid);

		round->loads[i] = (struct lt_load){
			.seconds = seconds,
			.look_seconds = fmax(LOOK_SECONDS, govern->interval_seconds),
		};
		round->candidates[i] =
			lt_watch__describe(watches[i], process, govern->interval_seconds,
					   &round->loads[i], govern->hit_cost_ns);
		round->candidates[i].looked_at = pid == govern->looked_at;
	}
}

static void apply(struct lt_govern *govern, struct lt_watch **watches, size_t n,
		  const struct round *round)
{
	int raises = 0;

	for (size_t i = 0; i < n; i++) {
		struct lt_candidate *candidate = &round->candidates[i];
		enum lt_tier_reason reason;

		if (candidate->wanted && !candidate->probed && !candidate->named &&
		    ++raises > RAISES_MAX)
			continue;
		if (!lt_watch__govern(watches[i], candidate, &round->loads[i], &reason))
			continue;
		govern->changes[reason]++;
	}
}

void lt_govern__run(struct lt_govern *govern, struct lt_watch **watches, size_t n,
		    const struct lt_snapshot *snapshot, uint64_t now_ns)
{
	double seconds = (double)(now_ns - govern->governed_ns) / 1e9;
	struct round round;

	if (!govern->governed_ns || (snapshot && snapshot->sequence < 2)) {
		govern->governed_ns = now_ns;
		return;
	}
	if (!n || seconds < (snapshot ? 1e-3 : BETWEEN_SECONDS))
		return;
	if (snapshot)
		govern->interval_seconds = snapshot->interval_seconds;
	round.candidates = calloc(n, sizeof(*round.candidates));
	round.loads = calloc(n, sizeof(*round.loads));
	if (round.candidates && round.loads) {
		describe(govern, watches, n, snapshot, seconds, &round);
		if (lt_tiers__decide(&govern->tiers, round.candidates, n, seconds) == 0)
			apply(govern, watches, n, &round);
	}
	govern->governed_ns = now_ns;
	free(round.candidates);
	free(round.loads);
}
