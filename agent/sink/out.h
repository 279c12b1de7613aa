/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How a sink that prints rows learns that they did not arrive. */
#ifndef LOOPTOP_SINK_OUT_H
#define LOOPTOP_SINK_OUT_H

#include <errno.h>
#include <stdio.h>

/* Before the rows of a snapshot: errno is that of their first failure. */
static inline void lt_out_begin(void)
{
	errno = 0;
}

/* Sends the rows off, for whoever reads a pipe wants them when they are made; 0 or -errno. */
static inline int lt_out_end(FILE *out)
{
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

#endif
