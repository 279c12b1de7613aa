/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Waits told by system calls: the programs that see them, attached while at least one process is watched in
 * that way. Which way: see enum lt_wait_way in probe.h.
 */
#ifndef LOOPTOP_PROBE_WAITS_H
#define LOOPTOP_PROBE_WAITS_H

#include "agent/probe/internal.h"

struct lt_waits; /* what is attached */

/* Before loading: only the programs of this way are loaded. */
void lt_waits__select(struct lt_looptop_bpf *skel, enum lt_wait_way way);

struct lt_waits *lt_waits__new(struct lt_looptop_bpf *skel, enum lt_wait_way way);
void lt_waits__free(struct lt_waits *waits);

/* Tells the waits of this process's threads from now on, once it is in lt_procs with LT_PROC_ANY_WAIT. 0, or
 * -errno with the error logged. */
int lt_waits__watch(struct lt_waits *waits, int pid);
void lt_waits__unwatch(struct lt_waits *waits, int pid);

/* Of a record that is made for a thread in a wait. */
uint32_t lt_waits__seed_flags(const struct lt_waits *waits);

/* What one hit costs the thread that waits, as measured when the programs were attached first; NAN: not yet. */
double lt_waits__hit_cost_ns(const struct lt_waits *waits);

#endif
