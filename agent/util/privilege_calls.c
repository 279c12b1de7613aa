/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Which system calls each duty may make, and with which arguments. All others fail: those that could do harm with
 * EPERM, the rest with ENOSYS, as on a kernel that does not have them, so that a newer C library takes the older
 * way. Nothing is killed for a call: the probes of a process that is killed may stay.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/util/privilege_internal.h"
#include "looptop/log.h"

#define M (1u << LT_DUTY_MAIN)
#define G (1u << LT_DUTY_GUARDIAN)
#define R (1u << LT_DUTY_READER)
#define A (1u << LT_DUTY_ANALYST)
#define S (1u << LT_DUTY_SERVER)
#define ALL (M | G | R | A | S)

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS ALL /* LeakSanitizer stops our threads and looks at them when the program ends */
#else
#define LEAKS 0u
#endif

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct plain {
	int call;
	unsigned duties;
};

static const struct plain plain[] = {
	/* memory, time, threads: what any program needs */
	{ SCMP_SYS(brk), ALL },
	{ SCMP_SYS(munmap), ALL },
	{ SCMP_SYS(mremap), ALL },
	{ SCMP_SYS(madvise), ALL },
	{ SCMP_SYS(membarrier), ALL },
	{ SCMP_SYS(read), ALL },
	{ SCMP_SYS(readv), ALL },
	{ SCMP_SYS(pread64), ALL },
	{ SCMP_SYS(write), ALL },
	{ SCMP_SYS(writev), ALL },
	{ SCMP_SYS(lseek), ALL },
	{ SCMP_SYS(fstat), ALL },
	{ SCMP_SYS(close), ALL },
	{ SCMP_SYS(close_range), ALL },
	{ SCMP_SYS(exit), ALL },
	{ SCMP_SYS(exit_group), ALL },
	{ SCMP_SYS(futex), ALL },
	{ SCMP_SYS(futex_waitv), ALL },
	{ SCMP_SYS(rseq), ALL },
	{ SCMP_SYS(set_robust_list), ALL },
	{ SCMP_SYS(set_tid_address), ALL },
	{ SCMP_SYS(clock_gettime), ALL },
	{ SCMP_SYS(clock_getres), ALL },
	{ SCMP_SYS(clock_nanosleep), ALL },
	{ SCMP_SYS(nanosleep), ALL },
	{ SCMP_SYS(gettimeofday), ALL },
	{ SCMP_SYS(time), ALL },
	{ SCMP_SYS(restart_syscall), ALL },
	{ SCMP_SYS(rt_sigreturn), ALL },
	{ SCMP_SYS(rt_sigaction), ALL },
	{ SCMP_SYS(rt_sigprocmask), ALL },
	{ SCMP_SYS(sigaltstack), ALL },
	{ SCMP_SYS(getrandom), ALL },
	{ SCMP_SYS(getpid), ALL },
	{ SCMP_SYS(gettid), ALL },
	{ SCMP_SYS(getppid), ALL },
	{ SCMP_SYS(getuid), ALL },
	{ SCMP_SYS(geteuid), ALL },
	{ SCMP_SYS(getgid), ALL },
	{ SCMP_SYS(getegid), ALL },
	{ SCMP_SYS(getrusage), ALL },
	{ SCMP_SYS(getrlimit), ALL },
	{ SCMP_SYS(sched_yield), ALL },
	{ SCMP_SYS(sched_getaffinity), ALL },
	{ SCMP_SYS(sysinfo), ALL },
	{ SCMP_SYS(uname), ALL },
	{ SCMP_SYS(poll), ALL },
	{ SCMP_SYS(ppoll), ALL },
	/* waiting for descriptors, and passing them between our own processes */
	{ SCMP_SYS(select), M | G | R | S },
	{ SCMP_SYS(pselect6), M | G | R | S },
	{ SCMP_SYS(epoll_create1), M | G | R | S },
	{ SCMP_SYS(epoll_ctl), M | G | R | S },
	{ SCMP_SYS(epoll_wait), M | G | R | S },
	{ SCMP_SYS(epoll_pwait), M | G | R | S },
	{ SCMP_SYS(epoll_pwait2), M | G | R | S },
	{ SCMP_SYS(eventfd2), M | G | R | S },
	{ SCMP_SYS(timerfd_create), M | G | R | S },
	{ SCMP_SYS(timerfd_settime), M | G | R | S },
	{ SCMP_SYS(pipe2), M | G | R | S },
	{ SCMP_SYS(fcntl), M | G | R | S },
	{ SCMP_SYS(dup), M | G | R },
	{ SCMP_SYS(dup2), M | G | R },
	{ SCMP_SYS(dup3), M | G | R },
	{ SCMP_SYS(socketpair), M | G },
	{ SCMP_SYS(sendto), M | G | R | S },
	{ SCMP_SYS(sendmsg), M | G | R | S },
	{ SCMP_SYS(recvfrom), M | G | R | S },
	{ SCMP_SYS(recvmsg), M | G | R | S },
	{ SCMP_SYS(shutdown), M | G | R | S },
	{ SCMP_SYS(signalfd4), M | G | R },
	{ SCMP_SYS(rt_sigtimedwait), M | G | R },
	{ SCMP_SYS(rt_sigsuspend), M | G | R },
	{ SCMP_SYS(rt_sigpending), M | G | R },
	/* answering clients; the socket is bound already */
	{ SCMP_SYS(listen), M | S },
	{ SCMP_SYS(accept), S },
	{ SCMP_SYS(accept4), S },
	{ SCMP_SYS(setsockopt), M | S },
	{ SCMP_SYS(getsockopt), M | S },
	{ SCMP_SYS(getsockname), M | S },
	{ SCMP_SYS(getpeername), M | S },
	{ SCMP_SYS(sendfile), S },
	/* looking at files and processes */
	{ SCMP_SYS(newfstatat), M | G | R },
	{ SCMP_SYS(stat), M | G | R },
	{ SCMP_SYS(lstat), M | G | R },
	{ SCMP_SYS(statx), M | G | R },
	{ SCMP_SYS(statfs), M | G | R },
	{ SCMP_SYS(fstatfs), M | G | R },
	{ SCMP_SYS(access), M | G | R },
	{ SCMP_SYS(faccessat), M | G | R },
	{ SCMP_SYS(faccessat2), M | G | R },
	{ SCMP_SYS(readlink), M | G | R },
	{ SCMP_SYS(readlinkat), M | G | R },
	{ SCMP_SYS(getdents64), M | G | R },
	{ SCMP_SYS(fadvise64), M | G | R },
	{ SCMP_SYS(getpriority), M | R },
	{ SCMP_SYS(process_vm_readv), M | R },
	/* keeping what was found: new files only, see openat below */
	{ SCMP_SYS(mkdir), M },
	{ SCMP_SYS(mkdirat), M },
	{ SCMP_SYS(rename), M },
	{ SCMP_SYS(renameat), M },
	{ SCMP_SYS(renameat2), M },
	{ SCMP_SYS(unlink), M },
	{ SCMP_SYS(unlinkat), M },
	{ SCMP_SYS(flock), M },
	{ SCMP_SYS(fsync), M },
	{ SCMP_SYS(ftruncate), M },
	/* children of ours, which may give up more */
	{ SCMP_SYS(wait4), M | G | LEAKS },
	{ SCMP_SYS(waitid), M | G },
	{ SCMP_SYS(setsid), M | G },
	{ SCMP_SYS(setpgid), M | G },
	{ SCMP_SYS(capget), ALL },
	{ SCMP_SYS(capset), M | G | R },
	{ SCMP_SYS(seccomp), M | G | R },
	{ SCMP_SYS(prctl), M | G | R | S | LEAKS },
	{ SCMP_SYS(ptrace), LEAKS },
	{ SCMP_SYS(clone), LEAKS },
	{ SCMP_SYS(tgkill), LEAKS },
	{ SCMP_SYS(kill), LEAKS },
	{ SCMP_SYS(openat), LEAKS & ~(M | G | R) },
	{ SCMP_SYS(readlink), LEAKS & ~(M | G | R) },
	{ SCMP_SYS(getdents64), LEAKS & ~(M | G | R) },
};

/* What may be done with limits on the arguments. */
struct checked {
	int call;
	unsigned duties;
	unsigned n;
	struct scmp_arg_cmp args[3];
};

#define MASKED(i, mask, value) { i, SCMP_CMP_MASKED_EQ, mask, value }
#define NEW_FILE	       (O_CREAT | O_EXCL)
#define NAMESPACES                                                                                      \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |     \
	 CLONE_NEWNET)
#define TYPE(request)	       ((request) & 0xff00)
#define NUMBER		       0xffffffffu /* an int: the upper half of its register may hold anything */

static const struct checked checked[] = {
	/* no code but ours: nothing is loaded, nothing made executable */
	{ SCMP_SYS(mmap), ALL, 1, { MASKED(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), ALL, 1, { MASKED(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(clone), M | G, 1, { MASKED(0, NAMESPACES, 0) } },
	{ SCMP_SYS(clone), S, 1, { MASKED(0, CLONE_THREAD | NAMESPACES, CLONE_THREAD) } },
	/* limits of our own; fstat() of newer C libraries */
	{ SCMP_SYS(prlimit64), ALL, 1, { MASKED(0, NUMBER, 0) } },
	{ SCMP_SYS(newfstatat), A | S, 1, { MASKED(3, AT_EMPTY_PATH, AT_EMPTY_PATH) } },
	/* files are read, or made anew: nothing that is there is written, least of all /proc/PID/mem */
	{ SCMP_SYS(openat), M | G | R, 1, { MASKED(2, O_ACCMODE | O_TRUNC, O_RDONLY) } },
	{ SCMP_SYS(openat), M, 1, { MASKED(2, NEW_FILE, NEW_FILE) } },
	{ SCMP_SYS(open), M | G | R, 1, { MASKED(1, O_ACCMODE | O_TRUNC, O_RDONLY) } },
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
	/* a child that stops being root; there is nobody else that it could become */
	{ SCMP_SYS(setgroups), M, 1, { MASKED(0, NUMBER, 0) } },
	{ SCMP_SYS(setresgid), M, 3,
	  { MASKED(0, NUMBER, LT_PRIVILEGE_UID), MASKED(1, NUMBER, LT_PRIVILEGE_UID),
	    MASKED(2, NUMBER, LT_PRIVILEGE_UID) } },
	{ SCMP_SYS(setresuid), M, 3,
	  { MASKED(0, NUMBER, LT_PRIVILEGE_UID), MASKED(1, NUMBER, LT_PRIVILEGE_UID),
	    MASKED(2, NUMBER, LT_PRIVILEGE_UID) } },
};

/* Reading what programs counted, and, of programs that are loaded, putting them in. None is loaded any more. */
#define COMMAND(number) { SCMP_SYS(bpf), M | G, 1, { MASKED(0, NUMBER, number) } }
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
	{ SCMP_SYS(perf_event_open), M | G, 0, { { 0 } } },
	{ SCMP_SYS(ioctl), M | G, 1, { MASKED(1, TYPE(NUMBER), TYPE('$' << 8)) } },
};

/* What could do harm; where a duty may do some of it, only what the tables above do not allow. */
static const int harmful[] = {
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(tkill), /* kill and tgkill: see add_own_signals() */
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(process_madvise),
	SCMP_SYS(process_mrelease),
	SCMP_SYS(move_pages),
	SCMP_SYS(migrate_pages),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(socket),
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsconfig),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(chown),
	SCMP_SYS(lchown),
	SCMP_SYS(fchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(truncate),
	SCMP_SYS(creat),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(pwritev2),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(personality),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(syslog),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(setpriority),
};

/* What is not allowed of calls that are allowed otherwise: EPERM tells more than "not implemented". */
static const struct checked refused[] = {
	{ SCMP_SYS(mmap), ALL, 1, { MASKED(2, PROT_EXEC, PROT_EXEC) } },
	{ SCMP_SYS(mprotect), ALL, 1, { MASKED(2, PROT_EXEC, PROT_EXEC) } },
	{ SCMP_SYS(openat), M | G | R, 1, { MASKED(2, O_ACCMODE | NEW_FILE, O_WRONLY) } },
	{ SCMP_SYS(openat), M | G | R, 1, { MASKED(2, O_ACCMODE | NEW_FILE, O_RDWR) } },
	{ SCMP_SYS(openat), M | G | R, 1, { MASKED(2, O_ACCMODE | NEW_FILE, O_WRONLY | O_CREAT) } },
	{ SCMP_SYS(openat), M | G | R, 1, { MASKED(2, O_ACCMODE | NEW_FILE, O_RDWR | O_CREAT) } },
	{ SCMP_SYS(ioctl), ALL, 1, { MASKED(1, NUMBER, TIOCSTI) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_PROG_LOAD) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_MAP_CREATE) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_MAP_GET_FD_BY_ID) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_PROG_GET_FD_BY_ID) } },
	{ SCMP_SYS(bpf), ALL, 1, { MASKED(0, NUMBER, BPF_LINK_GET_FD_BY_ID) } },
};

static bool allows(int call, enum lt_duty duty, bool attaches)
{
	for (size_t i = 0; i < N(plain); i++)
		if (plain[i].call == call && plain[i].duties >> duty & 1)
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

/* abort(), and a signal that is passed on to ourselves once the terminal is as it was. */
static int add_own_signals(scmp_filter_ctx filter)
{
	static const int calls[] = { SCMP_SYS(kill), SCMP_SYS(tgkill) };
	uint32_t pid = (uint32_t)getpid();
	int err = 0;

	for (size_t i = 0; !err && i < N(calls); i++) {
		const struct scmp_arg_cmp self[] = { { 0, SCMP_CMP_EQ, pid, 0 } };
		const struct scmp_arg_cmp other[] = { { 0, SCMP_CMP_NE, pid, 0 } };

		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 1, self);
		if (!err)
			err = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 1, other);
	}
	return err;
}

static int add_rules(scmp_filter_ctx filter, enum lt_duty duty, bool attaches)
{
	int err = 0;

	for (size_t i = 0; !err && i < N(plain); i++)
		if (plain[i].duties >> duty & 1)
			err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, plain[i].call, 0, NULL);
	if (!err)
		err = add_checked(filter, SCMP_ACT_ALLOW, duty, checked, N(checked));
	if (!err && attaches)
		err = add_checked(filter, SCMP_ACT_ALLOW, duty, attaching_calls,
				  N(attaching_calls));
	if (!err && !LEAKS)
		err = add_own_signals(filter);
	for (size_t i = 0; !err && i < N(harmful); i++)
		if (!allows(harmful[i], duty, attaches))
			err = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), harmful[i], 0,
						     NULL);
	return err ? err
		   : add_checked(filter, SCMP_ACT_ERRNO(EPERM), duty, refused, N(refused));
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
	for (size_t i = 0; i < N(plain); i++)
		n += plain[i].call >= 0 && plain[i].duties >> duty & 1;
	for (size_t i = 0; i < N(checked); i++)
		n += checked[i].call >= 0 && checked[i].duties >> duty & 1 &&
		     (!i || checked[i - 1].call != checked[i].call);
	return n + (attaches ? 2 : 0); /* bpf and perf_event_open */
}
