/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the parts of layout reading tell each other. */
#ifndef LOOPTOP_V8_LAYOUT_INTERNAL_H
#define LOOPTOP_V8_LAYOUT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/v8/layout.h"

/* Functions and data of V8 that are decoded rather than read; addresses in the file, 0: not there. */
struct lt_v8_marks {
	uint64_t get_current; /* v8::Isolate::GetCurrent() */
	uint64_t blob_code, blob_code_size; /* v8::internal::DefaultEmbeddedBlobCode(), …CodeSize() */
	uint64_t c_entry; /* the builtin that calls C++ */
	struct lt_v8_function {
		uint64_t vaddr, size;
	} heap_statistics, space_statistics; /* v8::Isolate::GetHeapStatistics(), GetHeapSpaceStatistics() */
	uint64_t set_gc_state; /* v8::internal::Heap::SetGCState(); not exported in every build */
};

/* Finds the embedded builtins, unless their symbols told already; drops a range that is no code. */
void lt_v8_code__blob(struct lt_elf *elf, const struct lt_v8_marks *marks,
		      struct lt_v8_layout *layout);
/* Finds c_entry_fp in the builtin that sets it. */
void lt_v8_code__c_entry(struct lt_elf *elf, const struct lt_v8_marks *marks,
			 struct lt_v8_layout *layout);
/* Finds where a thread keeps its isolate: isolate_tls or isolate_key. */
void lt_v8_code__isolate(struct lt_elf *elf, const struct lt_v8_marks *marks,
			 struct lt_v8_layout *layout);

/* Fills what is unknown from the table of verified versions. false: the version is not in it. */
bool lt_v8_known__fill(struct lt_v8_layout *layout);

/* Finds where the sizes of the heap are (heap_layout.c). Needs V8's version. */
void lt_heap_layout__read(struct lt_elf *elf, const struct lt_v8_marks *marks,
			  struct lt_v8_layout *layout);

#endif
