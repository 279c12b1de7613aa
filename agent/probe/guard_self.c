/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/guard_self.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/util/privilege.h"

/* Whoever sends a signal to all of a name, as killall and pkill do, has another in mind. */
#define NAME	    "lt-probes"

#define DESCRIPTORS 16384 /* as many links there may be */
#define HIGH	    10

#define BIT(cap)    (1ull << (cap))
/* CAP_SYS_ADMIN and CAP_SYS_PTRACE: uprobes as perf events. */
#define KEPT	   (BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE))
#define KEPT_MULTI (BIT(CAP_BPF) | BIT(CAP_PERFMON))

/* The command line is memory of ours; the kernel tells where. */
static void set_command_line(void)
{
	unsigned long begin = 0, end = 0;
	char text[1024], *at = NULL;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n > 0) {
		text[n] = '\0';
		at = strrchr(text, ')');
	}
	/* Behind the name, which is the second field, they are the 48th and the 49th. */
	for (int field = 2; at && field < 48; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %lu %lu", &begin, &end) != 2 || !begin ||
	    end < begin + sizeof(NAME))
		return;
	memset((void *)begin, 0, end - begin);
	memcpy((void *)begin, NAME, sizeof(NAME) - 1);
}

static void set_names(void)
{
	prctl(PR_SET_NAME, NAME);
	set_command_line();
}

/* It is small, and whoever is killed for lack of memory should be somebody who gives some back. */
static void be_spared(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t ignored;

	if (fd < 0)
		return;
	ignored = write(fd, "-1000", 5);
	(void)ignored; /* it takes CAP_SYS_RESOURCE */
	close(fd);
}

/* Nobody who reads what we write, or waits for us to close something, is to wait for the guard. */
static int keep_descriptors(int socket_fd, int parent_fd)
{
	int null_fd;

	socket_fd = fcntl(socket_fd, F_DUPFD_CLOEXEC, HIGH);
	parent_fd = parent_fd < 0 ? -1 : fcntl(parent_fd, F_DUPFD_CLOEXEC, HIGH);
	null_fd = open("/dev/null", O_RDWR);
	for (int fd = 0; null_fd >= 0 && fd <= 2; fd++)
		dup2(null_fd, fd);
	dup3(socket_fd, LT_GUARD_SOCKET, O_CLOEXEC);
	close(LT_GUARD_PARENT);
	if (parent_fd >= 0)
		dup3(parent_fd, LT_GUARD_PARENT, O_CLOEXEC);
	if (syscall(SYS_close_range, LT_GUARD_PARENT + 1, ~0u, 0))
		for (int fd = LT_GUARD_PARENT + 1; fd < DESCRIPTORS; fd++)
			close(fd); /* Linux 5.8 and before */
	return parent_fd < 0 ? -1 : LT_GUARD_PARENT;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int lt_guard_self__begin(int socket_fd, int parent_fd)
{
	sigset_t all;
	int ignored;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	setsid();
	raise_descriptor_limit();
	parent_fd = keep_descriptors(socket_fd, parent_fd);
	set_names();
	be_spared();
	lt_capabilities__keep(KEPT);
	ignored = chdir("/"); /* no file system is kept busy */
	(void)ignored;
	/* Whoever asks is as trusted as the guard is, and tells if this kernel has no filters. */
	lt_privilege__limit_calls(LT_DUTY_GUARDIAN, true);
	return parent_fd;
}

void lt_guard_self__has_multi(void)
{
	static bool done;

	if (!done)
		lt_capabilities__keep(KEPT_MULTI);
	done = true;
}
