/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Many small reads of a target's memory, as naming a stack takes: where another process reads (reader.h) each costs a
 * switch to it and back. So blocks are read, and kept for one round; with the first of a round come those that the round
 * before used. What is handed out is not older than its round.
 */
#ifndef LOOPTOP_TARGET_BLOCKS_H
#define LOOPTOP_TARGET_BLOCKS_H

#include "agent/target/memory.h"

struct lt_blocks;

/* Reads from the source, which is copied. NULL with errno. */
struct lt_blocks *lt_blocks__new(const struct lt_source *source);
void lt_blocks__free(struct lt_blocks *blocks);

/* A new round: what was read before is read again. */
void lt_blocks__begin(struct lt_blocks *blocks);

/* All of it or nothing: 0 or -errno. */
int lt_blocks__read(struct lt_blocks *blocks, uint64_t address, void *buf, size_t size);

#endif
