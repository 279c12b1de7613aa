/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Stalls for machines: a line for each, the object of a snapshot with whose it is. */
#include "agent/sink/stalls.h"

#include <errno.h>

#include "agent/sink/json.h"

/* When it was seen: a stall that runs is told between two snapshots, too. */
static double seen_time(const struct lt_stall_news *news)
{
	double time = news->snapshot->time;

	return news->stall->ongoing ? fmax(time, news->stall->start_time + news->stall->seconds) : time;
}

static json_t *event(const struct lt_stall_news *news)
{
	json_t *object = json_pack("{s:s, s:f, s:i, s:o, s:i, s:o}", "event", "stall", "time",
				   seen_time(news), "pid", news->process->pid, "name",
				   lt_json_text(news->process->name), "tid", news->loop->tid,
				   "loop", lt_json_text(news->loop->name));
	json_t *stall = lt_json_stall(news->stall);

	if (!object || !stall || json_object_update(object, stall)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(stall);
	return object;
}

static int put_line(const struct lt_stalls *stalls, json_t *object)
{
	char *line = object ? lt_json_dump(object, LT_JSON_FLAGS) : NULL;
	int err = line ? 0 : -ENOMEM;

	if (line && fprintf(stalls->out, "%s\n", line) < 0)
		err = errno ? -errno : -EIO;
	free(line);
	json_decref(object);
	return err;
}

int lt_stalls_tell_json(void *ctx, const struct lt_stall_news *news)
{
	return put_line(ctx, event(news));
}

int lt_stalls_end_json(struct lt_stalls *stalls, const struct lt_snapshot *snapshot, const struct lt_process *process)
{
	return put_line(stalls, json_pack("{s:s, s:f, s:i, s:o, s:o}", "event", "end", "time", snapshot->time, "pid",
					  process->pid, "name", lt_json_text(process->name), "end",
					  lt_json_end(process)));
}
