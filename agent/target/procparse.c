/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Parsers of /proc/PID/stat, status and cgroup. A process chooses its own name, which may hold
 * parentheses, spaces and newlines, and its cgroup's path; nothing else in these files is its own.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/process.h"
#include "agent/util/fmt.h"

#define EXIT_STATUS_FIELD   52
#define PF_KTHREAD	    0x00200000u
#define CONTAINER_ID_DIGITS 64

/* Field 52, behind those from the state (3) on; 0 where the reader may not know. */
static int exit_status_of(const char *fields)
{
	unsigned long status;
	char *end;

	for (int field = 2; field < EXIT_STATUS_FIELD; field++) {
		fields = strchr(fields, ' ');
		if (!fields)
			return -1;
		fields++;
	}
	status = strtoul(fields, &end, 10);
	return end > fields && isdigit((unsigned char)*fields) && status <= 0xffff ? (int)status : -1;
}

int lt_parse_stat(const char *text, struct lt_proc_stat *ret_stat)
{
	struct lt_proc_stat stat = { 0 };
	const char *open = strchr(text, '(');
	const char *close = strrchr(text, ')');
	unsigned long long utime, stime, start;
	unsigned int flags;
	long threads;
	size_t length;

	/* Behind the last parenthesis there are only a letter and numbers. */
	if (!open || !close || close < open)
		return -EINVAL;
	if (sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %ld %*d "
		   "%llu",
		   &stat.state, &stat.parent_pid, &flags, &utime, &stime, &threads, &start) != 7)
		return -EINVAL;
	length = (size_t)(close - open - 1);
	if (length >= sizeof(stat.comm))
		length = sizeof(stat.comm) - 1;
	memcpy(stat.comm, open + 1, length);
	stat.kernel_thread = flags & PF_KTHREAD;
	stat.utime_ticks = utime;
	stat.stime_ticks = stime;
	stat.start_ticks = start;
	stat.exit_status = exit_status_of(close + 1);
	stat.threads = threads > 0 ? (uint32_t)threads : 0;
	*ret_stat = stat;
	return 0;
}

int lt_parse_tgid(const char *text)
{
	/* The kernel escapes newlines in the name of this file's first line. */
	const char *line = strstr(text, "\nTgid:");
	long tgid = line ? strtol(line + strlen("\nTgid:"), NULL, 10) : 0;

	return tgid > 0 && tgid < (1 << 30) ? (int)tgid : -EINVAL;
}

/* Are there exactly 64 lower-case hex digits from s to end? */
static bool is_container_id(const char *s, const char *end)
{
	if (end - s != CONTAINER_ID_DIGITS)
		return false;
	for (; s < end; s++)
		if (!isdigit((unsigned char)*s) && (*s < 'a' || *s > 'f'))
			return false;
	return true;
}

/*
 * One component of a path: "<id>" (docker, cri with cgroupfs), "docker-<id>.scope",
 * "cri-containerd-<id>.scope", "crio-<id>", "libpod-<id>.scope/container",
 * "kubepods-….slice:cri-containerd:<id>". The monitors "crio-conmon-<id>" and
 * "libpod-conmon-<id>" stand beside the container, not in it.
 */
static void container_of_component(const char *s, const char *end, char id[LT_CONTAINER_SIZE])
{
	static const char scope[] = ".scope";
	static const char conmon[] = "conmon";
	const char *start = end;

	if ((size_t)(end - s) > strlen(scope) && !memcmp(end - strlen(scope), scope, strlen(scope)))
		end -= strlen(scope);
	start = end;
	while (start > s && start[-1] != '-' && start[-1] != ':')
		start--;
	if (!is_container_id(start, end) || memmem(s, (size_t)(start - s), conmon, strlen(conmon)))
		return;
	memcpy(id, start, LT_CONTAINER_SIZE - 1);
	id[LT_CONTAINER_SIZE - 1] = '\0';
}

/* The innermost container that the path names, if any. */
static void container_of_path(const char *path, const char *end, char id[LT_CONTAINER_SIZE])
{
	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));

		if (!slash)
			slash = end;
		container_of_component(path, slash, id);
		path = slash + 1;
	}
}

/* Does the comma-separated list from s to end have the controller "cpu"? */
static bool has_cpu(const char *s, const char *end)
{
	while (s < end) {
		const char *comma = memchr(s, ',', (size_t)(end - s));

		if (!comma)
			comma = end;
		if (comma - s == 3 && !memcmp(s, "cpu", 3))
			return true;
		s = comma + 1;
	}
	return false;
}

static void copy_path(char cgroup[LT_PATH_SIZE], const char *path, const char *end)
{
	char raw[LT_PATH_SIZE];

	snprintf(raw, sizeof(raw), "%.*s", (int)(end - path), path);
	lt_fmt_text(cgroup, LT_PATH_SIZE, raw);
}

void lt_parse_cgroup(const char *text, char cgroup[LT_PATH_SIZE], char container[LT_CONTAINER_SIZE])
{
	char v1_cpu[LT_PATH_SIZE] = "";
	const char *line = text;

	cgroup[0] = container[0] = '\0';
	while (*line) {
		const char *end = strchrnul(line, '\n');
		const char *list = memchr(line, ':', (size_t)(end - line));
		const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;

		if (path) {
			if (path == list + 1) /* "0::/path": version 2 */
				copy_path(cgroup, path + 1, end);
			else if (has_cpu(list + 1, path))
				copy_path(v1_cpu, path + 1, end);
			container_of_path(path + 1, end, container);
		}
		line = *end ? end + 1 : end;
	}
	/* A controller is on one version only: where v1 has cpu, v2's path says nothing of it. */
	if (v1_cpu[0])
		memcpy(cgroup, v1_cpu, LT_PATH_SIZE);
}
