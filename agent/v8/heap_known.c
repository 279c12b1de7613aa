/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The versions of V8 whose Heap was verified against the process's own figures (facts, memory-reads 1.2). */
#include "agent/v8/heap_known.h"

#define NONE LT_HEAP_NONE
#define AT(offset)                            \
	{                                     \
		.at = (offset), .inner = NONE \
	}
#define IN(pointer, offset)                        \
	{                                          \
		.at = (pointer), .inner = (offset) \
	}
#define NOTHING IN(0, NONE)

#define NEW	LT_SPACE_NEW
#define OLD	LT_SPACE_OLD
#define CODE	LT_SPACE_CODE
#define MAP	LT_SPACE_MAP
#define TRUST	LT_SPACE_TRUSTED
#define NEW_LO	LT_SPACE_NEW_LARGE
#define LO	LT_SPACE_LARGE
#define COD_LO	LT_SPACE_CODE_LARGE
#define TRU_LO	LT_SPACE_TRUSTED_LARGE

/* clang-format off */
const struct lt_heap_known lt_heap_known[] = {
	{ /* Node 16 */
	  .major = 9, .minor = 4, .spaces = 0x168, .n_spaces = 8, .gc_state = 0x1d8,
	  .order = { NONE, OLD, CODE, MAP, LO, COD_LO, NEW_LO, NEW },
	  .young = AT(0x60), .old = AT(0x78), .external = AT(0xc0), .external_more = NOTHING,
	  .read_only = 0x140, .read_only_used = 0x40, .paged_used = 0x128, .large_used = 0xe8,
	  .paged_free = IN(0xd0, 0x28), .new_large_capacity = 0x158,
	  .young_space = { .total = 0x190, .total_more = 0x2a0, .pages_bytes = 0x250, .capacity = 0x258,
			   .top = AT(0xe0), .top_more = NOTHING, .page = 0x280, .area_start = 0x18,
			   .area = 0x40000 - ((0x1004 + 0x117) & ~7) },
	  .allocator = NONE },
	{ /* Node 18 */
	  .major = 10, .minor = 2, .spaces = 0x1d0, .n_spaces = 8, .gc_state = 0x240,
	  .order = { NONE, OLD, CODE, MAP, LO, COD_LO, NEW_LO, NEW },
	  .young = AT(0xc8), .old = AT(0xe0), .external = AT(0x128), .external_more = NOTHING,
	  .read_only = NONE, .paged_used = 0x110, .large_used = 0xd8,
	  .paged_free = IN(0xc0, 0x28), .new_large_capacity = 0x148,
	  .young_space = { .total = 0x178, .total_more = 0x280, .pages_bytes = 0x228, .capacity = 0x230,
			   .top = IN(0xc8, 8), .top_more = NOTHING, .page = 0x260, .area_start = 0x18,
			   .area = 0x40000 - ((0x1004 + 0x12f) & ~7) },
	  .allocator = NONE },
	{ /* Node 20 */
	  .major = 11, .minor = 3, .spaces = 0x1c8, .n_spaces = 9, .gc_state = 0x228,
	  .order = { NONE, NEW, OLD, CODE, NONE, NEW_LO, LO, COD_LO, NONE },
	  .young = AT(0xc8), .old = AT(0xe0), .external = AT(0x128), .external_more = NOTHING,
	  .read_only = NONE, .paged_used = 0x98, .large_used = 0x60,
	  .paged_free = IN(0x40, 0x28), .new_large_capacity = 0x150,
	  .young_space = { .total = 0x180, .total_more = 0x290, .pages_bytes = 0x1b8, .capacity = 0x1c0,
			   .top = IN(0x50, 8), .top_more = NOTHING, .page = 0x1f0, .area_start = 0x18,
			   .area = 0x40000 - ((0x1004 + 0x147) & ~7) },
	  .allocator = NONE },
	{ /* Node 22 */
	  .major = 12, .minor = 4, .spaces = 0x138, .n_spaces = 11, .gc_state = 0x198,
	  .order = { NONE, NEW, OLD, CODE, NONE, TRUST, NEW_LO, LO, COD_LO, NONE, TRU_LO },
	  .young = AT(0x30), .old = AT(0x48), .external = AT(0x90), .external_more = NOTHING,
	  .read_only = NONE, .paged_used = 0x70, .large_used = 0x60,
	  .paged_free = IN(0x48, 0x20), .new_large_capacity = 0x150,
	  .young_space = { .total = 0x90, .total_more = 0x120, .pages_bytes = 0xc8, .capacity = 0xd0,
			   .top = AT(0x1b0), .top_more = NOTHING, .page = 0x100, .area_start = 0x20,
			   .area = 0x3eec0 },
	  .allocator = 0x20,
	  .labs = { { 0x70, 0x190 }, { 0x198, NONE }, { 0x2c0, NONE }, { 0x3e8, NONE },
		    { 0x510, 0x630 } },
	  .n_labs = 5 },
	{ /* Node 24 */
	  .major = 13, .minor = 6, .spaces = 0x160, .n_spaces = 13, .gc_state = 0x220,
	  .order = { NONE, NEW, OLD, CODE, NONE, TRUST, NONE, NEW_LO, LO, COD_LO, NONE, NONE, TRU_LO },
	  .young = AT(0x30), .old = AT(0x50), .external = AT(0x98), .external_more = NOTHING,
	  .read_only = NONE, .paged_used = 0x78, .large_used = 0x68,
	  .paged_free = IN(0x50, 0x20), .new_large_capacity = 0x110,
	  .young_space = { .total = 0x78, .total_more = 0xf8, .pages_bytes = 0xb8, .capacity = 0x1a8,
			   .top = AT(0x160), .top_more = AT(0x180), .page = 0xd0, .area_start = 0x48,
			   .area = 0x3fff0 },
	  .allocator = 0x20,
	  .labs = { { 0x80, 0x170 }, { 0x178, NONE }, { 0x270, NONE }, { 0x368, NONE },
		    { 0x460, 0x550 }, { 0x558, 0x648 } },
	  .n_labs = 6 },
	{ /* Node 26 */
	  .major = 14, .minor = 6, .spaces = 0x118, .n_spaces = 13, .gc_state = 0x228,
	  .order = { NONE, NEW, OLD, CODE, NONE, TRUST, NONE, NEW_LO, LO, COD_LO, NONE, NONE, TRU_LO },
	  .young = AT(0x20), .old = IN(0x7b8, 0x30), .external = AT(0xab8),
	  .external_more = IN(0x7a8, 0x60),
	  .read_only = NONE, .paged_used = 0x68, .large_used = 0x58,
	  .paged_free = IN(0x40, 0x20), .new_large_capacity = 0x100,
	  .young_space = { .total = 0x68, .total_more = 0xd8, .pages_bytes = 0x98, .capacity = 0x178,
			   .top = AT(0x130), .top_more = AT(0x150), .page = 0xb0, .area_start = 0x48,
			   .area = 0x3fff0, .top_may_be_0 = true },
	  .allocator = 0x10,
	  .labs = { { 0x80, 0x178 }, { 0x180, NONE }, { 0x280, NONE }, { 0x380, NONE },
		    { 0x480, 0x578 }, { 0x580, 0x678 } },
	  .n_labs = 6 },
};
/* clang-format on */

const int32_t lt_heap_n_known = sizeof(lt_heap_known) / sizeof(lt_heap_known[0]);
