/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The constants of the versions of V8 that were verified on running processes, one column each. Builds of
 * them lack some of the symbols; the ones they have were compared with this table. Another version is not
 * guessed from its neighbours: objects change in silence.
 */
#include <stddef.h>

#include "agent/v8/layout_internal.h"
#include "looptop/log.h"

#define VERSIONS 7
#define NONE	 LT_V8_UNKNOWN /* the version has no such thing */

static const struct {
	int32_t major, minor;
} versions[VERSIONS] = {
	/* Node 16, 18, 20, 22, 24, 25, 26 */
	{ 9, 4 }, { 10, 2 }, { 11, 3 }, { 12, 4 }, { 13, 6 }, { 14, 1 }, { 14, 6 },
};

struct known {
	uint16_t member;
	int32_t values[VERSIONS];
};

#define KNOWN(member, ...)                             \
	{                                              \
		offsetof(struct lt_v8_layout, member), \
		{                                      \
			__VA_ARGS__                    \
		}                                      \
	}
#define SAME(member, v) KNOWN(member, v, v, v, v, v, v, v)

/* clang-format off */
static const struct known table[] = {
	KNOWN(function_type_first, 0x423, 0x811, 0x812, 0x812, 0x811, 0x811, 0x812),
	KNOWN(function_type_last, 0x433, 0x821, 0x822, 0x822, 0x821, 0x821, 0x822),
	KNOWN(first_nonstring_type, 0x40, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80),
	KNOWN(shared_type, 0xb3, 0x101, 0x106, 0x112, 0x11a, 0x11e, 0x120),
	KNOWN(scope_info_type, 0xb2, 0x100, 0x105, 0x110, 0x118, 0x11c, 0x11e),
	KNOWN(script_type, 0x70, 0xaa, 0xa7, 0xa7, 0xa7, 0xa5, 0xa6),
	KNOWN(bytecode_array_type, 0x85, 0xc3, 0xbf, 0xcd, 0xba, 0xb8, 0xb9),
	KNOWN(fixed_array_type, 0x77, 0xb3, 0xaf, 0xae, 0xcd, 0xcd, 0xcd),
	KNOWN(debug_info_type, 0x64, 0x9c, 0x99, 0x9a, 0x9a, 0x99, 0x99),
	KNOWN(code_type, 0xa2, 0xf0, 0xf5, 0xce, 0xbb, 0xb9, 0xba),
	KNOWN(instruction_stream_type, 0xa2, 0xf0, 0xfc, 0xd2, 0xc0, 0xbf, 0xc0),
	KNOWN(shared_wrapper_type, NONE, NONE, NONE, NONE, 0xc3, 0xc2, 0xc3),
	SAME(map_instance_type, 0xc),
	KNOWN(function_shared, 0x18, 0x18, 0x18, 0x20, 0x20, 0x20, 0x20),
	SAME(shared_function_data, 0x8),
	KNOWN(shared_name_or_scope, 0x10, 0x10, 0x10, 0x10, 0x18, 0x18, 0x18),
	KNOWN(shared_script, 0x20, 0x20, 0x20, 0x20, 0x28, 0x28, 0x28),
	KNOWN(shared_token_offset, 0x2c, 0x2c, 0x2c, 0x2c, 0x34, 0x34, 0x34),
	KNOWN(scope_first_vars, 3, 3, 3, 3, 5, 5, 5),
	KNOWN(bytecode_array_data, 0x36, 0x38, 0x36, 0x40, 0x40, 0x40, 0x40),
	KNOWN(bytecode_array_positions, 0x20, 0x20, 0x20, 0x18, 0x18, 0x18, 0x18),
	KNOWN(code_header, 0x60, 0x80, 0x10, 0x20, 0x20, 0x20, 0x20),
	KNOWN(code_deopt_data, 0x10, 0x10, 0x10, 0x8, 0x8, 0x8, 0x8),
	KNOWN(code_positions, 0x18, 0x18, 0x18, 0x10, 0x10, 0x10, 0x10),
	KNOWN(code_instruction_start, NONE, NONE, 0x28, 0x28, 0x28, 0x28, 0x28),
	KNOWN(code_instruction_size, 0x28, 0x28, 0x38, 0x34, 0x38, 0x38, 0x38),
	KNOWN(code_flags, 0x30, 0x30, 0x30, 0x30, 0x34, 0x34, 0x34),
	KNOWN(code_kind_baseline, 0xb, 0xb, 0xb, 0xa, 0xa, 0xa, 0xb),
	SAME(deopt_inlined_count, 1),
	KNOWN(deopt_literals, 2, 2, 2, 2, 3, 3, 3),
	KNOWN(deopt_shared, 6, 6, 6, 6, 7, 7, 7),
	KNOWN(deopt_inlining_positions, 7, 7, 7, 7, 8, 8, 8),
	SAME(script_source, 0x8),
	SAME(script_name, 0x10),
	SAME(script_line_offset, 0x18),
	SAME(script_column_offset, 0x20),
	SAME(script_line_ends, 0x38),
	SAME(script_eval_shared, 0x48),
	SAME(script_eval_position, 0x50),
	/* V8 11 has the positions of functions compiled lazily in front of it */
	KNOWN(script_source_url, 0x68, 0x68, 0x70, 0x70, 0x70, 0x70, 0x70),
};
/* clang-format on */

bool lt_v8_known__fill(struct lt_v8_layout *layout)
{
	size_t column = 0;

	while (column < VERSIONS &&
	       (versions[column].major != layout->major || versions[column].minor != layout->minor))
		column++;
	if (column == VERSIONS)
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int32_t *member = (int32_t *)((char *)layout + table[i].member);
		int32_t value = table[i].values[column];

		if (*member == LT_V8_UNKNOWN)
			*member = value;
		else if (*member != value)
			/* an own build, maybe; what it says of itself is right for it */
			lt_debug("V8 %d.%d: the constant at %u is %#x here, not %#x", layout->major,
				 layout->minor, table[i].member, (unsigned)*member,
				 (unsigned)value);
	}
	return true;
}
