/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Names of symbols for people. A mangled name is read only as far as the function's qualified name; its
 * parameters and template arguments are stepped over, not printed. That takes time and room in proportion
 * to its length, whatever it holds: demanglers that print all of it can be made to print without end.
 */
#ifndef LOOPTOP_V8_DEMANGLE_H
#define LOOPTOP_V8_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* "_ZN4node2fs4ReadERKN2v8…" → "node::fs::Read", also of Rust's first mangling. false: it is no such name, or
 * has something that is not understood. A name that is too long for buf ends in "...". */
bool lt_demangle(const char *symbol, char *buf, size_t size);

/* Any symbol of a function: "Builtins_ArrayPrototypeSort" → "Array.prototype.sort", the qualified name of C++
 * and Rust functions, other names as they are, less what compilers add to them. Printable; returns buf. */
char *lt_symbol_text(char *buf, size_t size, const char *symbol);

#endif
