/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Numbers for people: three significant digits, the unit beside the figure, "-" for unknown. */
#ifndef LOOPTOP_UTIL_FMT_H
#define LOOPTOP_UTIL_FMT_H

#include <stddef.h>

#include "looptop/metric.h"

/* All write a NUL-terminated text of at most size - 1 characters and return buf. */

/* "0", "12us", "3.4ms", "120ms", "2.31s", "4.2min"; at most 7 characters. */
char *lt_fmt_seconds(char *buf, size_t size, double seconds);
/* "0", "812", "12.3k", "4.1M"; at most 6 characters. */
char *lt_fmt_count(char *buf, size_t size, double count);
/* "0 B", "12 KiB" as "12.0K", "340M", "1.2G"; at most 6 characters. */
char *lt_fmt_bytes(char *buf, size_t size, double bytes);
/* 0.714 → "71 %", 0.004 → "0.4 %"; at most 6 characters. */
char *lt_fmt_ratio(char *buf, size_t size, double ratio);
/* By unit. */
char *lt_fmt(char *buf, size_t size, enum lt_unit unit, double value);

/* Copies src cut to fit, every byte that is not printable UTF-8 as '?': for text from a target. */
char *lt_fmt_text(char *buf, size_t size, const char *src);

#endif
