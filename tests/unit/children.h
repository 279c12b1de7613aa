/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The children of a test's process, as the kernel tells. */
#ifndef LOOPTOP_TESTS_CHILDREN_H
#define LOOPTOP_TESTS_CHILDREN_H

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/lacks.h"

/* How many there are, those that nobody has waited for included, and the latest of them; unchanged if there is none. */
static inline int n_children(int *last)
{
	char path[64];
	FILE *children;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	children = fopen(path, "re");
	if (!children)
		not_here("this kernel does not tell children in /proc");
	while (fscanf(children, "%d", last) == 1)
		n++;
	fclose(children);
	return n;
}

#endif
