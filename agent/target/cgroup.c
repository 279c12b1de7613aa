/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/cgroup.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last line may have no newline: what was read may have been cut. */
static const char *next_line(const char *line)
{
	const char *end = strchrnul(line, '\n');

	return *end ? end + 1 : end;
}

/* From another cgroup namespace a path may lead up first; below /sys/fs/cgroup it would leave that. */
static bool leads_up(const char *path, size_t length)
{
	for (size_t i = 0; i + 3 <= length; i++)
		if (!memcmp(path + i, "/..", 3) && (i + 3 == length || path[i + 3] == '/'))
			return true;
	return false;
}

int lt_cgroup_path(const char *text, const char *controller, char *buf, size_t size)
{
	size_t wanted = strlen(controller);

	for (const char *line = text; *line; line = next_line(line)) {
		const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		const char *end = line + strcspn(line, "\n");

		if (!path || path > end)
			continue;
		for (const char *name = list + 1; name <= path; name += strcspn(name, ",:") + 1) {
			size_t length = strcspn(name, ",:");

			if (length != wanted || strncmp(name, controller, wanted))
				continue;
			if (path[1] != '/' || (size_t)(end - path) > size ||
			    leads_up(path + 1, (size_t)(end - path - 1)))
				return -ENOENT;
			memcpy(buf, path + 1, (size_t)(end - path - 1));
			buf[end - path - 1] = '\0';
			return 0;
		}
	}
	return -ENOENT;
}

double lt_cgroup_cpu_max(const char *text)
{
	long long quota, period;

	if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0)
		return NAN;
	return (double)quota / (double)period;
}

double lt_cgroup_stat(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; *line; line = next_line(line))
		if (!strncmp(line, key, length) && line[length] == ' ')
			return strtod(line + length, NULL);
	return NAN;
}
