/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What a process uses, by the kernel's account: CPU time, memory, descriptors. Read in each
 * interval; what costs more than a few microseconds is read only for those who ask.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/target/process.h"

#define STATUS_MAX 8192
#define LIMITS_MAX 4096
#define FDS_MAX	   100000 /* a folder with more is not counted to its end */

/* The scheduler's own sum in nanoseconds; the ticks of stat are a hundredth of a second coarse. */
static double exact_seconds(int pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return NAN;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int lt_process_usage(int pid, struct lt_usage *ret_usage)
{
	long ticks = sysconf(_SC_CLK_TCK);
	double hz = ticks > 0 ? (double)ticks : 100;
	unsigned long long size, resident;
	struct lt_proc_stat stat;
	struct lt_usage usage;
	char text[256];
	int n = lt_proc_read(pid, "statm", text, sizeof(text));

	if (n < 0)
		return n;
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return -EINVAL;
	n = lt_process_stat(pid, &stat);
	if (n < 0)
		return n;
	usage.user_seconds = (double)stat.utime_ticks / hz;
	usage.system_seconds = (double)stat.stime_ticks / hz;
	usage.cpu_seconds = exact_seconds(pid);
	if (isnan(usage.cpu_seconds))
		usage.cpu_seconds = usage.user_seconds + usage.system_seconds;
	usage.rss_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
	*ret_usage = usage;
	return 0;
}

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
