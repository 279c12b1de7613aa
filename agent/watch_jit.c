/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the loops of a target compile: its probes as they are wanted, the names of what is deoptimised, the records. */
#include <errno.h>
#include <stdlib.h>

#include "agent/util/clock.h"
#include "agent/watch_internal.h"

/* CPU time that naming functions may take in an interval: scripts are the target's, and so is their size. */
#define NAMING_NS 100000000ull

void lt_watch__set_jit(struct lt_watch *watch, bool on)
{
	if (watch->probes.jit == on)
		return;
	watch->probes.jit = on;
	watch->jit_refused = false;
	/* Otherwise they come, or stay away, with the other extras. */
	if (watch->attachment && watch->extras && !watch->ended)
		watch->jit_refused = lt_attachment__set_jit(watch->attachment, on) != 0;
}

/* Who knows the functions: the one of the stacks, or where there are none one of its own. */
static struct lt_blame *namer(struct lt_watch *watch)
{
	if (watch->blame)
		return watch->blame;
	if (!watch->namer)
		watch->namer = lt_blame__new(watch->target, watch->symfiles);
	return watch->namer;
}

void lt_watch__deopt(struct lt_watch *watch, const struct lt_event *event)
{
	uint64_t begin_ns = lt_thread_cpu_ns();
	struct lt_stack_frame where;
	struct lt_blame *blame;

	if (watch->naming_ns > NAMING_NS)
		return;
	blame = namer(watch);
	if (blame && !lt_blame__function(blame, event->off_ns[0], &where))
		lt_deopts__add(&watch->deopts[watch->deopts_filling], (int)event->tid, &where);
	watch->naming_ns += lt_thread_cpu_ns() - begin_ns;
}

/* Which events have sites in the target's files. */
static void find_sites(const struct lt_target *target, struct lt_jit_reading *reading)
{
	for (size_t m = 0; m < target->n_modules; m++) {
		const struct lt_image *image = target->modules[m].image;

		for (size_t i = 0; image && i < image->n_sites; i++) {
			const struct lt_site *site = &image->sites[i];

			if (site->role == LT_ROLE_COMPILED && site->arg < LT_COMPILER_MAX)
				reading->compilers |= 1u << site->arg;
			reading->deopts |= site->role == LT_ROLE_DEOPT;
		}
	}
}

void lt_watch__read_jit(struct lt_watch *watch)
{
	struct lt_deopts *deopts = &watch->deopts[watch->deopts_filling];
	struct lt_jit_reading found = { 0 };

	watch->deopts_filling = !watch->deopts_filling;
	watch->deopts[watch->deopts_filling].n = 0;
	watch->naming_ns = 0;
	if (!watch->attachment || !lt_attachment__has(watch->attachment, LT_GROUP_JIT))
		return;
	lt_deopts__sort(deopts);
	find_sites(watch->target, &found);
	for (size_t i = 0; i < watch->threads.n; i++) {
		const struct lt_thread_state *thread = &watch->threads.items[i];
		struct lt_jit_reading reading = found;
		struct lt_loop_state *loop;
		int err;

		if (!thread->is_loop)
			continue;
		err = lt_attachment__read_jit(watch->attachment, thread->tid, &reading.rec);
		loop = lt_store__loop(watch->process, thread->tid, thread->name);
		if (!loop || (err && err != -ENOENT))
			continue;
		reading.functions = lt_deopts__of(deopts, thread->tid, &reading.n_functions);
		lt_loop_state__jit(loop, &reading);
	}
}

/* Who has not asked for them is not told at each process that they are not there. */
size_t lt_watch__miss_jit(const struct lt_watch *watch, const char **missing)
{
	struct lt_jit_reading found = { 0 };

	if (!watch->probes.jit ||
	    (watch->attachment && lt_attachment__has(watch->attachment, LT_GROUP_JIT)))
		return 0;
	find_sites(watch->target, &found);
	if (!found.compilers && !found.deopts)
		return 0; /* the file has no such sites, and says so itself */
	*missing =
		watch->jit_refused
			? "no compilation probes (they could not be put in): compilations and deoptimisations "
			  "are not counted"
			: "no compilation probes: compilations and deoptimisations are not counted";
	return 1;
}
