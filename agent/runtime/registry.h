/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A runtime is a table: this symbol, found by this finder, plays this role. A new runtime is one
 * file with a descriptor, and one line in registry.c.
 */
#ifndef LOOPTOP_RUNTIME_REGISTRY_H
#define LOOPTOP_RUNTIME_REGISTRY_H

#include "agent/target/sites.h"

struct lt_rule {
	const char *symbol; /* its name, or the beginning of it */
	bool prefix;
	bool optional; /* several names exist for it over the versions, or some builds inline it */
	lt_finder find;
	enum lt_role role;
	enum lt_group group;
	uint8_t arg, sub;
	const char *cost; /* what is unknown without it: "the thread pool's run times are" */
};

/* An address that memory reads need. */
struct lt_address_rule {
	const char *symbol;
	bool prefix;
	size_t offset; /* of the uint64_t in struct lt_image */
};

struct lt_frames; /* agent/target/frames.h */

/* For a file whose local symbols were stripped: what is there, and who wants to know. */
struct lt_deducing {
	struct lt_elf *elf;
	const struct lt_frames *frames;
	lt_elf_symbol_fn tell;
	void *ctx;
};

#define LT_DECODED_MAX 2

struct lt_runtime {
	const char *name;
	const char *mark; /* a file with a symbol that begins so has this runtime */
	const struct lt_rule *rules; /* ended by a NULL symbol */
	const struct lt_address_rule *addresses; /* likewise */
	/* Kind of pool tasks with this vtable, LT_KIND_MAX: none of them. NULL: has no classes. */
	enum lt_kind (*class_kind)(const char *vtable_symbol);
	/* After all symbols: versions, layouts, what is missing. */
	void (*finish)(struct lt_elf *elf, struct lt_image *image,
		       const uint64_t functions[LT_DECODED_MAX]);
	/* Tells the local symbols that the file's structure gives away, each at most once: a thing with
	 * two candidates is not told. NULL: none are. */
	void (*deduce)(const struct lt_deducing *deducing);
	const char *decoded[LT_DECODED_MAX]; /* functions that finish wants to decode, or NULL */
};

/* How a program's command line names it. */
enum lt_name_form {
	LT_NAME_PART = 1, /* a title "program: part …": the part's first word */
	LT_NAME_TITLE, /* a title "program words": its first words */
	LT_NAME_SCRIPT, /* a script, or "-m module", behind options of Python's */
};

struct lt_name_rule {
	const char *exe; /* the beginning of the executable's file name; NULL ends the table */
	enum lt_name_form form;
};

extern const struct lt_name_rule lt_name_rules[];

/* Most specific first; ended by NULL. */
extern const struct lt_runtime *const lt_runtimes[];
extern const struct lt_runtime lt_runtime_node, lt_runtime_libuv;

#endif
