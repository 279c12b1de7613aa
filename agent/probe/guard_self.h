/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* In the guard: what it is, so that no kill that was meant for looptop hits it, and what it may. */
#ifndef LOOPTOP_PROBE_GUARD_SELF_H
#define LOOPTOP_PROBE_GUARD_SELF_H

/* Where its descriptors are, and no others. */
#define LT_GUARD_SOCKET 3
#define LT_GUARD_PARENT 4

/* The descriptor by which the end of ours is seen; -1: none. */
int lt_guard_self__begin(int socket_fd, int parent_fd);

/* Multi links are what it needs: it keeps the capabilities for these alone. */
void lt_guard_self__has_multi(void);

#endif
