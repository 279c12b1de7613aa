/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * From a raw stack to names: whose code each address is, which function of which script at which line.
 * Everything is read from the target's memory without stopping it, so everything is checked by its type
 * before it is used: what fails a check is unknown, never a guess.
 */
#ifndef LOOPTOP_V8_V8_H
#define LOOPTOP_V8_V8_H

#include <stddef.h>
#include <stdint.h>

#include "agent/v8/layout.h"
#include "looptop/abi.h"
#include "looptop/snapshot.h"

/* Reads the target's memory: 0 if all length bytes were read, or -errno. A test gives an image of one. */
struct lt_v8_memory {
	int (*read)(void *ctx, uint64_t address, void *buf, size_t length);
	void *ctx;
};

/* Whose code an address is. */
enum lt_pc_class { LT_PC_UNKNOWN, LT_PC_JIT, LT_PC_BUILTIN, LT_PC_NATIVE };

/* --- symbols.c: addresses of a process → its files' symbols ------------------------------------- */

struct lt_symbols;
struct lt_symfiles;

/* Reads the process's maps; the files' symbols are read when first asked for, and kept in symfiles, which is
 * borrowed. blob_*: of the file that has the embedded builtins (they may be mapped twice). 0 or -errno. */
int lt_symbols__new(int pid, const struct lt_v8_layout *layout, struct lt_symfiles *symfiles,
		    struct lt_symbols **ret_symbols);
void lt_symbols__free(struct lt_symbols *symbols);
/* Reads the maps again: JIT areas grow, libraries are loaded. At most once a second does it anything. */
void lt_symbols__refresh(struct lt_symbols *symbols);
enum lt_pc_class lt_symbols__class(struct lt_symbols *symbols, uint64_t pc);
/* Demangled name of the function at pc ("node::fs::Read", "JSON.parse" for a builtin as "JsonParse"), and
 * the file's path; both owned by symbols, NULL: unknown. */
const char *lt_symbols__name(struct lt_symbols *symbols, uint64_t pc, const char **ret_file);

/* A file whose symbols were refused, NULL: none was. */
const char *lt_symbols__refused(const struct lt_symbols *symbols);

/* --- resolve.c: raw stack → frames ------------------------------------------------------------- */

/* What the compiled code of a regular expression is called. */
#define LT_V8_REGEXP "(regular expression)"

struct lt_v8;

struct lt_v8_opts {
	int pid; /* for source files and source maps, read below /proc/PID/root */
	const struct lt_v8_layout *layout; /* borrowed */
	struct lt_v8_memory memory;
	struct lt_symbols *symbols; /* borrowed; NULL: no native symbols, everything is told by memory */
	uint64_t bias; /* run-time address = address in the file with V8 + bias; 0 unless it is relocatable */
};

/* NULL with errno. */
struct lt_v8 *lt_v8__new(const struct lt_v8_opts *opts);
void lt_v8__free(struct lt_v8 *v8);

#define LT_V8_FRAMES_MAX 128

struct lt_v8_stack {
	size_t n_frames;
	struct lt_stack_frame frames[LT_V8_FRAMES_MAX]; /* innermost first; texts are v8's, kept until it is freed or
						   * lt_v8__forget */
	/* Whether the outermost function of the application is a callback of nextTick or a microtask, and
	 * which activation it is (struct lt_raw_frame); 0: unknown. */
	enum lt_starvation starvation;
	uint64_t activation;
};

/* Resolves a raw stack, soon after it was taken. Frames that cannot be told are left out, unless their
 * native symbol is known. 0, or -errno when memory could not be read at all (-ESRCH: it has ended). */
int lt_v8__resolve(struct lt_v8 *v8, const struct lt_raw_stack *raw, struct lt_v8_stack *ret_stack);

/* The function with this SharedFunctionInfo, soon after it was seen: its name, its file and the line on which it begins.
 * 0, or -errno: there is no function of JavaScript at this address. */
int lt_v8__function(struct lt_v8 *v8, uint64_t shared, struct lt_stack_frame *ret_frame);

/*
 * Walks the stack of a thread that sleeps in a system call below JavaScript, by memory alone: from the
 * isolate's c_entry_fp on. ip: of the thread in user space (/proc/PID/task/TID/syscall), 0: unknown. 0;
 * -ENOENT: no JavaScript is on its stack; -EFAULT: the memory does not make sense.
 */
int lt_v8__walk(struct lt_v8 *v8, uint64_t isolate, uint64_t ip, struct lt_raw_stack *ret_raw);

/* How many stacks were resolved, frames that failed a check, reads of memory, and what it took. */
struct lt_v8_stats {
	uint64_t stacks, frames, failed, reads, ns;
};
const struct lt_v8_stats *lt_v8__stats(const struct lt_v8 *v8);

/* Forgets what is cached of the heap: objects may have moved. Texts that were given out become invalid. */
void lt_v8__forget(struct lt_v8 *v8);

#endif
