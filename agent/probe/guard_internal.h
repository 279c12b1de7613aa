/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What guard.c and the process that it starts say to each other. */
#ifndef LOOPTOP_PROBE_GUARD_INTERNAL_H
#define LOOPTOP_PROBE_GUARD_INTERNAL_H

#include "agent/probe/guard.h"

#define LT_GUARD_LINKS_MAX 512 /* of one message */

enum lt_guard_what {
	LT_GUARD_ATTACH, /* with the program and the file as descriptors */
	LT_GUARD_DETACH,
};

struct lt_guard_request {
	uint32_t what, n;
	int32_t pid;
	bool multi, has_cookies, wait;
	bool is_trial;
	union {
		struct {
			uint64_t offsets[LT_GUARD_SITES_MAX], cookies[LT_GUARD_SITES_MAX];
		};
		int32_t links[LT_GUARD_LINKS_MAX];
	};
};

/* n: how many links, or -errno. A link's number is its descriptor there. */
struct lt_guard_answer {
	int32_t n;
	int32_t links[LT_GUARD_SITES_MAX];
};

/* The life of the process; parent_fd: a pidfd of ours, -1: none. */
_Noreturn void lt_guard__live(int socket_fd, int parent_fd);

#endif
