/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A /proc that is not there, or is another's, looks like a host without processes. */
#include "agent/target/procfs.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "looptop/err.h"
#include "looptop/log.h"

bool lt_procfs_hides(int pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (!access(path, F_OK) || errno != ENOENT)
		return false;
	/* kill() with no signal would tell it too, but no signal of any kind is what looptop may send. */
	errno = 0;
	return getpriority(PRIO_PROCESS, (id_t)pid) != -1 || errno != ESRCH;
}

int lt_procfs_check(void)
{
	struct statfs fs;
	char self[32];
	ssize_t n;

	if (statfs("/proc", &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return lt_err(-ENOENT, "read /proc: it is not mounted here (mount -t proc proc /proc)");
	n = readlink("/proc/self", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	if (atoi(self) != getpid())
		return lt_err(-ENOENT, "read /proc: it shows another pid namespace (mount one of this "
				       "namespace, or run looptop in the other)");
	if (lt_procfs_hides(1))
		lt_warn("read /proc: it hides other users' processes (mounted with hidepid; needs "
			"CAP_SYS_PTRACE)");
	return 0;
}
