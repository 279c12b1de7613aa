/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_SINK_LISTEN_H
#define LOOPTOP_SINK_LISTEN_H

/* A listening socket on "127.0.0.1:9478", "[::1]:9478", "localhost:9478" or ":9478" (all
 * addresses, IPv6 and IPv4). The descriptor, or -errno with the error logged: -EINVAL not an
 * address, -EADDRINUSE, -EACCES, -EADDRNOTAVAIL. */
int lt_listen(const char *address, int backlog);

#endif
