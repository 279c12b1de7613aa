/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define USAGE_MAX     256
#define STAT_MAX      1024
#define ENTRIES_BYTES 16384
#define CLOCK_SCHED   2 /* CPUCLOCK_SCHED of the kernel: the sum of all threads, in ns */

static int open_file(int pid, const char *file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return open(path, O_RDONLY | O_CLOEXEC | flags);
}

void lt_live__open(struct lt_live *live, int pid, uint64_t start_ticks)
{
	struct lt_proc_stat stat;
	char text[STAT_MAX];
	ssize_t n;

	*live = (struct lt_live){ .pid = pid,
				  .start_ticks = start_ticks,
				  .stat_fd = open_file(pid, "stat", 0),
				  .statm_fd = open_file(pid, "statm", 0),
				  .cgroup_fd = open_file(pid, "cgroup", 0),
				  .task_fd = open_file(pid, "task", O_DIRECTORY),
				  .user_seconds = NAN,
				  .system_seconds = NAN,
				  .told_cpu_seconds = NAN };
	n = live->stat_fd < 0 ? -1 : pread(live->stat_fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	/* Another one may have got the pid between its recognition and this: then they are all opened each time,
	 * and the first look says that it has ended. */
	if (n <= 0 || lt_parse_stat(text, &stat) || stat.start_ticks != start_ticks)
		lt_live__close(live);
}

void lt_live__close(struct lt_live *live)
{
	int *fds[] = { &live->stat_fd, &live->statm_fd, &live->cgroup_fd, &live->task_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* The text of a file. Its length, or -errno. */
static int read_text(const struct lt_live *live, int fd, const char *file, char *buf, size_t size)
{
	ssize_t n;

	if (fd < 0)
		return lt_proc_read(live->pid, file, buf, size);
	n = pread(fd, buf, size - 1, 0);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return (int)n;
}

int lt_live__cgroup(const struct lt_live *live, char *buf, size_t size)
{
	return read_text(live, live->cgroup_fd, "cgroup", buf, size);
}

/* The scheduler's own sum; the ticks of stat are a hundredth of a second coarse. */
static double exact_seconds(int pid)
{
	clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | CLOCK_SCHED);
	struct timespec ts;

	return clock_gettime(clock, &ts) ? NAN : (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* User and system time, and whether it is there. */
static int look_at_stat(struct lt_live *live, double tick_seconds)
{
	struct lt_proc_stat stat;
	char text[STAT_MAX];
	int n = read_text(live, live->stat_fd, "stat", text, sizeof(text));
	int err = n < 0 ? n : lt_parse_stat(text, &stat);

	if (err)
		return err;
	if (stat.start_ticks != live->start_ticks || stat.state == 'Z' || stat.state == 'X')
		return -ESRCH;
	live->user_seconds = (double)stat.utime_ticks * tick_seconds;
	live->system_seconds = (double)stat.stime_ticks * tick_seconds;
	return 0;
}

int lt_live__usage(struct lt_live *live, struct lt_usage *ret_usage)
{
	long hz = sysconf(_SC_CLK_TCK);
	double tick_seconds = hz > 0 ? 1.0 / (double)hz : 0.01;
	unsigned long long size, resident;
	struct lt_usage usage = { .cpu_seconds = exact_seconds(live->pid) };
	char text[USAGE_MAX], *end;
	int err = 0, n;

	/* It is there after its clock was read: so the pid was its own then. */
	n = read_text(live, live->statm_fd, "statm", text, sizeof(text));
	if (n < 0)
		return n;
	size = strtoull(text, &end, 10);
	resident = strtoull(end, &end, 10);
	if (*end != ' ')
		return -EINVAL;
	/*
	 * Ticks tell nothing new before another tick of CPU time. Without memory of its own it is ending, and
	 * without the open file it may be another process.
	 */
	if (!size || live->statm_fd < 0 || isnan(live->told_cpu_seconds) ||
	    !(usage.cpu_seconds - live->told_cpu_seconds < tick_seconds)) {
		err = look_at_stat(live, tick_seconds);
		live->told_cpu_seconds = usage.cpu_seconds;
	}
	if (err)
		return err;
	usage.user_seconds = live->user_seconds;
	usage.system_seconds = live->system_seconds;
	usage.in_ticks = isnan(usage.cpu_seconds);
	if (usage.in_ticks)
		usage.cpu_seconds = usage.user_seconds + usage.system_seconds;
	usage.rss_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
	*ret_usage = usage;
	return 0;
}

int lt_live__exit_status(const struct lt_live *live, int *ret_status)
{
	struct lt_proc_stat stat;
	char text[STAT_MAX];
	int n = read_text(live, live->stat_fd, "stat", text, sizeof(text));

	if (n < 0 || lt_parse_stat(text, &stat) || stat.state != 'Z' || stat.start_ticks != live->start_ticks ||
	    stat.exit_status <= 0) /* who may not know is told 0 */
		return -ENOENT;
	*ret_status = stat.exit_status;
	return 0;
}

/* The folder has a link for each thread, besides its own two. */
unsigned lt_live__threads_told(const struct lt_live *live)
{
	struct stat st;

	if (live->task_fd < 0 || fstat(live->task_fd, &st) || st.st_nlink < 3)
		return 0;
	return (unsigned)st.st_nlink - 2;
}

/* Of all that asks the kernel for one of a thread's figures this needs the least: no rights, and no open file. */
bool lt_live__has_thread(int tid)
{
	return syscall(SYS_getpriority, PRIO_PROCESS, tid) >= 0;
}

int lt_live__threads(const struct lt_live *live, int *tids, size_t max)
{
	char entries[ENTRIES_BYTES] __attribute__((aligned(8)));
	size_t found = 0;
	long n = -EBADF;

	if (live->task_fd < 0 || lseek(live->task_fd, 0, SEEK_SET))
		return lt_process_threads(live->pid, tids, max);
	while (found < max) {
		n = syscall(SYS_getdents64, live->task_fd, entries, sizeof(entries));
		if (n <= 0)
			break;
		for (long at = 0; at < n && found < max;) {
			const struct dirent64 *entry = (const void *)(entries + at);
			int tid = atoi(entry->d_name);

			if (tid > 0)
				tids[found++] = tid;
			at += entry->d_reclen;
		}
	}
	if (n < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return found ? (int)found : -ESRCH;
}
