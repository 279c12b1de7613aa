/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reads /proc/PID. The texts are parsed in procparse.c and display.c. */
#include "agent/target/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/target/reader.h"
#include "agent/util/clock.h"
#include "agent/util/fmt.h"

#define CPUS_MAX 8192 /* of the largest kernels */

/* A process that ended has no directory (ENOENT), or one whose files say ESRCH. */
static int gone_or(int error)
{
	return error == ENOENT ? -ESRCH : -error;
}

/* These tell nothing of a process's memory, and make nobody wait. */
static bool is_quick(const char *file)
{
	static const char *const quick[] = { "stat", "status", "statm", "cgroup", "comm", "limits" };
	const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
		if (!strcmp(name, quick[i]))
			return true;
	return false;
}

int lt_proc_read(int pid, const char *file, char *buf, size_t size)
{
	char path[96];
	size_t used = 0;
	ssize_t n = 0;
	int fd, err = 0;

	if (!is_quick(file) && lt_reader__is_used()) {
		n = lt_reader__text(pid, file, buf, size - 1);
		buf[n > 0 ? n : 0] = '\0';
		return (int)n;
	}
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return gone_or(errno);
	while (used + 1 < size) {
		n = read(fd, buf + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	if (n < 0)
		err = gone_or(errno);
	close(fd);
	buf[used] = '\0';
	return err ? err : (int)used;
}

int lt_process_stat(int pid, struct lt_proc_stat *ret_stat)
{
	char text[1024];
	int n = lt_proc_read(pid, "stat", text, sizeof(text));

	return n < 0 ? n : lt_parse_stat(text, ret_stat);
}

int lt_process_leader(int pid)
{
	char text[4096];
	int n = lt_proc_read(pid, "status", text, sizeof(text));

	return n < 0 ? n : lt_parse_tgid(text);
}

/* The path behind /proc/PID/exe, cut to fit. */
static int read_exe(int pid, char exe[LT_PATH_SIZE])
{
	char link[64], raw[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, raw, sizeof(raw) - 1);
	if (n < 0)
		return gone_or(errno);
	raw[n] = '\0';
	lt_fmt_text(exe, LT_PATH_SIZE, raw);
	return 0;
}

/* A number for the working directory: only whether two are the same is ever asked. */
static uint64_t place_of(int pid)
{
	char link[64], path[4096];
	uint64_t hash = 0xcbf29ce484222325ull;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	n = readlink(link, path, sizeof(path));
	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)path[i]) * 0x100000001b3ull;
	return hash ? hash : 1;
}

/* start_ticks count from boot, suspended time included. */
static double start_time_of(uint64_t start_ticks)
{
	struct timespec boot;
	long hz = sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &boot);
	return lt_wall_seconds() - ((double)boot.tv_sec + (double)boot.tv_nsec / 1e9) +
	       (double)start_ticks / (double)(hz > 0 ? hz : 100);
}

int lt_process_info(int pid, struct lt_proc_info *ret_info)
{
	struct lt_proc_info info = { .pid = pid };
	struct lt_proc_stat stat;
	char text[8192];
	int n = lt_process_stat(pid, &stat);

	if (n < 0)
		return n;
	info.start_ticks = stat.start_ticks;
	info.start_time = start_time_of(stat.start_ticks);
	info.state = stat.state;
	info.parent_pid = stat.parent_pid;
	info.place = place_of(pid);
	info.kernel_thread = stat.kernel_thread;
	lt_fmt_text(info.comm, sizeof(info.comm), stat.comm);
	/* A kernel thread or a zombie has no executable, other users' may not be seen. */
	if (read_exe(pid, info.exe) < 0)
		info.exe[0] = '\0';
	n = lt_proc_read(pid, "cgroup", text, sizeof(text));
	if (n >= 0) {
		lt_parse_cgroup(text, info.cgroup, info.container);
		lt_parse_pod(text, info.pod);
	}
	n = lt_proc_read(pid, "cmdline", text, sizeof(text));
	lt_display_name(info.name, text, n > 0 ? (size_t)n : 0, info.exe, info.comm);
	*ret_info = info;
	return 0;
}

int lt_process_cpus(int pid)
{
	cpu_set_t *cpus = CPU_ALLOC(CPUS_MAX);
	int n;

	if (!cpus)
		return -ENOMEM;
	n = sched_getaffinity(pid, CPU_ALLOC_SIZE(CPUS_MAX), cpus)
		    ? -errno
		    : CPU_COUNT_S(CPU_ALLOC_SIZE(CPUS_MAX), cpus);
	CPU_FREE(cpus);
	return n;
}

int lt_process_threads(int pid, int *tids, size_t max)
{
	const struct dirent *entry;
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return gone_or(errno);
	while (n < max && (entry = readdir(dir)) != NULL) {
		int tid = atoi(entry->d_name);

		if (tid > 0)
			tids[n++] = tid;
	}
	closedir(dir);
	return n || !max ? (int)n : -ESRCH;
}

int lt_thread_name(int pid, int tid, char name[LT_COMM_SIZE])
{
	char file[48], text[64];
	size_t length;
	int n;

	snprintf(file, sizeof(file), "task/%d/comm", tid);
	n = lt_proc_read(pid, file, text, sizeof(text));
	if (n < 0)
		return n;
	/* Only the last newline is /proc's; others belong to the name. */
	length = strlen(text);
	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	lt_fmt_text(name, LT_COMM_SIZE, text);
	return 0;
}
