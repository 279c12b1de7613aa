/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Processes that are one application: a cluster's primary and its workers, or the workers that a process
 * manager started. They run the same script, and one is the parent of the others or all have one parent.
 */
#ifndef LOOPTOP_UTIL_GROUP_H
#define LOOPTOP_UTIL_GROUP_H

#include <stddef.h>
#include <stdint.h>

struct lt_group_member {
	int pid, parent_pid; /* parent_pid 0: unknown */
	const char *name, *exe; /* NULL: unknown */
	uint64_t place; /* the same for processes in the same working directory; 0: unknown */
	int group_pid; /* result: the group's first process; its own pid if it is in none */
};

/* Fills group_pid of all. */
void lt_group(struct lt_group_member *members, size_t n);

#endif
