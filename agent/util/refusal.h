/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Files of others that were not read, as they would have cost too much: each is told once, and counted. */
#ifndef LOOPTOP_UTIL_REFUSAL_H
#define LOOPTOP_UTIL_REFUSAL_H

#include <stdint.h>

/* Tells of the file on fd, by the name that the kernel has of it: which limit it broke, and what is lost. Of many in
 * a short time only the first are told. */
void lt_refuse(int fd, const char *why, const char *loss);

/* The same by a name that is known. */
void lt_refuse_named(const char *name, const char *why, const char *loss);

/* How many there were. */
uint64_t lt_refusals(void);

#endif
