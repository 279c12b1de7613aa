/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What the parts of the resolver share: the caches of one process, and the steps from an object to its
 * name and place. Each step checks what it reads; -errno means "unknown".
 */
#ifndef LOOPTOP_V8_INTERNAL_H
#define LOOPTOP_V8_INTERNAL_H

#include <stdbool.h>

#include "agent/util/budget.h"
#include "agent/v8/arena.h"
#include "agent/v8/heap.h"
#include "agent/v8/v8.h"

#define LT_V8_FUNCTION_TEXT 257 /* bytes of a function's name, with its NUL */
#define LT_V8_FILE_TEXT	    1025

#define LT_V8_SCRIPTS	    1024 /* slots of the caches, powers of two */
#define LT_V8_SHAREDS	    2048
#define LT_V8_CODES	    512

struct lt_stored_map;

/* --- scope.c ----------------------------------------------------------------------------------- */

/* What a ScopeInfo tells of its function. */
struct lt_v8_scope {
	uint64_t name; /* tagged String, 0: none */
	int32_t start, end; /* positions in the script, -1: unknown */
};

int lt_v8_scope__read(struct lt_v8_heap *heap, uint64_t word, struct lt_v8_scope *ret_scope);

/* --- script.c, lines.c ------------------------------------------------------------------------- */

enum lt_v8_lines_state {
	LT_V8_LINES_NEW,
	LT_V8_LINES_KNOWN,
	LT_V8_LINES_FAILED
};

#define LT_V8_MAP_TRIES 5

struct lt_v8_script {
	uint64_t address; /* 0: the slot is free */
	uint64_t source, name, url, map_url; /* words: if one differs it is another script */
	uint64_t line_ends, eval_shared, eval_position; /* words */
	uint64_t checked; /* number of the stack in which it was last compared with the memory */
	const char *file; /* NULL: it has no name */
	bool file_known; /* file was asked for */
	bool user; /* not one of Node's own */
	int32_t line_offset, column_offset;
	enum lt_v8_lines_state lines_state;
	uint32_t *ends; /* of its lines */
	size_t n_ends;
	unsigned char map_tries; /* to open it; LT_V8_MAP_TRIES: no more */
	uint64_t map_next_ns; /* not before then */
	struct lt_stored_map *map; /* NULL: none */
};

/* The script at an address (not tagged), NULL: there is none. Valid until the next call. */
struct lt_v8_script *lt_v8_script__get(struct lt_v8 *v8, uint64_t address);
/* Its file, URL or where it was eval'd: in v8's arena; NULL: it has none. */
const char *lt_v8_script__file(struct lt_v8 *v8, uint64_t address, bool *ret_user);
/* Line and column, from 1, of a position. False: unknown. */
bool lt_v8_script__place(struct lt_v8 *v8, struct lt_v8_script *script, int32_t position,
			 int *ret_line, int *ret_column);
void lt_v8_script__clear(struct lt_v8_script *script);

/* Fills ends from the script's table of line ends, or else from its source. */
void lt_v8_lines__read(struct lt_v8 *v8, struct lt_v8_script *script);
/* Those of one script less. */
void lt_v8_lines__forget(struct lt_v8 *v8, struct lt_v8_script *script);
/* All of them go, for others. */
void lt_v8_lines__drop(struct lt_share *share);

/* --- original.c -------------------------------------------------------------------------------- */

/* Adds where a source map says that the frame's line was written, if the script has a map. */
void lt_v8_original__find(struct lt_v8 *v8, struct lt_v8_script *script,
			  struct lt_stack_frame *frame);

/* --- shared.c ---------------------------------------------------------------------------------- */

/* A function: what its SharedFunctionInfo tells. */
struct lt_v8_shared {
	uint64_t address; /* 0: the slot is free */
	uint64_t name_word, script_word, data; /* words */
	uint64_t script; /* address, 0: it has none */
	const char *name; /* never NULL */
	int32_t start, end; /* in the script; -1: unknown */
	int32_t definition; /* position of its beginning, -1: unknown */
	bool builtin; /* of the runtime itself, has no script */
};

/* 0, or -errno: there is no such thing at this address. */
int lt_v8_shared__get(struct lt_v8 *v8, uint64_t address, struct lt_v8_shared *ret_shared);
/* The SharedFunctionInfo that a word points at, maybe in a wrapper: its address, 0: it does not. */
uint64_t lt_v8_shared__of(struct lt_v8_heap *heap, uint64_t word);
/* The SharedFunctionInfo of a JSFunction (a tagged word): its address, 0: it is none. */
uint64_t lt_v8_shared__of_function(struct lt_v8_heap *heap, uint64_t word);

/* --- code.c ------------------------------------------------------------------------------------ */

/* A piece of compiled code. */
struct lt_v8_code {
	uint64_t start, size; /* of its instructions; size 0: the slot is free */
	uint64_t stream, code; /* address of the object before the instructions, tagged Code */
	uint64_t deopt_data, positions; /* words */
	uint32_t kind;
};

/* The compiled code that pc is in, by looking for its head below pc. 0 or -errno. */
int lt_v8_code__find(struct lt_v8 *v8, uint64_t pc, struct lt_v8_code *ret_code);
/* Whether its tables are where they were: if so, what was read of them meanwhile was this code's. */
bool lt_v8_code__is_current(struct lt_v8 *v8, const struct lt_v8_code *code);
bool lt_v8_code__is_baseline(const struct lt_v8 *v8, const struct lt_v8_code *code);
bool lt_v8_code__is_optimised(const struct lt_v8 *v8, const struct lt_v8_code *code);

/* --- place.c ----------------------------------------------------------------------------------- */

/* The position in the script of an interpreted frame. -1: unknown. */
int32_t lt_v8_place__bytecode(struct lt_v8 *v8, uint64_t bytecode_array, int64_t offset);
/* Of a frame in baseline code. */
int32_t lt_v8_place__baseline(struct lt_v8 *v8, const struct lt_v8_code *code,
			      uint64_t bytecode_array, uint64_t pc);

#define LT_V8_INLINED_MAX 32

/* The functions that one optimised frame stands for, innermost first. */
struct lt_v8_inlined {
	size_t n;
	struct {
		uint64_t shared; /* address */
		int32_t position;
	} frames[LT_V8_INLINED_MAX];
};

/* 0, or -errno: the code is not this function's, or its tables do not make sense. */
int lt_v8_place__optimised(struct lt_v8 *v8, const struct lt_v8_code *code, uint64_t shared,
			   uint64_t pc, struct lt_v8_inlined *ret_inlined);

/* --- native.c ---------------------------------------------------------------------------------- */

/* The symbol at pc, NULL: none is known. */
const char *lt_v8_native__symbol(struct lt_v8 *v8, uint64_t pc);
/* The frame of an address that is no JavaScript. False: it is plumbing, or not known. */
bool lt_v8_native__frame(struct lt_v8 *v8, uint64_t pc, enum lt_pc_class class,
			 struct lt_stack_frame *ret_frame);
/* How a builtin is written in JavaScript ("JsonParse" → "JSON.parse"), NULL: not in the table. */
const char *lt_v8_native__builtin(const char *symbol);

/* --- the resolver ------------------------------------------------------------------------------ */

struct lt_v8 {
	struct lt_v8_heap heap;
	const struct lt_v8_layout *layout;
	struct lt_symbols *symbols;
	int pid;
	uint64_t bias;
	struct lt_arena arena;
	struct lt_v8_script scripts[LT_V8_SCRIPTS];
	struct lt_share lines_share; /* of all scripts' ends */
	struct lt_v8_shared shareds[LT_V8_SHAREDS];
	struct lt_v8_code codes[LT_V8_CODES];
	uint64_t stream_map; /* tagged word of the map of instruction streams that was met last */
	uint8_t *sizes; /* of bytecodes; NULL: not read yet */
	uint8_t *scratch; /* grows */
	size_t scratch_size;
};

/* At least size bytes to work in, kept until the next call; NULL: no memory. */
void *lt_v8__scratch(struct lt_v8 *v8, size_t size);
/* Gives back what is more than is usually needed. */
void lt_v8__trim_scratch(struct lt_v8 *v8);

static inline size_t lt_v8_slot(uint64_t address, size_t n_slots)
{
	return (size_t)(address * 0x9e3779b97f4a7c15ull >> 40) & (n_slots - 1);
}

#endif
