/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Reading the same places of a target's memory again and again costs a system call for each: so what was asked for
 * in the last round is read ahead in one call when the next round asks for the first of it.
 *
 * The order stands: each reading that is handed out was made after all that were handed out before it, so that two
 * readings that differ, or do not, say what they would say without this. And none is older than LT_RECALL_AGE_NS; where
 * another process reads (reader.h) and the machine is busy, it may come later, up to LT_RECALL_LATE_NS: it counts from
 * when it was read, which lt_memory_ns() tells. What is read in one call never spans more than LT_RECALL_AGE_NS.
 */
#ifndef LOOPTOP_TARGET_RECALL_H
#define LOOPTOP_TARGET_RECALL_H

#include "agent/target/memory.h"

#define LT_RECALL_AGE_NS  200000u
#define LT_RECALL_LATE_NS 50000000u

struct lt_recall;

/* Reads from the source, which is copied. NULL with errno. */
struct lt_recall *lt_recall__new(const struct lt_source *source);
void lt_recall__free(struct lt_recall *recall);

/* A round: what is asked for until its end is what the next one of its kind is expected to ask for. */
void lt_recall__begin(struct lt_recall *recall, bool other_kind);
void lt_recall__end(struct lt_recall *recall);

/* Outside of a round it reads as the source does. */
struct lt_source lt_recall__source(struct lt_recall *recall);

#endif
