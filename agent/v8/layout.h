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

/* Reads the layout of the V8 in an ELF file. Always fills it; level LT_V8_NONE if there is no V8. */
void lt_v8_layout__read(struct lt_elf *elf, struct lt_v8_layout *ret_layout);

#endif
