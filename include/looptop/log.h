/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One logger for the whole program: to stderr, or to whoever shows messages (the dashboard). */
#ifndef LOOPTOP_LOG_H
#define LOOPTOP_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum lt_log_level { LT_LOG_ERROR, LT_LOG_WARN, LT_LOG_INFO, LT_LOG_DEBUG };

void lt_log(enum lt_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lt_vlog(enum lt_log_level level, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Messages above this level are dropped; LT_LOG_WARN at the start. */
void lt_log_set_level(enum lt_log_level level);
enum lt_log_level lt_log_level(void);

/* While it is on, errors are told at level debug: whoever asked only tries. */
void lt_log_demote(bool on);

/* Where messages go: a function that gets one line without its newline, or NULL for stderr. */
typedef void (*lt_log_fn)(enum lt_log_level level, const char *line, void *ctx);
void lt_log_set_sink(lt_log_fn fn, void *ctx);

#define lt_warn(...) lt_log(LT_LOG_WARN, __VA_ARGS__)
#define lt_info(...) lt_log(LT_LOG_INFO, __VA_ARGS__)
#define lt_debug(...) lt_log(LT_LOG_DEBUG, __VA_ARGS__)

#endif
