/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/group.h"

#include <stdbool.h>
#include <string.h>

/* An application has this many generations at most: what is nested deeper must not cost a look at all for each. */
#define GENERATIONS_MAX 16

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static bool same_script(const struct lt_group_member *a, const struct lt_group_member *b)
{
	return a->place && a->place == b->place && same_text(a->name, b->name) &&
	       same_text(a->exe, b->exe);
}

/* Its parent, if that runs the same script. */
static const struct lt_group_member *parent_of(const struct lt_group_member *members, size_t n,
					       const struct lt_group_member *member)
{
	for (size_t i = 0; i < n; i++)
		if (members[i].pid == member->parent_pid && same_script(&members[i], member))
			return &members[i];
	return NULL;
}

/* Of those with the same parent and the same script, itself included. */
static int first_sibling(const struct lt_group_member *members, size_t n,
			 const struct lt_group_member *member)
{
	int first = member->pid;

	for (size_t i = 0; i < n && member->parent_pid; i++)
		if (members[i].parent_pid == member->parent_pid && members[i].pid < first &&
		    same_script(&members[i], member))
			first = members[i].pid;
	return first;
}

void lt_group(struct lt_group_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct lt_group_member *root = &members[i], *parent;

		/* Pids that were read at different times may make a ring. */
		for (int step = 0; step < GENERATIONS_MAX && (parent = parent_of(members, n, root));
		     step++)
			root = parent;
		members[i].group_pid = first_sibling(members, n, root);
	}
}
