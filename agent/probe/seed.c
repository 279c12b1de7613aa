/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The record of a loop whose next event may be long in coming, made by what else is known of it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/probe/waits.h"
#include "agent/target/process.h"
#include "agent/util/clock.h"

static bool thread_sleeps(int pid, int tid)
{
	char path[64], text[512], *state;

	snprintf(path, sizeof(path), "task/%d/stat", tid);
	if (lt_proc_read(pid, path, text, sizeof(text)) <= 0)
		return false;
	state = strrchr(text, ')');
	return state && (state[2] == 'S' || state[2] == 'D');
}

int lt_attachment__seed_loop(struct lt_attachment *attachment, int tid,
			     const struct lt_loop_mem *mem)
{
	struct lt_looptop_bpf *skel = lt_probe__skeleton(attachment->probe);
	struct lt_loop_key key = { (uint32_t)attachment->target->pid, (uint32_t)tid };
	struct lt_loop_rec *rec = calloc(1, sizeof(*rec));
	int err = 0;

	if (!rec)
		return -ENOMEM;
	rec->loop_ptr = mem->loop_ptr;
	rec->epfd = -1;
	rec->first_ns = rec->last_ns = lt_now_ns();
	rec->phase = LT_PHASE_UNKNOWN;
	rec->flags = LT_LOOP_SEEDED | (mem->metrics_on ? LT_LOOP_DOUBLE_POLL : 0);
	if (mem->entry_ns) {
		rec->wait_start_ns = rec->first_ns;
		rec->wait_timeout_ns = -1;
		rec->phase = LT_PHASE_POLL_WAIT;
	} else if (mem->metrics_on && mem->time_ms) {
		/* In the middle of a turn, which began then or before: libuv's clock stands still in it, but
		 * for those who ask it to go on. */
		rec->turn_start_ns = mem->time_ms * 1000000;
		/* Without the scheduler's events nobody would ever say that it runs again. */
		rec->off.why = lt_probe__has_causes(attachment->probe) &&
					       thread_sleeps(attachment->target->pid, tid)
				       ? LT_OFF_SLEEP
				       : LT_OFF_NOT;
		rec->off.since_ns = rec->first_ns;
	}
	if (attachment->target->generic)
		rec->flags |= lt_waits__seed_flags(lt_probe__waits(attachment->probe));
	/* As lt_watch() does in the programs. */
	__atomic_store_n(&skel->bss->lt_watched[tid % LT_WATCHED_SIZE], 1, __ATOMIC_RELAXED);
	/* An event that came first has made the record already, and knows better. */
	if (bpf_map__update_elem(skel->maps.lt_loops, &key, sizeof(key), rec, sizeof(*rec),
				 BPF_NOEXIST) &&
	    errno != EEXIST)
		err = -errno;
	free(rec);
	return err;
}
