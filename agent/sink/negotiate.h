/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_SINK_NEGOTIATE_H
#define LOOPTOP_SINK_NEGOTIATE_H

#include <stdbool.h>

/* Whether an Accept header (NULL: there is none) likes OpenMetrics at least as much as text. */
bool lt_wants_openmetrics(const char *accept);

#endif
