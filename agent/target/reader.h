/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A page of a target's memory may be one that cannot be had: of a file on a server that does not answer, or of one that
 * somebody serves who does not want to. Who reads it waits in the kernel, deaf to all signals. So another process reads,
 * which is given up after LT_READER_DEADLINE_NS; its target then is silent: it is read again when it has answered to one
 * who asks without anybody waiting for it.
 */
#ifndef LOOPTOP_TARGET_READER_H
#define LOOPTOP_TARGET_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define LT_READER_DEADLINE_NS 200000000ull

/* Before anything is open that must not live on in a process that hangs: probes above all. 0 or -errno. Without it, all
 * is read by the caller itself. */
int lt_reader__start(void);
void lt_reader__stop(void);
bool lt_reader__is_used(void);

/* As struct lt_source has it, of a process. -ETIMEDOUT: it does not answer. */
ssize_t lt_reader__memory(int pid, void *buf, size_t size, const struct iovec *pieces, size_t n);

/* As lt_ring_walk(), of a process, where readers are used; what buf has room for must fit into one answer
 * (LT_READER_RING_BYTES). */
#define LT_READER_RING_BYTES (512u << 10)
struct lt_ring;
ssize_t lt_reader__ring(int pid, const struct lt_ring *ring, void *buf, bool *ret_whole);

/* A file of /proc/PID that may make one wait: those that tell of its memory. How many bytes, or -errno. */
ssize_t lt_reader__text(int pid, const char *file, char *buf, size_t size);

/* When what was read last was read, CLOCK_MONOTONIC: between these two. */
uint64_t lt_reader__began_ns(void);
uint64_t lt_reader__read_ns(void);

/* Once in a while: asks silent targets again. */
void lt_reader__poll(void);

/* Nothing is read of it, as it does not answer. */
bool lt_reader__is_silent(int pid);
/* One sentence, also if only a part of it does not; NULL: it does. */
const char *lt_reader__why_silent(int pid);
/* The same for one that cannot even be looked at. */
const char *lt_reader__says(void);

/* CPU time of all readers until now. */
double lt_reader__cpu_seconds(void);

#endif
