/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Optimised code that is left again and again: a storm of deoptimisations. */
#include <stdio.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"

/* Each function is deoptimised a few times until V8 knows what it is called with and where what it makes belongs (12 times
 * in two seconds in a storm of allocations). Twenty times, and once in three
 * seconds all the time, is not that. */
#define STORM_TIMES	 20
#define STORM_PER_SECOND (1.0 / 3)
/* All functions together, where it is not known which. */
#define UNNAMED_PER_SECOND 5
#define WEIGHT		   1e-4 /* how much slower the code is meanwhile is not known: behind what delays */
#define NAMED_MAX	   3

/* What is thrown out was made before. V8 also leaves code for better code of the same loop, and on a busy host does so at
 * each call of a function that is well: then nothing is made. */
#define MADE_PART 0.75

static bool is_storm(const struct lt_dr_jit *jit, double times, double per_second)
{
	return times >= STORM_TIMES && times >= per_second * jit->seconds &&
	       jit->optimised >= MADE_PART * times;
}

/* The most frequent function that comes behind `before`; NULL: none. */
static const struct lt_blocker *next_function(const struct lt_dr_jit *jit,
					      const struct lt_blocker *before)
{
	const struct lt_blocker *next = NULL;

	for (size_t i = 0; i < jit->n_functions; i++) {
		const struct lt_blocker *function = &jit->functions[i];
		bool behind = !before || function->turns < before->turns ||
			      (function->turns == before->turns && function > before);

		if (behind && (!next || function->turns > next->turns))
			next = function;
	}
	return next;
}

static void name_place(char *text, size_t size, const struct lt_blocker *function)
{
	if (function->file && function->line)
		snprintf(text, size, "%s (%s:%d)", function->function, function->file,
			 function->line);
	else
		snprintf(text, size, "%s (%s)", function->function,
			 function->file ? function->file : "of unknown file");
}

static void add_functions(struct lt_finding *finding, const struct lt_dr_jit *jit)
{
	const struct lt_blocker *function = NULL;
	char place[LT_FINDING_TEXT / 2];

	for (int i = 0; i < NAMED_MAX; i++) {
		function = next_function(jit, function);
		if (!function)
			return;
		name_place(place, sizeof(place), function);
		lt_finding__seen(finding, "%s: %s times at least", place,
				 LT_COUNT(function->turns));
	}
}

static void report(const struct lt_case *c, const struct lt_dr_loop *loop,
		   const struct lt_blocker *worst)
{
	const struct lt_dr_jit *jit = &loop->jit;
	struct lt_finding *finding = lt_finding__new(c->diagnosis, "deopt-storm", c->process, loop);

	if (!finding)
		return;
	finding->blocker = worst;
	if (worst)
		snprintf(
			finding->title, sizeof(finding->title),
			"V8 optimises %.200s again and again for nothing: its code was left %s times at least",
			worst->function, LT_COUNT(worst->turns));
	else
		snprintf(finding->title, sizeof(finding->title),
			 "V8 optimises functions for nothing: their code was left %s times",
			 LT_COUNT(jit->deopts));
	lt_finding__seen(finding, "%s deoptimisations in %s, while %s functions got optimised code",
			 LT_COUNT(jit->deopts), LT_SECONDS(jit->seconds), LT_COUNT(jit->optimised));
	add_functions(finding, jit);
	finding->why =
		"V8 compiles a hot function for the types of arguments and shapes of objects that it has seen. When "
		"others come, that code is left, the function runs slowly in the interpreter, and is compiled "
		"once more.";
	lt_finding__advise(
		finding,
		"Call the function with values of one type and objects of one shape: set all properties "
		"in the constructor, in the same order, and do not delete them.");
	lt_finding__advise(
		finding,
		"Do not mix whole numbers with fractions, null or undefined in one array or parameter "
		"on the hot path; make two functions of one that serves two kinds of values.");
	lt_finding__advise(
		finding,
		"node --trace-deopt prints the reason and the position of each of them; code that was "
		"inlined into the function may be the cause.");
	finding->weight_seconds = WEIGHT;
}

bool lt_rule__deopts(const struct lt_case *c)
{
	bool known = false;

	for (size_t i = 0; i < c->process->n_loops; i++) {
		const struct lt_dr_loop *loop = c->process->loops[i];
		const struct lt_dr_jit *jit = &loop->jit;
		const struct lt_blocker *worst = next_function(jit, NULL);
		bool named = worst;

		known |= jit->seconds > 0;
		while (worst && !is_storm(jit, worst->turns, STORM_PER_SECOND))
			worst = next_function(jit, worst);
		if (worst || (!named && is_storm(jit, jit->deopts, UNNAMED_PER_SECOND)))
			report(c, loop, worst);
	}
	return known;
}
