/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Who is at the other end of a descriptor, from the kernel's tables of sockets as the target's own network
 * namespace has them (/proc/PID/net), without entering it. Tables of a busy host are long: they are read in slices
 * of time, over several calls.
 */
#ifndef LOOPTOP_TARGET_PEER_H
#define LOOPTOP_TARGET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/target/unix_socket.h"

#define LT_PEER_SIZE 80

/* In the order in which they are searched: servers of all addresses have their connections in tcp6. */
enum lt_socket_table {
	LT_TABLE_TCP6,
	LT_TABLE_TCP,
	LT_TABLE_UNIX,
	LT_TABLE_MAX
};

struct lt_peer {
	int pid, fd; /* fd -1: nobody asked yet */
	uint64_t inode; /* of the socket, 0: it is none */
	char inode_text[24];
	char text[LT_PEER_SIZE]; /* "": not known (yet) */
	/* The search: */
	bool searching;
	enum lt_socket_table table;
	int file; /* -1: not open */
	uint64_t bytes; /* that were read */
	uint64_t retry_ns; /* when a search that found nothing begins again */
	char part[512]; /* of a line that is not all there yet */
	size_t n_part;
	struct lt_unix_lines lines;
};

void lt_peer__init(struct lt_peer *peer, int pid);

/* Ends the search; afterwards it is as new. */
void lt_peer__close(struct lt_peer *peer);

/* The other end of the process's descriptor (of a local one the kernel is asked by netlink first, which cannot be
 * deceived, and knows our own network namespace only): "10.0.0.7:5432", "[2001:db8::7]:443", "unix:/run/app.sock", the name of
 * a pipe or a file; printable. local: it is of no network. "" while it is looked for, for at most budget_ns a call,
 * and if it was not found. */
const char *lt_peer__of(struct lt_peer *peer, int fd, bool local, uint64_t budget_ns);

/* A number for what the process's descriptor is: of a socket or pipe its inode, another one for all that has a path.
 * 0: there is no such descriptor. Nothing is opened. */
uint64_t lt_file_of(int pid, int fd);

/* The remote address in a line of a table, if it is the socket with this inode. */
bool lt_peer_in_line(enum lt_socket_table table, const char *line, uint64_t inode,
		     char text[LT_PEER_SIZE]);

#endif
