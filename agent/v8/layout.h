/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Finding the constants of the V8 in a binary. They come from the
 * v8dbg_* symbols that every build exports, from its code, and for what is missing there from a table of
 * the versions that were verified. What is in none of them stays LT_V8_UNKNOWN.
 */
#ifndef LOOPTOP_V8_LAYOUT_H
#define LOOPTOP_V8_LAYOUT_H

#include "looptop/v8.h"

struct lt_elf;

/* Reads the layout of the V8 in an ELF file. Always fills it; level LT_V8_NONE if there is no V8. Fields
 * that a version does not have are unknown on every level: shared_wrapper_type before V8 13, and before
 * V8 11 code_instruction_start, for there the Code object is the header of the instructions itself, and
 * instruction_stream_type is its type. c_entry_fp, isolate_tls and the addresses may be unknown on every
 * level, too: they depend on the build. */
void lt_v8_layout__read(struct lt_elf *elf, struct lt_v8_layout *ret_layout);

/* The isolate_tls of a process whose isolate_key in memory is key: where glibc keeps the first keys of a
 * thread. LT_V8_UNKNOWN if it is none of those. */
int32_t lt_v8_layout__key_tls(int32_t key);

#endif
