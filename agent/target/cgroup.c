/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/process.h"

#define TEXT_MAX 4096
#define NO_LIMIT_BYTES 4e18 /* v1 says "no limit" by the largest page-aligned number */

static const struct lt_cgroup_limits unknown = { NAN, NAN, NAN, NAN, NAN };

int lt_cgroup_path(const char *text, const char *controller, char *buf, size_t size)
{
	size_t wanted = strlen(controller);

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		const char *end = line + strcspn(line, "\n");

		if (!path || path > end)
			continue;
		for (const char *name = list + 1; name <= path; name += strcspn(name, ",:") + 1) {
			size_t length = strcspn(name, ",:");

			if (length != wanted || strncmp(name, controller, wanted))
				continue;
			if (path[1] != '/' || (size_t)(end - path) > size)
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

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (!strncmp(line, key, length) && line[length] == ' ')
			return strtod(line + length, NULL);
	return NAN;
}

/* A small file of a cgroup; "" if it cannot be read. */
static void read_file(const char *root, const char *path, const char *file, char text[TEXT_MAX])
{
	char name[1024];
	ssize_t n = -1;
	int fd;

	text[0] = '\0';
	if (snprintf(name, sizeof(name), "%s%s/%s", root, path, file) >= (int)sizeof(name))
		return;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, TEXT_MAX - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
}

static double read_number(const char *root, const char *path, const char *file)
{
	char text[TEXT_MAX], *end;
	double value;

	read_file(root, path, file, text);
	value = strtod(text, &end);
	return end == text ? NAN : value;
}

static void take_stricter(struct lt_cgroup_limits *limits, const char *root, const char *path,
			  double cpu_limit, const char *time_key, double time_unit)
{
	char text[TEXT_MAX];

	if (isnan(cpu_limit) || (!isnan(limits->cpu_limit) && limits->cpu_limit <= cpu_limit))
		return;
	read_file(root, path, "cpu.stat", text);
	limits->cpu_limit = cpu_limit;
	limits->periods = lt_cgroup_stat(text, "nr_periods");
	limits->throttled_periods = lt_cgroup_stat(text, "nr_throttled");
	limits->throttled_seconds = lt_cgroup_stat(text, time_key) * time_unit;
}

static void read_cpu_v1(struct lt_cgroup_limits *limits, const char *root, const char *path)
{
	double quota = read_number(root, path, "cpu.cfs_quota_us");
	double period = read_number(root, path, "cpu.cfs_period_us");

	if (quota > 0 && period > 0)
		take_stricter(limits, root, path, quota / period, "throttled_time", 1e-9);
}

static void read_cpu_v2(struct lt_cgroup_limits *limits, const char *root, const char *path)
{
	char text[TEXT_MAX];

	read_file(root, path, "cpu.max", text);
	take_stricter(limits, root, path, lt_cgroup_cpu_max(text), "throttled_usec", 1e-6);
}

static void take_memory(struct lt_cgroup_limits *limits, double bytes)
{
	if (!isnan(bytes) && bytes < NO_LIMIT_BYTES &&
	    (isnan(limits->memory_limit_bytes) || bytes < limits->memory_limit_bytes))
		limits->memory_limit_bytes = bytes;
}

static void read_memory_v1(struct lt_cgroup_limits *limits, const char *root, const char *path)
{
	take_memory(limits, read_number(root, path, "memory.limit_in_bytes"));
}

static void read_memory_v2(struct lt_cgroup_limits *limits, const char *root, const char *path)
{
	take_memory(limits, read_number(root, path, "memory.max")); /* "max": no number */
}

/* Where each hierarchy is usually found, and how its limits are read. */
static const struct hierarchy {
	const char *controller; /* "": v2 */
	const char *root;
	void (*read)(struct lt_cgroup_limits *limits, const char *root, const char *path);
} hierarchies[] = {
	{ "", "/sys/fs/cgroup", read_cpu_v2 },
	{ "", "/sys/fs/cgroup", read_memory_v2 },
	{ "", "/sys/fs/cgroup/unified", read_cpu_v2 },
	{ "", "/sys/fs/cgroup/unified", read_memory_v2 },
	{ "cpu", "/sys/fs/cgroup/cpu", read_cpu_v1 },
	{ "memory", "/sys/fs/cgroup/memory", read_memory_v1 },
};

int lt_cgroup_limits(int pid, struct lt_cgroup_limits *ret_limits)
{
	char text[TEXT_MAX], path[512];
	int n = lt_proc_read(pid, "cgroup", text, sizeof(text));

	*ret_limits = unknown;
	if (n < 0)
		return n;
	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		const struct hierarchy *hierarchy = &hierarchies[i];

		if (lt_cgroup_path(text, hierarchy->controller, path, sizeof(path)))
			continue;
		for (;;) { /* the cgroup, and each above it */
			char *slash;

			hierarchy->read(ret_limits, hierarchy->root, path);
			slash = strrchr(path, '/');
			if (!slash)
				break;
			*slash = '\0';
		}
	}
	return 0;
}
