/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Words in a block of bytes, whatever they are aligned to. The caller knows that they are in it. */
#ifndef LOOPTOP_UTIL_WORD_H
#define LOOPTOP_UTIL_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t lt_word(const void *block, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)block + offset, sizeof(value));
	return value;
}

static inline uint32_t lt_half(const void *block, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)block + offset, sizeof(value));
	return value;
}

#endif
