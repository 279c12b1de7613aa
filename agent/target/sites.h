/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Choosing the instruction for a probe. The kernel emulates some instructions and single-steps the
 * others at five times the cost, so a site moves to a cheap one where that means the same.
 * All add what they find to the image; they return the number of sites added, or -errno.
 */
#ifndef LOOPTOP_TARGET_SITES_H
#define LOOPTOP_TARGET_SITES_H

#include "agent/target/elf.h"
#include "looptop/runtime.h"

struct lt_rule; /* registry.h */

/* What the finders work on. */
struct lt_finding {
	struct lt_elf *elf;
	struct lt_image *image;
	/* Functions whose calls are looked for inside uv_run, 0: unknown. */
	uint64_t run_timers, run_check;
};

typedef int (*lt_finder)(struct lt_finding *finding, const struct lt_rule *rule,
			 const struct lt_elf_symbol *function);

/* The entry, before any argument register is changed and before the first branch. */
int lt_find_entry(struct lt_finding *finding, const struct lt_rule *rule,
		  const struct lt_elf_symbol *function);

/* Each way out: returns, and jumps into other functions. */
int lt_find_exits(struct lt_finding *finding, const struct lt_rule *rule,
		  const struct lt_elf_symbol *function);

/* Each call of epoll_wait or epoll_pwait, and the first cheap instruction behind it. */
int lt_find_waits(struct lt_finding *finding, const struct lt_rule *rule,
		  const struct lt_elf_symbol *function);

/* Behind the calls of uv__run_timers and uv__run_check in uv_run. */
int lt_find_phase_ends(struct lt_finding *finding, const struct lt_rule *rule,
		       const struct lt_elf_symbol *function);

/* Behind the indirect call through which a pool thread runs its task. */
int lt_find_task_end(struct lt_finding *finding, const struct lt_rule *rule,
		     const struct lt_elf_symbol *function);

/* Adds a sentence to image->missing. */
void lt_image__miss(struct lt_image *image, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
