/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What a function of a stripped file gives away: whom it calls, and with which functions as arguments;
 * which variables it reads and writes. What is not certain is not told.
 */
#ifndef LOOPTOP_RUNTIME_DEDUCE_H
#define LOOPTOP_RUNTIME_DEDUCE_H

#include "agent/runtime/registry.h"
#include "agent/target/decode.h"

#define LT_POINTERS_MAX 16

/* Decodes the function that begins at vaddr by its frame record. 0; -ENOENT: none begins there; -E2BIG; or as
 * lt_function__decode() says. The caller frees with lt_function__free(). */
int lt_deduce_decode(const struct lt_deducing *deducing, uint64_t vaddr,
		     struct lt_function *ret_function);

/* Does the instruction call (or jump to) that exported or imported function? address: of the one that
 * the file itself has, 0: it has none. */
bool lt_deduce_calls(const struct lt_deducing *deducing, const struct lt_insn *in, const char *name,
		     uint64_t address);

/* The function whose address is the argument of that number, from 0, when insns[at] is reached; 0: not certain. */
uint64_t lt_deduce_argument(const struct lt_deducing *deducing, const struct lt_function *function,
			    size_t at, unsigned argument);

/* The number, of any kind, that is that argument then; 0: not certain. */
uint64_t lt_deduce_number(const struct lt_function *function, size_t at, unsigned argument);

/* The functions whose addresses are taken, also by way of read-only data; at most LT_POINTERS_MAX. */
size_t lt_deduce_pointers(const struct lt_deducing *deducing, const struct lt_function *function,
			  uint64_t pointers[LT_POINTERS_MAX]);

/* Does it reach for disp(register), no place on the stack? */
bool lt_deduce_touches(const struct lt_function *function, int32_t disp);

/* Reads or writes, of `size` bytes, to the variable at a constant address. */
bool lt_deduce_reads(const struct lt_function *function, uint64_t variable, uint8_t size);
bool lt_deduce_writes(const struct lt_function *function, uint64_t variable, uint8_t size);

/* Does it use the address as a value? */
bool lt_deduce_takes(const struct lt_function *function, uint64_t address);

/* Tells a symbol. size 0: that of the function that begins there. */
void lt_deduce_tell(const struct lt_deducing *deducing, const char *name, uint64_t vaddr,
		    uint64_t size);

#endif
