/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Giving up what is not needed any more: capabilities, the user, system calls. Each part of the program has its
 * duty; who may do what is a table (privilege.c, privilege_calls.c). There is no way back.
 */
#ifndef LOOPTOP_UTIL_PRIVILEGE_H
#define LOOPTOP_UTIL_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lt_duty {
	LT_DUTY_MAIN, /* after start: reads /proc and memory, attaches, writes what it found */
	LT_DUTY_GUARDIAN, /* attaches, and holds what is attached */
	LT_DUTY_SPAWNER, /* a reader that starts others, and analysts, and ends them */
	LT_DUTY_READER, /* reads memory and files of others, for the main process */
	LT_DUTY_ANALYST, /* makes sense of bytes from descriptors that it has: opens nothing */
	LT_DUTY_SERVER, /* answers whoever connects to a socket that is bound already */
	LT_DUTY_MAX,
};

/*
 * The user that spawners and readers become, and analysts that are not another one yet (bounded_child.h): Debian reserves
 * the number, systemd leaves it alone, so that nobody else is that user: nobody can signal or trace them, and they can
 * signal nobody but each other.
 */
#define LT_PRIVILEGE_UID 65531u

/*
 * From now on the calling thread, and what it starts, can do no more than its duty. attaching: the capabilities that
 * putting probes in takes here (lt_capabilities__attaching()); 0: no probe is put in any more, and duties that do not
 * attach ignore it. 0; or -errno, logged, and whatever could be given up is: it is the caller's to go on or not.
 * LT_KEEP_PRIVILEGES in the environment makes it do nothing.
 */
int lt_privilege__enter(enum lt_duty duty, uint64_t attaching);

/*
 * The last part of it, for who gives up capabilities as it learns what it needs (lt_capabilities__keep()): no new
 * privileges, and no system calls but the duty's. 0 or -errno, not logged: it is called in children without memory of
 * their own, too.
 */
int lt_privilege__limit_calls(enum lt_duty duty, bool attaches);

/* The capabilities that will be in effect then, of those that this thread has. */
uint64_t lt_privilege__kept(enum lt_duty duty, uint64_t attaching);

/* How many system calls a duty may make. */
size_t lt_privilege__n_calls(enum lt_duty duty, bool attaches);

/* "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE", as many as there is room for; "none". How many they are. */
#define LT_CAPABILITY_NAMES_SIZE 192
unsigned lt_capability_names(uint64_t capabilities, char *text, size_t size);

/* Of this thread, in effect; all if it cannot be told. */
uint64_t lt_capabilities__effective(void);

/*
 * Of the capabilities that this thread has, it keeps only these, in effect or not as before; its bounding set becomes
 * empty where it may. 0 or -errno, not logged.
 */
int lt_capabilities__keep(uint64_t kept);

#endif
