/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How a target ended: by what the kernel told then, or by the zombie that it left. */
#include <signal.h>
#include <sys/wait.h>

#include "agent/util/clock.h"
#include "agent/watch_internal.h"

static double wall_time_of(uint64_t when_ns)
{
	uint64_t now_ns;
	double now = lt_wall_now(&now_ns);

	return now - ((double)now_ns - (double)when_ns) / 1e9;
}

static struct lt_end end_of_status(double time, int status)
{
	struct lt_end end = { .time = time, .code = -1 };

	if (WIFEXITED(status)) {
		end.how = LT_END_EXIT;
		end.code = WEXITSTATUS(status);
	} else if (WIFSIGNALED(status)) {
		end.how = LT_END_SIGNAL;
		end.signal = WTERMSIG(status);
	}
	return end;
}

/* The kernel marks whom it has chosen, who may have ended by itself all the same; an engine that gives up always ends. */
static enum lt_end_reason reason_of(const struct lt_end *end, uint32_t flags)
{
	if (flags & LT_ENDED_NO_HEAP)
		return LT_END_HEAP_OUT_OF_MEMORY;
	if (flags & LT_ENDED_NO_MEMORY)
		return LT_END_OUT_OF_MEMORY;
	return flags & LT_ENDED_BY_OOM_KILLER && end->signal == SIGKILL ? LT_END_OOM_KILLER : LT_END_NO_REASON;
}

void lt_watch__gone(struct lt_watch *watch, const struct lt_event *event)
{
	double time = wall_time_of(event->start_ns);

	if (event->start_ns <= watch->opened_ns || watch->gone)
		return;
	watch->gone = true;
	if (event->type == LT_EVENT_EXEC) {
		watch->end = (struct lt_end){ .time = time, .how = LT_END_EXEC, .code = -1 };
		return;
	}
	if (event->duration_ns == LT_ENDED_STATUS_UNKNOWN)
		watch->end = (struct lt_end){ .time = time, .code = -1 };
	else
		watch->end = end_of_status(time, (int)event->duration_ns);
	watch->end.reason = reason_of(&watch->end, event->kind);
}

void lt_watch__tell_end(struct lt_watch *watch)
{
	struct lt_end end = watch->gone ? watch->end : (struct lt_end){ .time = NAN, .code = -1 };
	enum lt_end_reason reason = end.reason;
	int status;

	if (end.how == LT_END_UNKNOWN && !lt_live__exit_status(&watch->live, &status)) {
		end = end_of_status(end.time, status);
		end.reason = reason;
	}
	lt_store__end(watch->process, &end);
}
