/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Numbers for people: three significant digits, the unit beside the figure, "-" for unknown. */
#ifndef LOOPTOP_UTIL_FMT_H
#define LOOPTOP_UTIL_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "looptop/metric.h"

/* All write a NUL-terminated text of at most size - 1 characters and return buf. */

/* "0", "12us", "3.4ms", "120ms", "2.31s", "12.4s", "340s", "12min", "120h"; at most 6 characters
 * up to a year. */
char *lt_fmt_seconds(char *buf, size_t size, double seconds);
/* Of what has not ended: more than that. Rounded down: ">25ms", ">9.1s", ">12s", ">1.5h"; at most 5 characters. */
char *lt_fmt_more(char *buf, size_t size, double seconds);
/* "0", "0.4", "812", "12.3k", "4.1M"; at most 6 characters up to 10^15. A rate above 0 is never "0". */
char *lt_fmt_count(char *buf, size_t size, double count);
/* Powers of 1024: "0B", "1.2K", "12K", "340M", "1.2G"; at most 6 characters up to 10^15. */
char *lt_fmt_bytes(char *buf, size_t size, double bytes);
/* 0.714 → "71 %", 0.004 → "0.4 %"; at most 6 characters up to 9999 %. Above 0 it is never "0 %". */
char *lt_fmt_ratio(char *buf, size_t size, double ratio);
/* By unit. */
char *lt_fmt(char *buf, size_t size, enum lt_unit unit, double value);

/* Copies src cut to fit, every byte that is not printable UTF-8 as '?': for text from a target.
 * Marks that turn the direction of writing or take no room count as not printable. */
char *lt_fmt_text(char *buf, size_t size, const char *src);

/* Whether lt_fmt_text() leaves a character as it is. */
bool lt_fmt_printable(uint32_t point);

/* Copies src cut to fit, every byte that is not UTF-8 as U+FFFD: for formats that can escape
 * controls but must be well-formed. 3 × strlen(src) + 1 is always enough room. */
char *lt_fmt_utf8(char *buf, size_t size, const char *src);

/* As lt_fmt_text, and exactly `cells` terminal columns wide: cut with "…" (ascii: '~', and '?' for
 * all that is not ASCII) or filled up with spaces. 4 × cells + 5 bytes are always enough room. */
char *lt_fmt_cell(char *buf, size_t size, const char *src, int cells, bool ascii);

#endif
