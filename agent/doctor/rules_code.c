/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Functions that block, each with the advice for what it does. */
#include <stdio.h>
#include <string.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"

/* What makes late turns worth a finding though none is a stall: the tail of lag that goes with them. */
#define TAIL_SECONDS  0.002
#define TAIL_PART     0.1
#define OWN_PART      0.2 /* of the stall threshold, that is its own doing, */
#define OWN_TURNS     3 /* in so many turns: one may be the host's */

#define PIECE_SECONDS 0.005 /* of work between two looks at the events, as advised */

/* Synchronous file calls that are short, but a large part of all. */
#define SYNC_FS_SHARE 0.1

struct cure {
	const char *id, *does, *why;
	const char *advice[LT_FINDING_ADVICE];
	const char *without; /* "moving %s off the loop" */
	bool pieces; /* its time is cut into pieces, not gone */
};

#define MOVE_OFF "moving %s off the loop"
#define ASYNC	 "with the asynchronous call in %s"
#define WHY                                                                                              \
	"While it runs, the loop serves nobody: every request, timer and answer that arrives waits for " \
	"its end."

static const struct cure cures[LT_WORK_MAX] = {
	[LT_WORK_JAVASCRIPT] = { "sync-javascript",
				 "runs for long",
				 WHY,
				 { "Do the work in a worker_threads Worker (or a pool of them), and await its message.",
				   "Or cut it into pieces of a few milliseconds with setImmediate between them, so that events "
				   "get their turn.",
				   "Or do less: cache the result, limit the size of the input, move the work to the database." },
				 MOVE_OFF,
				 false },
	[LT_WORK_JSON] = { "json",
			   "parses or writes large JSON",
			   WHY,
			   { "Handle less at once: page the data, pick fields before they are serialised, send rows as "
			     "they come (NDJSON, a streaming parser).",
			     "Or parse in a worker_threads Worker and keep there what is needed of it.",
			     "Keep what is serialised again and again as text." },
			   MOVE_OFF,
			   false },
	[LT_WORK_REGEXP] = { "regexp",
			     "is in a regular expression that goes back and forth",
			     WHY,
			     { "Rewrite the expression without nested or overlapping repetition ((a+)+, (a|a)*, .*.*): its "
			       "time grows with the power of the input's length.",
			       "Limit the input's length before matching. Input from outside makes this a way to stop the "
			       "service (ReDoS).",
			       "Or match with an engine that needs linear time (RE2), or in a Worker with a time limit." },
			     MOVE_OFF,
			     false },
	[LT_WORK_TLS] = { "tls",
			  "encrypts or shakes hands for TLS",
			  WHY,
			  { "Keep connections open and resume sessions: handshakes are the dear part, RSA keys more than ECDSA.",
			    "Let a proxy in front do TLS, or spread connections over more processes.",
			    "Load certificates and keys once (tls.createSecureContext), not for each connection." },
			  "without TLS in %s",
			  false },
	[LT_WORK_CRYPTO] = { "sync-crypto",
			     "computes crypto synchronously",
			     WHY,
			     { "Call the asynchronous form (crypto.pbkdf2, scrypt, randomBytes, generateKeyPair with a "
			       "callback): it runs in the thread pool.",
			       "Hash large data in a Worker or as a stream.",
			       "With many of them at a time the pool becomes the queue: see UV_THREADPOOL_SIZE, and no more "
			       "threads than CPUs." },
			     ASYNC,
			     false },
	[LT_WORK_ZLIB] = { "sync-zlib",
			   "compresses synchronously",
			   WHY,
			   { "Call zlib.gzip, brotliCompress, … with a callback, or pipe through a stream: it runs in the "
			     "thread pool.",
			     "Use a lower level (brotli quality 4–5 instead of 11), or let the proxy in front compress.",
			     "Keep what is compressed again and again." },
			   ASYNC,
			   false },
	[LT_WORK_FS] = { "sync-fs",
			 "reads or writes files synchronously",
			 WHY,
			 { "Use fs.promises or the callback form: the thread pool waits, not the loop.",
			   "Read what does not change once, at the start, and keep it.",
			   "require() in a request is a synchronous read too: load modules at the start." },
			 ASYNC,
			 false },
	[LT_WORK_CHILD_PROCESS] = { "child-process-sync",
				    "waits for a child process",
				    WHY,
				    { "Use spawn, execFile or exec with a callback: the loop goes on while the child runs.",
				      "Or do what the child does in the process, or keep one child and talk to it." },
				    ASYNC,
				    false },
	[LT_WORK_WAIT] = { "sync-wait",
			   "sleeps in a call that waits",
			   WHY,
			   { "Find what it waits for (a lock, Atomics.wait, a native add-on's own I/O) and use its "
			     "asynchronous form.",
			     "Or make that call in a worker_threads Worker." },
			   MOVE_OFF,
			   false },
	[LT_WORK_NEXT_TICK] = { "next-tick-starvation",
				"goes on by process.nextTick",
				"Callbacks of process.nextTick run before the loop goes on: while each asks for the next one, "
				"no event is served, though no single function is slow.",
				{ "Go on by setImmediate instead of process.nextTick: events are served in between.",
				  "Handle a bounded number of items in one go." },
				"with setImmediate in %s",
				true },
	[LT_WORK_MICROTASKS] = { "microtask-starvation",
				 "goes on by promises that are already fulfilled",
				 "Continuations of promises run before the loop goes on: while each fulfils the next one, no event "
				 "is served, though no single function is slow.",
				 { "Let events in between from time to time: await a promise that setImmediate fulfils "
				   "(timers/promises has one), every few milliseconds of work.",
				   "An async loop over data that is already there is a synchronous loop: chunk it." },
				 "with setImmediate in %s",
				 true },
};

/* Of programs of which only the system calls are known. */
static const struct cure any_code = {
	"blocking-code",
	"keeps the loop from its events",
	WHY,
	{ "See in looptop stalls whether such turns are on the CPU, or asleep (sync_io) in a call that waits: a file, "
	  "a lock, another server.",
	  "Do what takes long in a thread or a process of its own, or in pieces of a few milliseconds with "
	  "the loop's events in between.",
	  "Or do less: a smaller request, an index, a cache." },
	MOVE_OFF,
	false
};

/* The blockers that are one function; the work that most of its time went on names it. */
struct group {
	uint64_t members;
	bool unknown; /* of late turns that have no blocker */
	const struct lt_blocker *main;
	double turns, seconds, longest; /* its own seconds */
	int own_turns; /* that it would have made late alone, or nearly */
};

static const struct cure *cure_of(const struct lt_dr_process *process, const struct group *group)
{
	if (lt_is_generic(process))
		return &any_code;
	return &cures[group->main ? group->main->work : LT_WORK_JAVASCRIPT];
}

/* The group of blocker i and its equals, if i is the first of them. */
static bool make_group(const struct lt_dr_loop *loop, size_t i, struct group *ret)
{
	*ret = (struct group){ .main = &loop->blockers[i] };
	for (size_t k = 0; k < i; k++)
		if (lt_blocker__same_function(&loop->blockers[k], &loop->blockers[i]))
			return false;
	for (size_t k = i; k < loop->n_blockers; k++) {
		const struct lt_blocker *blocker = &loop->blockers[k];

		if (!lt_blocker__same_function(blocker, &loop->blockers[i]))
			continue;
		ret->members |= 1ull << k;
		ret->turns += blocker->turns;
		ret->seconds += blocker->seconds;
		if (blocker->seconds > ret->main->seconds)
			ret->main = blocker;
	}
	return true;
}

static void measure(const struct lt_dr_loop *loop, double own_seconds, struct group *group)
{
	for (size_t i = 0; i < loop->n_late; i++) {
		const struct lt_late *late = &loop->late[i];
		bool none = late->blocker == LT_DR_NO_BLOCKER;

		if (none ? !group->unknown
			 : late->blocker >= LT_DR_BLOCKERS_MAX ||
				    !(group->members >> late->blocker & 1))
			continue;
		group->longest = fmax(group->longest, (double)late->own_seconds);
		group->own_turns += (double)late->own_seconds >= own_seconds;
		if (!none)
			continue;
		group->turns++;
		group->seconds += (double)late->own_seconds;
	}
}

static bool matters(const struct lt_case *c, const struct lt_dr_loop *loop,
		    const struct group *group, const struct lt_lag_figures *after)
{
	struct lt_lag_figures now = lt_estimate__now(loop);
	double gain = now.p99 - after->p99;

	if (!(group->turns > 0))
		return false;
	return group->longest >= c->doctor->opts.stall_seconds ||
	       (group->own_turns >= OWN_TURNS && gain >= TAIL_SECONDS &&
		gain >= TAIL_PART * now.p99);
}

static const char *place_of(const struct lt_blocker *blocker, char *buf, size_t size)
{
	if (!blocker || !blocker->file)
		return "";
	if (blocker->line > 0)
		snprintf(buf, size, " (%s:%d)", blocker->file, blocker->line);
	else
		snprintf(buf, size, " (%s)", blocker->file);
	return buf;
}

/* In a sentence: a function without a name is told by its place. */
static void name_of(const struct lt_blocker *blocker, char *buf, size_t size)
{
	const char *file = blocker && blocker->file ? strrchr(blocker->file, '/') : NULL;

	if (!blocker || !blocker->function)
		snprintf(buf, size, "that code");
	else if (blocker->function[0] != '(' || !blocker->file)
		snprintf(buf, size, "%.120s", blocker->function);
	else
		snprintf(buf, size, "the function at %.90s:%d", file ? file + 1 : blocker->file,
			 blocker->line);
}

static void describe(struct lt_finding *finding, const struct lt_dr_loop *loop,
		     const struct group *group, const struct cure *cure)
{
	const struct lt_blocker *main = group->main;
	const char *name = main && main->function ? main->function : "code whose name is not known";
	char place[LT_FINDING_TEXT];

	snprintf(finding->title, sizeof(finding->title), "%.160s%.200s %s", name,
		 place_of(main, place, sizeof(place)), cure->does);
	lt_finding__seen(finding, "blocked the loop in %s turn%s, %s in all, the longest %s",
			 LT_COUNT(group->turns), group->turns == 1 ? "" : "s",
			 LT_SECONDS(group->seconds), LT_SECONDS(group->longest));
	if (main && main->below)
		lt_finding__seen(finding, "%.200s ran below it", main->below);
	if (lt_known(loop->busy) && loop->busy > 0)
		lt_finding__seen(finding, "%s of the loop's busy time",
				 LT_RATIO(fmin(1, group->seconds / loop->busy)));
	finding->why = cure->why;
	for (size_t i = 0; i < LT_FINDING_ADVICE && cure->advice[i]; i++)
		lt_finding__advise(finding, cure->advice[i]);
}

static void judge(const struct lt_case *c, const struct lt_dr_loop *loop, struct group *group)
{
	const struct cure *cure = cure_of(c->process, group);
	struct lt_lag_figures after;
	struct lt_finding *finding;
	char text[LT_FINDING_TEXT], short_name[128];

	measure(loop, c->doctor->opts.stall_seconds * OWN_PART, group);
	after = cure->pieces ? lt_estimate__cut(loop, group->members, PIECE_SECONDS)
			     : lt_estimate__without(loop, group->members, group->unknown);
	if (!matters(c, loop, group, &after))
		return;
	finding = lt_finding__new(c->diagnosis, cure->id, c->process, loop);
	if (!finding)
		return;
	finding->blocker = group->main;
	describe(finding, loop, group, cure);
	name_of(group->main, short_name, sizeof(short_name));
/* The format is one of the table's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), cure->without, short_name);
#pragma GCC diagnostic pop
	lt_finding__lag(finding, loop, &after, text);
	if (loop->late_left_out > 0)
		snprintf(finding->caveat, sizeof(finding->caveat),
			 "%s late turns were too many to keep and are in no estimate",
			 LT_COUNT(loop->late_left_out));
}

bool lt_rule__blockers(const struct lt_case *c)
{
	bool known = false;

	for (size_t i = 0; i < c->process->n_loops; i++) {
		const struct lt_dr_loop *loop = c->process->loops[i];
		struct group group;

		known |= loop->turns_known;
		for (size_t k = 0; k < loop->n_blockers; k++)
			if (make_group(loop, k, &group))
				judge(c, loop, &group);
		group = (struct group){ .unknown = true };
		judge(c, loop, &group);
	}
	return known;
}

bool lt_rule__sync_fs(const struct lt_case *c)
{
	const struct lt_dr_process *process = c->process;
	const struct lt_dr_loop *loop = process->n_loops == 1 ? process->loops[0] : NULL;
	const struct cure *cure = &cures[LT_WORK_FS];
	struct lt_finding *finding;
	struct lt_lag_figures after;

	if (!lt_known(process->sync_fs_seconds))
		return false;
	if (process->sync_fs_seconds < SYNC_FS_SHARE * process->seconds ||
	    lt_diagnosis__has(c->diagnosis, cure->id, process))
		return true;
	finding = lt_finding__new(c->diagnosis, cure->id, process, loop);
	if (!finding)
		return true;
	snprintf(finding->title, sizeof(finding->title), "many short synchronous file calls");
	lt_finding__seen(finding, "%s calls like fs.readFileSync took %s, %s of the time",
			 LT_COUNT(process->sync_fs_calls), LT_SECONDS(process->sync_fs_seconds),
			 LT_RATIO(process->sync_fs_seconds / process->seconds));
	finding->why = cure->why;
	for (size_t i = 0; i < LT_FINDING_ADVICE && cure->advice[i]; i++)
		lt_finding__advise(finding, cure->advice[i]);
	if (loop && loop->busy > process->sync_fs_seconds) {
		after = lt_estimate__scaled(loop, 1 - process->sync_fs_seconds / loop->busy);
		lt_finding__lag(finding, loop, &after, "with the asynchronous calls");
	}
	return true;
}
