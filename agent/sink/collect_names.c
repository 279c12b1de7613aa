/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What an exporter inside a Node.js process tells, of the main thread; Workers have native names
 * only. Rows and meanings are those of model/metric_names.c.
 */
#include <stdio.h>
#include <string.h>

#include "agent/sink/collect.h"
#include "agent/sink/delays.h"

static const struct lt_metric version_info = {
	.prom_type = LT_PROM_GAUGE,
	.prom_name = "nodejs_version_info",
	.help = "The version of Node.js.",
};

/* "20.20.2", with or without more behind it, as prom-client tells it: v20.20.2 and its parts. */
static void add_version_info(struct lt_walk *walk, const char *version)
{
	static const char *const names[] = { "major", "minor", "patch" };
	size_t length = strlen(walk->prefix);
	struct lt_series series = { .value = 1 };
	unsigned parts[3];
	char text[64];

	if (!version || sscanf(version, "%u.%u.%u", &parts[0], &parts[1], &parts[2]) != 3)
		return;
	snprintf(text, sizeof(text), "v%s", version);
	lt_walk__label(walk->prefix, "version", text);
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "%u", parts[i]);
		if (i < 2)
			lt_walk__label(walk->prefix, names[i], text);
	}
	lt_walk__add(walk, LT_RANK_VERSION, &version_info, names[2], text, &series);
	walk->prefix[length] = '\0';
}

/* Types of handles that belong to an object of JavaScript; the others are Node's own. */
static bool is_of_javascript(const char *type)
{
	static const char *const own[] = { "check", "idle", "poll", "prepare", "timer" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(type, own[i]))
			return false;
	return true;
}

static struct lt_active active_of(const struct lt_loop *loop)
{
	struct lt_active active = { .requests = loop->handles.requests };

	for (size_t i = 0; i < LT_SNAP_HANDLES; i++)
		if (is_of_javascript(lt_handle_names[i]))
			active.handles += loop->handles.referenced[i];
	active.resources = active.handles + active.requests + loop->js.timers + loop->js.immediates;
	return active;
}

static void add_main_loop(struct lt_walk *walk, const struct lt_loop *loop)
{
	struct lt_active active = active_of(loop);

	lt_walk__scope(walk, LT_SCOPE_LOOP, loop);
	lt_walk__scope(walk, LT_SCOPE_ACTIVE, &active);
	if (loop->heap.present)
		lt_walk__scope(walk, LT_SCOPE_HEAP, &loop->heap);
}

void lt_walk__others_names(struct lt_walk *walk, const struct lt_process *process)
{
	const struct lt_prom_opts *opts = &walk->set->opts;
	struct lt_delay delay;

	if (!process->runtime || strcmp(process->runtime, "node"))
		return;
	if (opts->names & 1u << LT_NAMES_PROM_CLIENT)
		add_version_info(walk, process->runtime_version);
	for (enum lt_names names = LT_NAMES_NATIVE + 1; names < LT_NAMES_MAX; names++) {
		if (!(opts->names & 1u << names))
			continue;
		lt_walk__names(walk, names);
		lt_walk__scope(walk, LT_SCOPE_PROCESS, process);
		for (size_t i = 0; i < process->n_loops; i++)
			if (process->loops[i].tid == process->pid)
				add_main_loop(walk, &process->loops[i]);
		if (opts->delays && lt_delays__get(opts->delays, process, &delay))
			lt_walk__scope(walk, LT_SCOPE_DELAY, &delay);
	}
	lt_walk__names(walk, LT_NAMES_NATIVE);
}
