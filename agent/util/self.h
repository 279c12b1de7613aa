/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_UTIL_SELF_H
#define LOOPTOP_UTIL_SELF_H

/* A size of this process in KiB, by its name in /proc/self/status ("VmRSS"); NAN: unknown. The peak is VmHWM, not
 * ru_maxrss, which is also of what the process was before it ran this program. */
double lt_self_kib(const char *name);

#endif
