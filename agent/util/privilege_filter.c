/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The filter of system calls. What is not allowed fails: what could do harm with EPERM, the rest with ENOSYS, as on a
 * kernel that does not have it, so that a newer C library takes the older way. Nothing is killed for a call: the
 * probes of a process that is killed may stay.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/util/privilege_internal.h"
#include "looptop/log.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* What may be done with limits on the arguments. */
struct checked {
	int call;
	unsigned duties;
	unsigned n;
	struct scmp_arg_cmp args[3];
};

#define MASKED(i, mask, value)                     \
	{                                          \
		i, SCMP_CMP_MASKED_EQ, mask, value \
	}
#define NEW_FILE (O_CREAT | O_EXCL)
#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)
#define TYPE(request) ((request)&0xff00)
#define NUMBER	      0xffffffffu /* an int: the upper half of its register may hold anything */

static const struct checked checked[] = {
	/* no code but ours: nothing is loaded, nothing made executable */
	{ SCMP_SYS(mmap), ALL, 1, { MASKED(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), ALL, 1, { MASKED(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(clone), M | G | P, 1, { MASKED(0, NAMESPACES, 0) } },
	{ SCMP_SYS(clone), S, 1, { MASKED(0, CLONE_THREAD | NAMESPACES, CLONE_THREAD) } },
	/* limits of our own; fstat() of newer C libraries */
	{ SCMP_SYS(prlimit64), ALL, 1, { MASKED(0, NUMBER, 0) } },
	{ SCMP_SYS(newfstatat), A | S, 1, { MASKED(3, AT_EMPTY_PATH, AT_EMPTY_PATH) } },
	/* who is at the other end of a socket of ours (agent/target/unix_socket.c) */
	{ SCMP_SYS(socket),
	  M,
	  2,
	  { MASKED(0, NUMBER, AF_NETLINK), MASKED(2, NUMBER, NETLINK_SOCK_DIAG) } },
	/* what it is itself */
	{ SCMP_SYS(prctl), A, 1, { MASKED(0, NUMBER, PR_GET_NO_NEW_PRIVS) } },
	{ SCMP_SYS(prctl), A, 1, { MASKED(0, NUMBER, PR_GET_DUMPABLE) } },
	/* descriptors of our own: not who is sent a signal when one is ready (F_SETOWN), but for our own lease */
	{ SCMP_SYS(fcntl), ALL, 1, { MASKED(1, NUMBER, F_GETFD) } },
	{ SCMP_SYS(fcntl), NOT_A, 1, { MASKED(1, NUMBER, F_SETFD) } },
	{ SCMP_SYS(fcntl), NOT_A, 1, { MASKED(1, NUMBER, F_GETFL) } },
	{ SCMP_SYS(fcntl), NOT_A, 1, { MASKED(1, NUMBER, F_SETFL) } },
	{ SCMP_SYS(fcntl), NOT_A, 1, { MASKED(1, NUMBER, F_DUPFD) } },
	{ SCMP_SYS(fcntl), NOT_A, 1, { MASKED(1, NUMBER, F_DUPFD_CLOEXEC) } },
	{ SCMP_SYS(fcntl), M, 1, { MASKED(1, NUMBER, F_ADD_SEALS) } },
	{ SCMP_SYS(fcntl), M, 1, { MASKED(1, NUMBER, F_SETLEASE) } },
	{ SCMP_SYS(fcntl), M, 2, { MASKED(1, NUMBER, F_SETSIG), MASKED(2, NUMBER, SIGURG) } },
	/* files are read, or made anew: nothing that is there is written, least of all /proc/PID/mem */
	{ SCMP_SYS(openat), M | G | P | R, 1, { MASKED(2, O_ACCMODE | O_TRUNC, O_RDONLY) } },
	{ SCMP_SYS(openat), M, 1, { MASKED(2, NEW_FILE, NEW_FILE) } },
	{ SCMP_SYS(open), M | G | P | R, 1, { MASKED(1, O_ACCMODE | O_TRUNC, O_RDONLY) } },
	{ SCMP_SYS(open), M, 1, { MASKED(1, NEW_FILE, NEW_FILE) } },
	/* a terminal, but not what would type into it (TIOCSTI) */
	{ SCMP_SYS(ioctl), M | S, 1, { MASKED(1, NUMBER, TCGETS) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCSETS) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCSETSW) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCSETSF) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCGETS2) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCSETS2) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCSETSW2) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCSETSF2) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TCFLSH) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TIOCGWINSZ) } },
	{ SCMP_SYS(ioctl), M, 1, { MASKED(1, NUMBER, TIOCGPGRP) } },
	{ SCMP_SYS(ioctl), M | S, 1, { MASKED(1, NUMBER, FIONREAD) } },
	{ SCMP_SYS(ioctl), M | S, 1, { MASKED(1, NUMBER, FIONBIO) } },
	{ SCMP_SYS(ioctl), S, 1, { MASKED(1, NUMBER, TIOCOUTQ) } }, /* and of a socket: SIOCOUTQ */
};

/* Reading what programs counted, and, of programs that are loaded, putting them in. None is loaded any more. */
#define COMMAND(number)                           \
	{                                         \
		SCMP_SYS(bpf), M | G, 1,          \
		{                                 \
			MASKED(0, NUMBER, number) \
		}                                 \
	}
static const struct checked attaching_calls[] = {
	COMMAND(BPF_MAP_LOOKUP_ELEM),
	COMMAND(BPF_MAP_UPDATE_ELEM),
	COMMAND(BPF_MAP_DELETE_ELEM),
	COMMAND(BPF_MAP_GET_NEXT_KEY),
	COMMAND(BPF_MAP_LOOKUP_BATCH),
	COMMAND(BPF_MAP_UPDATE_BATCH),
	COMMAND(BPF_MAP_DELETE_BATCH),
	COMMAND(BPF_LINK_CREATE),
	COMMAND(BPF_LINK_DETACH),
	COMMAND(BPF_RAW_TRACEPOINT_OPEN),
	COMMAND(BPF_OBJ_GET_INFO_BY_FD),
	/* Running one that is loaded: it is told of what was found in a target's memory. */
	{ SCMP_SYS(bpf), M, 1, { MASKED(0, NUMBER, BPF_PROG_TEST_RUN) } },
	{ SCMP_SYS(perf_event_open), M | G, 0, { { 0 } } },
	{ SCMP_SYS(ioctl), M | G, 1, { MASKED(1, TYPE(NUMBER), TYPE('$' << 8)) } },
};

/* What is not allowed of calls that are allowed otherwise: EPERM tells more than "not implemented". */
static const struct checked refused[] = {
	{ SCMP_SYS(mmap), ALL, 1, { MASKED(2, PROT_EXEC, PROT_EXEC) } },
	{ SCMP_SYS(mprotect), ALL, 1, { MASKED(2, PROT_EXEC, PROT_EXEC) } },
	{ SCMP_SYS(openat), M | G | P | R, 1, { MASKED(2, O_ACCMODE | NEW_FILE, O_WRONLY) } },
	{ SCMP_SYS(openat), M | G | P | R, 1, { MASKED(2, O_ACCMODE | NEW_FILE, O_RDWR) } },
	{ SCMP_SYS(openat),
	  M | G | P | R,
	  1,
	  { MASKED(2, O_ACCMODE | NEW_FILE, O_WRONLY | O_CREAT) } },
	{ SCMP_SYS(openat),
	  M | G | P | R,
	  1,
	  { MASKED(2, O_ACCMODE | NEW_FILE, O_RDWR | O_CREAT) } },
	{ SCMP_SYS(fcntl), ALL, 1, { MASKED(1, NUMBER, F_SETOWN) } },
	{ SCMP_SYS(fcntl), ALL, 1, { MASKED(1, NUMBER, F_SETOWN_EX) } },
	{ SCMP_SYS(socket), M, 1, { { 0, SCMP_CMP_NE, AF_NETLINK, 0 } } },
	{ SCMP_SYS(ioctl), ALL, 1, { MASKED(1, NUMBER, TIOCSTI) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_PROG_LOAD) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_MAP_CREATE) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_MAP_GET_FD_BY_ID) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_PROG_GET_FD_BY_ID) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_LINK_GET_FD_BY_ID) } },
};

/*
 * openat2(2) takes its flags where the filter cannot see them. It is left to who can open nothing for writing anyway: a
 * user that owns no file and no process, without the right to pass over modes.
 */
static bool may_open_unseen(void)
{
	return geteuid() == LT_PRIVILEGE_UID &&
	       !(lt_capabilities__effective() >> CAP_DAC_OVERRIDE & 1);
}

static bool is_plain(const struct lt_call *call, enum lt_duty duty)
{
	return call->duties >> duty & 1 && (call->call != SCMP_SYS(openat2) || may_open_unseen());
}

static bool allows(int call, enum lt_duty duty, bool attaches)
{
	for (size_t i = 0; i < lt_n_calls_plain; i++)
		if (lt_calls_plain[i].call == call && is_plain(&lt_calls_plain[i], duty))
			return true;
	for (size_t i = 0; i < N(checked); i++)
		if (checked[i].call == call && checked[i].duties >> duty & 1)
			return true;
	for (size_t i = 0; attaches && i < N(attaching_calls); i++)
		if (attaching_calls[i].call == call && attaching_calls[i].duties >> duty & 1)
			return true;
	return false;
}

static int add_checked(scmp_filter_ctx filter, uint32_t action, enum lt_duty duty,
		       const struct checked *calls, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		if (calls[i].duties >> duty & 1)
			err = seccomp_rule_add_array(filter, action, calls[i].call, calls[i].n,
						     calls[i].args);
	return err;
}

/* abort(); a signal that is passed on to ourselves once the terminal is as it was. */
static int add_signals(scmp_filter_ctx filter, enum lt_duty duty)
{
	static const int calls[] = { SCMP_SYS(kill), SCMP_SYS(tgkill) };
	struct scmp_arg_cmp pid = { 0, SCMP_CMP_EQ, (uint32_t)getpid(), 0 };
	int err = 0;

	for (size_t i = 0; !err && i < N(calls); i++)
		if (!allows(calls[i], duty, false))
			err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 1, &pid);
	return err;
}

static int add_rules(scmp_filter_ctx filter, enum lt_duty duty, bool attaches)
{
	int err = 0;

	for (size_t i = 0; !err && i < lt_n_calls_plain; i++)
		if (is_plain(&lt_calls_plain[i], duty))
			err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, lt_calls_plain[i].call,
						     0, NULL);
	if (!err)
		err = add_checked(filter, SCMP_ACT_ALLOW, duty, checked, N(checked));
	if (!err && attaches)
		err = add_checked(filter, SCMP_ACT_ALLOW, duty, attaching_calls,
				  N(attaching_calls));
	if (!err)
		err = add_signals(filter, duty);
	for (size_t i = 0; !err && i < lt_n_calls_harmful; i++)
		if (!allows(lt_calls_harmful[i], duty, attaches))
			err = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM),
						     lt_calls_harmful[i], 0, NULL);
	return err ? err : add_checked(filter, SCMP_ACT_ERRNO(EPERM), duty, refused, N(refused));
}

int lt_privilege__filter(enum lt_duty duty, bool attaches)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!filter)
		return -ENOMEM;
	/* A search by halves instead of one call after the other; the kernel's own log when somebody asks for more. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (lt_log_level() >= LT_LOG_DEBUG)
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	err = add_rules(filter, duty, attaches);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

size_t lt_privilege__n_calls(enum lt_duty duty, bool attaches)
{
	size_t n = 0;

	/* Numbers below 0 are of calls that this architecture does not have. */
	for (size_t i = 0; i < lt_n_calls_plain; i++)
		n += lt_calls_plain[i].call >= 0 && lt_calls_plain[i].duties >> duty & 1;
	for (size_t i = 0; i < N(checked); i++)
		n += checked[i].call >= 0 && checked[i].duties >> duty & 1 &&
		     (!i || checked[i - 1].call != checked[i].call);
	return n + (attaches ? 2 : 0); /* bpf and perf_event_open */
}
