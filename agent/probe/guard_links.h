/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* In the guard: the links that hold probes in place, many sites by a multi link, or one site by a perf event. */
#ifndef LOOPTOP_PROBE_GUARD_LINKS_H
#define LOOPTOP_PROBE_GUARD_LINKS_H

#include "agent/probe/guard_internal.h"

/* How many links it took, with their descriptors, or -errno. */
int lt_guard_links__open(const struct lt_guard_request *request, int prog_fd, int file_fd,
			 int32_t ret_links[LT_GUARD_SITES_MAX]);

/* Closes n of them at the same time; wait: until the kernel is done. What is not a link is left alone. */
void lt_guard_links__close(const int32_t *links, size_t n, bool wait);

/* All that are open, and waits for what was closed before, too. */
void lt_guard_links__close_all(void);

/* Takes leave of the children that have ended; how many there still are. */
size_t lt_guard_links__reap(void);

#endif
