/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Stalls for machines: a line for each, the object of a snapshot with whose it is. */
#include <errno.h>
#include <stdlib.h>

#include "agent/sink/json.h"
#include "agent/sink/out.h"
#include "agent/sink/stall_seen.h"
#include "looptop/sink.h"

struct stalls {
	FILE *out;
	struct lt_stall_seen *seen;
};

static void *stalls_open(const struct lt_sink_opts *opts)
{
	struct stalls *stalls = calloc(1, sizeof(*stalls));

	if (!stalls)
		return NULL;
	stalls->out = opts->out;
	stalls->seen = lt_stall_seen__new();
	if (stalls->seen)
		return stalls;
	free(stalls);
	errno = ENOMEM;
	return NULL;
}

static json_t *event(const struct lt_stall_news *news)
{
	json_t *object = json_pack("{s:s, s:f, s:i, s:o, s:i, s:o}", "event", "stall", "time",
				   news->snapshot->time, "pid", news->process->pid, "name",
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

static int tell(void *ctx, const struct lt_stall_news *news)
{
	struct stalls *stalls = ctx;
	json_t *object = event(news);
	int err = object ? 0 : -ENOMEM;

	if (object &&
	    (json_dumpf(object, stalls->out, LT_JSON_FLAGS) || fputc('\n', stalls->out) == EOF))
		err = errno ? -errno : -EIO;
	json_decref(object);
	return err;
}

static int stalls_write(void *state, const struct lt_snapshot *snapshot)
{
	struct stalls *stalls = state;
	int err;

	lt_out_begin();
	err = lt_stall_seen__look(stalls->seen, snapshot, tell, stalls);
	return err ? err : lt_out_end(stalls->out);
}

static int stalls_close(void *state)
{
	struct stalls *stalls = state;
	int err;

	lt_out_begin();
	err = lt_out_end(stalls->out);
	lt_stall_seen__free(stalls->seen);
	free(stalls);
	return err;
}

const struct lt_sink lt_sink_stalls_json = {
	.name = "stalls-json",
	.open = stalls_open,
	.write = stalls_write,
	.close = stalls_close,
};
