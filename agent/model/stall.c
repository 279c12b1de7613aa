/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/stall.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/util/array.h"

struct lt_stall lt_stall_of(double start_time, double seconds)
{
	struct lt_stall stall = { .start_time = start_time,
				  .seconds = seconds,
				  .cause = LT_CAUSE_UNKNOWN };

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		stall.cause_seconds[i] = NAN;
	return stall;
}

int lt_stall_list__add(struct lt_stall_list *list, const struct lt_stall *stall)
{
	struct lt_stall *items =
		lt_array_room(list->items, list->n, &list->capacity, 16, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->n++] = *stall;
	if (!stall->ongoing) {
		list->by_cause[stall->cause]++;
		list->seconds_by_cause[stall->cause] += stall->seconds;
	}
	return 0;
}

int lt_stall_list__set_running(struct lt_stall_list *list, const struct lt_stall *stall)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!list->items[i].ongoing)
			continue;
		if (stall)
			list->items[i] = *stall;
		else
			list->items[i] = list->items[--list->n];
		return 0;
	}
	return stall ? lt_stall_list__add(list, stall) : 0;
}

void lt_stall_list__clear(struct lt_stall_list *list)
{
	list->n = 0;
}

void lt_stall_list__free(struct lt_stall_list *list)
{
	free(list->items);
}
