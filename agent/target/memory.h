/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reading a target's memory. What is read is whatever the target had there: pointers are checked before
 * they are followed. */
#ifndef LOOPTOP_TARGET_MEMORY_H
#define LOOPTOP_TARGET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it or nothing: 0 or -errno, -EFAULT also for a part. */
int lt_read_memory(int pid, uint64_t address, void *buf, size_t size);

/* Whether a word can be the address of something that holds words. */
static inline bool lt_is_pointer(uint64_t word)
{
	return word >= 4096 && word < 1ull << 47 && !(word & 7);
}

#endif
