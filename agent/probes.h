/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The kernel side of a run, by its options: what this kernel can do, the programs, and who holds the probes. */
#ifndef LOOPTOP_PROBES_H
#define LOOPTOP_PROBES_H

#include "agent/options.h"
#include "agent/probe/probe.h"

struct lt_probes {
	struct lt_features features;
	struct lt_guard *guard; /* NULL: memory only */
	struct lt_probe *probe; /* likewise */
};

/* 0, or -errno with the error logged (-ECANCELED: there is none); what is there by then is to be freed all the same. */
int lt_probes__load(const struct lt_options *options, struct lt_probes *ret_probes);
void lt_probes__free(struct lt_probes *probes);

#endif
