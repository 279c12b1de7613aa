/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The constants of V8 in one binary: where fields are, which numbers types have. Found by agent/v8 when the
 * binary is analysed, kept with its probe sites.
 */
#ifndef LOOPTOP_V8_H
#define LOOPTOP_V8_H

#include <stdint.h>

#define LT_V8_UNKNOWN (-0x7fffffff)

/* How much of a stack can be told. */
enum lt_v8_level {
	LT_V8_NONE, /* no V8, or one that cannot be read (pointer compression): native symbols only */
	LT_V8_NAMES, /* unknown V8: names of functions and files, definition lines */
	LT_V8_LINES, /* verified V8: exact lines, inlined functions */
};

/* Offsets from an object's address (tagged word less 1) in bytes; X(member). -1 … see above. */
#define LT_V8_FIELDS(X) \
	X(function_type_first) X(function_type_last) X(first_nonstring_type) X(shared_type) \
	X(scope_info_type) X(script_type) X(bytecode_array_type) X(fixed_array_type) \
	X(debug_info_type) X(code_type) X(instruction_stream_type) X(shared_wrapper_type) \
	X(map_instance_type) X(function_shared) X(shared_function_data) X(shared_name_or_scope) \
	X(shared_script) X(shared_token_offset) X(scope_first_vars) X(bytecode_array_data) \
	X(bytecode_array_positions) X(code_header) X(code_deopt_data) X(code_positions) \
	X(code_instruction_start) X(code_instruction_size) X(code_flags) X(code_kind_baseline) \
	X(deopt_inlined_count) X(deopt_literals) X(deopt_shared) X(deopt_inlining_positions) \
	X(script_source) X(script_name) X(script_line_offset) X(script_column_offset) \
	X(script_line_ends) X(script_eval_shared) X(script_eval_position) X(script_source_url) \
	X(c_entry_fp) /* from the isolate */ \
	X(isolate_tls) /* of the current isolate's pointer from fs base */

/*
 * Where the sizes of a V8 heap are. The two offsets move with every change of the isolate and are decoded from the
 * code; what is inside a Heap comes from the table of verified versions, and is compared with the code too.
 */
struct lt_heap_layout {
	int32_t version; /* in that table, from 1; 0: sizes cannot be read, and why_not says why */
	int32_t heap; /* of the Heap in the Isolate */
	int32_t spaces; /* of the array of pointers to its spaces in the Heap */
	int32_t slot_total, slot_used, slot_available; /* of a space's getters in its vtable */
	/* Address in the file of the flag that makes the new space a paged one, 0: there is none. */
	uint64_t minor_flag;
	char why_not[128];
};

struct lt_v8_layout {
	int32_t level; /* enum lt_v8_level */
	int32_t major, minor, build; /* of V8 */
#define LT_V8_MEMBER(name) int32_t name;
	LT_V8_FIELDS(LT_V8_MEMBER)
#undef LT_V8_MEMBER
	int32_t new_positions; /* 1: the code offsets of position tables are encoded as since V8 14 */
	/* Addresses in the file, 0: not found. The embedded builtins are [blob_begin, blob_end). */
	uint64_t blob_begin, blob_end;
	uint64_t bytecode_sizes; /* kBytecodeSizes: 3 rows of bytecode_count bytes */
	uint64_t bytecode_count;
	/* Until V8 10 the isolate is thread-specific data: address in the file of the pthread key (isolate_key_),
	 * 0: none. Then isolate_tls is unknown here; at run time it is 0x310 + 16 * key + 8 (glibc). */
	uint64_t isolate_key;
	char why_not[160]; /* why the level is not LT_V8_LINES; "" if it is */
	struct lt_heap_layout sizes;
};

#endif
