/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Looking through /proc for processes whose executable holds an event loop. */
#ifndef LOOPTOP_TARGET_DISCOVER_H
#define LOOPTOP_TARGET_DISCOVER_H

#include <stddef.h>

struct lt_discovery;

/* Remembers which files hold no event loop, so that a later look costs a stat() for each process. */
struct lt_discovery *lt_discovery__new(void);
void lt_discovery__free(struct lt_discovery *discovery);

/* The processes that are candidates now, at most max. How many, or -errno. Those that may not be
 * looked at are left out. */
int lt_discovery__look(struct lt_discovery *discovery, int *pids, size_t max);

#endif
