/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/task_log.h"

#include <stdlib.h>

#include "agent/util/array.h"

#define TASKS_MAX 65536

static bool make_room(struct lt_task_log *log)
{
	struct lt_task_span *items;

	if (log->n == TASKS_MAX)
		return false;
	items = lt_array_room(log->items, log->n, &log->capacity, 256, sizeof(*items));
	if (items)
		log->items = items;
	return items != NULL;
}

void lt_task_log__add(struct lt_task_log *log, const struct lt_event *event)
{
	if (event->kind >= LT_KIND_MAX || !make_room(log)) {
		log->left_out++;
		return;
	}
	log->items[log->n++] = (struct lt_task_span){
		.kind = (int)event->kind,
		.submit_time = (double)event->start_ns / 1e9,
		.wait = (double)event->off_ns[0] / 1e9,
		.run = (double)event->off_ns[1] / 1e9,
		.delivery = (double)event->duration_ns / 1e9,
	};
}

void lt_task_log__clear(struct lt_task_log *log)
{
	log->n = 0;
	log->left_out = 0;
}

void lt_task_log__free(struct lt_task_log *log)
{
	free(log->items);
}
