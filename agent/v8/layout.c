/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * One pass over the symbols of a file: V8 exports its layout for debuggers as v8dbg_* integers, whose
 * names drift from version to version. What they lack comes from the code and from the table of verified
 * versions; then it is judged how much of a stack can be told.
 */
#include "agent/v8/layout.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "agent/target/elf.h"
#include "agent/util/text.h"
#include "agent/v8/layout_internal.h"

#define CONSTANT_MAX  0xffff /* instance types have 16 bits, offsets and indexes are smaller */
#define BYTECODES_MIN 100
#define BYTECODES_MAX 256

/* A constant and the symbol that has it; "…__": whatever the field's type is called after that. Of several
 * rows of one member the first that is found is taken. */
struct source {
	uint16_t member;
	const char *symbol;
};

#define FROM(member, symbol)                                  \
	{                                                     \
		offsetof(struct lt_v8_layout, member), symbol \
	}

static const struct source sources[] = {
	FROM(function_type_first, "FirstJSFunctionType"),
	FROM(function_type_first, "type_JSFunction__JS_FUNCTION_TYPE"),
	FROM(function_type_last, "LastJSFunctionType"),
	FROM(first_nonstring_type, "FirstNonstringType"),
	FROM(shared_type, "type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE"),
	FROM(scope_info_type, "type_ScopeInfo__SCOPE_INFO_TYPE"),
	FROM(script_type, "type_Script__SCRIPT_TYPE"),
	FROM(bytecode_array_type, "type_BytecodeArray__BYTECODE_ARRAY_TYPE"),
	FROM(fixed_array_type, "type_FixedArray__FIXED_ARRAY_TYPE"),
	FROM(debug_info_type, "type_DebugInfo__DEBUG_INFO_TYPE"),
	FROM(code_type, "type_Code__CODE_TYPE"),
	FROM(instruction_stream_type, "type_InstructionStream__INSTRUCTION_STREAM_TYPE"),
	FROM(shared_wrapper_type,
	     "type_SharedFunctionInfoWrapper__SHARED_FUNCTION_INFO_WRAPPER_TYPE"),
	FROM(map_instance_type, "class_Map__instance_type__"),
	FROM(function_shared, "class_JSFunction__shared__"),
	FROM(shared_function_data, "class_SharedFunctionInfo__function_data__"),
	FROM(shared_name_or_scope, "class_SharedFunctionInfo__name_or_scope_info__"),
	FROM(shared_script, "class_SharedFunctionInfo__script__"),
	FROM(shared_script, "class_SharedFunctionInfo__script_or_debug_info__"),
	FROM(shared_token_offset, "class_SharedFunctionInfo__raw_function_token_offset__"),
	FROM(scope_first_vars, "scopeinfo_idx_first_vars"),
	FROM(bytecode_array_data, "class_BytecodeArray__data__"),
	FROM(bytecode_array_positions, "class_BytecodeArray__source_position_table__"),
	FROM(code_header, "class_InstructionStream__instruction_start__uintptr_t"),
	FROM(code_header, "class_Code__instruction_start__uintptr_t"), /* V8 before 11 */
	FROM(code_deopt_data, "class_Code__deoptimization_data__"),
	FROM(code_positions, "class_Code__source_position_table__"),
	FROM(code_positions, "class_Code__bytecode_offset_table__"), /* the same word */
	FROM(code_instruction_start, "class_Code__instruction_start__Address"),
	FROM(code_instruction_size, "class_Code__instruction_size__"),
	FROM(code_flags, "class_Code__flags__"),
	FROM(code_kind_baseline, "CodeKindBaseline"),
	FROM(deopt_inlined_count, "DeoptimizationDataInlinedFunctionCountIndex"),
	FROM(deopt_literals, "DeoptimizationDataLiteralArrayIndex"),
	FROM(deopt_shared, "DeoptimizationDataWrappedSharedFunctionInfoIndex"),
	FROM(deopt_shared, "DeoptimizationDataSharedFunctionInfoIndex"),
	FROM(deopt_inlining_positions, "DeoptimizationDataInliningPositionsIndex"),
	FROM(script_source, "class_Script__source__"),
	FROM(script_name, "class_Script__name__"),
	FROM(script_line_offset, "class_Script__line_offset__"),
	FROM(script_column_offset, "class_Script__column_offset__"),
	FROM(script_line_ends, "class_Script__line_ends__"),
	FROM(script_eval_shared, "class_Script__eval_from_shared_or_wrapped_arguments__"),
	FROM(script_eval_shared,
	     "class_Script__eval_from_shared_or_wrapped_arguments_or_sfi_table__"),
	FROM(script_eval_position, "class_Script__eval_from_position__"),
	FROM(script_source_url, "class_Script__source_url__"),
};

#define N_SOURCES (sizeof(sources) / sizeof(sources[0]))

/* Without these no function can be named in a V8 that is not in the table. */
static const struct {
	uint16_t member;
	const char *name;
} needed_for_names[] = {
#define NEEDED(member)                                         \
	{                                                      \
		offsetof(struct lt_v8_layout, member), #member \
	}
	NEEDED(function_type_first), NEEDED(first_nonstring_type), NEEDED(shared_type),
	NEEDED(scope_info_type),     NEEDED(script_type),	   NEEDED(map_instance_type),
	NEEDED(function_shared),     NEEDED(shared_name_or_scope), NEEDED(shared_script),
	NEEDED(shared_token_offset), NEEDED(scope_first_vars),	   NEEDED(script_source),
	NEEDED(script_name),
#undef NEEDED
};

struct reading {
	struct lt_elf *elf;
	struct lt_v8_layout *layout;
	struct lt_v8_marks marks;
	int32_t tagged_size, smi_value_shift, smi_shift_size;
	size_t n_constants;
	bool found[N_SOURCES];
	int32_t values[N_SOURCES];
};

static bool is_source(const char *name, const char *wanted)
{
	size_t length = strlen(wanted);
	bool any_type = length > 2 && wanted[length - 1] == '_' && wanted[length - 2] == '_';

	return any_type ? lt_starts_with(name, wanted) : strcmp(name, wanted) == 0;
}

static int32_t int_at(struct reading *reading, const struct lt_elf_symbol *symbol)
{
	int32_t value;

	if (symbol->size != sizeof(value) ||
	    lt_elf__read_data(reading->elf, symbol->vaddr, &value, sizeof(value)))
		return LT_V8_UNKNOWN;
	return value;
}

static void on_constant(struct reading *reading, const char *name, int32_t value)
{
	reading->n_constants++;
	if (!strcmp(name, "TaggedSize"))
		reading->tagged_size = value;
	else if (!strcmp(name, "SmiValueShift"))
		reading->smi_value_shift = value;
	else if (!strcmp(name, "SmiShiftSize"))
		reading->smi_shift_size = value;
	if (value < 0 || value > CONSTANT_MAX)
		return;
	for (size_t i = 0; i < N_SOURCES; i++)
		if (!reading->found[i] && is_source(name, sources[i].symbol)) {
			reading->found[i] = true;
			reading->values[i] = value;
		}
}

/* Data of V8 that is no v8dbg_ constant. */
static void on_data(struct reading *reading, const struct lt_elf_symbol *symbol)
{
	struct lt_v8_layout *layout = reading->layout;
	const char *name = symbol->name;

	if (!strcmp(name, "_ZN2v88internal7Version6major_E"))
		layout->major = int_at(reading, symbol);
	else if (!strcmp(name, "_ZN2v88internal7Version6minor_E"))
		layout->minor = int_at(reading, symbol);
	else if (!strcmp(name, "_ZN2v88internal7Version6build_E"))
		layout->build = int_at(reading, symbol);
	else if (!strcmp(name, "_ZN2v88internal7Isolate12isolate_key_E") &&
		 symbol->size == sizeof(int32_t))
		layout->isolate_key = symbol->vaddr;
	else if (!strcmp(name, "_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE")) {
		layout->bytecode_sizes = symbol->vaddr;
		layout->bytecode_count = symbol->size / 3;
	}
}

static void on_function(struct reading *reading, const struct lt_elf_symbol *symbol)
{
	struct lt_v8_layout *layout = reading->layout;
	struct lt_v8_marks *marks = &reading->marks;
	const char *name = symbol->name;

	if (lt_starts_with(name, "Builtins_")) {
		if (!layout->blob_begin || symbol->vaddr < layout->blob_begin)
			layout->blob_begin = symbol->vaddr;
		if (symbol->size < UINT64_MAX - symbol->vaddr &&
		    symbol->vaddr + symbol->size > layout->blob_end)
			layout->blob_end = symbol->vaddr + symbol->size;
		/* the variants that save more registers do so between the instructions sought */
		if (lt_starts_with(name, "Builtins_CEntry_Return1_") &&
		    strstr(name, "_NoBuiltinExit") && !strstr(name, "_SaveFPRegs"))
			marks->c_entry = symbol->vaddr;
	} else if (!strcmp(name, "_ZN2v87Isolate10GetCurrentEv")) {
		marks->get_current = symbol->vaddr;
	} else if (!strcmp(name, "_ZN2v88internal23DefaultEmbeddedBlobCodeEv")) {
		marks->blob_code = symbol->vaddr;
	} else if (!strcmp(name, "_ZN2v88internal27DefaultEmbeddedBlobCodeSizeEv")) {
		marks->blob_code_size = symbol->vaddr;
	} else if (lt_starts_with(name, "_ZN2v88internal4Heap10SetGCStateE")) {
		marks->set_gc_state = symbol->vaddr;
	} else if (lt_starts_with(name, "_ZN2v87Isolate17GetHeapStatisticsEP")) {
		marks->heap_statistics = (struct lt_v8_function){ symbol->vaddr, symbol->size };
	} else if (lt_starts_with(name, "_ZN2v87Isolate22GetHeapSpaceStatisticsEP")) {
		marks->space_statistics = (struct lt_v8_function){ symbol->vaddr, symbol->size };
	}
}

static int on_symbol(void *ctx, const struct lt_elf_symbol *symbol)
{
	static const char prefix[] = "v8dbg_";
	struct reading *reading = ctx;

	if (symbol->is_function)
		on_function(reading, symbol);
	else if (!lt_starts_with(symbol->name, prefix))
		on_data(reading, symbol);
	else if (symbol->size == sizeof(int32_t))
		on_constant(reading, symbol->name + sizeof(prefix) - 1, int_at(reading, symbol));
	return 0;
}

static void take_constants(struct reading *reading)
{
	for (size_t i = 0; i < N_SOURCES; i++) {
		int32_t *member = (int32_t *)((char *)reading->layout + sources[i].member);

		if (reading->found[i] && *member == LT_V8_UNKNOWN)
			*member = reading->values[i];
	}
}

/* Each row of the table has the length of each bytecode, and none is empty. */
static void check_bytecode_sizes(struct lt_elf *elf, struct lt_v8_layout *layout)
{
	unsigned char sizes[3 * BYTECODES_MAX];
	size_t n = layout->bytecode_count;

	if (n >= BYTECODES_MIN && n <= BYTECODES_MAX &&
	    !lt_elf__read(elf, layout->bytecode_sizes, sizes, 3 * n) && !memchr(sizes, 0, 3 * n))
		return;
	layout->bytecode_sizes = layout->bytecode_count = 0;
}

/* Why no object of this V8 can be read at all; NULL: they can. */
static const char *unreadable(const struct reading *reading)
{
	if (!reading->n_constants)
		return "no V8 is in the file, or it does not export its layout";
	if (reading->tagged_size == LT_V8_UNKNOWN || reading->smi_value_shift == LT_V8_UNKNOWN ||
	    reading->smi_shift_size == LT_V8_UNKNOWN)
		return "this V8 does not tell the size of its words";
	if (reading->tagged_size != 8 ||
	    (int64_t)reading->smi_value_shift + reading->smi_shift_size != 32)
		return "this V8 is built with pointer compression, which is not supported";
	return NULL;
}

static void judge(const struct reading *reading)
{
	struct lt_v8_layout *layout = reading->layout;
	const char *why = unreadable(reading);

	if (why) {
		snprintf(layout->why_not, sizeof(layout->why_not), "%s", why);
		return;
	}
	layout->new_positions = layout->major >= 14;
	if (lt_v8_known__fill(layout)) {
		layout->level = LT_V8_LINES;
		return;
	}
	for (size_t i = 0; i < sizeof(needed_for_names) / sizeof(needed_for_names[0]); i++)
		if (*(int32_t *)((char *)layout + needed_for_names[i].member) == LT_V8_UNKNOWN) {
			snprintf(layout->why_not, sizeof(layout->why_not),
				 "V8 %d.%d.%d is unknown to looptop and does not tell %s",
				 layout->major, layout->minor, layout->build,
				 needed_for_names[i].name);
			return;
		}
	/* only plain functions are sure; classes would follow, how many is not known */
	if (layout->function_type_last < layout->function_type_first)
		layout->function_type_last = layout->function_type_first;
	layout->level = LT_V8_NAMES;
	snprintf(layout->why_not, sizeof(layout->why_not),
		 "V8 %d.%d.%d is unknown to looptop: functions are named without exact lines",
		 layout->major, layout->minor, layout->build);
}

static struct lt_v8_layout nothing_known(void)
{
	struct lt_v8_layout layout = { .level = LT_V8_NONE };

#define UNKNOWN(member) layout.member = LT_V8_UNKNOWN;
	LT_V8_FIELDS(UNKNOWN)
#undef UNKNOWN
	return layout;
}

/* What is read of code and of objects is x86-64's: of another machine's V8 only the version is told. */
static void refuse(const struct lt_v8_layout *layout, const char *machine,
		   struct lt_v8_layout *ret_layout)
{
	struct lt_v8_layout refused = nothing_known();

	refused.major = layout->major;
	refused.minor = layout->minor;
	refused.build = layout->build;
	snprintf(refused.why_not, sizeof(refused.why_not), "stacks are not read on %s yet",
		 machine);
	snprintf(refused.sizes.why_not, sizeof(refused.sizes.why_not),
		 "the heap of V8 %d.%d.%d is unknown: it is not read on %s yet", layout->major,
		 layout->minor, layout->build, machine);
	*ret_layout = refused;
}

void lt_v8_layout__read(struct lt_elf *elf, struct lt_v8_layout *ret_layout)
{
	struct lt_v8_layout layout = nothing_known();
	struct reading reading = {
		.elf = elf,
		.layout = &layout,
		.tagged_size = LT_V8_UNKNOWN,
		.smi_value_shift = LT_V8_UNKNOWN,
		.smi_shift_size = LT_V8_UNKNOWN,
	};

	lt_elf__each_symbol(elf, on_symbol, &reading);
	if (lt_elf__is_arm64(elf)) {
		refuse(&layout, "arm64", ret_layout);
		return;
	}
	take_constants(&reading);
	check_bytecode_sizes(elf, &layout);
	lt_v8_code__blob(elf, &reading.marks, &layout);
	if (reading.n_constants) {
		lt_v8_code__c_entry(elf, &reading.marks, &layout);
		lt_v8_code__isolate(elf, &reading.marks, &layout);
	}
	judge(&reading);
	lt_heap_layout__read(elf, &reading.marks, &layout);
	*ret_layout = layout;
}
