/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The logger and the error helpers that use it. */
#include "looptop/log.h"

#include <errno.h>
#include <stdio.h>

#include "agent/util/fmt.h"
#include "looptop/err.h"

static enum lt_log_level max_level = LT_LOG_WARN;
static bool demoted;
static lt_log_fn sink;
static void *sink_ctx;

void lt_log_set_level(enum lt_log_level level)
{
	max_level = level;
}

enum lt_log_level lt_log_level(void)
{
	return max_level;
}

void lt_log_demote(bool on)
{
	demoted = on;
}

void lt_log_set_sink(lt_log_fn fn, void *ctx)
{
	sink = fn;
	sink_ctx = ctx;
}

void lt_vlog(enum lt_log_level level, const char *fmt, va_list args)
{
	static const char *const prefix[] = { "", "warning: ", "", "debug: " };
	char said[1024], line[1024];

	if (level > max_level)
		return;
	vsnprintf(said, sizeof(said), fmt, args);
	/* Paths and names in it may be a target's. */
	lt_fmt_text(line, sizeof(line), said);
	if (sink)
		sink(level, line, sink_ctx);
	else
		fprintf(stderr, "looptop: %s%s\n", prefix[level], line);
}

void lt_log(enum lt_log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	lt_vlog(level, fmt, args);
	va_end(args);
}

int lt_err(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	lt_vlog(demoted ? LT_LOG_DEBUG : LT_LOG_ERROR, fmt, args);
	va_end(args);
	return err;
}

int lt_warn_err(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	lt_vlog(LT_LOG_WARN, fmt, args);
	va_end(args);
	return err;
}

enum lt_exit lt_exit_of(int err)
{
	switch (-err) {
	case 0:
	case ECANCELED: /* by the user */
		return LT_EXIT_OK;
	case EINVAL:
		return LT_EXIT_USAGE;
	case ESRCH:
		return LT_EXIT_NO_TARGET;
	case EPERM:
	case EACCES:
		return LT_EXIT_PRIVILEGE;
	case EOPNOTSUPP:
	case ENOSYS:
		return LT_EXIT_KERNEL;
	default:
		return LT_EXIT_FAILED;
	}
}
