/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The sinks of `looptop stalls`: each stall that is news is told, for people or for machines. */
#include "agent/sink/stalls.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/sink/out.h"

static struct lt_stalls *open_with(const struct lt_sink_opts *opts, lt_stall_tell_fn tell, lt_end_tell_fn tell_end)
{
	struct lt_stalls *stalls = calloc(1, sizeof(*stalls));

	if (!stalls)
		return NULL;
	stalls->out = opts->out;
	stalls->colour = opts->colour;
	stalls->ascii = opts->ascii;
	stalls->tell = tell;
	stalls->tell_end = tell_end;
	stalls->seen = lt_stall_seen__new();
	if (stalls->seen)
		return stalls;
	free(stalls);
	errno = ENOMEM;
	return NULL;
}

static void *open_text(const struct lt_sink_opts *opts)
{
	return open_with(opts, lt_stalls_tell_text, lt_stalls_end_text);
}

static void *open_json(const struct lt_sink_opts *opts)
{
	return open_with(opts, lt_stalls_tell_json, lt_stalls_end_json);
}

/* Behind the stalls of an interval; a snapshot that comes again tells no end twice. */
static int tell_ends(struct lt_stalls *stalls, const struct lt_snapshot *snapshot)
{
	int err = 0;

	if (stalls->ends_told >= snapshot->sequence)
		return 0;
	stalls->ends_told = snapshot->sequence;
	for (size_t i = 0; i < snapshot->n_processes && !err; i++)
		if (snapshot->processes[i].ended)
			err = stalls->tell_end(stalls, snapshot, &snapshot->processes[i]);
	return err;
}

static int stalls_write(void *state, const struct lt_snapshot *snapshot)
{
	struct lt_stalls *stalls = state;
	int err;

	lt_out_begin();
	err = lt_stall_seen__look(stalls->seen, snapshot, stalls->tell, stalls);
	if (!err)
		err = tell_ends(stalls, snapshot);
	return err ? err : lt_out_end(stalls->out);
}

static int stalls_close(void *state)
{
	struct lt_stalls *stalls = state;
	int err;

	lt_out_begin();
	err = lt_out_end(stalls->out);
	lt_stall_seen__free(stalls->seen);
	free(stalls);
	return err;
}

const struct lt_sink lt_sink_stalls = {
	.name = "stalls",
	.open = open_text,
	.write = stalls_write,
	.close = stalls_close,
};

const struct lt_sink lt_sink_stalls_json = {
	.name = "stalls-json",
	.open = open_json,
	.write = stalls_write,
	.close = stalls_close,
};
