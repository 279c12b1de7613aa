/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Ending in order, and waiting for the next interval without drifting. */
#ifndef LOOPTOP_SIGNALS_H
#define LOOPTOP_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* SIGINT, SIGTERM and SIGHUP ask for the end from now on. */
void lt_signals__install(void);
bool lt_signals__stopped(void);

/* Sleeps until CLOCK_MONOTONIC deadline_ns, a signal that asks for the end, or input on fd (-1:
 * none). True when the deadline was reached. */
bool lt_sleep_until(uint64_t deadline_ns, int fd);

#endif
