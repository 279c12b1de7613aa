/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "looptop/metric.h"

#define TEXT_MAX 512

char *lt_collect__text(const char *text)
{
	char buf[TEXT_MAX];

	return text ? strdup(lt_fmt_text(buf, sizeof(buf), text)) : NULL;
}

void *lt_collect__room(void *points, size_t *n, size_t size,
		       void (*join)(void *point, const void *next))
{
	char *at = points;

	if (!points)
		return calloc(LT_DR_POINTS_MAX, size);
	if (*n < LT_DR_POINTS_MAX)
		return points;
	for (size_t i = 0; i + 1 < *n; i += 2) {
		join(at + i * size, at + (i + 1) * size);
		memmove(at + i / 2 * size, at + i * size, size);
	}
	*n /= 2;
	return points;
}

static void free_process(struct lt_dr_process *process)
{
	if (!process)
		return;
	for (size_t i = 0; i < process->n_loops; i++)
		lt_collect__free_loop(process->loops[i]);
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		for (int j = 0; j < 3; j++)
			free(process->kinds[i][j]);
	for (size_t i = 0; i < process->n_missing; i++)
		free(process->missing[i]);
	free(process->loops);
	free(process->tasks);
	free(process->points);
	lt_collect__free_unfinished(&process->unfinished);
	free(process->name);
	free(process->runtime);
	free(process->runtime_version);
	free(process->tier);
	free(process->exe);
	free(process->cgroup);
	free(process);
}

void lt_collect__free(struct lt_doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_processes; i++)
		free_process(doctor->processes[i]);
	free(doctor->processes);
}

static struct lt_dr_process *new_process(const struct lt_process *process)
{
	struct lt_dr_process *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->pid = process->pid;
	kept->start_time = process->start_time;
	kept->name = lt_collect__text(process->name ? process->name : "?");
	kept->cpu_seconds = kept->gc_seconds = kept->sync_fs_calls = kept->sync_fs_seconds = NAN;
	kept->pool_size = kept->depth_max = kept->saturated_seconds = NAN;
	kept->unfinished.oldest_queued = kept->unfinished.oldest_running = NAN;
	for (int i = 0; i < LT_SNAP_KINDS; i++)
		kept->unfinished.queued[i] = kept->unfinished.running[i] = NAN;
	kept->rss_bytes = kept->memory_limit_bytes = kept->cpu_limit = kept->cpus_allowed = NAN;
	kept->throttled_periods = kept->periods = kept->throttled_seconds = NAN;
	for (int i = 0; i < LT_SNAP_GCS; i++)
		kept->gc[i] = (struct lt_dr_gc){ NAN, NAN, NAN };
	if (!kept->name) {
		free_process(kept);
		return NULL;
	}
	return kept;
}

/* The record of a process; NULL without errno: there is no room. */
static struct lt_dr_process *find_process(struct lt_doctor *doctor,
					  const struct lt_process *process)
{
	struct lt_dr_process **grown, *kept;

	errno = 0;
	for (size_t i = 0; i < doctor->n_processes; i++)
		/* What runs another program since is another one. */
		if (doctor->processes[i]->pid == process->pid && !doctor->processes[i]->ended &&
		    doctor->processes[i]->start_time == process->start_time)
			return doctor->processes[i];
	if (doctor->n_processes == LT_DR_PROCESSES_MAX) {
		doctor->processes_left_out++;
		return NULL;
	}
	grown = reallocarray(doctor->processes, doctor->n_processes + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	doctor->processes = grown;
	kept = new_process(process);
	if (kept)
		doctor->processes[doctor->n_processes++] = kept;
	return kept;
}

static struct lt_dr_loop *find_loop(struct lt_doctor *doctor, struct lt_dr_process *kept,
				    const struct lt_loop *loop)
{
	struct lt_dr_loop **grown, *found;

	errno = 0;
	for (size_t i = 0; i < kept->n_loops; i++)
		if (kept->loops[i]->tid == loop->tid)
			return kept->loops[i];
	if (doctor->n_loops == LT_DR_LOOPS_MAX) {
		doctor->loops_left_out++;
		return NULL;
	}
	grown = reallocarray(kept->loops, kept->n_loops + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	kept->loops = grown;
	found = lt_collect__new_loop(loop->tid, loop->name);
	if (!found)
		return NULL;
	kept->loops[kept->n_loops++] = found;
	doctor->n_loops++;
	return found;
}

/* Replaces what is kept by what is told now, if anything is. */
static int keep_text(char **kept, const char *text)
{
	char *copy;

	if (!text)
		return 0;
	copy = lt_collect__text(text);
	if (!copy)
		return -ENOMEM;
	free(*kept);
	*kept = copy;
	return 0;
}

static int keep_missing(struct lt_dr_process *kept, const struct lt_process *process)
{
	for (size_t i = 0; i < process->n_missing; i++) {
		size_t k = 0;
		char *copy = lt_collect__text(process->missing[i]);

		if (!copy)
			return -ENOMEM;
		while (k < kept->n_missing && strcmp(kept->missing[k], copy))
			k++;
		if (k < kept->n_missing || k == LT_DR_MISSING_MAX)
			free(copy);
		else
			kept->missing[kept->n_missing++] = copy;
	}
	return 0;
}

void lt_collect__memory(struct lt_dr_memory_point points[LT_DR_POINTS_MAX], size_t *n, double time,
			double bytes)
{
	size_t kept = 0;

	if (*n == LT_DR_POINTS_MAX) {
		for (size_t i = 0; i < *n; i += 2)
			points[kept++] = points[i];
		*n = kept;
	}
	points[(*n)++] = (struct lt_dr_memory_point){ time, bytes };
}

static void add_gc(struct lt_dr_process *kept, const struct lt_process *process, double time)
{
	kept->gc_known |= process->gc_known;
	kept->gc_seconds = lt_sum(kept->gc_seconds, process->gc_seconds);
	for (int i = 0; i < LT_SNAP_GCS; i++) {
		const struct lt_gc_kind *gc = &process->gc[i];
		struct lt_dr_gc *sum = &kept->gc[i];
		bool major = !strcmp(lt_gc_names[i], "mark_compact");

		if (!process->gc_known)
			continue;
		sum->count = lt_sum(sum->count, gc->count);
		sum->seconds = lt_sum(sum->seconds, gc->seconds);
		sum->max_seconds = fmax(sum->max_seconds, gc->max_seconds);
		if (major && gc->count > 0 && lt_known(process->rss_bytes))
			lt_collect__memory(kept->memory, &kept->n_memory, time,
					   kept->rss_bytes);
	}
}

/* How it was in the end. */
static void add_end(struct lt_dr_process *kept, const struct lt_process *process)
{
	if (!process->ended)
		return;
	kept->ended = true;
	kept->end = process->end;
}

static void add_figures(struct lt_dr_process *kept, const struct lt_process *process,
			const struct lt_snapshot *snapshot)
{
	if (!kept->first_time)
		kept->first_time = snapshot->time - snapshot->interval_seconds;
	kept->last_time = snapshot->time;
	kept->seconds += snapshot->interval_seconds;
	kept->cpu_seconds = lt_sum(kept->cpu_seconds, process->cpu_seconds);
	if (lt_known(process->rss_bytes))
		kept->rss_bytes = process->rss_bytes;
	if (lt_known(process->memory_limit_bytes))
		kept->memory_limit_bytes = process->memory_limit_bytes;
	if (lt_known(process->cpus_allowed))
		kept->cpus_allowed = process->cpus_allowed;
	if (lt_known(process->cpu_limit))
		kept->cpu_limit = process->cpu_limit;
	kept->throttled_periods = lt_sum(kept->throttled_periods, process->throttled_periods);
	kept->periods = lt_sum(kept->periods, process->periods);
	kept->throttled_seconds = lt_sum(kept->throttled_seconds, process->throttled_seconds);
	kept->sync_fs_calls = lt_sum(kept->sync_fs_calls, process->sync_fs_calls);
	kept->sync_fs_seconds = lt_sum(kept->sync_fs_seconds, process->sync_fs_seconds);
	add_gc(kept, process, snapshot->time);
	add_end(kept, process);
}

static int add_process(struct lt_doctor *doctor, const struct lt_process *process,
		       const struct lt_snapshot *snapshot)
{
	struct lt_dr_process *kept = find_process(doctor, process);
	int err;

	if (!kept)
		return -errno;
	add_figures(kept, process, snapshot);
	err = keep_text(&kept->runtime, process->runtime);
	if (!err)
		err = keep_text(&kept->runtime_version, process->runtime_version);
	if (!err)
		err = keep_text(&kept->tier, process->tier);
	if (!err)
		err = keep_text(&kept->exe, process->exe);
	if (!err)
		err = keep_text(&kept->cgroup, process->cgroup);
	if (!err)
		err = keep_missing(kept, process);
	for (size_t i = 0; i < process->n_loops && !err; i++) {
		struct lt_dr_loop *loop = find_loop(doctor, kept, &process->loops[i]);

		err = loop ? lt_collect__loop(doctor, loop, &process->loops[i], snapshot) : -errno;
	}
	return err ? err : lt_collect__pool(doctor, kept, &process->pool, snapshot);
}

int lt_collect__add(struct lt_doctor *doctor, const struct lt_snapshot *snapshot)
{
	int err = 0;

	if (!doctor->first_time)
		doctor->first_time = snapshot->time - snapshot->interval_seconds;
	doctor->last_time = snapshot->time;
	doctor->seconds += snapshot->interval_seconds;
	if (snapshot->host.cpus > 0)
		doctor->cpus = snapshot->host.cpus;
	for (int i = 0; i < LT_SNAP_LOST; i++)
		if (lt_known(snapshot->self.lost[i]))
			doctor->lost += snapshot->self.lost[i];
	for (size_t i = 0; i < snapshot->n_processes && !err; i++)
		err = add_process(doctor, &snapshot->processes[i], snapshot);
	return err;
}
