/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/bounded_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/util/privilege.h"

static int out_fd = -1;

int lt_bounded__tell(const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t n = write(out_fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

void lt_bounded__give_up(int err)
{
	if (out_fd >= 0)
		_exit(-err);
}

static void close_range_of(unsigned from, unsigned to)
{
	struct rlimit limit;

	if (from > to || !syscall(SYS_close_range, from, to, 0))
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max > 1u << 20)
		limit.rlim_max = 1u << 20;
	for (unsigned fd = from; fd <= to && fd < limit.rlim_max; fd++)
		close((int)fd);
}

/* The lowest of the kept descriptors from there on; UINT32_MAX: none. */
static unsigned next_kept(const int *kept, size_t n_kept, unsigned from)
{
	unsigned next = UINT32_MAX;

	for (size_t i = 0; i < n_kept; i++)
		if (kept[i] >= 0 && (unsigned)kept[i] >= from && (unsigned)kept[i] < next)
			next = (unsigned)kept[i];
	return next;
}

/* A message about its end goes nowhere, above all not to the descriptor that its result goes to. */
static void close_output(const int *kept, size_t n_kept)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (unsigned fd = 0; fd <= 2; fd++) {
#ifdef __SANITIZE_ADDRESS__
		if (fd == 2)
			continue; /* a fault that it finds must be seen */
#endif
		if (next_kept(kept, n_kept, fd) == fd || null == (int)fd)
			continue;
		if (null < 0 || dup2(null, (int)fd) < 0)
			close((int)fd);
	}
}

static void close_others(const int *kept, size_t n_kept)
{
	unsigned from = 3;

	close_output(kept, n_kept);
	for (;;) {
		unsigned next = next_kept(kept, n_kept, from);

		if (next == UINT32_MAX)
			break;
		if (next > from)
			close_range_of(from, next - 1);
		from = next + 1;
	}
	close_range_of(from, UINT32_MAX);
}

static void drop_rights(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (setgroups(0, NULL) || setresgid(LT_NO_USER, LT_NO_USER, LT_NO_USER) ||
	    setresuid(LT_NO_USER, LT_NO_USER, LT_NO_USER))
		errno = 0; /* without the capability: it stays the user that it is */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capset, &header, none);
}

/* Signals to the terminal's group are for the program that asked. */
static void mask_signals(void)
{
	static const int usual[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL, SIGABRT,
				     SIGXCPU, SIGXFSZ, SIGSYS, SIGALRM };
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		sigaction(usual[i], &action, NULL);
		sigdelset(&set, usual[i]);
	}
	sigaction(SIGPIPE, &action, NULL);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

void lt_child__enter(const int *kept, size_t n_kept, pid_t parent)
{
	mask_signals();
	close_others(kept, n_kept);
	drop_rights();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* after the change of the user, which undoes it */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(ECHILD);
}

static void limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limits = { soft, hard };

	setrlimit(resource, &limits);
}

/* What it has of address space already: shared libraries, what its parent allocated. */
static rlim_t address_space(void)
{
	struct rlimit none;
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	if (statm && fscanf(statm, "%lu", &pages) != 1)
		pages = 0;
	if (statm)
		fclose(statm);
	if (pages)
		return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
	/* no /proc: rather a limit too low than none */
	return getrlimit(RLIMIT_AS, &none) ? 0 : 64u << 20;
}

/* Whoever asked ends it sooner, as long as he can: a worker that was killed can end nobody. */
static void end_anyway(uint64_t wall_ns)
{
	uint64_t seconds = 2 * wall_ns / 1000000000 + 1;
	struct itimerval timer = { .it_value = { .tv_sec = (time_t)seconds } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

_Noreturn void lt_child__run(const struct lt_task *task, int out)
{
	const struct lt_limits *limits = &task->limits;
	rlim_t memory = address_space() + limits->memory_bytes;
	int err;

	limit(RLIMIT_AS, memory, memory);
	limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1);
	limit(RLIMIT_FSIZE, limits->result_bytes, limits->result_bytes);
	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_NPROC, 0, 0);
	limit(RLIMIT_NOFILE, 0, 0);
	limit(RLIMIT_MEMLOCK, 0, 0);
	end_anyway(limits->wall_ns);
	out_fd = out;
	lt_privilege__enter(LT_DUTY_ANALYST, 0); /* rights it has none; from now on nothing is opened either */
	err = task->fn(task->args, task->fds, task->n_fds);
	_exit(err < 0 && err > -256 ? -err : 0);
}
