/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Who waits in epoll, as /proc tells. */
#ifndef LOOPTOP_TARGET_WAITS_H
#define LOOPTOP_TARGET_WAITS_H

#include <stdbool.h>
#include <stdint.h>

/* A system call in which a thread is, as /proc/PID/task/TID/syscall tells it. */
struct lt_syscall {
	int number; /* -1: it is asleep in the kernel for another reason */
	uint64_t args[6], sp;
};

/* 0; -EAGAIN: the thread runs; -EINVAL: the text is something else. */
int lt_parse_syscall(const char *text, struct lt_syscall *ret_call);

/* Of a thread. 0; -EAGAIN: it runs; another -errno if it may not be asked. */
int lt_thread_call(int pid, int tid, struct lt_syscall *ret_call);

/* Is it a wait for events, as a loop's? */
bool lt_syscall_is_wait(const struct lt_syscall *call);

/* Is the thread in a wait for events now, one that may block? 0 and the stack pointer at its call, -EAGAIN if it
 * is not, another -errno if it may not be asked. */
int lt_thread_in_wait(int pid, int tid, uint64_t *ret_sp);

/* How often the thread has gone to sleep since its start: the same number twice, and asleep both times, is one
 * sleep. -errno. */
int64_t lt_thread_sleeps(int pid, int tid);

/* Does the process have an epoll descriptor, or a thread that waits on one? */
bool lt_process_has_epoll(int pid);

/* Is its executable one of this machine's architecture? System calls have other numbers in 32-bit programs. */
bool lt_process_is_native(int pid);

#endif
