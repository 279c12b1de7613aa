/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/arrivals.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/process.h"
#include "agent/util/clock.h"
#include "looptop/log.h"
#include "looptop/runtime.h"

#define MS 1000000ull

/* Where the kernel tells of new processes the scan is only there for what it did not tell. */
#define SCAN_NS	     (2000 * MS)
#define SCAN_TOLD_NS (10000 * MS)
#define LOOK_NS	     (20 * MS) /* the longest that one look may take */
#define LATER_NS     (50 * MS)
#define SILENT_NS    (1000 * MS)

/* What was found just now has not settled, and is attached to all the same at the start. */
#define AHEAD_NS (200 * MS)

/* A process may take another name (process.title), soon after its begin as a rule: so often one that does
 * not match is asked again. */
#define NAMING_NS    (10000 * MS)
#define NAME_SOON_NS (500 * MS)
#define NAME_NS	     (10000 * MS)

/* Attaching may take this part of the time, and so much at once: a storm of short-lived processes must
 * not take more. */
#define CREDIT_PART   5
#define CREDIT_MAX_NS ((int64_t)(500 * MS))

/* A runtime that has not made its loop by then is measured all the same. */
#define PATIENCE_NS (1000 * MS)

struct lt_arrivals {
	struct lt_discovery *discovery;
	const char *name_glob;
	struct lt_images *images; /* borrowed */
	uint64_t scanned_ns, credited_ns;
	uint64_t left; /* by the kernel, as of the latest look */
	int64_t credit_ns;
};

struct lt_arrivals *lt_arrivals__new(const char *name_glob, bool generic, struct lt_images *images)
{
	struct lt_arrivals *arrivals = calloc(1, sizeof(*arrivals));

	if (!arrivals)
		return NULL;
	arrivals->name_glob = name_glob;
	arrivals->images = images;
	arrivals->credit_ns = CREDIT_MAX_NS;
	arrivals->credited_ns = lt_now_ns();
	arrivals->discovery = lt_discovery__new(generic);
	if (arrivals->discovery)
		return arrivals;
	free(arrivals);
	errno = ENOMEM;
	return NULL;
}

void lt_arrivals__free(struct lt_arrivals *arrivals)
{
	if (!arrivals)
		return;
	lt_discovery__free(arrivals->discovery);
	free(arrivals);
}

void lt_arrivals__event(struct lt_arrivals *arrivals, const struct lt_event *event)
{
	if (event->type == LT_EVENT_ENDED)
		lt_discovery__ended(arrivals->discovery, (int)event->tgid);
	else
		lt_discovery__began(arrivals->discovery, (int)event->tgid,
				    event->type == LT_EVENT_FORK, event->start_ns);
}

static int scan(struct lt_arrivals *arrivals, uint64_t now_ns)
{
	arrivals->scanned_ns = now_ns;
	return lt_discovery__scan(arrivals->discovery, now_ns);
}

void lt_arrivals__look(struct lt_arrivals *arrivals, bool told, uint64_t left)
{
	uint64_t now_ns = lt_now_ns();
	bool complete = told && left == arrivals->left;

	if (now_ns - arrivals->scanned_ns > (complete ? SCAN_TOLD_NS : SCAN_NS)) {
		if (left != arrivals->left)
			lt_debug("%lu processes began in a storm: looked for in /proc",
				 left - arrivals->left);
		arrivals->left = left;
		scan(arrivals, now_ns);
	}
	lt_discovery__look(arrivals->discovery, now_ns, now_ns + LOOK_NS);
}

int lt_arrivals__look_at_all(struct lt_arrivals *arrivals, uint64_t deadline_ns)
{
	int err = scan(arrivals, lt_now_ns());

	if (!err)
		lt_discovery__look_through(arrivals->discovery, deadline_ns);
	return err;
}

static bool is_wanted(const struct lt_arrivals *arrivals, int pid)
{
	struct lt_proc_info info;

	return !arrivals->name_glob || (lt_process_info(pid, &info) == 0 &&
					fnmatch(arrivals->name_glob, info.name, 0) == 0);
}

static void ask_again(struct lt_arrivals *arrivals, const struct lt_found *found, uint64_t now_ns)
{
	bool soon = now_ns - found->seen_ns < NAMING_NS;

	lt_discovery__postpone(arrivals->discovery, found->pid,
			       now_ns + (soon ? NAME_SOON_NS : NAME_NS));
	lt_arrivals__spent(arrivals, lt_now_ns() - now_ns);
}

/* Some of what is read when attaching is only there once the runtime has begun: its loop comes last. 1, 0, or -EAGAIN:
 * one of its files is being read. */
static int has_begun(const struct lt_arrivals *arrivals, int pid)
{
	struct lt_target *target;
	struct lt_loop_mem mem;
	bool begun;

	int err = lt_target__open_with(pid, arrivals->images, &target);

	if (err)
		return err == -EAGAIN ? err : 0;
	begun = !target->runtime || strcmp(target->runtime, "node") != 0 ||
		lt_read_loop(target, 0, &mem) == 0;
	lt_target__close(target);
	return begun;
}

static bool is_ready(const struct lt_arrivals *arrivals, const struct lt_found *found,
		     uint64_t now_ns)
{
	int begun;

	lt_log_demote(true); /* that it has ended meanwhile is no error */
	begun = has_begun(arrivals, found->pid);
	lt_log_demote(false);
	return begun == -EAGAIN ? false : begun || now_ns - found->seen_ns > PATIENCE_NS;
}

static void earn_credit(struct lt_arrivals *arrivals, uint64_t now_ns)
{
	arrivals->credit_ns += (int64_t)((now_ns - arrivals->credited_ns) / CREDIT_PART);
	arrivals->credited_ns = now_ns;
	if (arrivals->credit_ns > CREDIT_MAX_NS)
		arrivals->credit_ns = CREDIT_MAX_NS;
}

bool lt_arrivals__next(struct lt_arrivals *arrivals, bool all, struct lt_found *ret_found)
{
	uint64_t now_ns = lt_now_ns();
	struct lt_found found;

	earn_credit(arrivals, now_ns);
	while ((all || arrivals->credit_ns > 0) &&
	       lt_discovery__next(arrivals->discovery, now_ns + (all ? AHEAD_NS : 0), &found)) {
		uint64_t begin_ns = lt_now_ns();
		bool ready;

		if (!is_wanted(arrivals, found.pid)) {
			ask_again(arrivals, &found, begin_ns);
			continue;
		}
		ready = all || is_ready(arrivals, &found, begin_ns);
		lt_arrivals__spent(arrivals, lt_now_ns() - begin_ns);
		if (ready) {
			*ret_found = found;
			return true;
		}
		lt_arrivals__later(arrivals, found.pid);
	}
	return false;
}

void lt_arrivals__later(struct lt_arrivals *arrivals, int pid)
{
	lt_discovery__postpone(arrivals->discovery, pid, lt_now_ns() + LATER_NS);
}

bool lt_arrivals__silent(struct lt_arrivals *arrivals, int pid)
{
	lt_discovery__postpone(arrivals->discovery, pid, lt_now_ns() + SILENT_NS);
	return lt_discovery__mark_told(arrivals->discovery, pid);
}

void lt_arrivals__spent(struct lt_arrivals *arrivals, uint64_t ns)
{
	arrivals->credit_ns -= (int64_t)ns;
}
