/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_PRIVILEGE_INTERNAL_H
#define LOOPTOP_UTIL_PRIVILEGE_INTERNAL_H

#include <seccomp.h>

#include "agent/util/privilege.h"

/* Duties in the tables. */
#define M   (1u << LT_DUTY_MAIN)
#define G   (1u << LT_DUTY_GUARDIAN)
#define R   (1u << LT_DUTY_READER)
#define A   (1u << LT_DUTY_ANALYST)
#define P   (1u << LT_DUTY_SPAWNER)
#define S   (1u << LT_DUTY_SERVER)
#define ALL   (M | G | P | R | A | S)
#define NOT_A (ALL & ~A)

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS ALL /* LeakSanitizer stops our threads and looks at them when the program ends */
#else
#define LEAKS 0u
#endif

/* A system call (SCMP_SYS) and who may make it, whatever its arguments. */
struct lt_call {
	int call;
	unsigned duties;
};

extern const struct lt_call lt_calls_plain[];
extern const size_t lt_n_calls_plain;

/* What could do harm: refused with EPERM to those who may not make it. */
extern const int lt_calls_harmful[];
extern const size_t lt_n_calls_harmful;

/* Leaves this thread the system calls of its duty. 0 or -errno, not logged. */
int lt_privilege__filter(enum lt_duty duty, bool attaches);

#endif
