/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a process uses, by the kernel's account: what costs more to read than live.c, for those who ask. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/target/process.h"

#define STATUS_MAX 8192
#define LIMITS_MAX 4096
#define FDS_MAX	   100000 /* a folder with more is not counted to its end */

/* "Name:   123 kB" of status, in bytes. */
static double bytes_of(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	unsigned long long kilobytes;

	if (!line || sscanf(line + strlen(name), " %llu kB", &kilobytes) != 1)
		return NAN;
	return (double)kilobytes * 1024;
}

/* Linux 6.2 (f1f1f2569901) tells the number as the folder's size; before, entries are counted. */
static double count_fds(int pid)
{
	const struct dirent *entry;
	struct stat stat_buf;
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (stat(path, &stat_buf) == 0 && stat_buf.st_size > 0)
		return (double)stat_buf.st_size;
	dir = opendir(path);
	if (!dir)
		return NAN;
	while (n <= FDS_MAX && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n <= FDS_MAX ? (double)n : NAN;
}

/* The soft limit; NAN also if there is none. */
static double fd_limit(int pid)
{
	static const char name[] = "Max open files";
	char text[LIMITS_MAX];
	const char *line;
	unsigned long long limit;

	if (lt_proc_read(pid, "limits", text, sizeof(text)) < 0)
		return NAN;
	line = strstr(text, name);
	if (!line || sscanf(line + strlen(name), " %llu", &limit) != 1)
		return NAN;
	return (double)limit;
}

void lt_process_details(int pid, struct lt_usage_details *ret_details)
{
	char text[STATUS_MAX];

	*ret_details = (struct lt_usage_details){ NAN, NAN, NAN, NAN };
	/* The name stands in the first line, with its newlines escaped: no line can be made up. */
	if (lt_proc_read(pid, "status", text, sizeof(text)) >= 0) {
		ret_details->virtual_bytes = bytes_of(text, "\nVmSize:");
		ret_details->data_bytes = bytes_of(text, "\nVmData:");
	}
	ret_details->open_fds = count_fds(pid);
	ret_details->max_fds = fd_limit(pid);
}
