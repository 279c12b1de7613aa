/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the files that write JSON share. All builders return a new reference; NULL only when memory
 * ran out. */
#ifndef LOOPTOP_SINK_JSON_H
#define LOOPTOP_SINK_JSON_H

#include <jansson.h>

#include "agent/util/json.h"
#include "looptop/metric.h"

/* One line. 0.1 is printed as 0.1, seconds to the nanosecond, and Unix times to 10 µs. */
#define LT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* null if it is not finite; whole counts as integers, and what is yes or no as that. */
json_t *lt_json_number(enum lt_unit unit, double x);
/* An object of n numbers. */
json_t *lt_json_keyed(enum lt_unit unit, const double *numbers, const char *const *names, size_t n);
/* A stall with its cause, its function and its stack (contract, section 3). */
json_t *lt_json_stall(const struct lt_stall *stall);

/* How a process ended; null if it has not. */
json_t *lt_json_end(const struct lt_process *process);

/* A function that was deoptimised: where it begins, and how often. */
json_t *lt_json_deopt(const struct lt_deopt *deopt);

#endif
