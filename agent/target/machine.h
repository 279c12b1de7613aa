/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Within agent/target: the machines whose instructions are known. Their files are the only users of capstone. */
#ifndef LOOPTOP_TARGET_MACHINE_H
#define LOOPTOP_TARGET_MACHINE_H

#include "agent/target/decode.h"

extern const struct lt_machine lt_machine_x86, lt_machine_arm64;

/* One more instruction, not set yet; NULL: out of memory. */
struct lt_insn *lt_function__add(struct lt_function *function, size_t *capacity);

/* arm64: what registers hold where that is certain, into the constants, places and data of the instructions. joins:
 * for each instruction, does a jump or a branch of the function lead to it? 0 or -ENOMEM. */
int lt_arm64_values(const uint8_t *code, struct lt_function *function, const uint8_t *joins);

#endif
