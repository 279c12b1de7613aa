/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the agent and its readers have in common: the memory in which requests and answers are, and the messages. */
#ifndef LOOPTOP_TARGET_READER_INTERNAL_H
#define LOOPTOP_TARGET_READER_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "agent/target/memory.h"
#include "agent/target/open.h"
#include "agent/target/reader.h"

#define LT_READER_SLOTS 20 /* readers that there may be at a time, those that hang included */
#define LT_READER_DATA	LT_READER_RING_BYTES /* of one answer */
#define LT_READER_PATH	4096

enum lt_reader_state {
	LT_READER_IDLE, /* it waits for a request */
	LT_READER_ASKED,
	LT_READER_DONE, /* the answer is there, and has not been taken */
};

enum lt_reader_call {
	LT_READER_MEMORY, /* the pieces, into data */
	LT_READER_TEXT, /* a file of /proc/PID, into data */
	LT_READER_OPEN, /* a descriptor, by a message */
	LT_READER_RING, /* the ring's nodes, into data */
	LT_READER_SLEEP, /* for tests: answers after size milliseconds */
};

struct lt_reader_request {
	enum lt_reader_call call;
	int pid;
	size_t size; /* at most LT_READER_DATA, but for descriptors */
	size_t n_pieces;
	enum lt_open_what what;
	union {
		struct iovec pieces[LT_PIECES_MAX]; /* of memory */
		struct lt_ring ring;
		char path[LT_READER_PATH]; /* of all else */
	};
};

struct lt_reader_shared {
	_Atomic uint32_t state;
	_Atomic uint64_t began_ns; /* when it began to read for this request; 0: it has not run since */
	uint64_t ended_ns; /* when all of the answer had been read */
	_Atomic uint64_t moved_ns; /* when it was last seen to make progress */
	struct lt_reader_request request;
	ssize_t answer; /* bytes, or nodes of a ring, or -errno */
	bool whole; /* the ring has no more nodes */
	struct lt_opened opened;
	unsigned char data[LT_READER_DATA];
};

/* What the parent of all readers is told, and tells. */
struct lt_reader_spawn {
	uint32_t slot; /* whoever has it is ended before another one is made */
	uint32_t end; /* nothing else is to be done; there is no answer */
	uint64_t number; /* of this message */
};

struct lt_reader_spawned {
	uint64_t number; /* of the message that this answers */
	int pid; /* or -errno; with a pidfd and its socket in the message */
};

/* A message with descriptors. 0 or -errno; what was not sent is -1. */
int lt_reader__send(int socket, const void *data, size_t size, const int *fds, size_t n);
int lt_reader__receive(int socket, void *data, size_t size, int *fds, size_t n, int flags);

/* The parent of the readers: never returns. */
_Noreturn void lt_reader__parent(int socket, struct lt_reader_shared *slots);

#endif
