/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/tasks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/probe/programs.h"

#define BATCH 512 /* more than there ever are in one of the table's buckets */

struct of_process {
	uint32_t tgid;
	struct lt_pool_unfinished unfinished;
};

struct lt_tasks {
	struct of_process *items; /* those that have some */
	size_t n, max;
	bool walked;
	uint32_t epoch; /* in which it was */
	int err; /* of that walk */
	struct lt_task_key keys[BATCH];
	struct lt_task_life values[BATCH];
};

struct lt_tasks *lt_tasks__new(unsigned max_targets)
{
	struct lt_tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return NULL;
	tasks->items = calloc(max_targets, sizeof(*tasks->items));
	tasks->max = max_targets;
	if (tasks->items)
		return tasks;
	free(tasks);
	return NULL;
}

void lt_tasks__free(struct lt_tasks *tasks)
{
	if (!tasks)
		return;
	free(tasks->items);
	free(tasks);
}

static struct of_process *find(struct lt_tasks *tasks, uint32_t tgid)
{
	for (size_t i = 0; i < tasks->n; i++)
		if (tasks->items[i].tgid == tgid)
			return &tasks->items[i];
	return NULL;
}

static void earliest(uint64_t *first_ns, uint64_t ns)
{
	if (!*first_ns || ns < *first_ns)
		*first_ns = ns;
}

static void add(struct lt_tasks *tasks, uint32_t tgid, const struct lt_task_life *task)
{
	struct of_process *process = find(tasks, tgid);

	if (task->end_ns || task->start_ns == LT_TAKEN_BACK || task->kind >= LT_KIND_MAX)
		return;
	if (!process) {
		if (tasks->n == tasks->max)
			return;
		process = &tasks->items[tasks->n++];
		*process = (struct of_process){ .tgid = tgid };
	}
	if (task->start_ns) {
		earliest(&process->unfinished.oldest_running_ns, task->start_ns);
		process->unfinished.running[task->kind]++;
	} else {
		earliest(&process->unfinished.oldest_queued_ns, task->submit_ns);
		process->unfinished.queued[task->kind]++;
	}
}

/* Buckets of it one after the other; what comes and goes meanwhile is seen or is not. */
static int walk(struct lt_tasks *tasks, int map_fd)
{
	uint32_t at, *before = NULL, next;
	int err;

	tasks->n = 0;
	do {
		uint32_t n = BATCH;

		err = bpf_map_lookup_batch(map_fd, before, &next, tasks->keys, tasks->values, &n,
					   NULL) ?
			      -errno :
			      0;
		if (err && err != -ENOENT)
			return err;
		for (uint32_t i = 0; i < n && n <= BATCH; i++)
			add(tasks, (uint32_t)tasks->keys[i].tgid, &tasks->values[i]);
		at = next;
		before = &at;
	} while (!err);
	return 0; /* -ENOENT: that was the end */
}

int lt_attachment__read_unfinished(const struct lt_attachment *attachment,
				   struct lt_pool_unfinished *ret_unfinished)
{
	const struct lt_looptop_bpf *skel = lt_probe__skeleton(attachment->probe);
	struct lt_tasks *tasks = lt_probe__tasks(attachment->probe);
	const struct of_process *process;
	uint32_t epoch = skel->bss->lt_epoch;

	if (!tasks->walked || tasks->epoch != epoch) {
		tasks->err = walk(tasks, bpf_map__fd(skel->maps.lt_tasks));
		tasks->walked = true;
		tasks->epoch = epoch;
	}
	if (tasks->err)
		return tasks->err;
	process = find(tasks, (uint32_t)attachment->target->pid);
	*ret_unfinished = process ? process->unfinished : (struct lt_pool_unfinished){ 0 };
	return 0;
}

int lt_attachment__found(const struct lt_attachment *attachment, enum lt_task_found what,
			 const struct lt_task_key *key, enum lt_kind kind, uint32_t flags,
			 uint32_t pool_size)
{
	uint64_t args[LT_FOUND_ARGS] = {
		[LT_FOUND_ARG_TGID] = (uint64_t)attachment->target->pid,
		[LT_FOUND_ARG_TASK] = key->task,
		[LT_FOUND_ARG_WHAT] = what,
		[LT_FOUND_ARG_KIND] = kind,
		[LT_FOUND_ARG_FLAGS] = flags,
		[LT_FOUND_ARG_POOL_SIZE] = pool_size,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int fd = bpf_program__fd(lt_programs__found(attachment->probe));

	if (bpf_prog_test_run_opts(fd, &opts))
		return -errno;
	return opts.retval ? -ENOSPC : 0;
}
