/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the files of agent/probe share, and nobody else sees. */
#ifndef LOOPTOP_PROBE_INTERNAL_H
#define LOOPTOP_PROBE_INTERNAL_H

#include <bpf/libbpf.h>

#include "agent/probe/multi.h"
#include "agent/probe/probe.h"
#include "looptop.skel.h"

struct lt_looptop_bpf *lt_probe__skeleton(const struct lt_probe *probe);
const struct lt_features *lt_probe__features(const struct lt_probe *probe);

#endif
