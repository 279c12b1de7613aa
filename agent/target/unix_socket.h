/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The name of a local socket. Whoever binds one chooses its name, with any bytes in it: in /proc/PID/net/unix a
 * newline begins what looks like a line of the kernel's, of whatever inode its author likes.
 */
#ifndef LOOPTOP_TARGET_UNIX_SOCKET_H
#define LOOPTOP_TARGET_UNIX_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LT_UNIX_NAME_SIZE 112

/* What a line may still be a part of. Zeros at the beginning of the table. */
struct lt_unix_lines {
	size_t name_bytes; /* of the shortest name that may go on behind the last line; 0: none can */
};

/* Each line of the table in its order, without its newline. True: the kernel has begun it, not a name. */
bool lt_unix_line_is_genuine(struct lt_unix_lines *lines, const char *line);

/* The inode of a line that looks right, with the name ("": it has none); 0: it does not. */
uint64_t lt_unix_line(const char *line, const char **ret_name);

/* Asks the kernel, by netlink, for the name of a socket in our own network namespace. True: it has answered. */
bool lt_unix_ask(uint64_t inode, char name[LT_UNIX_NAME_SIZE]);

#endif
