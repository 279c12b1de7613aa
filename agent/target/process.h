/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What /proc tells of a process: identity, names, cgroup, usage, threads. The parsers take text,
 * so that hostile text can be fed to them; the readers around them are cheap enough for every
 * collection interval. Errors are returned, not logged: whoever knows why it asked reports them.
 * -ESRCH: there is no such process (any more); -EACCES, -EPERM: not allowed.
 */
#ifndef LOOPTOP_TARGET_PROCESS_H
#define LOOPTOP_TARGET_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LT_NAME_SIZE 64
#define LT_PATH_SIZE 256
#define LT_COMM_SIZE 16
#define LT_CONTAINER_SIZE 13
#define LT_POD_SIZE 37

/* Fields of /proc/PID/stat. */
struct lt_proc_stat {
	char comm[LT_COMM_SIZE]; /* as it is, printable or not; cut if longer */
	char state; /* 'R', 'S', 'Z', … */
	bool kernel_thread;
	uint64_t utime_ticks, stime_ticks;
	uint64_t start_ticks;
	uint32_t threads;
	int parent_pid;
	int exit_status; /* as wait(2) has it, of a zombie; -1: not told */
};

/* Who a process is. All texts are printable and cut if longer. */
struct lt_proc_info {
	int pid;
	uint64_t start_ticks; /* with pid, the identity */
	double start_time; /* Unix time */
	char state;
	bool kernel_thread;
	char name[LT_NAME_SIZE]; /* display name: the script, the title, or the command */
	char comm[LT_COMM_SIZE];
	char exe[LT_PATH_SIZE]; /* as the process sees it; "" if it may not be read */
	char cgroup[LT_PATH_SIZE]; /* "" unknown */
	char container[LT_CONTAINER_SIZE]; /* "" none */
	char pod[LT_POD_SIZE]; /* "" none */
	int parent_pid;
	uint64_t place; /* the same for processes in the same working directory; 0: unknown */
};

/* Reads /proc/PID/FILE into buf, cut at size - 1 bytes and NUL-terminated. Its length or -errno. */
int lt_proc_read(int pid, const char *file, char *buf, size_t size);

/* Parses the text of /proc/PID/stat, whatever the name in it. 0 or -EINVAL. */
int lt_parse_stat(const char *text, struct lt_proc_stat *ret_stat);

/* The Tgid line of the text of /proc/PID/status; -EINVAL if there is none. */
int lt_parse_tgid(const char *text);

/* Parses the text of /proc/PID/cgroup: the path that CPU limits hang on (the v2 path; the cpu
 * controller's where that is on v1), and the first 12 digits of the container's id or "". */
void lt_parse_cgroup(const char *text, char cgroup[LT_PATH_SIZE],
		     char container[LT_CONTAINER_SIZE]);

/* The uid of the Kubernetes pod that the same text names, or "". */
void lt_parse_pod(const char *text, char pod[LT_POD_SIZE]);

/* The display name, from the bytes of /proc/PID/cmdline (length of them), the executable's path
 * and the command name. Options' values and code given with -e never get into it. */
void lt_display_name(char name[LT_NAME_SIZE], const char *cmdline, size_t length, const char *exe,
		     const char *comm);

int lt_process_stat(int pid, struct lt_proc_stat *ret_stat);

/* The leader of the thread group that pid belongs to, or -errno. */
int lt_process_leader(int pid);

/* Everything in lt_proc_info. 0 or -errno. */
int lt_process_info(int pid, struct lt_proc_info *ret_info);

/* CPU time of all its threads since its start, and its resident memory. */
struct lt_usage {
	double cpu_seconds; /* by the scheduler, to the nanosecond */
	double user_seconds, system_seconds; /* in ticks */
	double rss_bytes;
	bool in_ticks; /* so is cpu_seconds, the scheduler's not being known */
};

struct lt_usage_details {
	double virtual_bytes, data_bytes; /* VmSize, VmData */
	double open_fds, max_fds; /* max_fds: the soft limit */
};

/* What costs more to read. NAN: unknown, or none. */
void lt_process_details(int pid, struct lt_usage_details *ret_details);

/* On how many CPUs its first thread may run (affinity and cpuset). -errno. */
int lt_process_cpus(int pid);

/* Its threads, at most max of them, in the order of /proc. How many were stored, or -errno. */
int lt_process_threads(int pid, int *tids, size_t max);

/* A thread's command name, printable. 0 or -errno. */
int lt_thread_name(int pid, int tid, char name[LT_COMM_SIZE]);

#endif
