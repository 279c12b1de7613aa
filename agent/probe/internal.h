/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the files of agent/probe share, and nobody else sees. */
#ifndef LOOPTOP_PROBE_INTERNAL_H
#define LOOPTOP_PROBE_INTERNAL_H

#include <bpf/libbpf.h>

#include "agent/probe/guard.h"
#include "agent/probe/probe.h"
#include "looptop.skel.h"

struct group {
	int *links; /* as the guard calls them */
	size_t n_links;
	size_t n_sites;
};

struct lt_attachment {
	struct lt_probe *probe;
	const struct lt_target *target;
	enum lt_tier tier;
	struct group groups[LT_GROUP_MAX];
	bool target_ended; /* told when it is freed */
};

struct lt_waits;

struct lt_waits *lt_probe__waits(const struct lt_probe *probe);

struct btf;

/* The number of the function of that system call ("epoll_wait") in the kernel's BTF, not positive: none. */
int lt_wait_function_id(const struct btf *btf, const char *call);

struct lt_looptop_bpf *lt_probe__skeleton(const struct lt_probe *probe);
struct lt_guard *lt_probe__guard(const struct lt_probe *probe);
const struct lt_features *lt_probe__features(const struct lt_probe *probe);

#endif
