/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where functions begin and end in a file without symbols: .eh_frame has a record for each, because
 * exceptions must find their way through it. Written by compilers, but read as if by an enemy.
 */
#ifndef LOOPTOP_TARGET_FRAMES_H
#define LOOPTOP_TARGET_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct lt_elf;
struct lt_frames;

/* Reads the bounds of all functions. 0; -ENOENT: the file has no such section; -E2BIG: more than is
 * read; another -errno. Records that do not fit are left out. The caller frees with lt_frames__free(). */
int lt_frames__read(struct lt_elf *elf, struct lt_frames **ret_frames);
void lt_frames__free(struct lt_frames *frames);

size_t lt_frames__count(const struct lt_frames *frames);

/* The length in bytes of the function that begins at vaddr; 0: none does. */
uint64_t lt_frames__size(const struct lt_frames *frames, uint64_t vaddr);

#endif
