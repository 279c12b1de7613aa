/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What looptop itself takes and has lost, for each snapshot. */
#ifndef LOOPTOP_SELF_READING_H
#define LOOPTOP_SELF_READING_H

#include "agent/govern.h"
#include "agent/model/store.h"
#include "agent/probe/guard.h"
#include "agent/probe/probe.h"

/* CPU time is of the program with its processes: those that have ended, the readers, the guard. probe NULL: there are
 * no probes. */
void lt_self__read(struct lt_probe *probe, struct lt_guard *guard, const struct lt_features *features,
		   const struct lt_govern *govern, struct lt_self_reading *ret_self);

#endif
