/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/groups.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/util/group.h"

int lt_groups__fill(struct lt_process *processes, size_t n)
{
	struct lt_group_member *members = calloc(n + 1, sizeof(*members));

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		members[i] = (struct lt_group_member){ .pid = processes[i].pid,
						       .parent_pid = processes[i].parent_pid,
						       .name = processes[i].name,
						       .exe = processes[i].exe,
						       .place = processes[i].place };
	lt_group(members, n);
	for (size_t i = 0; i < n; i++)
		processes[i].group_pid = members[i].group_pid;
	free(members);
	return 0;
}
