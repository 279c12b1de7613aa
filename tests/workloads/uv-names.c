/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libuv's functions by name alone, as a runtime with a loop of its own has them for native modules (Bun does):
 * a program that is linked with this exports them, and calls none.
 */
#include <stdlib.h>

#define NEVER(name) \
	int name(void);  \
	int name(void)   \
	{                \
		abort();     \
	}

NEVER(uv_run)
NEVER(uv_backend_fd)
NEVER(uv_default_loop)
NEVER(uv_queue_work)
NEVER(uv_fs_read)
NEVER(uv_getaddrinfo)

unsigned uv_version(void);

unsigned uv_version(void)
{
	return 0x013300;
}
