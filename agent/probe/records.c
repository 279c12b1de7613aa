/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the programs have counted of one target. */
#include <bpf/bpf.h>
#include <errno.h>

#include "agent/probe/internal.h"

static int read_record(const struct bpf_map *map, const void *key, void *rec)
{
	return bpf_map_lookup_elem(bpf_map__fd(map), key, rec) ? -errno : 0;
}

int lt_attachment__read_proc(const struct lt_attachment *attachment, struct lt_proc_rec *ret_rec)
{
	uint32_t tgid = (uint32_t)attachment->target->pid;

	return read_record(lt_probe__skeleton(attachment->probe)->maps.lt_proc_recs, &tgid,
			   ret_rec);
}

int lt_attachment__read_kind(const struct lt_attachment *attachment, enum lt_kind kind,
			     struct lt_task_rec *ret_rec)
{
	struct lt_kind_key key = { (uint32_t)attachment->target->pid, kind };

	return read_record(lt_probe__skeleton(attachment->probe)->maps.lt_kinds, &key, ret_rec);
}

int lt_attachment__read_gc(const struct lt_attachment *attachment, enum lt_gc kind,
			   struct lt_gc_rec *ret_rec)
{
	struct lt_kind_key key = { (uint32_t)attachment->target->pid, kind };

	return read_record(lt_probe__skeleton(attachment->probe)->maps.lt_gcs, &key, ret_rec);
}

int lt_attachment__read_jit(const struct lt_attachment *attachment, int tid,
			    struct lt_jit_rec *ret_rec)
{
	struct lt_loop_key key = { (uint32_t)attachment->target->pid, (uint32_t)tid };

	return read_record(lt_probe__skeleton(attachment->probe)->maps.lt_jits, &key, ret_rec);
}
