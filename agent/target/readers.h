/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The processes that read: made, asked, waited for, given up. What they are asked is in reader.c. */
#ifndef LOOPTOP_TARGET_READERS_H
#define LOOPTOP_TARGET_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/target/reader_internal.h"

#define LT_READERS_OF_USER 4 /* that may hang in processes of one user */
#define LT_READERS_KEPT	   4 /* that asking silent targets again does not take */

enum lt_reader_use {
	LT_READER_NONE, /* a slot without a process */
	LT_READER_FREE_TO_ASK,
	LT_READER_IN_USE,
	LT_READER_STUCK, /* killed, and still there */
};

struct lt_reader {
	struct lt_reader_shared *shared;
	enum lt_reader_use use;
	int pid, pidfd, socket;
	int asking_pid; /* a silent target that it asks; 0: it is waited for */
	int asking_part; /* of it */
	uid_t uid; /* of the target in which it is stuck */
	uint64_t asked_ns;
	uint64_t switches; /* how often it had gone to sleep at the look before */
};

int lt_readers__start(void);
void lt_readers__stop(void);

/* They are there, and ours: children of the agent have none. */
bool lt_readers__usable(void);

/* A reader to be asked; NULL: there cannot be one now. */
struct lt_reader *lt_readers__take(void);
void lt_readers__ask(struct lt_reader *reader);
void lt_readers__give_back(struct lt_reader *reader);

/* 0: it has answered; -ETIMEDOUT: what it reads does not; -EBUSY: it had no chance to (nobody's fault but the
 * machine's, or we are to end); -ECHILD: it has died. */
int lt_readers__wait(struct lt_reader *reader, uint64_t deadline_ns);
/* The same at once; -EAGAIN: it is too early to tell. */
int lt_readers__look(struct lt_reader *reader);

/* Ends it, whenever it can be. */
void lt_readers__abandon(struct lt_reader *reader, uid_t uid);
void lt_readers__reap(void);

struct lt_reader *lt_readers__asking(int pid, int part);
size_t lt_readers__stuck(void);
size_t lt_readers__stuck_of(uid_t uid);
size_t lt_readers__free(void);
double lt_readers__cpu_seconds(void);

#endif
