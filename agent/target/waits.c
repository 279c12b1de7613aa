/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/waits.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/target/open.h"
#include "agent/target/process.h"
#include "agent/util/text.h"

/* Descriptors are looked through up to this many: a server makes its epoll instance before it has clients. */
#define DESCRIPTORS_MAX 4096
#define THREADS_MAX	64

int lt_parse_syscall(const char *text, struct lt_syscall *ret_call)
{
	uint64_t values[8]; /* six arguments, SP, PC */
	struct lt_syscall call = { 0 };
	int n;

	if (lt_starts_with(text, "running"))
		return -EAGAIN;
	n = sscanf(text, "%d %lx %lx %lx %lx %lx %lx %lx %lx", &call.number, &values[0], &values[1],
		   &values[2], &values[3], &values[4], &values[5], &values[6], &values[7]);
	if (n == 9 && call.number >= 0) {
		memcpy(call.args, values, sizeof(call.args));
		call.sp = values[6];
	} else if (n == 3 && call.number == -1) {
		call.sp = values[0]; /* outside of system calls: SP, PC */
	} else {
		return -EINVAL;
	}
	/* A thread may set its stack pointer to anything; without one it has no stack to read. */
	if (!call.sp)
		return -EINVAL;
	*ret_call = call;
	return 0;
}

bool lt_syscall_is_wait(const struct lt_syscall *call)
{
#ifdef SYS_epoll_wait
	if (call->number == SYS_epoll_wait)
		return true;
#endif
	return call->number == SYS_epoll_pwait || call->number == SYS_epoll_pwait2;
}

/* A timeout of 0 does not block; epoll_pwait2 has the address of one, and reading it is not worth the while. */
static bool may_block(const struct lt_syscall *call)
{
	return call->number == SYS_epoll_pwait2 || (int32_t)call->args[3] != 0;
}

int lt_thread_call(int pid, int tid, struct lt_syscall *ret_call)
{
	char file[64], text[256];
	int n;

	snprintf(file, sizeof(file), "task/%d/syscall", tid);
	n = lt_proc_read(pid, file, text, sizeof(text));
	return n < 0 ? n : lt_parse_syscall(text, ret_call);
}

int lt_thread_in_wait(int pid, int tid, uint64_t *ret_sp)
{
	struct lt_syscall call;
	int err = lt_thread_call(pid, tid, &call);

	if (err && err != -EINVAL)
		return err;
	if (err || !lt_syscall_is_wait(&call) || !may_block(&call))
		return -EAGAIN;
	*ret_sp = call.sp;
	return 0;
}

int64_t lt_thread_sleeps(int pid, int tid)
{
	char file[64], text[4096];
	const char *line;
	long count;
	int n;

	snprintf(file, sizeof(file), "task/%d/status", tid);
	n = lt_proc_read(pid, file, text, sizeof(text));
	if (n < 0)
		return n;
	line = strstr(text, "\nvoluntary_ctxt_switches:");
	if (!line || sscanf(line, "\nvoluntary_ctxt_switches: %ld", &count) != 1 || count < 0)
		return -EINVAL;
	return count;
}

static bool has_descriptor(int pid)
{
	char path[64], link[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	for (int i = 0; !found && i < DESCRIPTORS_MAX && (entry = readdir(dir)); i++) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		found = !strcmp(link, "anon_inode:[eventpoll]");
	}
	closedir(dir);
	return found;
}

bool lt_process_has_epoll(int pid)
{
	int tids[THREADS_MAX], n = lt_process_threads(pid, tids, THREADS_MAX);
	uint64_t sp;

	if (has_descriptor(pid))
		return true;
	for (int i = 0; i < n; i++)
		if (lt_thread_in_wait(pid, tids[i], &sp) == 0)
			return true;
	return false;
}

bool lt_process_is_native(int pid)
{
	unsigned char head[EI_NIDENT + 4];
	struct lt_opened exe;
	bool native;

	if (lt_open(pid, LT_OPEN_LINK, "exe", 0, &exe))
		return false;
	native = pread(exe.fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		 !memcmp(head, ELFMAG, SELFMAG) && head[EI_CLASS] == ELFCLASS64;
	close(exe.fd);
	return native;
}
