/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a thread of a target is doing in the kernel: the system call that it is in, and on what. */
#ifndef LOOPTOP_TARGET_DOING_H
#define LOOPTOP_TARGET_DOING_H

#include "agent/target/peer.h"

struct lt_target;

#define LT_CALL_SIZE 24

struct lt_doing {
	char call[LT_CALL_SIZE]; /* "openat"; "": it runs, or it is not known */
	char on[LT_PEER_SIZE]; /* a file, the other end of a socket; printable, cut if longer; "": none, or not known (yet) */
};

/* As it is now. peer: the search for the other end of its socket, which may take some calls (peer.h). 0, -EAGAIN: it
 * runs; another -errno if it may not be asked. */
int lt_doing__read(const struct lt_target *target, int tid, struct lt_peer *peer, uint64_t budget_ns,
		   struct lt_doing *ret_doing);

#endif
